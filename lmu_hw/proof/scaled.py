"""Upper bounds as scaled integers; every operation rounds up, so results are upper bounds too.

A bound is an int in units of 1 / `ONE`; sums and integer multiples of bounds are exact.
"""

from __future__ import annotations

import math
from fractions import Fraction

PLACES = 96
"""Binary places of a bound."""
ONE = 1 << PLACES
"""The integer that represents 1."""


def up(x: Fraction) -> int:
    """Return the least bound of x."""
    return -(-x.numerator * ONE // x.denominator)


def product(a: int, b: int) -> int:
    """Return a bound of the product of two bounds >= 0."""
    return -(-a * b // ONE)


def root(a: int) -> int:
    """Return a bound of the square root of a bound >= 0."""
    return math.isqrt(a * ONE) + 1


def lsb(frac_bits: int) -> int:
    """Return a bound of one unit in the last place, ``2**-frac_bits``."""
    return up(Fraction(2) ** -frac_bits)
