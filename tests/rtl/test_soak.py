"""A million steps and more of four designs in cxxrtl: no word differs from the interpreter's.

Half of the sequences are played with stalls of either side; between two there is a reset in the
middle of a step. A million steps without a reset follow, against the C of the same program, whose
words are the interpreter's on a part of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lmu_hw import vectors
from lmu_hw.executors import bench, cxxrtl
from lmu_hw.executors.harness import Steps
from lmu_hw.firmware.bulk import BulkEngine
from lmu_hw.interpreter import Interpreter
from lmu_hw.schedule import schedule
from lmu_hw.stimulus import Sequences
from tests.rtl.bench import ALL, write_folder
from tests.tools import require, require_yosys

pytestmark = [pytest.mark.sim, pytest.mark.soak]

STEPS = 1_000_000
BLOCK = 1 << 14
"""Steps of the unbroken run whose words are kept at a time."""
CHECKED = 20_000
"""Of them, those that the interpreter computes too."""

DESIGNS = [
    ("lmu", 8),  # two channels, tanh, a head and an argmax
    ("gates_every_2", 4),  # LSTM and GRU, an output every other step
    ("feed_forward_on_demand", 2),  # outputs when asked for, nothing but the memory in between
    ("channels_mixed", 1),  # a memory of two channels, its state read by rows
]


@pytest.mark.parametrize(("name", "lanes"), DESIGNS)
def test_a_million_steps_from_many_resets(name: str, lanes: int, tmp_path: Path) -> None:
    require("c++|g++|clang++")
    require_yosys()
    program, plan = ALL[name], schedule(ALL[name], lanes)
    sequences = Sequences(program, STEPS, 1)
    with cxxrtl.build(write_folder(program, tmp_path, lanes=lanes), program) as library:
        result = bench.run(library, program, plan, sequences, 1)
    assert (result.mismatches, result.first) == (0, None)
    assert result.steps >= STEPS
    assert result.cycles_per_step == plan.cycles_per_step
    print(name, lanes, result, sequences.silent_steps)


@pytest.mark.cc
def test_a_million_steps_without_a_reset(tmp_path: Path) -> None:
    require("c++|g++|clang++", "cc|gcc|clang")
    require_yosys()
    program, lanes = ALL["mixed"], 2
    engine, reference = BulkEngine(program), Interpreter(program)

    def steps() -> Iterator[Steps]:
        for number in range(-(-STEPS // BLOCK)):
            u = vectors.stimulus(program, BLOCK, 1, number)
            due = engine.due(BLOCK)
            outputs = engine.run(u)
            if number * BLOCK < CHECKED:
                np.testing.assert_array_equal(outputs, reference.run(u))
                np.testing.assert_array_equal(engine.save(), reference.save())
            yield Steps(inputs=u[:, 0], due=due, outputs=outputs[:, 0], from_reset=number == 0)

    plan = schedule(program, lanes)
    with cxxrtl.build(write_folder(program, tmp_path, lanes=lanes), program) as library:
        result = bench.run(library, program, plan, steps(), 1)
    assert (result.mismatches, result.first) == (0, None)
    assert result.steps >= STEPS
    assert result.cycles_per_step == plan.cycles_per_step
    print(program.title, result)
