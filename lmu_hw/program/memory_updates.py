"""Operations that keep the state of a memory; `lmu_hw.program.integer_program` specifies them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..errors import FormatError
from .fixedpoint import QFormat
from .word_vectors import (
    Lookup,
    check_aligned,
    check_bits,
    check_length,
    check_rows,
    check_silence,
)

SUBSTEPS = (1, 2, 4, 8)
"""Possible numbers of ladder steps in a step of the program."""


@dataclass(frozen=True, slots=True)
class Adaptor:
    """The coefficient of an adaptor: ``e = coef * 2**-shift``, 0 < e < 2 (ladder: 0 < e < 1)."""

    coef: int
    shift: int


class _StateKeeper:
    """What every memory update reads and writes: its input, its counter and its states."""

    __slots__ = ()
    source: str
    silence: str

    @property
    def states(self) -> tuple[str, ...]:
        """The state vectors of the memory, without the counter."""
        raise NotImplementedError

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Cascade(_StateKeeper):
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

    def multiplies(self, vector: Lookup) -> int:
        """Return the multiplications in a step: one for each adaptor and channel."""
        return sum(map(len, self.sections)) * self.channels(vector)

    def check(self, vector: Lookup) -> None:
        """Raise `FormatError` unless shapes agree and intermediates fit."""
        channels = self.channels(vector)
        check_silence(vector(self.silence), channels, self.window)
        check_aligned("cascade input", vector(self.source).fmt, self.chain_fmt)
        check_length(vector(self.z_inner), channels * len(self.sections))
        inner = outer = vector(self.z_inner).fmt
        if self.n_pairs:
            check_length(vector(self.z_outer), channels * self.n_pairs)
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
                check_adaptor(adaptor, a, b)


@dataclass(frozen=True, slots=True, kw_only=True)
class DenseUpdate(_StateKeeper):
    """Memory update by a full matrix; ``rows`` holds Abar - I."""

    kind: ClassVar[str] = "dense"
    source: str
    state: str
    silence: str
    window: int
    rows: tuple[tuple[int, ...], ...]
    shifts: tuple[int, ...]

    @property
    def states(self) -> tuple[str, ...]:
        """The state vector of the memory, without the counter."""
        return (self.state,)

    def multiplies(self, vector: Lookup) -> int:
        """Return the multiplications in a step."""
        return sum(map(len, self.rows)) * self.channels(vector)

    def check(self, vector: Lookup) -> None:
        """Raise `FormatError` unless shapes agree and intermediates fit."""
        n, source, state = len(self.rows), vector(self.source).fmt, vector(self.state).fmt
        check_silence(vector(self.silence), self.channels(vector), self.window)
        check_length(vector(self.state), n * self.channels(vector))
        check_aligned("dense input", source, state)
        entry = source.width + max(0, state.frac_bits - source.frac_bits) + 1
        check_rows(self, n)
        total = max(sum(map(abs, row)) for row in self.rows)
        check_bits("dense", total.bit_length() + max(state.width, entry) + 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder(_StateKeeper):
    """Bilinear memory update by a ladder of three-port adaptors."""

    kind: ClassVar[str] = "ladder"
    source: str
    state: str
    previous: str
    silence: str
    window: int
    substeps: int
    sections: tuple[Adaptor, ...]
    reflection: Adaptor

    @property
    def states(self) -> tuple[str, ...]:
        """The state vectors of the memory, without the counter."""
        return (self.state, self.previous) if self.previous else (self.state,)

    def multiplies(self, vector: Lookup) -> int:
        """Return the multiplications in a step: one a section and one at the source, by substep."""
        return (len(self.sections) + 1) * self.substeps * self.channels(vector)

    def input_shift(self, vector: Lookup) -> int:
        """Return the right shift from the input sum of a substep to the LSB of the waves."""
        fraction = vector(self.source).fmt.frac_bits - vector(self.state).fmt.frac_bits
        return fraction + self.substeps.bit_length() - 1

    def check(self, vector: Lookup) -> None:
        """Raise `FormatError` unless shapes agree and intermediates fit."""
        channels, source, wave = self.channels(vector), vector(self.source), vector(self.state).fmt
        check_silence(vector(self.silence), channels, self.window)
        if not self.sections:
            raise FormatError("ladder must have at least one section")
        check_length(vector(self.state), channels * len(self.sections))
        if not wave.signed:
            raise FormatError(f"{self.state} must have a signed format, not {wave}")
        if self.substeps not in SUBSTEPS:
            raise FormatError(f"ladder must have 1, 2, 4 or 8 substeps, not {self.substeps}")
        if (self.substeps > 1) != bool(self.previous):
            raise FormatError("ladder must have previous if substeps > 1, and only then")
        if self.previous:
            check_length(vector(self.previous), channels)
            if vector(self.previous).fmt != source.fmt:
                raise FormatError(
                    f"{self.previous} must have the format of {self.source}, {source.fmt}, "
                    f"not {vector(self.previous).fmt}"
                )
        # terms of the input sum of a substep are below 4 K input words
        check_bits("ladder input", source.fmt.width + 5 + abs(self.input_shift(vector)))
        for e in (*self.sections, self.reflection):
            # t takes the difference of two waves, a sum three waves and floor(t)
            check_bits("ladder", max(wave.width + abs(e.coef).bit_length() + 2, wave.width + 4))
            check_bits("ladder", e.shift + 2)
            if e.shift < 0 or abs(e.coef) >= 1 << e.shift:
                raise FormatError(f"ladder must have |coef * 2**-shift| < 1, not {e}")
        for e in self.sections:
            if e.coef < 1:
                raise FormatError(f"section of a ladder must have coef > 0, not {e}")


def check_adaptor(adaptor: Adaptor, a: QFormat, b: QFormat) -> None:
    """Raise `FormatError` unless the intermediates of an adaptor fit, with words of two formats."""
    align = max(a.frac_bits, b.frac_bits)
    wide = max(f.width + align - f.frac_bits for f in (a, b))
    drop = adaptor.shift + align - min(a.frac_bits, b.frac_bits)
    check_bits("adaptor", max(wide + 1 + adaptor.coef.bit_length(), wide + 2, drop + 2))
