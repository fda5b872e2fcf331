"""One step of a ladder as a matrix, in coordinates of unit energy.

Rows are the results: new states, waves to the left, the source's wave, waves to the right. Columns
are the states, the source's x, the wave r from the resistor at the right end, and an error added to
each result, in the order of the rows. A wave at a port of resistance R is written in units of
``2**s`` with ``R <= 4**s < 4 R``. As a step without rounding preserves the energy of all waves, a
row has norm 2 at most over the columns of states and inputs, and a column over the rows of states.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from .._support.array_types import Words
from .exact_product import FRAC_BITS
from .lossless_ladder import LosslessLadder
from .scaled import PLACES, up


@dataclass(frozen=True, eq=False, kw_only=True)
class LadderStep:
    """The matrix of a step.

    Attributes
    ----------
    matrix : int64 array, shape (3 d + 1, d + 2 + 3 d + 1)
        In units of ``2**-FRAC_BITS``, each entry within two units of its exact value.
    exponents : tuple of int
        Exponent s of each row.
    resistances : tuple of Fraction
        Of the port of each row.
    source : int
        Exponent s of x; that of r is 0.
    normal : Fraction
        Square of x that has unit energy, in units of ``4**source``.
    """

    matrix: Words
    exponents: tuple[int, ...]
    resistances: tuple[Fraction, ...]
    source: int
    normal: Fraction

    @property
    def order(self) -> int:
        """Number of states."""
        return (len(self.exponents) - 1) // 3

    @cached_property
    def energies(self) -> list[int]:
        """Energy of each state word of ``2**exponent``, as a `scaled` bound."""
        places = zip(self.exponents[: self.order], self.resistances, strict=False)
        return [up(Fraction(4) ** s / R) for s, R in places]

    @property
    def states(self) -> Words:
        """Columns of the states."""
        return self.matrix[:, : self.order]

    @property
    def inputs(self) -> Words:
        """Columns of x and r."""
        return self.matrix[:, self.order : self.order + 2]

    @property
    def errors(self) -> Words:
        """Columns of the errors."""
        return self.matrix[:, self.order + 2 :]


def step_of(ladder: LosslessLadder) -> LadderStep:
    """Return the matrix of a step of a ladder.

    Notes
    -----
    The sweeps are computed with so many places that their floors change an entry by less than a
    unit: each floor is an error in ``t``, and no error grows by more than the spread of the units.
    """
    d, ports = len(ladder.sections), ladder.ports
    resistances = (*ladder.states, *ports[:-1], ports[0], *ports[1:])
    exponents = tuple(map(exponent, resistances))
    source = exponent(ladder.source)
    columns = np.array([*exponents[:d], source, 0, *exponents], dtype=object)
    places = PLACES + 2 * (int(max(columns)) - int(min(columns)))
    rows = np.zeros((len(exponents), len(columns)), dtype=np.int64)
    for row, values in _sweeps(ladder, len(columns), places):
        shifts = columns - (exponents[row] + places - FRAC_BITS)
        rows[row] = [
            int(x) << int(s) if s >= 0 else int(x) >> int(-s)
            for x, s in zip(values, shifts, strict=True)
        ]
    return LadderStep(
        matrix=rows,
        exponents=exponents,
        resistances=resistances,
        source=source,
        normal=ladder.source / Fraction(4) ** source,
    )


def exponent(R: Fraction) -> int:
    """Return the smallest s with ``4**s >= R``."""
    s = (R.numerator.bit_length() - R.denominator.bit_length()) // 2 - 1
    while Fraction(4) ** s < R:
        s += 1
    return s


def _sweeps(ladder: LosslessLadder, n_columns: int, places: int) -> list[tuple[int, Words]]:
    """Return the number and the coefficients of every row, with this many fractional places."""
    d = len(ladder.sections)

    def unit(column: int) -> Words:
        out = np.zeros(n_columns, dtype=object)
        out[column] = 1 << places
        return out

    def times(e: tuple[int, int], x: Words) -> Words:
        return np.asarray(x * e[0] >> e[1])

    def error(row: int) -> Words:
        return unit(d + 2 + row)

    found: list[tuple[int, Words]] = []
    from_right, held, left = unit(d + 1), [], []
    for i in reversed(range(d)):
        w, e = unit(i), ladder.sections[i]
        t = times(e, w - from_right) if i % 2 else w
        held.append((from_right, t))
        from_right = from_right + t + error(d + i)
        left.append(from_right)
        found.append((d + i, from_right))
    held.reverse()
    left.reverse()
    x = unit(d)
    wave = x + times(ladder.reflection, x - from_right) + error(2 * d)
    found.append((2 * d, wave))
    for i, (a, t) in enumerate(held):
        w = unit(i)
        if i % 2:
            new = w - wave - a - t
        else:
            t = times(ladder.sections[i], left[i] - wave)
            wave, new = wave - w, w - t
        wave = wave + t + error(2 * d + 1 + i)
        found += [(i, new + error(i)), (2 * d + 1 + i, wave)]
    return found
