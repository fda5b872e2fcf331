"""Claims of a certificate about signals."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from ..program.fixedpoint import QFormat
from .scaled import ONE

MAX_ACCUMULATOR_BITS = 63
"""Widest intermediate that is exact in every backend."""
DIGITS = 1000
"""Resolution of rounding errors: parts of a word."""


class Basis(Enum):
    """Reason why a signal stays in its format."""

    INPUT = "input"
    """Inputs may have any word of their format."""
    L1 = "l1 norm"
    """l1 norm of its impulse response times the input's peak, plus all rounding errors."""
    INTERVAL = "interval"
    """Range of the exact result over all operand words, at most one word beyond the format."""
    COUNT = "count"
    """A counter that stops or restarts."""
    SATURATION = "saturation"
    """No proof: the signal may saturate."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """Worst case of a signal before saturation.

    Attributes
    ----------
    basis : Basis
    low, high : int
        Smallest and largest result [words].
    rounding : int or None
        Contribution of the memory's rounding errors [words, as a `scaled` bound].
    reason : str
        Why there is no proof; empty if there is one.
    """

    basis: Basis
    low: int
    high: int
    rounding: int | None = None
    reason: str = ""

    def merged(self, other: Claim) -> Claim:
        """Return the claim of a signal that is written twice."""
        weaker = self if self.basis is Basis.SATURATION else other
        return Claim(
            basis=weaker.basis,
            low=min(self.low, other.low),
            high=max(self.high, other.high),
            reason=weaker.reason,
        )


def of_peak(peak: int, rounding: int, fmt: QFormat, reason: str, slack: int = 0) -> Claim:
    """Return the claim of a signal bounded by +-peak [real], rounding included.

    ``slack`` is how far it may exceed its format [words].
    """
    high = _words(peak, fmt.frac_bits)
    fits = -high >= fmt.min - slack and high <= fmt.max + slack
    return Claim(
        basis=Basis.L1 if fits else Basis.SATURATION,
        low=-high,
        high=high,
        rounding=_scaled(rounding, fmt.frac_bits),
        reason="" if fits else reason,
    )


def of_range(low: int, high: int, fmt: QFormat) -> Claim:
    """Return the claim of a signal with this exact range."""
    # a result one word beyond the format saturates with an error of one word
    fits = low >= fmt.min - 1 and high <= fmt.max + 1
    reason = "" if fits else f"its exact value can be {low if low < fmt.min - 1 else high}"
    basis = Basis.INTERVAL if fits else Basis.SATURATION
    return Claim(basis=basis, low=low, high=high, reason=reason)


def thousandths(x: int) -> float:
    """Return a `scaled` bound as a number with three decimals, rounded up."""
    return float(Fraction(-(-x * DIGITS // ONE), DIGITS))


def _words(peak: int, frac_bits: int) -> int:
    return _scaled(peak, frac_bits) // ONE


def _scaled(x: int, frac_bits: int) -> int:
    return x << frac_bits if frac_bits >= 0 else -(-x >> -frac_bits)
