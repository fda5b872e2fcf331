"""Claims of a certificate: about a signal, an accumulator, a memory, a whole program."""

from __future__ import annotations

from collections.abc import Mapping
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
    ENERGY = "energy"
    """Energy of the full scales of a memory's states, which its sections preserve."""
    INTERVAL = "interval"
    """Range of the exact result over all operand words, at most one word beyond the format."""
    COUNT = "count"
    """A counter that stops or restarts."""
    SATURATION = "saturation"
    """No proof: the signal may saturate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Worst case of a signal before saturation.

    Attributes
    ----------
    basis : Basis
    low, high : int
        Smallest and largest result [words].
    rounding : int or None
        Contribution of the memory's rounding errors, and of what its neurons have not sent
        [words, as a `scaled` bound].
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


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalClaim:
    """The worst case of a signal, as a certificate states it.

    Attributes
    ----------
    format : str
        Fixed-point format, such as ``Q1.15``.
    length : int
        Number of words, >= 1.
    role : str
        ``input``, ``state``, ``internal``, ``output``, or for words that only exist within a step
        ``chain`` (of a cascade) or ``waves`` (between the sections of a ladder).
    recurrent : bool
        The signal depends on its own past.
    basis : Basis
        Reason why it stays within its format.
    low, high : int
        Smallest and largest result before it is limited to the format [words].
    rounding : float or None
        Part of that due to rounding errors, and to what spiking neurons have not sent [words],
        rounded up to thousandths.
    reason : str
        Why there is no proof; empty where there is one.
    """

    format: str
    length: int
    role: str
    recurrent: bool
    basis: Basis
    low: int
    high: int
    rounding: float | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccumulatorClaim:
    """The width of the intermediates of an operation.

    Attributes
    ----------
    operation : int
        Number of the operation in the program, from 0.
    kind : str
        Kind of the operation, such as ``linear``.
    writes : str
        The vector that it computes.
    bits : int
        Two's complement width that holds every intermediate.
    exact : bool
        That is at most 63 bits.
    """

    operation: int
    kind: str
    writes: str
    bits: int
    exact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DecayClaim:
    """Whether the states of a memory reach exactly zero after the input has become zero.

    Attributes
    ----------
    proven : bool
    reason : str
        The argument, or why there is none.
    """

    proven: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramClaims:
    """All claims that follow from a program.

    Attributes
    ----------
    proven : bool
        No recurrent signal can leave its format, and every accumulator is exact.
    unproven : tuple of str
        Recurrent signals that may saturate.
    signals : mapping of str to SignalClaim
        By name of the signal.
    accumulators : tuple of AccumulatorClaim
        One for each operation.
    decay : mapping of str to DecayClaim
        By names of the states of a memory, with blanks between them.
    """

    proven: bool
    unproven: tuple[str, ...]
    signals: Mapping[str, SignalClaim]
    accumulators: tuple[AccumulatorClaim, ...]
    decay: Mapping[str, DecayClaim]


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedError:
    """The RMS error of an output word against the float64 memory [LSB of the output].

    Attributes
    ----------
    budget : float
        Error budget of ``--bits``.
    kept : bool
        The predicted error is within the budget.
    predicted : float
        Root of the sum of the squares of the parts, >= 0.
    coefficients, roundoff : float
        Parts due to rounded coefficients and to rounding at each step, >= 0.
    neurons : float or None
        Part due to spikes, for the input that a manifest states, >= 0; None without neurons.
    """

    budget: float
    kept: bool
    predicted: float
    coefficients: float
    roundoff: float
    neurons: float | None = None


def of_peak(
    peak: int,
    rounding: int,
    fmt: QFormat,
    reason: str,
    *,
    slack: int = 0,
    basis: Basis = Basis.L1,
) -> Claim:
    """Return the claim of a signal bounded by +-peak [real], rounding included.

    ``slack`` is how far it may exceed its format [words].
    """
    high = _words(peak, fmt.frac_bits)
    fits = -high >= fmt.min - slack and high <= fmt.max + slack
    return Claim(
        basis=basis if fits else Basis.SATURATION,
        low=-high,
        high=high,
        rounding=_scaled(rounding, fmt.frac_bits),
        reason="" if fits else reason,
    )


def of_count(last: int, fmt: QFormat) -> Claim:
    """Return the claim of a counter from 0 to ``last``."""
    fits = 0 <= last <= fmt.max
    basis = Basis.COUNT if fits else Basis.SATURATION
    return Claim(basis=basis, low=0, high=last, reason="" if fits else f"it counts to {last}")


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
