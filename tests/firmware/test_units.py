"""Conversions between values and words, against exact fractions, under sanitizers.

One C program converts all values of all formats. `tests/firmware/test_wrapper.py` tests the named
channels of the C++ class.
"""

from __future__ import annotations

import math
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import groupby

import numpy as np
import pytest

from lmu_hw.firmware import emit
from lmu_hw.firmware.conversions import Scaling
from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import Channel, Program, Role, Vector
from tests.factories.builds import VERSION
from tests.factories.programs import copy
from tests.firmware.compilers import COMPILERS
from tests.tools import require, succeed

pytestmark = pytest.mark.cc

FRAC_BITS = range(-9, 21)
FEW = FRAC_BITS[::5]
WIDTHS = {8: FEW, 16: FRAC_BITS, 24: FEW, 25: FEW, 32: FEW, 33: FEW, 53: FEW}
INT32_MIN, INT32_MAX = -(1 << 31), (1 << 31) - 1
CHANNELS = (
    Channel(name="plain"),
    Channel(name="power_of_two", scale=-0.125),
    Channel(name="ecg", unit="mV", scale=0.37),
    Channel(name="inverted", scale=-12.5, offset=101.325),
    Channel(name="fine", scale=1e-3, offset=-3e-3),
    Channel(name="coarse", scale=3e5, offset=1e6),
)
"""The first two convert exactly."""
N_EXACT = 2
EXTREME = (Channel(scale=1e-30), Channel(scale=-1e30, offset=1e30))
"""Only floating-point values have these units."""
N_VALUES = 160


@dataclass(frozen=True)
class Case:
    """An input of a program, and all that the C program converts."""

    program: str
    vector: str
    fmt: QFormat
    channels: tuple[Channel, ...]

    @property
    def name(self) -> str:
        """Start of the names of its C functions."""
        return f"{self.program}_{self.vector}"

    @property
    def input(self) -> Vector:
        """The input."""
        n = len(self.channels)
        return Vector(
            name=self.vector, length=n, fmt=self.fmt, role=Role.INPUT, channels=self.channels
        )

    @property
    def eps(self) -> Fraction:
        """Share by which a conversion in floating point may be off."""
        return Fraction(1, 1 << (22 if self.fmt.width <= 24 else 51))

    @property
    def integers(self) -> bool:
        """Whether integer values are converted."""
        return self.fmt.width <= 32 and self.channels is not EXTREME

    def lsb(self, channel: int) -> Fraction:
        """Value of a word of 1, without the offset."""
        return Fraction(self.channels[channel].scale) / Fraction(2) ** self.fmt.frac_bits

    @cached_property
    def words(self) -> list[int]:
        """Words to convert: rails, small ones, random ones."""
        rng = np.random.default_rng(self.fmt.width)
        few = [self.fmt.min, self.fmt.min + 1, -2, -1, 0, 1, 2, self.fmt.max - 1, self.fmt.max]
        return few + [
            int(w)
            for w in rng.integers(self.fmt.min, self.fmt.max, N_VALUES - len(few), endpoint=True)
        ]

    @cached_property
    def values(self) -> list[list[float]]:
        """Values to convert, of each channel: words, ties and their neighbours, extremes."""
        single = self.fmt.width <= 24
        top = float(np.finfo(np.float32 if single else np.float64).max)
        found = []
        for k, c in enumerate(self.channels):
            near = [
                float((w + part) * self.lsb(k) + Fraction(c.offset))
                for w in self.words[:40]
                for part in (Fraction(0), Fraction(1, 2), Fraction(-3, 7))
            ]
            step = np.float32 if single else np.float64
            near = [float(step(min(max(x, -top), top))) for x in near]
            near += [float(np.nextafter(step(x), step(-top))) for x in near[1:40:3]]
            near += [math.inf, -math.inf, math.nan, top, -top, 0.0, -0.0, float(step(c.offset))]
            near += [float(np.float32(1e-40))] * (N_VALUES - len(near))
            found.append(near)
        return found

    @cached_property
    def integer_values(self) -> list[int]:
        """Integer values to convert."""
        rng = np.random.default_rng(self.fmt.frac_bits + 100)
        few = [INT32_MIN, INT32_MIN + 1, -2, -1, 0, 1, 2, INT32_MAX - 1, INT32_MAX, 1000000]
        sizes = 2.0 ** rng.uniform(0, 31, N_VALUES - len(few))
        return few + [int(x) for x in sizes * rng.choice([-1, 1], sizes.shape)]

    def clipped(self, word: int) -> int:
        """Return a word within the format."""
        return min(max(word, self.fmt.min), self.fmt.max)


def program_of(cases: Sequence[Case]) -> Program:
    """Return a program with an input for each case, of which it copies the first."""
    first = cases[0].input
    state, output = (
        Vector(name=name, length=first.length, fmt=first.fmt, role=role)
        for name, role in (("s", Role.STATE), ("y", Role.OUTPUT))
    )
    return Program(
        title="copy",
        vectors=(*(c.input for c in cases), state, output),
        ops=(copy(first.name, "s"), copy("s", "y")),
        name=cases[0].program,
    )


def rounded(x: Fraction) -> int:
    """Return x to nearest, ties up."""
    return math.floor(x + Fraction(1, 2))


CASES = [
    Case(f"m{width}", f"u{frac - FRAC_BITS[0]}", QFormat(width - frac, frac), CHANNELS)
    for width, fracs in WIDTHS.items()
    for frac in fracs
]
CASES += [
    Case(f"x{width}", f"u{frac - FRAC_BITS[0]}", QFormat(width - frac, frac), EXTREME)
    for width in (8, 24, 32, 40)
    for frac in (-9, 20)
]
MAIN = """#include <stdio.h>
#define N %d
static double values[N]; static int64_t ints[N], words[N], i64[N]; static double real[N];
static void get(void *to) { if (fread(to, 8, N, stdin) != N) { puts("short"); } }
static void put(const void *from) { (void)fwrite(from, 8, N, stdout); }
#define CONVERT(p, v, n_channels, type) \\
    get(words); get(ints); \\
    for (size_t i = 0; i < n_channels; i++) { \\
        get(values); \\
        for (int k = 0; k < N; k++) { i64[k] = p##_##v##_to_word(i, (type)values[k]); } \\
        put(i64); \\
        for (int k = 0; k < N; k++) { real[k] = p##_##v##_from_word(i, (p##_in)words[k]); } \\
        put(real); \\
    }
#define INTEGERS(p, v, n_channels) \\
    for (size_t i = 0; i < n_channels; i++) { \\
        for (int k = 0; k < N; k++) { i64[k] = p##_##v##_to_word_int(i, (int32_t)ints[k]); } \\
        put(i64); \\
        for (int k = 0; k < N; k++) { i64[k] = p##_##v##_from_word_int(i, (p##_in)words[k]); } \\
        put(i64); \\
    }
int main(void) {
%s
return 0; }
"""
Rows = dict[str, dict[str, list[np.ndarray]]]


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    """Return what the C makes of all cases, by case and function: an array for each channel."""
    require("gcc|clang")
    place, calls, includes, data = tmp_path_factory.mktemp("units"), [], [], b""
    for name, cases in groupby(CASES, key=lambda case: case.program):
        for file, text in emit(program_of(list(cases)), version=VERSION).items():
            if file.endswith(".h"):
                (place / file).write_text(text)
        includes.append(f'#include "{name}.h"')
    for case in CASES:
        names, n = f"{case.program}, {case.vector}", len(case.channels)
        real = "float" if case.fmt.width <= 24 else "double"
        calls.append(f"CONVERT({names}, {n}, {real})")
        calls += [f"INTEGERS({names}, {n})"] if case.integers else []
        data += np.array(case.words, "<i8").tobytes() + np.array(case.integer_values).tobytes()
        data += np.array(case.values, "<f8").tobytes()
    (place / "main.c").write_text("\n".join([*includes, MAIN % (N_VALUES, "\n".join(calls))]))
    checks = ["-fsanitize=undefined", "-fno-sanitize-recover=all", "-O0"]
    if COMPILERS[0] == "gcc":
        checks.append("-fsanitize=float-cast-overflow")
    succeed(COMPILERS[0], "-std=c99", *checks, place / "main.c", "-o", place / "main")
    done = subprocess.run([place / "main"], input=data, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    return unpacked(done.stdout)


def unpacked(data: bytes) -> Rows:
    """Return the rows of the C program's output."""
    rows = iter(np.frombuffer(data, "<i8").reshape(-1, N_VALUES))
    found: Rows = {}
    for case in CASES:
        got: dict[str, list[np.ndarray]] = {k: [] for k in ("to", "from", "to_int", "from_int")}
        for _ in case.channels:
            got["to"].append(next(rows))
            got["from"].append(next(rows).view("<f8"))
        for _ in case.channels if case.integers else ():
            got["to_int"].append(next(rows))
            got["from_int"].append(next(rows))
        found[case.name] = got
    assert next(rows, None) is None
    return found


def exact_channels(case: Case) -> set[int]:
    return set(range(N_EXACT)) if case.channels is CHANNELS else set()


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.fmt}")
def test_values_become_words_and_words_values(case: Case, converted: Rows) -> None:
    """Exactly where the scale is a power of two; else within the share that the header states."""
    got = converted[case.name]
    for k, c in enumerate(case.channels):
        lsb, offset = case.lsb(k), Fraction(c.offset)
        for value, word in zip(case.values[k], got["to"][k].tolist(), strict=True):
            if math.isnan(value):
                assert word == 0
                continue
            if math.isinf(value):
                assert word == (case.fmt.max if (value > 0) == (c.scale > 0) else case.fmt.min)
                continue
            exact = (Fraction(value) - offset) / lsb
            slack = Fraction(0)
            if k not in exact_channels(case):
                slack = case.eps * (abs(exact) + abs(offset / lsb))
            assert case.clipped(rounded(exact - slack)) <= word, (c, value)
            assert word <= case.clipped(rounded(exact + slack)), (c, value)
        for word, value in zip(case.words, got["from"][k].tolist(), strict=True):
            exact = word * lsb + offset
            if math.isinf(value):
                assert abs(exact) > Fraction(3.4e38), word
                continue
            share = 0 if k in exact_channels(case) else case.eps
            assert abs(Fraction(value) - exact) <= share * (abs(word * lsb) + abs(offset)), word


@pytest.mark.parametrize("case", [c for c in CASES if c.integers], ids=lambda c: f"{c.fmt}")
def test_integer_values(case: Case, converted: Rows) -> None:
    share = Fraction(1, 1 << 29)
    got = converted[case.name]
    for k, c in enumerate(case.channels):
        lsb, offset = case.lsb(k), Fraction(c.offset)
        for value, word in zip(case.integer_values, got["to_int"][k].tolist(), strict=True):
            exact = (value - offset) / lsb
            slack = share * (abs(exact) + abs(offset / lsb))
            if k in exact_channels(case):
                slack = Fraction(0)
            assert case.clipped(rounded(exact - slack)) <= word, (c, value)
            assert word <= case.clipped(rounded(exact + slack)), (c, value)
        for word, value in zip(case.words, got["from_int"][k].tolist(), strict=True):
            exact = word * lsb + offset
            slack = share * (abs(word * lsb) + abs(offset))
            if k in exact_channels(case):
                slack = Fraction(0)
            low, high = (
                min(max(rounded(x), INT32_MIN), INT32_MAX) for x in (exact - slack, exact + slack)
            )
            assert low <= value <= high, (c, word)


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.fmt}")
def test_words_return(case: Case, converted: Rows) -> None:
    """The value of a word is that word's, where floating point is finer than a word."""
    got = converted[case.name]
    for k in exact_channels(case):
        for word, value in zip(case.words, got["from"][k].tolist(), strict=True):
            assert case.clipped(rounded((Fraction(value) - 0) / case.lsb(k))) == word


@pytest.mark.parametrize("channel", [*EXTREME, Channel(scale=1e-6, offset=0.5)], ids=str)
def test_units_too_fine_or_coarse_for_integers_have_none(channel: Channel) -> None:
    """With an offset, a value that is not far from it would give a wrong word."""
    case = Case("lmu", "u", QFormat(-3, 19), (channel,))
    units = emit(program_of([case]), version=VERSION)["lmu_units.h"]
    assert "_u_to_word(" in units
    assert "_y_to_word_int(" in units
    assert not re.search("_u_(to|from)_word_int", units)


def test_constants_that_a_float_does_not_hold_are_doubles() -> None:
    """An LSB of 1e-30 * 2^-34 would be 0 in a float, and its inverse infinite."""
    case = Case("lmu", "u", QFormat(-18, 34), (Channel(scale=1e-30),))
    units = emit(program_of([case]), version=VERSION)["lmu_units.h"]
    assert "lmu_u_to_word(double value)" in units
    assert re.search(r"value \* 1\.71798691\d+e\+40, ", units)
    assert "inf" not in units
    fine = Case("lmu", "u", QFormat(-18, 34), (Channel(scale=1e-20),))
    assert "lmu_u_to_word(float value)" in emit(program_of([fine]), version=VERSION)["lmu_units.h"]


def test_many_words_of_one_unit_take_no_time() -> None:
    """Equal channels are computed once: 60,000 of them took minutes."""
    case = replace(Case("lmu", "u", QFormat(1, 15), ()), channels=(Channel(scale=0.3),) * 60_000)
    assert (
        "lmu_u_to_word(size_t i, float value)"
        in emit(program_of([case]), version=VERSION)["lmu_units.h"]
    )


def test_scaling_takes_the_smallest_shift() -> None:
    assert Scaling.of(Fraction(3, 4), Fraction(1, 2)) == Scaling(3, 2, 2)
    assert Scaling.of(Fraction(1 << 30), Fraction(0)) == Scaling(1 << 30, 0, 0)
    assert Scaling.of(Fraction(1 << 31), Fraction(0)) is None
    assert Scaling.of(Fraction(1), Fraction(1 << 61)) is None
