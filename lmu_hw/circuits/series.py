"""Series of preferred values (IEC 60063): the resistors and capacitors that are sold."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from ..errors import SpecError

_E24 = (
    *(10, 11, 12, 13, 15, 16, 18, 20, 22, 24, 27, 30),
    *(33, 36, 39, 43, 47, 51, 56, 62, 68, 75, 82, 91),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueSeries:
    """A series of values, the same digits in every decade.

    Attributes
    ----------
    name : str
        E6, E12, E24 or E96, or ``exact``: all values.
    digits : tuple of int
        Leading digits of the values of a decade, ascending; empty: all values.
    """

    name: str
    digits: tuple[int, ...] = ()

    def around(self, value: float) -> tuple[float, float]:
        """Return the largest value <= ``value`` and the smallest >= ``value``.

        Parameters
        ----------
        value : float
            Finite, > 0.

        Raises
        ------
        SpecError
            If the value is not finite and > 0.

        Examples
        --------
        >>> E96.around(12000.0), E96.around(12100.0)
        ((11800.0, 12100.0), (12100.0, 12100.0))
        """
        if not 0.0 < value < math.inf:
            raise SpecError(f"value of a part must be finite and > 0, not {value!r}")
        if not self.digits:
            return value, value
        decade = math.floor(math.log10(value))
        near = [
            x for power in (decade - 1, decade, decade + 1) for x in _decade(self.digits, power)
        ]
        return max(x for x in near if x <= value), min(x for x in near if x >= value)

    def nearest(self, value: float, low: float = 0.0, high: float = math.inf) -> float:
        """Return the value with the smallest ratio to ``value``, of those from low to high.

        Parameters
        ----------
        value : float
            Finite, > 0.
        low, high : float
            Bounds; the value is between them.

        Raises
        ------
        SpecError
            If the series has no value near that is within the bounds.

        Examples
        --------
        >>> E24.nearest(16900.0), E96.nearest(1.0049e6, high=1e6)
        (16000.0, 1000000.0)
        """
        near = [x for x in self.around(value) if low <= x <= high]
        if not near:
            raise SpecError(
                f"{self.name} must have a value from {low:g} to {high:g}, but has none: widen them"
            )
        return min(near, key=lambda x: max(x / value, value / x))

    def within(self, low: float, high: float) -> tuple[float, ...]:
        """Return all values from low to high, ascending; not of the series ``exact``."""
        powers = range(math.floor(math.log10(low)) - 1, math.floor(math.log10(high)) + 1)
        found = (x for power in powers for x in _decade(self.digits, power))
        return tuple(x for x in found if low <= x <= high)


@cache
def _decade(digits: tuple[int, ...], power: int) -> tuple[float, ...]:
    """Return the values from 10**power on, each the float nearest to its decimal digits."""
    shift = power + 1 - len(str(digits[0]))
    return tuple(float(Decimal(value).scaleb(shift)) for value in digits)


E6 = ValueSeries(name="E6", digits=_E24[::4])
E12 = ValueSeries(name="E12", digits=_E24[::2])
E24 = ValueSeries(name="E24", digits=_E24)
E96 = ValueSeries(name="E96", digits=tuple(round(100 * 10 ** (i / 96)) for i in range(96)))
EXACT = ValueSeries(name="exact")
SERIES = {series.name: series for series in (E6, E12, E24, E96, EXACT)}
"""Series by name."""
