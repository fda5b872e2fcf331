"""Zero input after a loud signal dies to exactly zero, and stays there, in every backend."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from lmu_hw.firmware.bulk import BulkEngine
from lmu_hw.memory.spec import LMUSpec, OutputKind
from lmu_hw.program import vectors
from lmu_hw.program.integer_program import Program, Role
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.quantize.quantize_memory import quantize_memory
from tests.factories.builds import write_files, write_verilog
from tests.tools import needs, require

CASES = [(6, 100), (16, 256), (64, 128), (64, 512), (64, 784), (128, 784), (256, 784)]
IN_ICARUS = [
    pytest.param(*case, marks=[pytest.mark.soak] if case[0] >= 16 else [pytest.mark.slow])
    for case in CASES
]
IN_C = [pytest.param(*case, marks=[pytest.mark.soak] if case[0] >= 64 else []) for case in CASES]
STREAMS = 16


tools = needs("cc|gcc|clang")


@cache
def program_of(order: int, theta: int) -> Program:
    """Return the design whose outputs are all its state words, in full."""
    design = quantize_memory(LMUSpec(order=order, theta=float(theta), output=OutputKind.STATE))
    assert design.decay == "proven"
    full = {v.name.replace("z_", "y_"): v.fmt for v in design.program.with_role(Role.STATE)}
    return replace(
        design.program,
        vectors=tuple(
            replace(v, fmt=full[v.name]) if v.role is Role.OUTPUT else v
            for v in design.program.vectors
        ),
    )


def loud(n_steps: int, n_streams: int, seed: int) -> np.ndarray:
    """Return full-scale noise of random signs."""
    return np.random.default_rng(seed).choice([-32768, 32767], (n_steps, n_streams, 1))


def steps_to_zero(states: np.ndarray) -> int:
    """Return the steps after which all words of all streams are zero for good."""
    return int(np.flatnonzero(states.any(axis=(1, 2)))[-1]) + 1


@pytest.mark.cc
@pytest.mark.parametrize(("order", "theta"), IN_C)
def test_in_c_and_in_the_interpreter(order: int, theta: int) -> None:
    program = program_of(order, theta)
    engine = BulkEngine(program, STREAMS)
    engine.run(loud(2 * theta, STREAMS, order))
    start = engine.save()
    assert start[:, :-1].any(axis=1).all()
    zeros = np.zeros((6 * theta, STREAMS, 1), dtype=np.int64)
    states = engine.run(zeros)
    died = steps_to_zero(states)
    assert theta < died < 4 * theta
    assert not states[died:].any(), "the state did not stay zero"
    interpreter = Interpreter(program, STREAMS)
    interpreter.load(start)
    np.testing.assert_array_equal(interpreter.run(zeros[: died + 8]), states[: died + 8])


@pytest.mark.sim
@pytest.mark.parametrize(("order", "theta"), IN_ICARUS)
def test_in_icarus(order: int, theta: int, tmp_path: Path) -> None:
    require("iverilog", "vvp", "make")
    program = program_of(order, theta)
    u = np.concatenate([loud(theta // 4, 1, order), np.zeros((6 * theta, 1, 1), dtype=np.int64)])
    engine = BulkEngine(program)
    words = engine.run(u)
    n_steps = steps_to_zero(words) + 16
    assert n_steps < theta // 4 + 6 * theta
    expected = vectors.Vectors(
        inputs=u[:n_steps, 0], outputs=words[:n_steps, 0], state=engine.save()[0]
    )
    write_files(tmp_path / "vectors", vectors.to_files(program, expected))
    write_verilog(program, tmp_path / "rtl")
    done = subprocess.run(["make", "-C", str(tmp_path / "rtl")], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]
    words = re.search(r"^PASS (\d+) words", done.stdout, re.MULTILINE)
    # the bench plays the steps more than once, with stalls and without
    assert words is not None
    assert int(words[1]) >= expected.outputs.size
