"""Coefficients that share a multiplier, with as few different shifts as possible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...program.integer_program import Adaptor

NARROW, WIDE = 15, 17
"""Bits of a factor >= 0 that one multiplier of 16 x 16 or of 18 x 18 bits takes, signed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoefficientTable:
    """Coefficients ``coefs[k] * 2**-shifts[choices[k]]``.

    Parameters
    ----------
    coefs : tuple of int
        One for each slot; 0 for an idle one.
    choices : tuple of int
        Index into ``shifts``, for each slot.
    shifts : tuple of int
        The different shifts, ascending.
    """

    coefs: tuple[int, ...]
    choices: tuple[int, ...]
    shifts: tuple[int, ...]

    @property
    def width(self) -> int:
        """Bits of a coefficient."""
        return max(coef.bit_length() for coef in self.coefs)


def coefficient_table(slots: Sequence[Adaptor | None]) -> CoefficientTable:
    """Return the coefficients of slots, with equal values and few shifts.

    A coefficient is multiplied by a power of two, and shifted by more, as far as the multiplier has
    room: what would be a shifter is left with the few shifts that remain.

    Parameters
    ----------
    slots : sequence of Adaptor or None
        The coefficient of each slot, None where the slot is idle; at least one is used.

    Examples
    --------
    >>> table = coefficient_table([Adaptor(3, 4), None, Adaptor(2**14, 17), Adaptor(2**14, 15)])
    >>> table.coefs, table.choices, table.shifts
    ((24576, 0, 16384, 65536), (0, 0, 0, 0), (17,))
    """
    used = [adaptor for adaptor in slots if adaptor is not None]
    top = max(adaptor.shift for adaptor in used)
    raised = max((adaptor.coef << (top - adaptor.shift)).bit_length() for adaptor in used)
    widest = max(adaptor.coef.bit_length() for adaptor in used)
    width = NARROW if raised <= NARROW else max(WIDE, widest)
    left = sorted(used, key=lambda adaptor: -adaptor.shift)
    shifts: list[int] = []
    while left:
        shift = left[0].shift
        shifts.append(shift)
        left = [a for a in left if (a.coef << (shift - a.shift)).bit_length() > width]
    shifts.reverse()
    coefs, choices = [], []
    for adaptor in slots:
        coef, choice = 0, 0
        if adaptor is not None:
            fits = [
                k
                for k, shift in enumerate(shifts)
                if shift >= adaptor.shift
                and (adaptor.coef << (shift - adaptor.shift)).bit_length() <= width
            ]
            choice = fits[0]
            coef = adaptor.coef << (shifts[choice] - adaptor.shift)
        coefs.append(coef)
        choices.append(choice)
    return CoefficientTable(coefs=tuple(coefs), choices=tuple(choices), shifts=tuple(shifts))
