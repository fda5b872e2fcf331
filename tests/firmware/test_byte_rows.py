"""Rows for words of 8 bits: the kernels and both tables against integers, on the host and on cores.

On the host, the table for dual multiply-accumulate is read by an emulation of the instructions.
"""

from __future__ import annotations

import ctypes
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmu_hw.firmware import emit, lay_out, scratch_bytes
from lmu_hw.firmware.boards import installed
from lmu_hw.firmware.boards.microcontrollers import TARGETS
from lmu_hw.firmware.byte_rows import byte_table, dual_peak
from lmu_hw.firmware.c_types import Table
from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import Program, Role, Vector
from lmu_hw.program.operations import Linear
from lmu_hw.verify.backends import board_c
from lmu_hw.verify.stimulus import Reference
from tests.factories.builds import VERSION, write_c_build
from tests.factories.programs import PROGRAMS, linear
from tests.firmware.compilers import COMPILERS, STRICT
from tests.firmware.test_kernels import CANARY, PATHS, ROOM
from tests.tools import require, succeed

pytestmark = pytest.mark.cc

BYTES = QFormat(1, 7)
KERNELS = {"rows16_i8_32": 1, "rows8_i8_32": 2, "rows4_i8_32": 4}
LENGTHS = (1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 33, 48)
CORES = ("c-m0", "c-m3", "c-m4", "c-m33", "c-m55", "c-rv32")
QUICK = {("c-m4", 4, 7), ("c-m4", 8, 7), ("c-m55", 4, 7), ("c-m55", 8, 1), ("c-m55", 8, 7)}
BROKEN = {
    "row": ("c-m55", "%[sum3], q0, q2", "%[sum3], q0, q1"),
    "lanes": ("c-m55", '"dlstp.8 lr, lr\\n"\n', '"sub lr, lr, #1\\n dlstp.8 lr, lr\\n"\n'),
    "odd": ("c-m4", "sxtb16 %0, %1, ror #8", "sxtb16 %0, %1, ror #16"),
    "digit": ("c-m4", "w & 0x00FF00FFu, x, s->low", "w & 0x00FF007Fu, x, s->low"),
    "column": ("c-m0", '" adds r5, #1\\n"', '" adds r5, #3\\n"'),
    "sum": ("c-m0", '" add r11, r7\\n"', '" add r10, r7\\n"'),
    "offset": ("c-rv32", "(int32_t)h2[3] * v3", "(int32_t)h2[2] * v3"),
    "rest": ("c-rv32", "sum3 += (int32_t)*h3++ * v;", "sum3 += (int32_t)*h2 * v;"),
}
"""A core, and what breaks one lane of its kernel."""


class Kernels:
    """The kernels of one path as a library."""

    def __init__(self, path: str, directory: Path) -> None:
        self.dual = path == "dsp"
        header = emit(PROGRAMS["mixed"], version=VERSION)["lmu_kernels.h"]
        (directory / "lmu_kernels.h").write_text(header)
        lines = ['#include "lmu_kernels.h"']
        for name, digits in KERNELS.items():
            word = "int8_t" if digits == 2 and not self.dual else "int16_t"
            types = f"int32_t *d, size_t r, const {word} *t, size_t c, const int8_t *x, size_t n"
            lines.append(f"void {name}({types});")
            lines.append(f"void {name}({types}) {{ lmu_{name}(d, r, t, c, x, n); }}")
        (directory / "all.c").write_text("\n".join(lines) + "\n")
        checks = ["-fsanitize=undefined", "-fsanitize-undefined-trap-on-error"]
        flags = ["-std=c99", *STRICT, "-O2", "-fPIC", "-shared", *checks, *PATHS[path]]
        succeed(COMPILERS[0], *flags, directory / "all.c", "-o", directory / "all.so")
        self.library = ctypes.CDLL(str(directory / "all.so"))

    def check(self, name: str, weights: np.ndarray, x: np.ndarray, first: int) -> None:
        """Compare the sums of the columns from ``first`` on, and where they are written."""
        table = self._table(weights, first, KERNELS[name])
        numbers = np.array(table.rows, dtype=table.ctype.removesuffix("_t"))
        out = np.full(len(weights) + ROOM, -1, dtype=np.int32)
        out.view(np.uint8)[:] = CANARY
        words = np.zeros(len(x) + 1, dtype=np.int8)[1:]  # at an odd address
        words[:] = x
        getattr(self.library, name)(
            ctypes.c_void_p(out.ctypes.data),
            ctypes.c_size_t(len(weights)),
            ctypes.c_void_p(numbers.ctypes.data + numbers.itemsize * (first + first % 2)),
            ctypes.c_size_t(numbers.shape[1]),
            ctypes.c_void_p(words.ctypes.data),
            ctypes.c_size_t(len(x)),
        )
        top = -(-len(weights) // 4) * 4
        assert (out[top:].view(np.uint8) == CANARY).all()
        expected = weights[:, first:].astype(np.int64) @ x.astype(np.int64)
        np.testing.assert_array_equal(out[: len(weights)], expected)

    def _table(self, weights: np.ndarray, first: int, digits: int) -> Table:
        parts = [weights[:, :first], weights[:, first:]] if first else [weights]
        rows = [tuple(tuple(map(int, row)) for row in part) for part in parts]
        table = byte_table("rows", rows, digits, "")
        assert table.dual is not None
        return table.dual if self.dual else table


@pytest.fixture(scope="module", params=PATHS)
def kernels(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Kernels:
    """Return the kernels of one path; undefined behaviour ends the process."""
    require("gcc|clang")
    return Kernels(request.param, tmp_path_factory.mktemp(request.param))


def ends(name: str) -> tuple[int, int]:
    """Return the smallest and largest weight of a kernel."""
    half = 1 << 16 // KERNELS[name] - 1
    return -half, half - 1


@pytest.mark.parametrize("name", KERNELS)
def test_extreme_words_and_weights(name: str, kernels: Kernels) -> None:
    for n, n_rows, w, v in product(LENGTHS, (1, 2, 3, 4, 5, 8, 11), ends(name), (-128, 127, 0)):
        kernels.check(name, np.full((n_rows, n), w), np.full(n, v), 0)


@pytest.mark.parametrize("name", KERNELS)
def test_sums_at_the_brink_of_32_bits(name: str, kernels: Kernels) -> None:
    """The longest rows that the proof lets through, and words that bring the sums up and down."""
    low, _ = ends(name)
    n = 511
    rows = tuple((low,) * n for _ in range(7))
    assert 128 * dual_peak(rows, 0, n, KERNELS[name]) < 1 << 31
    assert 128 * dual_peak(rows, 0, n, KERNELS[name]) * (n + 1) // n >= 1 << 31
    for v in (-128, 127):
        kernels.check(name, np.array(rows), np.full(n, v), 0)


@settings(max_examples=60)
@given(data=st.data(), name=st.sampled_from([*KERNELS]))
def test_random(data: st.DataObject, name: str, kernels: Kernels) -> None:
    n_rows, n = data.draw(st.integers(1, 13)), data.draw(st.integers(1, 70))
    first = data.draw(st.integers(0, 5))
    rng = np.random.default_rng(data.draw(st.integers(0, 1 << 32)))
    low, high = ends(name)
    weights = rng.integers(low, high + 1, (n_rows, first + n))
    kernels.check(name, weights, rng.integers(-128, 128, n), first)


def rows_of(weights: np.ndarray, fmt: QFormat = BYTES, role: Role = Role.INPUT) -> Program:
    """Return rows whose sums are seen as they are."""
    n_rows, n = weights.shape
    vectors = (
        Vector(name="x", length=n, role=role, fmt=fmt),
        Vector(name="s", length=1, role=Role.STATE, fmt=fmt),
        Vector(name="y", length=n_rows, role=Role.OUTPUT, fmt=QFormat(48, 0)),
    )
    rows = tuple(tuple(map(int, row)) for row in weights)
    op: Linear = linear(sources=("x",), target="y", rows=rows, shifts=(0,) * n_rows)
    return Program(title="rows", vectors=vectors, ops=(op,))


def test_sums_that_pass_32_bits_are_parted() -> None:
    text = emit(rows_of(np.full((3, 2000), -128)), version=VERSION)["lmu.c"]
    assert text.count("lmu_rows8_i8_32(dots, 3, ") == 4
    text = emit(rows_of(np.full((3, 511), -128)), version=VERSION)["lmu.c"]
    assert text.count("lmu_rows8_i8_32(dots, 3, ") == 1
    text = emit(rows_of(np.full((1, 2000), -128)), version=VERSION)["lmu.c"]
    assert text.count("lmu_row_i8_i8(") == 1


@pytest.mark.parametrize(
    ("fmt", "ctype"),
    [
        (QFormat(1, 7), "int8_t"),
        (QFormat(0, 4), "int8_t"),
        (QFormat(1, 8), "int16_t"),
        (QFormat(0, 8, signed=False), "int16_t"),
        (QFormat(1, 0, signed=False), "int16_t"),
    ],
)
def test_words_that_are_stored_in_8_bits(fmt: QFormat, ctype: str) -> None:
    """Signed words of up to 8 bits, which rows read; spikes and others keep 16."""
    program = rows_of(np.ones((4, 6), dtype=int), fmt)
    assert lay_out(program, "lmu").places["x"].ctype == ctype
    assert lay_out(program, "lmu").places["s"].ctype == "int16_t"


def test_input_words_are_read_where_they_are() -> None:
    """They need no copy, because the kernels read them from any address on."""
    wide, narrow = (rows_of(np.ones((4, 60), dtype=int), QFormat(1, f)) for f in (8, 7))
    assert "work->" not in emit(narrow, version=VERSION)["lmu.c"]
    assert scratch_bytes(wide) - scratch_bytes(narrow) == 60 * 2


@pytest.mark.qemu
@pytest.mark.parametrize(
    ("name", "bits", "n_rows"),
    [
        pytest.param(*case, marks=() if case in QUICK else pytest.mark.soak)
        for case in product(CORES, (4, 8, 16), (1, 7))
    ],
)
def test_on_the_core(name: str, bits: int, n_rows: int, tmp_path: Path) -> None:
    """Extreme and random words and weights, with the processor's own instructions."""
    assert mismatches(name, bits, n_rows, 45, tmp_path) == 0


@pytest.mark.qemu
@pytest.mark.soak
@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("n_rows", [2, 3, 4, 5])
@pytest.mark.parametrize("name", ["c-m4", "c-m55"])
def test_all_lengths_of_vectors(name: str, n_rows: int, n: int, tmp_path: Path) -> None:
    assert mismatches(name, 8, n_rows, n, tmp_path) == 0


@pytest.mark.qemu
@pytest.mark.parametrize("lane", BROKEN)
def test_a_broken_lane_is_found(lane: str, tmp_path: Path) -> None:
    name, right, wrong = BROKEN[lane]
    assert mismatches(name, 8, 4, 45, tmp_path, (right, wrong)) > 0


def mismatches(
    name: str, bits: int, n_rows: int, n: int, directory: Path, change: tuple[str, str] = ("", "")
) -> int:
    """Return the wrong words of rows on a core, with a changed text of the kernels."""
    target = TARGETS[name]
    require(target.toolchain.compiler, target.toolchain.qemu)
    assert installed.missing(target.toolchain) == ()
    rng = np.random.default_rng(bits)
    low, high = -(1 << bits - 1), (1 << bits - 1) - 1
    weights = rng.integers(low, high + 1, (n_rows, n))
    if n_rows > 2:
        weights[0], weights[1] = low, high
    program = rows_of(weights)
    inputs = rng.integers(-128, 128, (5, 1, n))
    inputs[0], inputs[1], inputs[2] = -128, 127, np.where(weights[-1] < 0, -128, 127)
    c_dir = write_c_build(program, directory, 5)
    text = (c_dir / "lmu_kernels.h").read_text()
    assert change[0] in text
    (c_dir / "lmu_kernels.h").write_text(text.replace(*change) if change[0] else text)
    result = board_c.run(target, directory, program, [Reference(program, 1).run(inputs)], 1)
    assert result.words == 5 * n_rows
    return result.mismatches
