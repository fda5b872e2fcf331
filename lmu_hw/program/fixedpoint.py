"""Fixed-point formats, rounding and overflow: the only definition of each in lmu-hw.

A word is an integer with the value ``word * 2**-frac_bits``. ``int_bits`` includes the sign, so
that Q1.15 has 16 bits (Texas Instruments' notation omits the sign). Either may be zero or negative.

`round_shift` and `round_sum` define rounding, `overflow` the handling of values out of range; all
other functions use them. They take Python ints of any size or int64 arrays, and return the same
type. NumPy's int64 wraps silently: callers that pass arrays must keep every intermediate within
`MAX_WORD_BITS`, which programs check at construction.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from ..errors import FormatError, RangeError

MAX_WORD_BITS = 63
"""Widest signed intermediate: one bit less than int64 holds."""

Ints = TypeVar("Ints", int, npt.NDArray[np.int64])


class Rounding(Enum):
    """Rounding mode: treatment of the bits below the result (names as in ap_fixed)."""

    TRN = "trn"
    """Toward minus infinity: drop the bits."""
    TRN_ZERO = "trn_zero"
    """Toward zero: never increases a magnitude."""
    RND = "rnd"
    """To nearest, ties toward plus infinity (half up)."""
    RND_CONV = "rnd_conv"
    """To nearest, ties to even."""


class Overflow(Enum):
    """Overflow mode: treatment of a value outside the format."""

    WRAP = "wrap"
    """Keep the low bits, two's complement."""
    SAT = "sat"
    """Saturate: use the nearest end of the range."""


@dataclass(frozen=True, slots=True)
class QFormat:
    """A fixed-point number format.

    Parameters
    ----------
    int_bits : int
        Bits left of the binary point, including the sign if ``signed``. May be <= 0.
    frac_bits : int
        Bits right of the binary point. May be <= 0.
    signed : bool
        Two's complement when true.

    Raises
    ------
    FormatError
        If the width is not 1 to 63 bits.

    Examples
    --------
    >>> q = QFormat(1, 15)
    >>> str(q), q.width, q.min, q.max
    ('Q1.15', 16, -32768, 32767)
    >>> str(QFormat(0, 8, signed=False))
    'UQ0.8'
    """

    int_bits: int
    frac_bits: int
    signed: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.width <= MAX_WORD_BITS:
            raise FormatError(f"format {self} must be 1 to {MAX_WORD_BITS} bits, not {self.width}")

    def __str__(self) -> str:
        return f"{'' if self.signed else 'U'}Q{self.int_bits}.{self.frac_bits}"

    @property
    def width(self) -> int:
        """Word length [bits]."""
        return self.int_bits + self.frac_bits

    @property
    def min(self) -> int:
        """Smallest word."""
        return -(1 << (self.width - 1)) if self.signed else 0

    @property
    def max(self) -> int:
        """Largest word."""
        return (1 << (self.width - self.signed)) - 1

    @property
    def lsb(self) -> float:
        """Value of the least significant bit."""
        return float(2.0**-self.frac_bits)

    def check(self, x: Any, name: str = "word") -> None:
        """Raise `RangeError` unless every integer in ``x`` fits the format."""
        low, high = int(np.min(x)), int(np.max(x))
        if low < self.min or high > self.max:
            bad = low if low < self.min else high
            raise RangeError(f"{name} must be {self.min} to {self.max} ({self}), not {bad}")


def round_shift(x: Ints, shift: int, rounding: Rounding) -> Ints:
    """Return ``x / 2**shift`` rounded to an integer.

    Parameters
    ----------
    x : int or int64 array
    shift : int
        Bits to drop, >= 0.
    rounding : Rounding

    Examples
    --------
    >>> [round_shift(-3, 1, mode) for mode in Rounding]
    [-2, -1, -1, -2]
    """
    if shift == 0:
        return x
    if rounding is Rounding.TRN:
        return x >> shift
    if rounding is Rounding.TRN_ZERO:
        return (x + (x < 0) * ((1 << shift) - 1)) >> shift
    half = 1 << (shift - 1)
    if rounding is Rounding.RND:
        return (x + half) >> shift
    return (x + (half - 1) + ((x >> shift) & 1)) >> shift


def round_sum(base: Ints, x: Ints, shift: int, rounding: Rounding) -> Ints:
    """Return ``base + x / 2**shift`` rounded to an integer, without computing ``base * 2**shift``.

    Rounding applies to the whole sum; for `Rounding.TRN_ZERO` and `Rounding.RND_CONV` that differs
    from rounding ``x / 2**shift`` alone.

    Examples
    --------
    >>> round_sum(-1, 1, 1, Rounding.TRN_ZERO), round_sum(0, 1, 1, Rounding.TRN_ZERO)
    (0, 0)
    """
    if shift == 0:
        return base + x
    if rounding in (Rounding.TRN, Rounding.RND):
        return base + round_shift(x, shift, rounding)
    whole: Ints = base + (x >> shift)
    rest = x & ((1 << shift) - 1)
    if rounding is Rounding.TRN_ZERO:
        up: Any = (whole < 0) & (rest != 0)
    else:
        half = 1 << (shift - 1)
        up = (rest > half) | ((rest == half) & ((whole & 1) == 1))
    rounded: Ints = whole + up
    return rounded


def overflow(x: Ints, fmt: QFormat, mode: Overflow) -> Ints:
    """Return ``x`` wrapped or saturated to the range of ``fmt``.

    Examples
    --------
    >>> overflow(9, QFormat(4, 0), Overflow.SAT), overflow(9, QFormat(4, 0), Overflow.WRAP)
    (7, -7)
    """
    if mode is Overflow.SAT:
        if isinstance(x, int):
            return min(max(x, fmt.min), fmt.max)
        return np.minimum(np.maximum(x, fmt.min), fmt.max)
    return ((x - fmt.min) & ((1 << fmt.width) - 1)) + fmt.min


def requantize(
    x: Ints, src: QFormat, dst: QFormat, rounding: Rounding, mode: Overflow = Overflow.SAT
) -> Ints:
    """Convert words from format ``src`` to format ``dst``: round first, then handle overflow.

    Examples
    --------
    >>> requantize(-32768, QFormat(1, 15), QFormat(1, 7), Rounding.RND)
    -128
    """
    shift = src.frac_bits - dst.frac_bits
    scaled = round_shift(x, shift, rounding) if shift >= 0 else x << -shift
    return overflow(scaled, dst, mode)


def from_real(
    x: npt.ArrayLike, fmt: QFormat, *, full_scale: float = 1.0
) -> tuple[npt.NDArray[np.int64], int]:
    """Quantize real numbers to words, rounding half up and saturating.

    This is the only conversion from floats to words in lmu-hw.

    Parameters
    ----------
    x : array_like of float
        Finite real values.
    fmt : QFormat
    full_scale : float
        The value of ``x`` that maps to 1.0.

    Returns
    -------
    words : int64 array
    n_saturated : int
        Number of values that saturate by more than one LSB: +1.0 in Q1.15 is none, as in any
        converter.
    """
    exact = np.ldexp(np.asarray(x, dtype=np.float64) / full_scale, fmt.frac_bits)
    floor = np.floor(exact)
    scaled = floor + (exact - floor >= 0.5)  # adding 0.5 first would itself round
    low, high = scaled < fmt.min, scaled >= fmt.max + 1
    words = np.where(low | high, 0.0, scaled).astype(np.int64)
    words = np.where(low, fmt.min, np.where(high, fmt.max, words))
    return words, int(np.count_nonzero(low | (exact > fmt.max + 1)))


def to_real(words: npt.ArrayLike, fmt: QFormat) -> npt.NDArray[np.float64]:
    """Return the real values of ``words``."""
    return np.ldexp(np.asarray(words, dtype=np.float64), -fmt.frac_bits)
