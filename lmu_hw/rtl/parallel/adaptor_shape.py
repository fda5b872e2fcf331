"""Formats, widths and registers of an adaptor with a constant coefficient."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from ...program.fixedpoint import QFormat
from ...program.integer_program import Adaptor
from ..adaptor import LOW_BITS


class AdaptorStage(IntEnum):
    """A place for registers, between two parts of an adaptor."""

    READ = 0
    """Words as they are read."""
    OPERAND = 1
    """The factor ``b - a``."""
    FACTOR = 2
    """The factor again: these registers can be placed beside a multiplier far from the adders."""
    PRODUCT = 3
    """Partial products."""
    SHIFT = 4
    """Their sum, cut at the binary point."""
    ROUND = 5
    """Rounded sums, not yet saturated."""


def stages(pipeline: int, *, limits: bool) -> frozenset[AdaptorStage]:
    """Return the places of the registers before the results, ``pipeline`` - 1 of them.

    Parameters
    ----------
    pipeline : int
        Registers of an adaptor, 1 to 6.
    limits : bool
        Results are saturated, which takes time after rounding.
    """
    by_need = (
        AdaptorStage.PRODUCT,
        AdaptorStage.OPERAND,
        AdaptorStage.SHIFT,
        AdaptorStage.ROUND if limits else AdaptorStage.FACTOR,
        AdaptorStage.READ,
    )
    return frozenset(by_need[: pipeline - 1])


def without_low_zeros(e: Adaptor) -> Adaptor:
    """Return the same coefficient with a smaller shift: its low zeros need no multiplier.

    Examples
    --------
    >>> without_low_zeros(Adaptor(coef=12, shift=5))
    Adaptor(coef=3, shift=3)
    """
    zeros = min((e.coef & -e.coef).bit_length() - 1, e.shift) if e.coef else 0
    return Adaptor(coef=e.coef >> zeros, shift=e.shift - zeros)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptorShape:
    """Formats, widths and registers of an adaptor with a constant coefficient.

    Parameters
    ----------
    e : Adaptor
        Coefficient.
    a_fmt, b_fmt : QFormat
        Formats of the two ports.
    limit_a, limit_b : bool
        Saturate the results; otherwise they must not leave their formats.
    pipeline : int
        Registers, 1 to 6.
    """

    e: Adaptor
    a_fmt: QFormat
    b_fmt: QFormat
    limit_a: bool
    limit_b: bool
    pipeline: int

    @property
    def cuts(self) -> frozenset[AdaptorStage]:
        """Places of the registers before the results."""
        return stages(self.pipeline, limits=self.limit_a or self.limit_b)

    @property
    def grid(self) -> int:
        """Fractional bits of the finer port."""
        return max(self.a_fmt.frac_bits, self.b_fmt.frac_bits)

    @property
    def width(self) -> int:
        """Width of a port aligned to the finer of the two."""
        return max(fmt.width + self.grid - fmt.frac_bits for fmt in (self.a_fmt, self.b_fmt))

    @property
    def product_width(self) -> int:
        """Width of the product."""
        width = self.width + 1 + self.e.coef.bit_length()
        return max(width, self.e.shift + 1)

    @property
    def low_bits(self) -> int:
        """Low bits of the factor that have a product of their own; 0: there is one product."""
        return LOW_BITS if self.width > LOW_BITS else 0

    @property
    def products(self) -> list[tuple[int, int]]:
        """Widths of the factors of each product, the coefficient second."""
        # beside a factor with a sign the coefficient has one too
        coef, low = self.e.coef.bit_length(), self.low_bits
        high = (self.width + 1 - low, coef + 1)
        return [high, (low, coef)] if low else [high]
