"""The operations of a program; `lmu_hw.program.integer_program` specifies them.

Every operation names the vectors that it reads and writes, and checks its shapes and the widths of
its intermediates. Those that keep the state of a memory are in `lmu_hw.program.memory_updates` and
`lmu_hw.program.spiking_update`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from operator import mul
from typing import ClassVar

from ..errors import FormatError
from .fixedpoint import QFormat
from .memory_updates import Cascade, DenseUpdate, Ladder
from .spiking_update import Spiking
from .word_vectors import (
    Lookup,
    check_bits,
    check_length,
    check_rows,
    check_shifts,
)

MAX_DEGREE = 3
"""Highest degree of a function's pieces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A piecewise polynomial: pieces of equal width over the range of ``in_fmt``.

    Parameters
    ----------
    name : str
        Name of the exact function; backends ignore it.
    in_fmt : QFormat
        Format of the argument.
    pieces : tuple of tuple of int
        Coefficients of each piece, constant term first; the number of pieces is a power of two.
    shifts : tuple of int
        Right shift of the product that is added to each coefficient, constant term first.
    guard : int
        Number of low bits to round off at the end.
    """

    name: str
    in_fmt: QFormat
    pieces: tuple[tuple[int, ...], ...]
    shifts: tuple[int, ...]
    guard: int

    @property
    def rest_bits(self) -> int:
        """Width of the argument's offset within a piece."""
        return self.in_fmt.width - (len(self.pieces).bit_length() - 1)

    def check(self) -> None:
        """Raise `FormatError` unless all pieces have the same shape and every sum fits."""
        n, degree = len(self.pieces), len(self.shifts)
        if n & (n - 1) or not n or self.rest_bits < 0:
            raise FormatError(
                f"{self.name} must have a power of two of pieces, at most one a word, not {n}"
            )
        if degree > MAX_DEGREE:
            raise FormatError(
                f"{self.name} must have at most {MAX_DEGREE + 1} coefficients in a piece, "
                f"not {degree + 1}"
            )
        if any(len(piece) != degree + 1 for piece in self.pieces):
            raise FormatError(
                f"{self.name} must have {degree + 1} coefficients in every piece, "
                "one more than shifts"
            )
        check_shifts(self.name, (self.guard, *self.shifts))
        sizes = [max(abs(piece[j]) for piece in self.pieces) for j in range(degree + 1)]
        bound = sizes[-1]
        for size, shift in zip(reversed(sizes[:-1]), reversed(self.shifts), strict=True):
            check_bits(self.name, (bound << self.rest_bits).bit_length() + 1)
            bound = size + (bound << self.rest_bits >> shift) + 1
        check_bits(self.name, max(bound.bit_length(), self.guard) + 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A coefficient for every word of a vector: the readout of a ladder."""

    kind: ClassVar[str] = "scale"
    source: str
    target: str
    n_channels: int
    coefs: tuple[int, ...]
    shifts: tuple[int, ...]

    @property
    def reads(self) -> tuple[str, ...]:
        """Vectors read."""
        return (self.source,)

    @property
    def writes(self) -> tuple[str, ...]:
        """Vectors written."""
        return (self.target,)

    def channels(self, vector: Lookup) -> int:
        """Return how many times the operation is applied in a step."""
        return self.n_channels

    def multiplies(self, vector: Lookup) -> int:
        """Return the multiplications in a step; a coefficient of 1 is a shift."""
        return sum(coef != 1 for coef in self.coefs) * self.n_channels

    def check(self, vector: Lookup) -> None:
        """Raise `FormatError` unless shapes agree and intermediates fit."""
        if not self.coefs or self.n_channels < 1:
            raise FormatError("scale must have at least one coefficient and one channel")
        if len(self.shifts) != len(self.coefs):
            raise FormatError(
                f"scale has {len(self.shifts)} shifts but should have {len(self.coefs)}"
            )
        for name in (self.source, self.target):
            check_length(vector(name), self.n_channels * len(self.coefs))
        check_shifts("scale", self.shifts)
        source = vector(self.source).fmt
        peak = max(-source.min, source.max) * max(map(abs, self.coefs))
        check_bits("scale", max(peak.bit_length(), max(self.shifts)) + 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """An affine map with a scale for each row, followed by an optional function."""

    kind: ClassVar[str] = "linear"
    sources: tuple[str, ...]
    target: str
    n_channels: int
    rows: tuple[tuple[int, ...], ...]
    aligns: tuple[int, ...]
    biases: tuple[int, ...]
    multipliers: tuple[int, ...]
    shifts: tuple[int, ...]
    function: Function | None = None

    @property
    def reads(self) -> tuple[str, ...]:
        """Vectors read."""
        return self.sources

    @property
    def writes(self) -> tuple[str, ...]:
        """Vectors written."""
        return (self.target,)

    def channels(self, vector: Lookup) -> int:
        """Return how many times the operation is applied in a step."""
        return self.n_channels

    def multiplies(self, vector: Lookup) -> int:
        """Return the multiplications by weights in a step."""
        return sum(map(len, self.rows)) * self.n_channels

    def widths(self, vector: Lookup) -> tuple[int, ...]:
        """Return the number of columns of each source."""
        return tuple(vector(name).length // self.n_channels for name in self.sources)

    def peaks(self, vector: Lookup) -> tuple[int, ...]:
        """Return the largest magnitude of each row's exact sum, bias included."""
        ends = tuple(accumulate(self.widths(vector), initial=0))
        sums = (
            [sum(map(abs, row[start:end])) for start, end in pairwise(ends)] for row in self.rows
        )
        return row_peaks(
            sums, [vector(name).fmt for name in self.sources], self.aligns, self.biases
        )

    def check(self, vector: Lookup) -> None:
        """Raise `FormatError` unless shapes agree and intermediates fit."""
        if not self.sources or not self.rows:
            raise FormatError("linear must have at least one source and one row")
        lengths = [vector(name).length for name in self.sources]
        n = self.n_channels
        if n < 1 or any(length % n for length in lengths):
            raise FormatError(f"linear sources {self.sources} do not split into {n} channels")
        if len(self.aligns) != len(self.sources):
            raise FormatError(
                f"linear has {len(self.aligns)} aligns but should have {len(self.sources)}"
            )
        for name in ("biases", "multipliers"):
            if len(getattr(self, name)) != len(self.rows):
                raise FormatError(
                    f"linear has {len(getattr(self, name))} {name} but should have {len(self.rows)}"
                )
        check_length(vector(self.target), n * len(self.rows))
        check_rows(self, sum(lengths) // n)
        check_sums(self.peaks(vector), self.multipliers, self.shifts)
        if self.function is not None:
            self.function.check()


def row_peaks(
    sums: Iterable[Sequence[int]],
    formats: Sequence[QFormat],
    aligns: Sequence[int],
    biases: Sequence[int],
) -> tuple[int, ...]:
    """Return the largest magnitude of each row's exact sum in a `Linear`, bias included.

    Parameters
    ----------
    sums : iterable of sequence of int
        For each row, the sum of the magnitudes of its weights for each source.
    formats : sequence of QFormat
        Format of each source.
    aligns, biases : sequence of int
        As in `Linear`.

    Raises
    ------
    FormatError
        If an align is no shift.
    """
    check_shifts("linear", aligns)
    peaks = [max(-fmt.min, fmt.max) << a for fmt, a in zip(formats, aligns, strict=True)]
    return tuple(
        sum(map(mul, row, peaks)) + abs(bias) for row, bias in zip(sums, biases, strict=True)
    )


def check_sums(peaks: Sequence[int], multipliers: Sequence[int], shifts: Sequence[int]) -> None:
    """Raise `FormatError` unless the sums of a `Linear` fit when they are scaled."""
    check_shifts("linear", shifts)
    if min(multipliers) < 1:
        raise FormatError(f"multipliers must be >= 1, not {min(multipliers)}")
    for peak, multiplier in zip(peaks, multipliers, strict=True):
        check_bits("linear", (max(1, peak) * multiplier).bit_length() + 2)


@dataclass(frozen=True, slots=True)
class Term:
    """A term of a `Pointwise`: ``a * b``, or ``a`` if b is empty; subtracted if ``minus``."""

    a: str
    b: str = ""
    minus: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The vectors of the term."""
        return (self.a, self.b) if self.b else (self.a,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointwise:
    """An elementwise sum of products of vectors, followed by an optional function."""

    kind: ClassVar[str] = "pointwise"
    terms: tuple[Term, ...]
    target: str
    function: Function | None = None

    @property
    def reads(self) -> tuple[str, ...]:
        """Vectors read."""
        return tuple(dict.fromkeys(name for term in self.terms for name in term.names))

    @property
    def writes(self) -> tuple[str, ...]:
        """Vectors written."""
        return (self.target,)

    @property
    def is_copy(self) -> bool:
        """Whether the operation only changes the format."""
        return self.function is None and self.terms == (Term(self.terms[0].a),)

    def channels(self, vector: Lookup) -> int:
        """Return how many times the operation is applied in a step."""
        return 1

    def multiplies(self, vector: Lookup) -> int:
        """Return the multiplications in a step."""
        return sum(bool(term.b) for term in self.terms) * vector(self.target).length

    def result_fmt(self, vector: Lookup) -> QFormat:
        """Return the format that the sum is rounded to."""
        return self.function.in_fmt if self.function is not None else vector(self.target).fmt

    def check(self, vector: Lookup) -> None:
        """Raise `FormatError` unless shapes agree and intermediates fit."""
        if not self.terms:
            raise FormatError("pointwise must have at least one term")
        for name in self.reads:
            check_length(vector(name), vector(self.target).length)
        fracs = [sum(vector(n).fmt.frac_bits for n in term.names) for term in self.terms]
        align = max(*fracs, self.result_fmt(vector).frac_bits)
        widths = [
            sum(vector(n).fmt.width for n in term.names) + align - frac
            for term, frac in zip(self.terms, fracs, strict=True)
        ]
        drop = align - self.result_fmt(vector).frac_bits
        check_bits("pointwise", max(*widths, drop) + len(self.terms) + 1)
        if self.function is not None:
            self.function.check()


@dataclass(frozen=True, slots=True, kw_only=True)
class Argmax:
    """The index of the largest word."""

    kind: ClassVar[str] = "argmax"
    source: str
    target: str

    @property
    def reads(self) -> tuple[str, ...]:
        """Vectors read."""
        return (self.source,)

    @property
    def writes(self) -> tuple[str, ...]:
        """Vectors written."""
        return (self.target,)

    def channels(self, vector: Lookup) -> int:
        """Return how many times the operation is applied in a step."""
        return 1

    def multiplies(self, vector: Lookup) -> int:
        """Return 0: the operation only compares."""
        return 0

    def check(self, vector: Lookup) -> None:
        """Raise `FormatError` unless every index fits the target."""
        check_length(vector(self.target), 1)
        fmt, last = vector(self.target).fmt, vector(self.source).length - 1
        if fmt.frac_bits or fmt.max < last:
            raise FormatError(f"{self.target} must be an integer format that holds {last}")


MemoryUpdate = Cascade | Ladder | DenseUpdate | Spiking
"""Operations that keep the state of a memory."""

Operation = MemoryUpdate | Linear | Scale | Pointwise | Argmax
