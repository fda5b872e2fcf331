"""Round real coefficients to integers, each row or adaptor with its own power-of-two exponent."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .._support.array_types import Array
from ..errors import SpecError
from ..memory.ladder import WaveLadder, half_steps
from ..memory.wave_digital import Sections
from ..program.fixedpoint import Rounding, round_shift
from ..program.integer_program import Adaptor

GUARD = 8
"""Guard bits in the scaling of floats to integers, before the single rounding."""


def round_adaptor(e: float, coef_bits: int, limit: int = 2) -> Adaptor:
    """Return the adaptor nearest to ``e`` with a positive signed coefficient of ``coef_bits`` bits.

    Rounding moves the pole; the adaptor stays lossless below ``limit``, a power of two.

    Examples
    --------
    >>> round_adaptor(0.3, 8)
    Adaptor(coef=77, shift=8)
    """
    top = (1 << (coef_bits - 1)) - 1
    shift = max(0, coef_bits - 1 - math.frexp(e)[1])
    if _nearest(e, shift) > top and shift > coef_bits - 2:
        shift -= 1
    below_limit = (limit << shift) - 1
    return Adaptor(min(max(_nearest(e, shift), 1), top, below_limit), shift)


def round_sections(sections: Sections, coef_bits: int) -> tuple[tuple[Adaptor, ...], ...]:
    """Return the rounded adaptors of every section."""
    return tuple(tuple(round_adaptor(e, coef_bits) for e in section) for section in sections)


def ladder_coefficients(
    order: int, theta: float, coef_bits: int
) -> tuple[tuple[Adaptor, ...], Adaptor]:
    """Return the rounded coefficients of a ladder: those of its sections, and of its source.

    Coefficients are rounded from right to left, each for the port resistance that the rounded ones
    before it make, and for a part larger or smaller by the errors of the parts before it: so the
    delay along the ladder keeps its length, which halves the error of m.

    Parameters
    ----------
    order : int
    theta : float
        Window length [substeps], > 0.
    coef_bits : int
        Width of every coefficient, sign included; each has a shift of its own.
    """
    R, excess, sections = 1.0, 0.0, []
    for i, r in reversed(list(enumerate(half_steps(order, theta)))):
        wanted = 2.0 * r * (1.0 - excess)
        left = 1.0 / (1.0 / R + wanted) if i % 2 else R + wanted
        adaptor = round_adaptor(wanted * left if i % 2 else wanted / left, coef_bits, 1)
        e = math.ldexp(adaptor.coef, -adaptor.shift)
        R = R * (1.0 - e) if i % 2 else R / (1.0 - e)
        excess += (e / R if i % 2 else e * R) / (2.0 * r) - 1.0
        sections.append(adaptor)
    reflection = (R - 1.0) / (R + 1.0)
    # a smaller coefficient of the source gains nothing from more fractional bits
    shift = coef_bits - 1 - max(math.frexp(reflection)[1], -2)
    coef = min(_nearest(abs(reflection), shift), (1 << (coef_bits - 1)) - 1, (1 << shift) - 1)
    return tuple(reversed(sections)), Adaptor(coef if reflection > 0 else -coef, shift)


def real_ladder(sections: tuple[Adaptor, ...], reflection: Adaptor) -> WaveLadder:
    """Return the exact values of a rounded ladder."""
    values = np.array([math.ldexp(a.coef, -a.shift) for a in sections])
    return WaveLadder(sections=values, reflection=math.ldexp(reflection.coef, -reflection.shift))


def real_sections(sections: tuple[tuple[Adaptor, ...], ...]) -> Sections:
    """Return the exact values of rounded adaptors."""
    return tuple(tuple(math.ldexp(a.coef, -a.shift) for a in section) for section in sections)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class RoundedRows:
    """A matrix in integers: row r has the value ``coefs[r] * 2**-shifts[r]``.

    Attributes
    ----------
    coefs : int64 array, shape (n, m)
    shifts : int64 array, shape (n,)
    """

    coefs: npt.NDArray[np.int64]
    shifts: npt.NDArray[np.int64]

    def real(self) -> Array:
        """Return the exact real values."""
        return np.asarray(np.ldexp(self.coefs.astype(np.float64), -self.shifts[:, None]))

    def tuples(self) -> tuple[tuple[tuple[int, ...], ...], tuple[int, ...]]:
        """Return the rows and shifts as tuples, for a program."""
        return tuple(map(tuple, self.coefs.tolist())), tuple(self.shifts.tolist())


def round_rows(rows: Array, weight_bits: int, name: str) -> RoundedRows:
    """Return each row as signed integers of ``weight_bits`` bits and a right shift >= 0.

    Parameters
    ----------
    rows : float array, shape (n, m)
    weight_bits : int
    name : str
        Name of the matrix, for error messages.

    Raises
    ------
    SpecError
        If a row needs integers wider than ``weight_bits`` even with shift 0.
    """
    top = (1 << (weight_bits - 1)) - 1
    peak = np.max(np.abs(rows), axis=1)
    shifts = weight_bits - 1 - np.frexp(peak)[1].astype(np.int64)
    shifts -= np.floor(np.ldexp(peak, shifts) + 0.5) > top
    shifts[peak == 0.0] = 0
    if np.any(shifts < 0):
        raise SpecError(f"{name} needs coefficients above {weight_bits} bits: use more state bits")
    coefs = np.floor(np.ldexp(rows, shifts[:, None]) + 0.5).astype(np.int64)
    return RoundedRows(coefs=coefs, shifts=shifts)


def round_scale(values: Array, bits: int, name: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return single coefficients with a right shift each, without their trailing zeros.

    Parameters
    ----------
    values : float array, shape (n,)
    bits : int
        Width of a coefficient.
    name : str
        For error messages.

    Raises
    ------
    SpecError
        If a value needs an integer wider than ``bits`` even with shift 0.
    """
    rounded = round_rows(values[:, None], bits, name)
    coefs, shifts = [], []
    for coef, shift in zip(rounded.coefs[:, 0].tolist(), rounded.shifts.tolist(), strict=True):
        zeros = min((coef & -coef).bit_length() - 1, shift) if coef else 0
        coefs.append(coef >> zeros)
        shifts.append(shift - zeros)
    return tuple(coefs), tuple(shifts)


def _nearest(x: float, shift: int) -> int:
    return round_shift(int(math.ldexp(x, shift + GUARD)), GUARD, Rounding.RND)
