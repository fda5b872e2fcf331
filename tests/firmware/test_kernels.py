"""The kernels of ``lmu_kernels.h``, portable and with dual multiply-accumulates, against integers.

On the host the second path runs on an emulation of the instructions; in QEMU, on the processor's.
"""

from __future__ import annotations

import ctypes
import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmu_hw.firmware import digits as digit_tables
from lmu_hw.firmware import emit
from lmu_hw.firmware.boards import installed
from lmu_hw.firmware.boards.microcontrollers import BOARDS, TARGETS
from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import Program, Role, Vector
from lmu_hw.program.operations import Linear, Pointwise, Term
from lmu_hw.verify.backends import board_c
from lmu_hw.verify.stimulus import Reference
from tests.factories.builds import VERSION, write_c_build
from tests.factories.programs import PROGRAMS, linear
from tests.firmware.compilers import COMPILERS, STRICT
from tests.tools import require, succeed

pytestmark = pytest.mark.cc

KERNELS = {"rows16_i16_32": 1, "rows16_i16_64": 1, "rows8_i16_32": 2, "rows4_i16_32": 4}
WIDE_KERNELS = {"rows16_i32_64": 1, "rows8_i32_64": 2, "halves16": 1, "halves8": 2}
HALVES = ("halves16", "halves8")
PATHS = {
    "portable": ["-DLMU_KERNELS_DSP=0", "-DLMU_KERNELS_HALVES=1"],
    "dsp": ["-DLMU_KERNELS_DSP=1", "-I", str(Path(__file__).parent / "acle")],
}
ROOM = 4
"""Rows that a pass may write beyond the last."""
CANARY = 0x5A
SHORT_ROWS = {(1, 9, "c-m55"), (3, 1, "c-m55"), (5, 7, "c-m55")}


def widths(name: str) -> tuple[int, int]:
    """Return the width of the words and of the sums of a kernel."""
    if name in HALVES:
        return 32, 64
    return int(name.split("_")[1][1:]), int(name.split("_")[2])


def most(name: str) -> int:
    """Return the magnitude of the words, such that the sums of 40 columns fit."""
    if name == "rows16_i16_32":
        return 1 << 8
    return 1 << (19 if name in HALVES else widths(name)[0] - 1)


@pytest.fixture(scope="module", params=PATHS)
def kernels(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> ctypes.CDLL:
    """Return the kernels of one path as a library; undefined behaviour ends the process."""
    require("gcc|clang")
    build_dir = tmp_path_factory.mktemp(request.param)
    header = emit(PROGRAMS["mixed"], version=VERSION)["lmu_kernels.h"]
    (build_dir / "lmu_kernels.h").write_text(header)
    lines = ['#include "lmu_kernels.h"']
    for name in KERNELS | WIDE_KERNELS:
        word, bits = widths(name)
        types = (
            f"int{bits}_t *d, size_t r, const int16_t *t, size_t c, const int{word}_t *x, size_t n"
        )
        lines.append(
            f"void {name}({types});\nvoid {name}({types}) {{ lmu_{name}(d, r, t, c, x, n); }}"
        )
    (build_dir / "all.c").write_text("\n".join(lines) + "\n")
    checks = ["-fsanitize=undefined", "-fsanitize-undefined-trap-on-error"]
    flags = ["-std=c99", *STRICT, "-O2", "-fPIC", "-shared", *checks, *PATHS[request.param]]
    succeed(COMPILERS[0], *flags, build_dir / "all.c", "-o", build_dir / "all.so")
    return ctypes.CDLL(str(build_dir / "all.so"))


def dots(
    library: ctypes.CDLL, name: str, weights: np.ndarray, x: np.ndarray, first: int = 0
) -> np.ndarray:
    """Return what a kernel makes of the columns from ``first`` on, and check where it writes."""
    digits = (KERNELS | WIDE_KERNELS)[name]
    rows = tuple(tuple(int(w) for w in row) for row in weights)
    n = len(x)
    table = np.array(digit_tables.pack(rows, [first, n], digits), dtype=np.int16)
    out = np.full(len(rows) + ROOM, -1, dtype=f"i{widths(name)[1] // 8}")
    out.view(np.uint8)[:] = CANARY
    words = np.ascontiguousarray(x, dtype=f"i{widths(name)[0] // 8}")
    getattr(library, name)(
        ctypes.c_void_p(out.ctypes.data),
        ctypes.c_size_t(len(rows)),
        ctypes.c_void_p(table.ctypes.data + 2 * (first + first % 2)),
        ctypes.c_size_t(table.shape[1]),
        ctypes.c_void_p(words.ctypes.data),
        ctypes.c_size_t(n),
    )
    top = -(-len(rows) // 4) * 4
    assert (out[top:].view(np.uint8) == CANARY).all()
    return out[: len(rows)].astype(np.int64)


def check(library: ctypes.CDLL, name: str, weights: np.ndarray, x: np.ndarray, first: int) -> None:
    expected = weights[:, first:].astype(np.int64) @ x.astype(np.int64)
    np.testing.assert_array_equal(dots(library, name, weights, x, first), expected)


def limits(name: str) -> tuple[int, int]:
    """Return the smallest and largest weight of a kernel."""
    bits = 16 // (KERNELS | WIDE_KERNELS)[name]
    return -(1 << bits - 1), (1 << bits - 1) - 1


@pytest.mark.parametrize("name", KERNELS | WIDE_KERNELS)
@pytest.mark.parametrize("n", [1, 2, 3, 8, 17, 32])
@pytest.mark.parametrize("n_rows", [1, 2, 3, 4, 5, 8, 11])
def test_extreme_words_and_weights(name: str, n: int, n_rows: int, kernels: ctypes.CDLL) -> None:
    """All at one end or the other, as far as the kernel's sums hold them."""
    word = most(name)
    for w in limits(name):
        for v in (-word, word - 1, 0):
            check(kernels, name, np.full((n_rows, n), w), np.full(n, v), 0)


@pytest.mark.parametrize("name", KERNELS)
def test_sums_at_the_brink_of_32_bits(name: str, kernels: ctypes.CDLL) -> None:
    """The longest rows that the proof lets through, and words that bring the sums up and down."""
    low, _ = limits(name)
    weigh = 17 if name == "rows4_i16_32" else 1
    n = ((1 << 31) - 1) // (-low * weigh << 15) if name.endswith("_32") else 1000
    for v in (-(1 << 15), (1 << 15) - 1):
        check(kernels, name, np.full((7, n), low), np.full(n, v), 0)


def test_the_longest_rows_in_64_bits(kernels: ctypes.CDLL) -> None:
    """Sums of upper and of lower halves of the products, at their ends."""
    n = digit_tables.MAX_COLUMNS - 1
    for w, v in itertools.product((-(1 << 15), -1, 1, (1 << 15) - 1), repeat=2):
        check(kernels, "rows16_i16_64", np.full((3, n), w), np.full(n, v), 0)


@settings(max_examples=60)
@given(data=st.data(), name=st.sampled_from([*KERNELS, *WIDE_KERNELS]))
def test_random(data: st.DataObject, name: str, kernels: ctypes.CDLL) -> None:
    n_rows, n = data.draw(st.integers(1, 13)), data.draw(st.integers(1, 40))
    first = data.draw(st.integers(0, 5))
    rng = np.random.default_rng(data.draw(st.integers(0, 1 << 32)))
    low, high = limits(name)
    word = most(name)
    weights = rng.integers(low, high + 1, (n_rows, first + n))
    check(kernels, name, weights, rng.integers(-word, word, n), first)


def test_sums_that_pass_32_bits_are_parted() -> None:
    """Low digits whose sums may pass 32 bits: the columns are parted until they cannot."""
    rows = ((-128,) * 2000,) * 3
    text = emit(affine(rows, QFormat(1, 15)), version=VERSION)["lmu.c"]
    assert text.count("lmu_rows8_i16_32(dots, 3, ") == 4
    assert "int64_t sums[3];" in text
    text = emit(affine(((-128,) * 511,) * 3, QFormat(1, 15)), version=VERSION)["lmu.c"]
    assert text.count("lmu_rows8_i16_32(dots, 3, ") == 1


def affine(rows: tuple[tuple[int, ...], ...], fmt: QFormat) -> Program:
    """Return rows whose sums are seen as they are."""
    n, out = len(rows[0]), QFormat(48, 0)
    vectors = (
        Vector(name="u", length=n, role=Role.INPUT, fmt=fmt),
        Vector(name="unused", length=1, role=Role.STATE, fmt=fmt),
        Vector(name="y", length=len(rows), role=Role.OUTPUT, fmt=out),
    )
    op: Linear = linear(sources=("u",), target="y", rows=rows, shifts=(0,) * len(rows))
    return Program(title="rows", vectors=vectors, ops=(op,))


@pytest.mark.some(25)
@pytest.mark.qemu
@pytest.mark.parametrize("name", BOARDS)
@pytest.mark.parametrize("bits", [4, 8, 16, 17])
@pytest.mark.parametrize("word", [8, 16, 24])
def test_on_the_core(name: str, bits: int, word: int, tmp_path: Path) -> None:
    """Extreme and random words and weights, with the processor's own instructions."""
    target = TARGETS[name]
    require(target.toolchain.compiler, target.toolchain.qemu)
    assert installed.missing(target.toolchain) == ()
    rng = np.random.default_rng(bits)
    low, high = -(1 << bits - 1), (1 << bits - 1) - 1
    rows = rng.integers(low, high + 1, (7, 45))
    rows[0], rows[1], rows[2, ::2] = low, high, low
    program = affine(tuple(tuple(map(int, row)) for row in rows), fmt := QFormat(1, word - 1))
    inputs = rng.integers(fmt.min, fmt.max + 1, (5, 1, 45))
    inputs[0], inputs[1], inputs[2] = fmt.min, fmt.max, np.where(rows[3] < 0, fmt.min, fmt.max)
    write_c_build(program, tmp_path, 5)
    result = board_c.run(target, tmp_path, program, [Reference(program, 1).run(inputs)], 1)
    assert (result.first, result.mismatches, result.words) == (None, 0, 35)


@pytest.mark.qemu
@pytest.mark.parametrize(
    ("n_rows", "n", "name"),
    [
        pytest.param(
            n_rows, n, name, marks=() if (n_rows, n, name) in SHORT_ROWS else pytest.mark.soak
        )
        for n_rows in (1, 2, 3, 5)
        for n in (1, 2, 7, 8, 9, 16, 45)
        for name in ("c-m4", "c-m55")
    ],
)
def test_all_lengths_of_vectors(n_rows: int, n: int, name: str, tmp_path: Path) -> None:
    """Whole vectors and a rest, an odd number of rows, and the single row of bytes."""
    target = TARGETS[name]
    require(target.toolchain.compiler, target.toolchain.qemu)
    rng = np.random.default_rng(n)
    weights = rng.integers(-128, 128, (n_rows, n))
    weights[:, 0] = -128
    rows = tuple(tuple(map(int, row)) for row in weights)
    program = affine(rows, fmt := QFormat(1, 15))
    assert ("lmu_row_i8_i16(" in emit(program, version=VERSION)["lmu.c"]) == (n_rows == 1)
    inputs = rng.integers(fmt.min, fmt.max + 1, (4, 1, n))
    inputs[0] = fmt.min
    write_c_build(program, tmp_path, 4)
    result = board_c.run(target, tmp_path, program, [Reference(program, 1).run(inputs)], 1)
    assert (result.first, result.mismatches, result.words) == (None, 0, 4 * n_rows)


@pytest.mark.qemu
@pytest.mark.parametrize(
    ("width", "drop", "name"),
    [
        (24, 5, "c-m4"),
        *(pytest.param(w, d, "c-m0", marks=pytest.mark.soak) for w, d in ((17, 1), (31, 16))),
        *((w, d, "c-m55") for w, d in ((17, 1), (31, 9), (31, 16))),
    ],
)
def test_rounding_to_16_bits(width: int, drop: int, name: str, tmp_path: Path) -> None:
    """Ties, both ends of the words, and results that saturate."""
    target = TARGETS[name]
    require(target.toolchain.compiler, target.toolchain.qemu)
    fmt, out, n = QFormat(width - 20, 20), QFormat(drop - 4, 20 - drop), 21
    vectors = (
        Vector(name="u", length=n, role=Role.INPUT, fmt=fmt),
        Vector(name="unused", length=1, role=Role.STATE, fmt=fmt),
        Vector(name="y", length=n, role=Role.OUTPUT, fmt=out),
    )
    op = Pointwise(terms=(Term(a="u"),), target="y")
    program = Program(title="rounding", vectors=vectors, ops=(op,))
    assert "lmu_rounded(" in emit(program, version=VERSION)["lmu.c"]
    half = 1 << drop - 1
    inputs = np.random.default_rng(width).integers(fmt.min, fmt.max + 1, (4, 1, n))
    inputs[0], inputs[1] = fmt.min, fmt.max
    inputs[2, 0] = (np.arange(n) - n // 2) * half
    write_c_build(program, tmp_path, 4)
    result = board_c.run(target, tmp_path, program, [Reference(program, 1).run(inputs)], 1)
    assert (result.first, result.mismatches, result.words) == (None, 0, 4 * n)


@pytest.mark.parametrize("bits", [32, 64])
def test_clips(bits: int, tmp_path: Path) -> None:
    """Every kind of limits, at and beyond the ends of the type; undefined behaviour ends it."""
    require("gcc|clang")
    kernels = emit(PROGRAMS["mixed"], version=VERSION)["lmu_kernels.h"]
    (tmp_path / "lmu_kernels.h").write_text(kernels)
    lines = ['#include "lmu_kernels.h"']
    for name in ("clip", "guard"):
        call = f"int{bits}_t {name}(int{bits}_t x, int{bits}_t low, int{bits}_t high)"
        lines.append(f"{call};\n{call} {{ return lmu_{name}{bits}(x, low, high); }}")
    (tmp_path / "all.c").write_text("\n".join(lines) + "\n")
    checks = ["-fsanitize=undefined", "-fsanitize-undefined-trap-on-error"]
    flags = ["-std=c99", *STRICT, "-O2", "-fPIC", "-shared", *checks]
    succeed(COMPILERS[0], *flags, tmp_path / "all.c", "-o", tmp_path / "all.so")
    library, ctype = ctypes.CDLL(str(tmp_path / "all.so")), getattr(ctypes, f"c_int{bits}")
    top = (1 << bits - 1) - 1
    limits = [(-128, 127), (-1, 0), (~top, top), (0, 255), (-100, 60), (-9, -5), (5, 9)]
    words = {0, 1, -1, top, ~top, *(end + k for pair in limits for end in pair for k in (-1, 0, 1))}
    for function in (library.clip, library.guard):
        function.restype = ctype
        for low, high in limits:
            for x in words:
                if ~top <= x <= top:
                    got = function(ctype(x), ctype(low), ctype(high))
                    assert got == min(max(x, low), high), (x, low, high)
