"""The C of a ladder: its text, its words on the host and on boards, what a step takes."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from lmu_hw.firmware import emit, scratch_bytes, tables
from lmu_hw.firmware.boards.microcontrollers import BOARDS, TARGETS
from lmu_hw.measure.footprint.footprint_report import CountedSteps, measure
from lmu_hw.measure.footprint.worst_inputs import NamedInput
from lmu_hw.memory.spec import parse
from lmu_hw.program.integer_program import Ladder, Program
from lmu_hw.quantize.quantize_memory import quantize_memory
from tests.factories.builds import VERSION, write_c, write_c_build
from tests.factories.ladder_corners import LADDER_CORNERS
from tests.factories.programs import MORE_LADDERS, PROGRAMS, with_op
from tests.firmware.same_words import check_on_a_board, check_on_the_host
from tests.firmware.test_targets import SANITIZERS
from tests.tools import require

LADDERS = {n: p for n, p in PROGRAMS.items() if n.startswith("ladder")}
LADDERS |= MORE_LADDERS | LADDER_CORNERS
QUICK = ("ladder", "ladder_channels", "ladder_wide", "ladders")
ALL = [pytest.param(n, marks=() if n in QUICK else pytest.mark.soak) for n in LADDERS]

pytestmark = [pytest.mark.cc]


@pytest.fixture(scope="module")
def c_dir(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return the ``c`` directory of a program."""

    @cache
    def build_dir(name: str) -> Path:
        return write_c_build(LADDERS[name], tmp_path_factory.mktemp("build"), 200)

    return build_dir


@pytest.mark.some(6)
@pytest.mark.parametrize("cc", ["gcc", "clang"])
@pytest.mark.parametrize("options", [("-O0",), ("-O2",), ("-O3",), SANITIZERS], ids=lambda x: x[-1])
@pytest.mark.parametrize("name", ALL)
def test_words_on_the_host(
    name: str, options: tuple[str, ...], cc: str, c_dir: Callable[[str], Path], tmp_path: Path
) -> None:
    check_on_the_host(c_dir(name), cc, options, tmp_path / "test")


@pytest.mark.some(6)
@pytest.mark.qemu
@pytest.mark.parametrize("target", BOARDS)
@pytest.mark.parametrize("name", ALL)
def test_words_on_boards(name: str, target: str, c_dir: Callable[[str], Path]) -> None:
    check_on_a_board(LADDERS[name], c_dir(name), target)


def memory(**keys: object) -> Program:
    """Return a ladder of 64 sections, 16 bits in and out."""
    design = {"d": 64, "theta": 512, "bits": 16, "output": "memory", "discretizer": "bilinear"}
    return quantize_memory(parse({**design, "realization": "ladder", **keys})).program


def worst_of(program: Program, target: str, place: Path) -> int:
    """Return the most instructions that a step may take, zero-input runs included."""
    board = TARGETS[target]
    require(board.toolchain.compiler, board.toolchain.qemu)
    op = program.ops[0]
    assert isinstance(op, Ladder)
    inputs = np.zeros((op.window + 40, 1), dtype=np.int64)
    inputs[:20, 0] = np.random.default_rng(1).integers(-(1 << 15), 1 << 15, 20)
    due = np.ones(len(inputs), dtype=np.bool_)
    steps = CountedSteps(inputs=(NamedInput(name="noise", words=inputs),), due=due)
    counts = measure(board, write_c(program, place), program, steps, quiet=True).instructions
    assert counts.with_output is not None
    assert counts.with_output.worst.bound is not None
    return counts.with_output.worst.bound


@pytest.mark.qemu
@pytest.mark.parametrize(("target", "most"), [("c-m4", 2_600), ("c-m0", 8_200), ("c-rv32", 3_800)])
def test_a_step_of_64_sections_is_cheap(target: str, most: int, tmp_path: Path) -> None:
    """The cascade and its readout take ten to forty times as many."""
    program = memory()
    assert program.multiplies_per_step + program.multiplies_per_output <= 97
    assert worst_of(program, target, tmp_path) <= most


def test_tables_and_scratch_of_64_sections_are_small() -> None:
    program = memory()
    assert sum(table.n_bytes for table in tables(program)) == (64 + 32) * 4
    assert scratch_bytes(program) == 65 * 4
    assert scratch_bytes(PROGRAMS["ladder_one"]) == 0


def code(program: Program) -> str:
    return emit(program, version=VERSION)["lmu.c"]


@pytest.mark.parametrize(
    ("width", "product", "total"), [(29, 32, 32), (30, 32, 32), (31, 32, 64), (32, 64, 64)]
)
def test_sums_are_32_bits_wide_as_long_as_they_fit(width: int, product: int, total: int) -> None:
    text = code(LADDER_CORNERS[f"ladder_brink_{width}"])
    assert f"const int{product}_t d = " in text
    assert f"const int{total}_t sum = " in text


def test_wide_sums_are_narrowed_before_they_are_limited() -> None:
    """A comparison in 32 bits is cheaper than one in 64; words of 32 bits need no other limit."""
    text = code(LADDER_CORNERS["ladder_brink_31"])
    assert "w[i] = lmu_guard32(lmu_narrow(lmu_ladder_sum(even, -t, silent)), LMU_W_MIN," in text
    text = code(LADDER_CORNERS["ladder_brink_32"])
    assert "w[i] = lmu_narrow(lmu_ladder_sum(even, -t, silent));" in text


def test_the_wave_of_an_odd_section_needs_no_limit() -> None:
    """It is a mean of two waves; all others are limited."""
    text = code(PROGRAMS["ladder_channels"])
    assert "        a = lmu_ladder_sum(a, t, silent);\n" in text
    assert len(re.findall(r"lmu_guard32\(lmu_ladder_sum\(", text)) == 4


def test_a_common_scale_makes_the_product_s_upper_half_the_result() -> None:
    text = code(PROGRAMS["ladder"])
    assert "return (int32_t)lmu_half_up64(t, 32);" in text
    assert "d = (b - a) * 2;" in text
    own = emit(LADDER_CORNERS["ladder_own_shifts"], version=VERSION)
    assert "return (int32_t)lmu_half_up64(t, shift);" in own["lmu.c"]
    assert "lmu_ladder_shift[4]" in own["lmu_tables.h"]
    assert "lmu_scale_shift[4]" in own["lmu_tables.h"]


def test_even_words_of_a_readout_are_only_shifted() -> None:
    text = code(LADDER_CORNERS["ladder_odd_readout"])
    assert "to[2 * k] = (int8_t)lmu_clip32(lmu_half_up32(v[2 * k], 6)," in text
    assert "to[6] = (int8_t)lmu_clip32(lmu_half_up32(v[6], 6)," in text
    other = with_op(LADDER_CORNERS["ladder_odd_readout"], 1, shifts=(6, 3, 6, 3, 6, 3, 7))
    assert "to[i] = " in code(other)
