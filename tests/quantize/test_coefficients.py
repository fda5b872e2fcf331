"""Coefficients: nearest integers of the width asked for, legal whatever the real number."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmu_hw.errors import SpecError
from lmu_hw.program.integer_program import Adaptor
from lmu_hw.quantize.coefficients import real_sections, round_adaptor, round_rows, round_sections

WIDTHS = st.integers(4, 24)
REALS = st.floats(0, 2, exclude_min=True, exclude_max=True, allow_subnormal=False)


def nearest(e: float, coef_bits: int) -> Fraction:
    """Return the distance from ``e`` to the nearest legal adaptor of that width, by search."""
    top = (1 << (coef_bits - 1)) - 1
    x = Fraction(e)
    best = Fraction(2)
    for shift in range(80):
        for coef in {math.floor(x * 2**shift), math.ceil(x * 2**shift), 1, top}:
            if 1 <= coef <= top and coef < 2 << shift:
                best = min(best, abs(Fraction(coef, 2**shift) - x))
    return best


# Adaptors.


@given(e=REALS, coef_bits=WIDTHS)
def test_adaptors_are_always_legal(e: float, coef_bits: int) -> None:
    got = round_adaptor(e, coef_bits)
    assert got.shift >= 0
    assert 0 < got.coef < 2 << got.shift
    assert got.coef < 1 << (coef_bits - 1)


@given(e=st.floats(1e-9, 1.98), coef_bits=st.integers(8, 24))
def test_adaptors_are_the_nearest(e: float, coef_bits: int) -> None:
    got = round_adaptor(e, coef_bits)
    error = abs(Fraction(got.coef, 2**got.shift) - Fraction(e))
    assert error <= Fraction(1, 2 ** (got.shift + 1))  # half a unit in the last place
    assert error == nearest(e, coef_bits)


@given(e=st.floats(1e-9, 1.98), coef_bits=st.integers(8, 24))
def test_adaptors_use_the_whole_width(e: float, coef_bits: int) -> None:
    assert round_adaptor(e, coef_bits).coef.bit_length() == coef_bits - 1


@pytest.mark.parametrize("coef_bits", [4, 8, 16])
def test_adaptors_next_to_two(coef_bits: int) -> None:
    top = (1 << (coef_bits - 1)) - 1
    for e in (2 - 2.0**-coef_bits, math.nextafter(2.0, 0.0)):
        assert round_adaptor(e, coef_bits) == Adaptor(top, coef_bits - 2)


@pytest.mark.parametrize(
    ("e", "coef_bits", "adaptor"),
    [
        (1.0, 8, Adaptor(64, 6)),
        (0.5, 8, Adaptor(64, 7)),
        (0.3, 8, Adaptor(77, 8)),
        (1.5, 4, Adaptor(6, 2)),
        (127 / 64, 8, Adaptor(127, 6)),
        (0.999, 8, Adaptor(64, 6)),  # 127.9 / 128 does not fit, 64 / 64 does
        (65.5 / 64, 8, Adaptor(66, 6)),  # half up
        (64.5 / 64, 8, Adaptor(65, 6)),
        (2.0**-20, 8, Adaptor(64, 26)),
    ],
)
def test_adaptors_by_hand(e: float, coef_bits: int, adaptor: Adaptor) -> None:
    assert round_adaptor(e, coef_bits) == adaptor


@given(coef=st.integers(1, 2**23 - 1), shift=st.integers(23, 60), coef_bits=st.just(24))
def test_adaptors_that_need_no_rounding_stay(coef: int, shift: int, coef_bits: int) -> None:
    got = round_adaptor(math.ldexp(coef, -shift), coef_bits)
    assert Fraction(got.coef, 2**got.shift) == Fraction(coef, 2**shift)


def test_sections() -> None:
    real = ((0.3, 1.0), (0.75,))
    rounded = round_sections(real, 8)
    assert rounded == ((Adaptor(77, 8), Adaptor(64, 6)), (Adaptor(96, 7),))
    assert real_sections(rounded) == ((77 / 256, 1.0), (0.75,))


# Rows.


def dyadic(low: int, high: int) -> Any:
    """Return a strategy for real numbers of 45 bits, so that a half is an exact half."""
    return st.builds(math.ldexp, st.integers(-(2**30), 2**30), st.integers(low, high))


@given(row=st.lists(dyadic(-45, -31), min_size=1, max_size=6), weight_bits=WIDTHS)
def test_rows_are_rounded_half_up(row: list[float], weight_bits: int) -> None:
    (coefs,), (shift,) = round_rows(np.array([row]), weight_bits, "readout").tuples()
    assert shift >= 0
    for coef, x in zip(coefs, row, strict=True):
        assert coef == math.floor(Fraction(x) * 2**shift + Fraction(1, 2))
    top = (1 << (weight_bits - 1)) - 1
    assert -top - 1 <= min(coefs)
    assert max(coefs) <= top
    if any(row):
        peak = Fraction(max(map(abs, row)))
        # one shift more and the largest would not fit
        assert math.floor(peak * 2 ** (shift + 1) + Fraction(1, 2)) > top


def test_rows_by_hand() -> None:
    rows = np.array([[1.0, -1.0, 0.5], [0.3, -0.01, 0.0], [5.0, -100.5, 100.4], [0.0, 0.0, 0.0]])
    rounded = round_rows(rows, 8, "readout")
    coefs, shifts = rounded.tuples()
    assert coefs == ((64, -64, 32), (77, -3, 0), (5, -100, 100), (0, 0, 0))
    assert shifts == (6, 8, 0, 0)
    assert all(type(c) is int for row in coefs for c in row)
    assert np.array_equal(rounded.real()[:2], [[1.0, -1.0, 0.5], [77 / 256, -3 / 256, 0]])


def test_every_row_has_a_shift_of_its_own() -> None:
    rows = np.array([[2.0**-k] for k in range(12)])
    rounded = round_rows(rows, 8, "readout")
    coefs, shifts = rounded.tuples()
    assert coefs == ((64,),) * 12
    assert shifts == tuple(range(6, 18))
    assert np.array_equal(rounded.real(), rows)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_row_that_rounds_up_to_the_next_power(sign: int) -> None:
    coefs, shifts = round_rows(np.array([[sign * 0.999, 0.001]]), 8, "readout").tuples()
    assert (coefs, shifts) == (((sign * 64, 0),), (6,))


@pytest.mark.parametrize("peak", [127.5, 128.0, -128.0, 1e6, 1e300])
def test_rows_too_wide(peak: float) -> None:
    text = r"readout needs coefficients above 8 bits: use more state bits\Z"
    with pytest.raises(SpecError, match=text):
        round_rows(np.array([[0.0], [peak]]), 8, "readout")


def test_the_widest_row() -> None:
    assert round_rows(np.array([[127.4, -127.4]]), 8, "readout").tuples() == (((127, -127),), (0,))
