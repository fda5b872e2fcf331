"""Fixed-point formats and the only definition of rounding and overflow in lmu-hw.

A word is an integer; its value is ``word * 2**-frac_bits``. ``int_bits`` counts the sign, so Q1.15
is 16 bits (Texas Instruments' notation omits the sign). Either part may be zero or negative.

Bits are lost in one place, `round_shift`, and words are limited in one place, `overflow`;
everything else is built from them. The functions take Python ints of any size or int64 arrays and
return the same kind. NumPy's int64 wraps silently, so a caller that passes arrays keeps every
operand inside `MAX_WORD_BITS` (programs are checked for this when they are built).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from ..errors import FormatError, RangeError

MAX_WORD_BITS = 63
"""Widest signed intermediate that int64 arithmetic holds with a bit to spare."""

Ints = TypeVar("Ints", int, npt.NDArray[np.int64])


class Rounding(Enum):
    """What becomes of the bits below the result (names as in ap_fixed)."""

    TRN = "trn"
    """Toward minus infinity: drop the bits."""
    TRN_ZERO = "trn_zero"
    """Toward zero: never grows a magnitude."""
    RND = "rnd"
    """To nearest, ties toward plus infinity (half up)."""
    RND_CONV = "rnd_conv"
    """To nearest, ties to even."""


class Overflow(Enum):
    """What becomes of a value outside the format."""

    WRAP = "wrap"
    """Keep the low bits, two's complement."""
    SAT = "sat"
    """Hold the nearest end of the range."""


@dataclass(frozen=True, slots=True)
class QFormat:
    """A fixed-point number format.

    Parameters
    ----------
    int_bits : int
        Bits left of the binary point, the sign included when ``signed``. May be <= 0.
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
        """Value of one unit in the last place."""
        return float(2.0**-self.frac_bits)

    def check(self, x: Any, name: str = "word") -> None:
        """Raise `RangeError` unless every integer in ``x`` fits."""
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
    """Return ``base + x / 2**shift`` rounded to an integer, without forming ``base * 2**shift``.

    Rounding acts on the whole sum (it matters for `Rounding.TRN_ZERO` and `Rounding.RND_CONV`).

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
    """Return ``x`` brought into the range of ``fmt``.

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
    """Return words of ``src`` as words of ``dst``: quantize first, then overflow.

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
    """Quantize real numbers to words, half up, saturating: the one door from floats to words.

    Parameters
    ----------
    x : array_like of float
        Finite real values.
    fmt : QFormat
    full_scale : float
        The value of ``x`` that stands for 1.0.

    Returns
    -------
    words : int64 array
    n_saturated : int
        How many values lay outside the format.
    """
    exact = np.ldexp(np.asarray(x, dtype=np.float64) / full_scale, fmt.frac_bits)
    floor = np.floor(exact)
    scaled = floor + (exact - floor >= 0.5)  # adding 0.5 first would itself round
    low, high = scaled < fmt.min, scaled >= fmt.max + 1
    words = np.where(low | high, 0.0, scaled).astype(np.int64)
    words = np.where(low, fmt.min, np.where(high, fmt.max, words))
    return words, int(np.count_nonzero(low | high))


def to_real(words: npt.ArrayLike, fmt: QFormat) -> npt.NDArray[np.float64]:
    """Return the values of ``words``."""
    return np.ldexp(np.asarray(words, dtype=np.float64), -fmt.frac_bits)
