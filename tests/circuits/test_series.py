"""Preferred values against the printed tables of IEC 60063."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lmu_hw.circuits.series import E6, E12, E24, E96, EXACT, SERIES, ValueSeries
from lmu_hw.errors import SpecError

# Copied from a printed table, not computed.
E96_TABLE = """
100 102 105 107 110 113 115 118 121 124 127 130 133 137 140 143 147 150 154 158 162 165 169 174
178 182 187 191 196 200 205 210 215 221 226 232 237 243 249 255 261 267 274 280 287 294 301 309
316 324 332 340 348 357 365 374 383 392 402 412 422 432 442 453 464 475 487 499 511 523 536 549
562 576 590 604 619 634 649 665 681 698 715 732 750 768 787 806 825 845 866 887 909 931 953 976
"""


def test_tables() -> None:
    assert E96.digits == tuple(int(x) for x in E96_TABLE.split())
    assert E6.digits == (10, 15, 22, 33, 47, 68)
    assert E12.digits == (10, 12, 15, 18, 22, 27, 33, 39, 47, 56, 68, 82)
    assert len(E24.digits) == 24
    assert set(E12.digits) < set(E24.digits)


@pytest.mark.parametrize("series", [E6, E12, E24, E96])
def test_values_are_the_floats_of_their_digits(series: ValueSeries) -> None:
    assert 2.2e-9 in E6.within(1e-9, 1e-8)
    for value in series.within(1e-12, 1e7):
        assert series.around(value) == (value, value)
        assert series.nearest(value) == value
        assert len(f"{value:.15g}".replace(".", "").strip("0").split("e")[0]) <= 3


@pytest.mark.parametrize("series", [E6, E12, E24, E96])
def test_nearest_is_the_smallest_ratio(series: ValueSeries) -> None:
    values = np.array(series.within(1.0, 1e6))
    for value in 10.0 ** np.random.default_rng(1).uniform(0.1, 5.9, 300):
        ratios = np.maximum(values / value, value / values)
        assert series.nearest(value) == values[np.argmin(ratios)]
        low, high = series.around(value)
        assert low == values[values <= value].max()
        assert high == values[values >= value].min()


def test_just_below_a_decade() -> None:
    assert E96.around(999.9) == (976.0, 1000.0)
    assert E96.nearest(999.9, high=999.0) == 976.0
    assert E96.around(math.nextafter(1000.0, 0.0)) == (976.0, 1000.0)


def test_exact_keeps_all_values() -> None:
    assert EXACT.nearest(math.pi) == math.pi
    assert SERIES["exact"] is EXACT


@pytest.mark.parametrize("value", [0.0, -1.0, math.inf, math.nan])
def test_values_that_no_part_has(value: float) -> None:
    with pytest.raises(SpecError, match="finite and > 0"):
        E96.nearest(value)


def test_bounds_without_a_value() -> None:
    with pytest.raises(SpecError, match=r"E6 must have a value from 2\.3 to 3\.2"):
        E6.nearest(3.0, 2.3, 3.2)
