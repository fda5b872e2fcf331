"""The vectors and operations of a program; `lmu_hw.program.integer_program` specifies them.

Every operation names the vectors that it reads and writes, and checks its shapes and the widths of
its intermediates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar

from .._support.channel import Channel, check_channels
from ..errors import FormatError
from .codec import written
from .fixedpoint import MAX_WORD_BITS, QFormat

MAX_SHIFT = MAX_WORD_BITS - 2
"""Largest shift: rounding adds half of ``2**shift`` to a sum."""
MAX_DEGREE = 3
"""Highest degree of a function's pieces."""


class Role(Enum):
    """Role of a vector: who writes and reads it."""

    INPUT = "input"
    STATE = "state"
    INTERNAL = "internal"
    OUTPUT = "output"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """A named vector of ``length`` words in format ``fmt``.

    ``about`` describes the words for documentation, ``channels`` what each word of an input or
    output stands for; the words that backends compute do not depend on either.
    """

    name: str
    length: int
    role: Role
    fmt: QFormat
    about: str = ""
    channels: tuple[Channel, ...] | None = field(default=None, metadata=written(optional=True))

    def check_channels(self) -> None:
        """Raise `FormatError` unless channels are absent or those of an input or output."""
        if self.channels is None:
            return
        if self.role not in (Role.INPUT, Role.OUTPUT):
            raise FormatError(
                f"{self.role.value} {self.name!r} must have no channels: "
                "only inputs and outputs stand for values outside"
            )
        check_channels(f"{self.role.value} {self.name!r}", self.channels, self.length)


Lookup = Callable[[str], Vector]
"""A function that returns the vector with a name."""


@dataclass(frozen=True, slots=True)
class Adaptor:
    """The coefficient of an adaptor: ``e = coef * 2**-shift``, 0 < e < 2."""

    coef: int
    shift: int


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
        _check_shifts(self.name, (self.guard, *self.shifts))
        sizes = [max(abs(piece[j]) for piece in self.pieces) for j in range(degree + 1)]
        bound = sizes[-1]
        for size, shift in zip(reversed(sizes[:-1]), reversed(self.shifts), strict=True):
            check_bits(self.name, (bound << self.rest_bits).bit_length() + 1)
            bound = size + (bound << self.rest_bits >> shift) + 1
        check_bits(self.name, max(bound.bit_length(), self.guard) + 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cascade:
    """Memory update by a chain of lossless sections."""

    kind: ClassVar[str] = "cascade"
    source: str
    z_outer: str
    z_inner: str
    silence: str
    chain_fmt: QFormat
    window: int
    sections: tuple[tuple[Adaptor, ...], ...]

    @property
    def n_pairs(self) -> int:
        """Number of two-adaptor sections."""
        return sum(len(section) == 2 for section in self.sections)

    @property
    def states(self) -> tuple[str, ...]:
        """The state vectors of the memory, without the counter."""
        return (self.z_outer, self.z_inner) if self.n_pairs else (self.z_inner,)

    @property
    def reads(self) -> tuple[str, ...]:
        """Vectors read, the operation's own state included."""
        return (self.source, self.silence, *self.states)

    @property
    def writes(self) -> tuple[str, ...]:
        """Vectors written."""
        return (self.silence, *self.states)

    def channels(self, vector: Lookup) -> int:
        """Return how many times the operation is applied in a step."""
        return vector(self.source).length

    def multiplies(self, vector: Lookup) -> int:
        """Return the multiplications in a step: one for each adaptor and channel."""
        return sum(map(len, self.sections)) * self.channels(vector)

    def check(self, vector: Lookup) -> None:
        """Raise `FormatError` unless shapes agree and intermediates fit."""
        channels = self.channels(vector)
        _check_silence(vector(self.silence), channels, self.window)
        _check_aligned("cascade input", vector(self.source).fmt, self.chain_fmt)
        _check_length(vector(self.z_inner), channels * len(self.sections))
        inner = outer = vector(self.z_inner).fmt
        if self.n_pairs:
            _check_length(vector(self.z_outer), channels * self.n_pairs)
            outer = vector(self.z_outer).fmt
        for section in self.sections:
            if len(section) not in (1, 2):
                raise FormatError(f"a section must have 1 or 2 adaptors, not {len(section)}")
            for adaptor in section:
                check_bits("adaptor", adaptor.shift + 2)
                if not (adaptor.shift >= 0 and 0 < adaptor.coef < 2 << adaptor.shift):
                    raise FormatError(f"adaptor must have 0 < coef * 2**-shift < 2, not {adaptor}")
            ports = (
                [(self.chain_fmt, outer, section[0]), (inner, outer, section[-1])]
                if len(section) == 2
                else [(inner, self.chain_fmt, section[0])]
            )
            for a, b, adaptor in ports:
                _check_adaptor(adaptor, a, b)


@dataclass(frozen=True, slots=True, kw_only=True)
class DenseUpdate:
    """Memory update by a full matrix; ``rows`` holds Abar - I."""

    kind: ClassVar[str] = "dense"
    source: str
    state: str
    silence: str
    window: int
    rows: tuple[tuple[int, ...], ...]
    shifts: tuple[int, ...]

    @property
    def reads(self) -> tuple[str, ...]:
        """Vectors read, the operation's own state included."""
        return (self.source, self.silence, self.state)

    @property
    def writes(self) -> tuple[str, ...]:
        """Vectors written."""
        return (self.silence, self.state)

    def channels(self, vector: Lookup) -> int:
        """Return how many times the operation is applied in a step."""
        return vector(self.source).length

    def multiplies(self, vector: Lookup) -> int:
        """Return the multiplications in a step."""
        return sum(map(len, self.rows)) * self.channels(vector)

    def check(self, vector: Lookup) -> None:
        """Raise `FormatError` unless shapes agree and intermediates fit."""
        n, source, state = len(self.rows), vector(self.source).fmt, vector(self.state).fmt
        _check_silence(vector(self.silence), self.channels(vector), self.window)
        _check_length(vector(self.state), n * self.channels(vector))
        _check_aligned("dense input", source, state)
        entry = source.width + max(0, state.frac_bits - source.frac_bits) + 1
        _check_rows(self, n)
        total = max(sum(map(abs, row)) for row in self.rows)
        check_bits("dense", total.bit_length() + max(state.width, entry) + 2)


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
        columns: list[int] = []
        for name, n, align in zip(self.sources, self.widths(vector), self.aligns, strict=True):
            fmt = vector(name).fmt
            columns += [max(-fmt.min, fmt.max) << align] * n
        return tuple(
            sum(abs(w) * x for w, x in zip(row, columns, strict=True)) + abs(bias)
            for row, bias in zip(self.rows, self.biases, strict=True)
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
        _check_shifts("linear", self.aligns)
        for name in ("biases", "multipliers"):
            if len(getattr(self, name)) != len(self.rows):
                raise FormatError(
                    f"linear has {len(getattr(self, name))} {name} but should have {len(self.rows)}"
                )
        if min(self.multipliers) < 1:
            raise FormatError(f"multipliers must be >= 1, not {min(self.multipliers)}")
        _check_length(vector(self.target), n * len(self.rows))
        _check_rows(self, sum(lengths) // n)
        for peak, multiplier in zip(self.peaks(vector), self.multipliers, strict=True):
            check_bits("linear", (max(1, peak) * multiplier).bit_length() + 2)
        if self.function is not None:
            self.function.check()


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
            _check_length(vector(name), vector(self.target).length)
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
        _check_length(vector(self.target), 1)
        fmt, last = vector(self.target).fmt, vector(self.source).length - 1
        if fmt.frac_bits or fmt.max < last:
            raise FormatError(f"{self.target} must be an integer format that holds {last}")


Operation = Cascade | DenseUpdate | Linear | Pointwise | Argmax


def check_bits(label: str, bits: int) -> None:
    """Raise `FormatError` if an intermediate of ``bits`` bits is too wide for the backends."""
    if bits > MAX_WORD_BITS:
        raise FormatError(
            f"{label} needs {bits} bits but must fit {MAX_WORD_BITS}: "
            "use fewer state or coefficient bits"
        )


def _check_length(vector: Vector, length: int) -> None:
    if vector.length != length:
        raise FormatError(f"{vector.name} has length {vector.length} but should be {length}")


def _check_aligned(label: str, source: QFormat, target: QFormat) -> None:
    check_bits(label, source.width + abs(source.frac_bits - target.frac_bits) + 1)


def _check_silence(silence: Vector, channels: int, window: int) -> None:
    _check_length(silence, channels)
    if silence.fmt.signed or silence.fmt.frac_bits or not 1 <= window <= silence.fmt.max:
        raise FormatError(
            f"{silence.name} must be an unsigned integer format that holds window >= 1, "
            f"not {silence.fmt} with window {window}"
        )


def _check_adaptor(adaptor: Adaptor, a: QFormat, b: QFormat) -> None:
    align = max(a.frac_bits, b.frac_bits)
    wide = max(f.width + align - f.frac_bits for f in (a, b))
    drop = adaptor.shift + align - min(a.frac_bits, b.frac_bits)
    check_bits("adaptor", max(wide + 1 + adaptor.coef.bit_length(), wide + 2, drop + 2))


def _check_rows(op: DenseUpdate | Linear, n_columns: int) -> None:
    rows: Sequence[Sequence[int]] = op.rows
    if len(op.shifts) != len(rows) or any(len(row) != n_columns for row in rows):
        raise FormatError(f"{op.kind} must have {n_columns} columns and one shift for each row")
    _check_shifts(op.kind, op.shifts)


def _check_shifts(label: str, shifts: Sequence[int]) -> None:
    low, high = min(shifts), max(shifts)
    if low < 0 or high > MAX_SHIFT:
        raise FormatError(
            f"{label} must have shifts from 0 to {MAX_SHIFT}, not {low if low < 0 else high}"
        )
