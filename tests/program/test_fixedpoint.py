"""Words: rounding and overflow equal apytypes', exhaustively on small widths."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
from apytypes import APyFixedArray, OverflowMode, QuantizationMode
from hypothesis import given
from hypothesis import strategies as st

from lmu_hw.errors import FormatError, LMUHWError, RangeError
from lmu_hw.program.fixedpoint import (
    MAX_WORD_BITS,
    Overflow,
    QFormat,
    Rounding,
    from_real,
    overflow,
    requantize,
    round_shift,
    round_sum,
    to_real,
)

QUANTIZATIONS = {
    Rounding.TRN: QuantizationMode.TRN,
    Rounding.TRN_ZERO: QuantizationMode.TRN_ZERO,
    Rounding.RND: QuantizationMode.RND,
    Rounding.RND_CONV: QuantizationMode.RND_CONV,
}
OVERFLOWS = {Overflow.WRAP: OverflowMode.WRAP, Overflow.SAT: OverflowMode.SAT}


def words(fmt: QFormat) -> list[int]:
    return list(range(fmt.min, fmt.max + 1))


def exact(x: Fraction, rounding: Rounding) -> int:
    """Round a fraction by the definition of the mode, in rational arithmetic."""
    low = math.floor(x)
    if rounding is Rounding.TRN:
        return low
    if rounding is Rounding.TRN_ZERO:
        return low if x >= 0 else math.ceil(x)
    if x - low != Fraction(1, 2):
        return math.floor(x + Fraction(1, 2))
    return low + 1 if rounding is Rounding.RND else low + low % 2


def apytypes_cast(
    x: list[int], src: QFormat, dst: QFormat, rounding: Rounding, mode: Overflow
) -> list[int]:
    array = APyFixedArray(x, int_bits=src.int_bits, frac_bits=src.frac_bits)
    cast = array.cast(
        int_bits=dst.int_bits,
        frac_bits=dst.frac_bits,
        quantization=QUANTIZATIONS[rounding],
        overflow=OVERFLOWS[mode],
    )
    return np.ldexp(cast.to_numpy(), dst.frac_bits).astype(np.int64).tolist()  # exact: small words


# Against apytypes.


@pytest.mark.parametrize("mode", Overflow)
@pytest.mark.parametrize("rounding", Rounding)
def test_requantize_is_that_of_apytypes(rounding: Rounding, mode: Overflow) -> None:
    """Every word of 1 to 7 bits, from every format to every format nearby, ints and arrays."""
    for width, frac, dst_int, dst_frac in product((1, 2, 3, 5, 7), (0, 4), (-1, 0, 1, 3), range(6)):
        if dst_int + dst_frac < 1:
            continue
        src, dst = QFormat(width - frac, frac), QFormat(dst_int, dst_frac)
        x = words(src)
        expected = apytypes_cast(x, src, dst, rounding, mode)
        got = requantize(np.array(x), src, dst, rounding, mode)
        assert got.dtype == np.int64
        assert got.tolist() == expected, (src, dst)
        assert [requantize(i, src, dst, rounding, mode) for i in x] == expected, (src, dst)


@pytest.mark.parametrize(
    ("src", "dst"),
    [
        (QFormat(3, 10), QFormat(2, -1)),
        (QFormat(8, -2), QFormat(7, -3)),
        (QFormat(-2, 13), QFormat(-3, 9)),
        (QFormat(5, 6), QFormat(9, 8)),
        (QFormat(11, 0), QFormat(1, 5)),
    ],
    ids=str,
)
def test_odd_formats_are_those_of_apytypes(src: QFormat, dst: QFormat) -> None:
    x = words(src)
    for rounding, mode in product(Rounding, Overflow):
        expected = apytypes_cast(x, src, dst, rounding, mode)
        assert requantize(np.array(x), src, dst, rounding, mode).tolist() == expected
        assert [requantize(i, src, dst, rounding, mode) for i in x] == expected


@pytest.mark.parametrize("mode", Overflow)
def test_overflow_is_that_of_apytypes(mode: Overflow) -> None:
    x = list(range(-130, 131))
    src = QFormat(9, 0)
    for width in range(1, 9):
        dst = QFormat(width, 0)
        expected = apytypes_cast(x, src, dst, Rounding.TRN, mode)
        assert [overflow(i, dst, mode) for i in x] == expected
        assert overflow(np.array(x), dst, mode).tolist() == expected


# Against rational arithmetic.


@pytest.mark.parametrize("rounding", Rounding)
def test_round_shift_is_exact(rounding: Rounding) -> None:
    x = list(range(-70, 71))
    for shift in range(6):
        expected = [exact(Fraction(i, 1 << shift), rounding) for i in x]
        assert [round_shift(i, shift, rounding) for i in x] == expected
        assert round_shift(np.array(x), shift, rounding).tolist() == expected


@pytest.mark.parametrize("rounding", Rounding)
def test_round_sum_is_round_shift_of_the_sum(rounding: Rounding) -> None:
    for shift in range(6):
        base, x = (a.ravel() for a in np.mgrid[-9:10, -70:71])
        expected = round_shift(base * (1 << shift) + x, shift, rounding)
        assert np.array_equal(round_sum(base, x, shift, rounding), expected)
        for b, i, word in zip(base.tolist(), x.tolist(), expected.tolist(), strict=True):
            assert round_sum(b, i, shift, rounding) == word
            assert word == exact(b + Fraction(i, 1 << shift), rounding)


@given(
    x=st.integers(-(2**200), 2**200),
    base=st.integers(-(2**100), 2**100),
    shift=st.integers(0, 150),
    rounding=st.sampled_from(Rounding),
)
def test_ints_of_any_size(x: int, base: int, shift: int, rounding: Rounding) -> None:
    assert round_shift(x, shift, rounding) == exact(Fraction(x, 1 << shift), rounding)
    assert round_sum(base, x, shift, rounding) == exact(base + Fraction(x, 1 << shift), rounding)


@pytest.mark.parametrize("rounding", Rounding)
def test_the_widest_arrays(rounding: Rounding) -> None:
    """Int64 keeps a bit to spare: the ends of 63 bits do not wrap."""
    end = (1 << 62) - 1
    x = [-end - 1, -end, -1, 0, 1, end - 1, end]
    for shift in (0, 1, 31, 61):
        expected = [round_shift(i, shift, rounding) for i in x]
        assert round_shift(np.array(x), shift, rounding).tolist() == expected
        assert round_sum(np.zeros(7, dtype=np.int64), np.array(x), shift, rounding).tolist() == (
            expected
        )


def test_unsigned_formats() -> None:
    src, dst = QFormat(4, 3), QFormat(2, 1, signed=False)
    for i in words(src):
        half_up = exact(Fraction(i, 4), Rounding.RND)
        assert requantize(i, src, dst, Rounding.RND) == min(max(half_up, 0), 7)
        assert requantize(i, src, dst, Rounding.RND, Overflow.WRAP) == half_up % 8
    assert overflow(np.array([-1, 8]), dst, Overflow.SAT).tolist() == [0, 7]
    assert overflow(np.array([-1, 8]), dst, Overflow.WRAP).tolist() == [7, 0]


def test_finer_words_are_only_shifted() -> None:
    src, dst = QFormat(3, 2), QFormat(3, 7)
    for rounding in Rounding:
        assert [requantize(i, src, dst, rounding) for i in words(src)] == [
            32 * i for i in words(src)
        ]


def test_quantize_first_then_overflow() -> None:
    # 3.75 rounds up to 4, which does not fit: the other order would leave 3 or wrap to -4 unseen
    src, dst = QFormat(3, 2), QFormat(3, 0)
    assert requantize(15, src, dst, Rounding.RND, Overflow.SAT) == 3
    assert requantize(15, src, dst, Rounding.RND, Overflow.WRAP) == -4
    assert requantize(15, src, dst, Rounding.TRN, Overflow.WRAP) == 3


# Formats.


@pytest.mark.parametrize(
    ("fmt", "text", "low", "high", "lsb"),
    [
        (QFormat(1, 15), "Q1.15", -32768, 32767, 2.0**-15),
        (QFormat(1, 0), "Q1.0", -1, 0, 1.0),
        (QFormat(0, 8, signed=False), "UQ0.8", 0, 255, 2.0**-8),
        (QFormat(1, 0, signed=False), "UQ1.0", 0, 1, 1.0),
        (QFormat(-3, 8), "Q-3.8", -16, 15, 2.0**-8),
        (QFormat(9, -4), "Q9.-4", -16, 15, 16.0),
        (QFormat(1, 62), "Q1.62", -(2**62), 2**62 - 1, 2.0**-62),
        (QFormat(63, 0, signed=False), "UQ63.0", 0, 2**63 - 1, 1.0),
    ],
)
def test_formats(fmt: QFormat, text: str, low: int, high: int, lsb: float) -> None:
    assert str(fmt) == text
    assert (fmt.min, fmt.max, fmt.lsb) == (low, high, lsb)
    assert fmt.max - fmt.min + 1 == 1 << fmt.width


@pytest.mark.parametrize(
    ("int_bits", "frac_bits", "signed", "text"),
    [
        (0, 0, True, r"format Q0\.0 must be 1 to 63 bits, not 0"),
        (-1, 0, True, r"format Q-1\.0 must be 1 to 63 bits, not -1"),
        (1, 63, True, r"format Q1\.63 must be 1 to 63 bits, not 64"),
        (60, 4, False, r"format UQ60\.4 must be 1 to 63 bits, not 64"),
    ],
)
def test_impossible_formats(int_bits: int, frac_bits: int, signed: bool, text: str) -> None:
    with pytest.raises(FormatError, match=text + r"\Z"):
        QFormat(int_bits, frac_bits, signed)
    assert MAX_WORD_BITS == 63


@pytest.mark.parametrize(
    ("x", "fmt", "text"),
    [
        (128, QFormat(1, 7), r"word must be -128 to 127 \(Q1\.7\), not 128"),
        (-129, QFormat(1, 7), r"word must be -128 to 127 \(Q1\.7\), not -129"),
        (-1, QFormat(0, 8, signed=False), r"word must be 0 to 255 \(UQ0\.8\), not -1"),
        ([0, 500, 9], QFormat(1, 7), r"word must be -128 to 127 \(Q1\.7\), not 500"),
        (np.array([[0, 1], [-200, 2]]), QFormat(1, 7), r"word must be .*, not -200"),
        (2**70, QFormat(1, 7), rf"word must be .*, not {2**70}"),
    ],
)
def test_check_refuses(x: Any, fmt: QFormat, text: str) -> None:
    with pytest.raises(RangeError, match=text + r"\Z") as error:
        fmt.check(x)
    assert isinstance(error.value, LMUHWError)
    assert isinstance(error.value, OverflowError)


def test_check_takes_every_word_and_names_the_vector() -> None:
    QFormat(1, 7).check(np.arange(-128, 128))
    QFormat(1, 7).check(-128)
    with pytest.raises(RangeError, match=r"^z_inner must be -128 to 127 \(Q1\.7\), not 128\Z"):
        QFormat(1, 7).check(128, "z_inner")


# Floats.


def test_from_real_rounds_half_up() -> None:
    fmt = QFormat(3, 2)
    x = [k / 16 for k in range(-64, 60)]
    got, n_saturated = from_real(x, fmt)
    assert got.dtype == np.int64
    assert got.tolist() == [math.floor(Fraction(v) * 4 + Fraction(1, 2)) for v in x]
    assert n_saturated == 0


def test_from_real_counts_what_it_saturates() -> None:
    fmt = QFormat(1, 3)
    got, n_saturated = from_real([-9.0, -1.0625, -1.07, -1.0, 0.0, 0.93, 0.9375, 1.0, 1e300], fmt)
    assert got.tolist() == [-8, -8, -8, -8, 0, 7, 7, 7, 7]
    assert n_saturated == 3  # 0.9375 and 1.0 are one LSB above the largest word at most
    assert from_real([1.0, 1.01], fmt)[1] == 1
    got, n_saturated = from_real([[-1.0], [2.01]], QFormat(1, 3, signed=False))
    assert (got.tolist(), n_saturated) == ([[0], [15]], 2)


def test_from_real_full_scale() -> None:
    got, n_saturated = from_real([-5.0, -2.5, 0.0, 2.5, 5.0], QFormat(1, 7), full_scale=5.0)
    assert got.tolist() == [-128, -64, 0, 64, 127]
    assert n_saturated == 0


def test_from_real_is_exact_at_the_ends_of_float64() -> None:
    below_half = float(np.nextafter(0.5, 0.0))
    odd, fmt = 2.0**52 + 1, QFormat(60, 0)
    assert from_real([below_half, odd, -odd], fmt)[0].tolist() == [0, int(odd), -int(odd)]
    assert from_real([1.0], QFormat(1, 62))[0].tolist() == [QFormat(1, 62).max]


def test_to_real_values() -> None:
    assert to_real([-128, -1, 0, 1], QFormat(1, 7)).tolist() == [-1.0, -(2.0**-7), 0.0, 2.0**-7]
    assert to_real([3], QFormat(9, -4)).tolist() == [48.0]


@given(width=st.integers(1, 50), frac=st.integers(-20, 60), signed=st.booleans(), data=st.data())
def test_words_come_back(width: int, frac: int, signed: bool, data: st.DataObject) -> None:
    fmt = QFormat(width - frac, frac, signed)
    x = data.draw(st.lists(st.integers(fmt.min, fmt.max), min_size=1))
    got, n_saturated = from_real(to_real(x, fmt), fmt)
    assert (got.tolist(), n_saturated) == (x, 0)
    fmt.check(got)
