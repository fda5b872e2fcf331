"""cocotb testbench of the state port of a core with several signals.

It runs with the settings of `test_lmu`. Signals are saved, cleared and loaded one by one, each when
steps of all of them are in flight.
"""

from __future__ import annotations

import random
from typing import Any

import cocotb
import numpy as np
import test_lmu
from common.stream import never, sometimes
from ports import Ports
from test_state import CLEAR, NONE, Core

from lmu_hw.program.interpreter import Interpreter

ROUNDS = 24
"""Commands, each after some steps of every signal."""
MOST_STEPS = 6
"""Steps of each signal between two commands."""


@cocotb.test()
@cocotb.parametrize(pattern=["free", "stalls", "late sinks"])
async def single_signals(dut: Any, pattern: str) -> None:
    """Each signal matches an interpreter of its own, whatever happens to the others."""
    rng = random.Random(cocotb.RANDOM_SEED)
    await test_lmu.power_up(dut)
    await test_lmu.reset(Ports(dut, **test_lmu.FORM))
    stalls = sometimes(rng, 0.4) if pattern == "stalls" else never
    core = Core(dut, stalls, rng, late=pattern == "late sinks")
    models = [Interpreter(test_lmu.PROGRAM) for _ in range(test_lmu.SIGNALS)]
    inputs = test_lmu.VECTORS.inputs
    for number in range(ROUNDS):
        n_steps = rng.randint(1, MOST_STEPS)
        starts = [rng.randrange(max(1, len(inputs) - n_steps)) for _ in models]
        u = np.stack([inputs[start : start + n_steps] for start in starts], axis=1)
        made = [model.run(u[:, k, None]) for k, model in enumerate(models)]
        core.outputs += np.concatenate(made, axis=1).ravel().tolist()
        await core.offer(u)
        signal = rng.randrange(test_lmu.SIGNALS)
        kind = number % 4
        if kind == 0:
            await core.save(models[signal], signal)
        elif kind == 1:
            models[signal].reset()
            await core.command(CLEAR, signal)
        elif kind == 2:
            models[signal].load(models[rng.randrange(test_lmu.SIGNALS)].save())
            await core.load(models[signal], signal)
        else:
            await core.command(NONE, signal)
    for signal, model in enumerate(models):
        await core.save(model, signal)
    await core.finish()
