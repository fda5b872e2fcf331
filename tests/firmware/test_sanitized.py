"""The C of random networks under sanitizers, from states that drive its sums to their bounds."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lmu_hw.errors import EmitError, UndefinedBehaviourError
from lmu_hw.firmware import emit
from lmu_hw.firmware.c_expressions import binary
from lmu_hw.program.fixedpoint import QFormat, Rounding
from lmu_hw.program.integer_program import (
    Adaptor,
    Ladder,
    Linear,
    MemoryUpdate,
    Program,
    Role,
    Vector,
)
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.program.memory_step import ladder_substep
from lmu_hw.verify.backends import sanitized
from lmu_hw.verify.extremes import extremes
from tests.factories.builds import VERSION, write_c
from tests.factories.corners import CORNERS
from tests.factories.programs import PROGRAMS, ladder_program, with_op
from tests.factories.random_networks import random_program
from tests.tools import needs

N_QUICK, N_SOAK, N_TOGETHER = 40, 1000, 20
SEED = int(os.environ.get("LMU_HW_SEED", "1000"))
"""Of the first network of the long run."""

pytestmark = pytest.mark.cc


tools = needs("clang|gcc")


def check(build_dir: Path, seed: int) -> None:
    program = random_program(seed)
    result, _ = sanitized.run(write_c(program, build_dir / str(seed) / "c").parent, program, seed)
    assert (result.first, result.mismatches) == (None, 0), f"network {seed}"
    assert result.words > 0


@pytest.mark.some(3)
@pytest.mark.parametrize("seed", range(N_QUICK))
def test_random_networks(seed: int, tmp_path: Path) -> None:
    check(tmp_path, seed)


@pytest.mark.soak
@pytest.mark.parametrize("first", range(0, N_SOAK, N_TOGETHER))
def test_a_thousand_random_networks(first: int, tmp_path: Path) -> None:
    for seed in range(SEED + first, SEED + first + N_TOGETHER):
        check(tmp_path, seed)


@pytest.mark.some(5)
@pytest.mark.parametrize(
    "name",
    [
        *("products", "scales_113", "brink_32", "network", "saturating"),
        *("ladder_brink_30", "ladder_saturating", "ladder_own_shifts", "ladders"),
        *("spiking_brink_30", "spiking_brink_31", "spiking_mixed", "spiking_both_ways"),
        *("spiking_drawn_32", "spiking_read"),
    ],
)
def test_corners_of_the_generator(name: str, tmp_path: Path) -> None:
    result, silent = sanitized.run(write_c(CORNERS[name], tmp_path / "c").parent, CORNERS[name], 3)
    assert (result.first, result.mismatches) == (None, 0)
    assert (silent > 0) == any(isinstance(op, MemoryUpdate) for op in CORNERS[name].ops)


def biased() -> Program:
    """Return a row whose sum fits 32 bits, but not with its bias."""
    fmt = QFormat(1, 15)
    return Program(
        title="a bias at the brink",
        vectors=(
            Vector(name="x", length=2, role=Role.INPUT, fmt=fmt),
            Vector(name="h", length=2, role=Role.STATE, fmt=fmt),
            Vector(name="y", length=1, role=Role.OUTPUT, fmt=fmt),
        ),
        ops=(
            Linear(
                sources=("h",),
                n_channels=1,
                rows=((16384, 16390),),
                aligns=(0,),
                biases=(1073734190,),
                multipliers=(1,),
                shifts=(20,),
                target="y",
            ),
        ),
    )


def test_a_bias_that_takes_a_sum_beyond_32_bits(tmp_path: Path) -> None:
    result, _ = sanitized.run(write_c(biased(), tmp_path / "c").parent, biased(), 0)
    assert (result.first, result.mismatches) == (None, 0)


def test_an_expression_without_its_cast_is_not_emitted(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was emitted before: a bias added in 32 bits."""
    assert "= 1073734190 + (int64_t)dots[r]" in emit(biased(), version=VERSION)["lmu.c"]
    module = sys.modules["lmu_hw.firmware.linear"]  # the package has a function of this name
    monkeypatch.setattr(module, "plus", lambda a, b, least=0: binary("+", a, b))
    with pytest.raises(EmitError, match=r"C of 32 bits cannot hold 1073734190 \+ dots\[r\]: "):
        emit(biased(), version=VERSION)


def test_an_expression_without_its_cast_is_found(tmp_path: Path) -> None:
    path = write_c(biased(), tmp_path / "c") / "lmu.c"
    text = path.read_text()
    path.write_text(text.replace("(int64_t)dots[r]", "dots[r]"))
    assert path.read_text() != text
    found = r"signed integer overflow: 1073\d+ \+ 1073\d+ cannot be .* at lmu.c:\d+:\d+"
    with pytest.raises(UndefinedBehaviourError, match=found):
        sanitized.run(tmp_path, biased(), 0)


def test_a_narrow_variable_is_found(tmp_path: Path) -> None:
    """clang sees bits that are lost; without it the words differ."""
    program = PROGRAMS["odd_widths"]
    path = write_c(program, tmp_path / "c") / "lmu.c"
    text = re.sub(r"const int32_t (x|y) = ", r"const int16_t \1 = ", path.read_text())
    path.write_text(text)
    found = ""
    try:
        found = str(sanitized.run(tmp_path, program, 0)[0].first or "")
    except UndefinedBehaviourError as error:
        found = str(error)
    assert re.search(r"implicit conversion|overflow|expected", found)


def test_what_reads_beyond_an_array_is_found(tmp_path: Path) -> None:
    program = PROGRAMS["mixed"]
    path = write_c(program, tmp_path / "c") / "lmu.c"
    text = path.read_text()
    path.write_text(text.replace("i < LMU_Z_INNER_LEN", "i <= 30 * LMU_Z_INNER_LEN"))
    assert path.read_text() != text
    with pytest.raises(UndefinedBehaviourError, match=r"out of bounds|AddressSanitizer"):
        sanitized.run(tmp_path, program, 0)


def test_a_sum_comes_to_its_bound() -> None:
    """Each row, up and down: what noise never does."""
    program = biased()
    cases = extremes(program, 1, 0)
    op = program.ops[0]
    assert isinstance(op, Linear)
    sums = cases.states @ np.array(op.rows[0]) + op.biases[0]
    peak = [sum(w * end for w in op.rows[0]) + op.biases[0] for end in (-(1 << 15), (1 << 15) - 1)]
    assert [sums.min(), sums.max()] == peak


def test_a_sum_of_a_ladder_comes_to_its_bound() -> None:
    """The state of an odd section takes l + a - w: every section meets all three at their ends."""
    program = ladder_program(order=16, state=QFormat(8, 8), seed=3)
    program = with_op(program, 0, sections=(Adaptor(1, 12), Adaptor(1, 12)) * 8)
    op = program.ops[0]
    assert isinstance(op, Ladder)
    fmt = program.vector("w").fmt
    driven = extremes(program, 1, 0, most=32)
    w, u = driven.states[:16, :16], driven.inputs[0, :16]
    waves = ladder_substep(program, op, {"w": w, "u": u}, Rounding.RND, 0)
    a, left = waves.left[:, 0], waves.right[:, 0]
    # the resistor sends nothing to the last one
    sums = left[:, 0:14:2] + a[:, 2::2] - w[:, 1:15:2]
    assert sums.max(axis=0).min() > 2.99 * fmt.max
    assert sums.min(axis=0).max() < 2.99 * fmt.min


def test_cases_keep_to_their_formats() -> None:
    for program in (*PROGRAMS.values(), *CORNERS.values()):
        cases = extremes(program, 3, 5, most=30)
        assert cases.states.shape == (len(cases.states), program.n_words(Role.STATE))
        assert len(cases.states) <= 30
        interpreter = Interpreter(program, len(cases.states))
        interpreter.load(cases.states)
        asked = None if program.output_every else np.ones(3, dtype=np.bool_)
        interpreter.run(cases.inputs, due=asked)


def test_the_same_seed_makes_the_same_cases() -> None:
    program = CORNERS["network"]
    first, second, other = (extremes(program, 2, seed) for seed in (4, 4, 5))
    assert np.array_equal(first.states, second.states)
    assert np.array_equal(first.inputs, second.inputs)
    assert not np.array_equal(first.states, other.states)


def test_one_word_is_driven_both_ways() -> None:
    program = replace(CORNERS["copy"], title="one word")
    cases = extremes(program, 2, 0)
    assert cases.inputs[:2, :2, 0].tolist() == [[127, -128], [-128, 127]]
