"""A million steps and more of five designs in cxxrtl: no word differs from the interpreter's.

Half of the sequences are played with stalls of either side; between two there is a reset in the
middle of a step. A million steps without a reset follow, against the C of the same program, whose
words are the interpreter's on a part of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lmu_hw.firmware.bulk import BulkEngine
from lmu_hw.program import vectors
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.rtl.schedule import schedule
from lmu_hw.verify.backends import bench, cxxrtl
from lmu_hw.verify.backends.compiled_model import Steps
from lmu_hw.verify.stimulus import Sequences
from tests.factories.builds import write_rtl_build
from tests.factories.configurations import CONFIGURATIONS
from tests.factories.hardware_programs import ALL
from tests.tools import require, require_yosys

pytestmark = [pytest.mark.sim, pytest.mark.soak]

STEPS = 1_000_000
BLOCK = 1 << 14
"""Steps of the unbroken run whose words are kept at a time."""
CHECKED = 20_000
"""Of them, those that the interpreter computes too."""

DESIGNS = (
    "taps d=48 P=3",
    "state d=33 3 channels P=2",
    "stack of 3 every 5th step P=2",
    "tanh head of 48 P=32",
)


@pytest.mark.parametrize("name", DESIGNS)
def test_a_million_steps_from_many_resets(name: str, tmp_path: Path) -> None:
    require("c++|g++|clang++")
    require_yosys()
    program, lanes = CONFIGURATIONS[name].make(), CONFIGURATIONS[name].lanes
    plan = schedule(program, lanes)
    sequences = Sequences(program, STEPS, 1)
    with cxxrtl.build(write_rtl_build(program, tmp_path, lanes=lanes), program) as library:
        result = bench.run(library, program, plan, sequences, 1)
    assert (result.mismatches, result.first) == (0, None)
    assert result.steps >= STEPS
    assert result.cycles_per_step == plan.cycles_per_step
    print(name, result, sequences.silent_steps)


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
    with cxxrtl.build(write_rtl_build(program, tmp_path, lanes=lanes), program) as library:
        result = bench.run(library, program, plan, steps(), 1)
    assert (result.mismatches, result.first) == (0, None)
    assert result.steps >= STEPS
    assert result.cycles_per_step == plan.cycles_per_step
    print(program.title, result)
