"""Ranges of a ladder's sums, and the common scale of its products.

A product t is rounded once, to the integer T of the C, because every other term of a sum is a
word. In a zero-input run sums are rounded toward zero: t is rounded down, and one bit says whether
it has a remainder.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..program.fixedpoint import QFormat
from ..program.integer_program import Adaptor, Ladder
from .c_expressions import Expression, Range, linear_ends, minus, word

WORD_BITS = 32
"""Width of the factors of a fast product [bits]."""
MAX_DROP = 61
"""Most fractional bits of a product, as of a program's coefficient."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductScale:
    """The scale of products: coefficients have ``shift`` fractional bits, differences ``gain``.

    ``shift`` is None if each coefficient keeps its own. The difference of two waves is multiplied
    by ``2**gain`` first.
    """

    shift: int | None
    gain: int = 0

    def coefficient(self, e: Adaptor) -> int:
        """Return the number that stands for ``e`` in C."""
        return e.coef if self.shift is None else _at_shift(e, self.shift) or 0

    def dropped(self, e: Adaptor) -> int:
        """Return the fractional bits of a product with ``e``."""
        return e.shift if self.shift is None else self.shift + self.gain

    def holds(self, e: Adaptor, largest: int) -> bool:
        """Return whether ``e`` is exact in 32 bits, and its products, rounded, fit 64.

        ``largest`` is the largest magnitude of the other factor.
        """
        coef = e.coef if self.shift is None else _at_shift(e, self.shift)
        if coef is None or abs(coef) >= 1 << WORD_BITS - 1:
            return False
        half = 1 << self.dropped(e) >> 1
        return (abs(coef) * largest << self.gain) + half < 1 << 63


def scaling_of(op: Ladder, fmt: QFormat) -> ProductScale:
    """Return the fastest scale that all coefficients allow; waves have the format ``fmt``.

    The first choice makes T the upper half of a product of 32 by 32 bits.
    """
    difference = fmt.max - fmt.min
    upper = (
        ProductScale(shift=WORD_BITS - gain, gain=gain)
        for gain in range(max(1, WORD_BITS - difference.bit_length()))
    )
    common = (ProductScale(shift=shift) for shift in range(MAX_DROP + 1))
    for scaling in (*upper, *common):
        if all(scaling.holds(e, difference) for e in (*op.sections, op.reflection)):
            return scaling
    return ProductScale(shift=None)


def _at_shift(e: Adaptor, shift: int) -> int | None:
    """Return ``e`` times ``2**shift``, or None if that is no integer."""
    up = shift - e.shift
    if up < 0 and e.coef % (1 << -up):
        return None
    return e.coef << up if up >= 0 else e.coef >> -up


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveSum:
    """A rounded sum: the words ``x``, to which T is added or from which it is subtracted.

    ``whole`` holds the range of the exact sum times ``2**shift`` for each coefficient; it is
    narrower than that of ``x`` and T, which depend on the same words.
    """

    x: Expression
    subtracts: bool
    whole: tuple[Range, ...]
    shifts: tuple[int, ...]

    @property
    def integer(self) -> tuple[Range, ...]:
        """Range of the sum rounded to nearest, or down as first in a zero-input run."""
        ranges = zip(self.whole, self.shifts, strict=True)
        return tuple((low >> s, self._nearest(high, s)) for (low, high), s in ranges)

    @property
    def rounded(self) -> tuple[Range, ...]:
        """Range of the sum rounded to nearest, or toward zero."""
        ranges = zip(self.whole, self.shifts, strict=True)
        return tuple(
            (
                min(self._nearest(low, s), _toward_zero(low, s)),
                max(self._nearest(high, s), _toward_zero(high, s)),
            )
            for (low, high), s in ranges
        )

    def _nearest(self, x: int, shift: int) -> int:
        """Return a sum rounded half up; half down if t minus the words is what is rounded."""
        half = 1 << shift >> 1
        return -(half - x >> shift) if self.subtracts else half + x >> shift


def _toward_zero(x: int, shift: int) -> int:
    return -(-x >> shift) if x < 0 else x >> shift


Weights = Callable[[int, int], tuple[int, ...]]
"""Weights of the words in a sum, from the number of a coefficient and that of one."""


def wave_sums(op: Ladder, fmt: QFormat, ctype: str) -> dict[str, WaveSum]:
    """Return the rounded sums of a substep by name.

    Parameters
    ----------
    op : Ladder
    fmt : QFormat
        Format of all waves.
    ctype : str
        Type of the variables that hold them.
    """
    held = fmt.min, fmt.max
    a, x, left, p, even, odd = (word(n, ctype, held) for n in ("a", "x", "l", "p", "even", "odd"))

    def total(
        words: Expression, used: Sequence[Adaptor], weights: Weights, *, subtracts: bool = False
    ) -> WaveSum:
        shifts = tuple(e.shift for e in used)
        terms = (weights(e.coef, 1 << e.shift) for e in used)
        whole = tuple(linear_ends(*((weight, held) for weight in each)) for each in terms)
        return WaveSum(x=words, subtracts=subtracts, whole=whole, shifts=shifts)

    series, parallel = op.sections[::2], op.sections[1::2]
    found = {
        "entering": total(x, [op.reflection], lambda e, one: (one + e, -e)),
        "even_right": total(minus(left, even), series, lambda e, one: (one - e, -one, e)),
        "even_state": total(even, series, lambda e, one: (one, -e, e), subtracts=True),
    }
    if parallel:
        held_back = minus(minus(odd, a), p)
        found |= {
            "odd_left": total(a, parallel, lambda e, one: (one - e, e)),
            "odd_right": total(p, parallel, lambda e, one: (one, e, -e)),
            "odd_state": total(
                held_back, parallel, lambda e, one: (one - e, e - one, -one), subtracts=True
            ),
        }
    return found
