"""The vectors of a program, and checks of how operations use them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from .._support.channel import Channel, check_channels
from ..errors import FormatError
from .codec import written
from .fixedpoint import MAX_WORD_BITS, QFormat

MAX_SHIFT = MAX_WORD_BITS - 2
"""Largest shift: rounding adds half of ``2**shift`` to a sum."""


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


class HasRows(Protocol):
    """An operation with rows of coefficients."""

    @property
    def kind(self) -> str:
        """Kind of the operation."""

    @property
    def rows(self) -> Sequence[Sequence[int]]:
        """Rows of coefficients."""

    @property
    def shifts(self) -> Sequence[int]:
        """Right shift of every row."""


def check_bits(label: str, bits: int) -> None:
    """Raise `FormatError` if an intermediate of ``bits`` bits is too wide for the backends."""
    if bits > MAX_WORD_BITS:
        raise FormatError(
            f"{label} needs {bits} bits but must fit {MAX_WORD_BITS}: "
            "use fewer state or coefficient bits"
        )


def check_length(vector: Vector, length: int) -> None:
    """Raise `FormatError` unless a vector has ``length`` words."""
    if vector.length != length:
        raise FormatError(f"{vector.name} has length {vector.length} but should be {length}")


def check_aligned(label: str, source: QFormat, target: QFormat) -> None:
    """Raise `FormatError` if aligning two formats makes a word too wide."""
    check_bits(label, source.width + abs(source.frac_bits - target.frac_bits) + 1)


def check_silence(silence: Vector, channels: int, window: int) -> None:
    """Raise `FormatError` unless the zero-run counters fit the channels and the window."""
    check_length(silence, channels)
    if silence.fmt.signed or silence.fmt.frac_bits or not 1 <= window <= silence.fmt.max:
        raise FormatError(
            f"{silence.name} must be an unsigned integer format that holds window >= 1, "
            f"not {silence.fmt} with window {window}"
        )


def check_rows(op: HasRows, n_columns: int) -> None:
    """Raise `FormatError` unless rows have ``n_columns`` entries and one shift each."""
    rows = op.rows
    if len(op.shifts) != len(rows) or any(len(row) != n_columns for row in rows):
        raise FormatError(f"{op.kind} must have {n_columns} columns and one shift for each row")
    check_shifts(op.kind, op.shifts)


def check_shifts(label: str, shifts: Sequence[int]) -> None:
    """Raise `FormatError` unless all shifts are from 0 to `MAX_SHIFT`."""
    low, high = min(shifts), max(shifts)
    if low < 0 or high > MAX_SHIFT:
        raise FormatError(
            f"{label} must have shifts from 0 to {MAX_SHIFT}, not {low if low < 0 else high}"
        )
