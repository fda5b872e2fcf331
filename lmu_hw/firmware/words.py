"""C types for words, and how wide the sums between them can get.

Every choice here is by proof from the formats and the coefficients: a sum is kept in 32 bits only
where no legal word can bring it to 2**31.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from ..fixedpoint import QFormat
from ..templates import c_int


def signed_type(low: int, high: int, narrowest: int = 8) -> str:
    """Return the smallest signed type of at least ``narrowest`` bits that holds low..high.

    Examples
    --------
    >>> signed_type(-128, 127), signed_type(0, 255), signed_type(-1, 1, narrowest=32)
    ('int8_t', 'int16_t', 'int32_t')
    """
    bits = 1 + max(low if low >= 0 else ~low, high if high >= 0 else ~high).bit_length()
    return f"int{_room(bits, narrowest)}_t"


def table_type(values: Iterable[int]) -> str:
    """Return the smallest type for a table; unsigned if that halves it and promotes to int32_t.

    Examples
    --------
    >>> table_type([0, 255]), table_type([-1, 255]), table_type([1 << 40])
    ('uint8_t', 'int16_t', 'int64_t')
    """
    low, high = min(values := list(values)), max(values)
    if low >= 0 and high < 1 << 16:
        return f"uint{_room(high.bit_length(), 8)}_t"
    return signed_type(low, high)


def type_bits(ctype: str) -> int:
    """Return the width of ``intN_t`` or ``uintN_t``.

    Examples
    --------
    >>> type_bits("uint16_t")
    16
    """
    return int(ctype.strip("uint_"))


def short_type(ctype: str) -> str:
    """Return ``intN_t`` or ``uintN_t`` as a part of a name.

    Examples
    --------
    >>> short_type("int8_t"), short_type("uint16_t")
    ('i8', 'u16')
    """
    return f"{ctype[0]}{type_bits(ctype)}"


def sum_bits(bound: int) -> int:
    """Return 32 or 64: the narrowest arithmetic for sums of at most ``bound`` in magnitude."""
    return 32 if bound < 1 << 31 else 64


def magnitude(fmt: QFormat) -> int:
    """Return the largest magnitude of a word of ``fmt``."""
    return max(-fmt.min, fmt.max)


def limit_bits(fmt: QFormat) -> int:
    """Return 32 or 64: the narrowest arithmetic for the limits of ``fmt`` themselves."""
    return sum_bits(fmt.max)


def leaves(low: int, high: int, fmt: QFormat) -> bool:
    """Return whether some of low..high lies outside ``fmt``."""
    return low < fmt.min or high > fmt.max


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A constant table; one number for each entry of ``values``, or rows of them."""

    name: str
    about: str
    ctype: str
    values: tuple[int, ...] = ()
    rows: tuple[tuple[int, ...], ...] = ()

    @property
    def n_bytes(self) -> int:
        """Bytes of read-only memory."""
        count = len(self.values) + sum(map(len, self.rows))
        return count * type_bits(self.ctype) // 8

    @property
    def digits(self) -> int:
        """Characters of the longest number, so that columns line up."""
        rows = [row for row in (self.values, *self.rows) if row]
        ends = min(map(min, rows)), max(map(max, rows))
        return max(len(c_int(v)) for v in ends)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One number for each row: a table, or the constant ``value`` where all are equal."""

    table: Table | None
    value: int

    @classmethod
    def of(cls, name: str, about: str, values: tuple[int, ...]) -> Column:
        """Return the values as a column."""
        table = Table(name=name, about=about, ctype=table_type(values), values=values)
        return cls(table=table if len(set(values)) > 1 else None, value=values[0])

    def at(self, row: str) -> str:
        """Return the expression of the number of one row."""
        return f"{self.table.name}[{row}]" if self.table else c_int(self.value)

    def is_all(self, value: int) -> bool:
        """Return whether every number is ``value``: then it needs no code."""
        return self.table is None and self.value == value


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescale:
    """How one word becomes a word with other fractional bits: round half up or scale, then limit.

    ``drop`` bits are rounded away, or the word is multiplied by ``scale``; ``clip`` says whether
    the result can leave its format at all.
    """

    bits: int
    drop: int
    scale: int
    clip: bool

    @classmethod
    def of(cls, low: int, high: int, shift: int, narrowest: int) -> Rescale:
        """Return how low..high loses ``shift`` bits, or gains zeros where that is negative.

        ``narrowest`` is the least width that the arithmetic must have.
        """
        drop, scale = max(shift, 0), 1 << max(-shift, 0)
        bits = max(sum_bits(max(-low, high) * scale + (1 << drop >> 1)), narrowest)
        return cls(bits=bits, drop=drop, scale=scale, clip=False)

    def limited(self, low: int, high: int, dst: QFormat) -> Rescale:
        """Return the same for a result of low..high that is limited to ``dst``."""
        if not leaves(self.map(low), self.map(high), dst):
            return self
        return replace(self, clip=True, bits=max(self.bits, limit_bits(dst)))

    def map(self, x: int) -> int:
        """Return what becomes of ``x``, not limited."""
        return (x * self.scale + (1 << self.drop >> 1)) >> self.drop


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Dot:
    """A sum of products of a row and words, in ``bits`` bits."""

    bits: int
    row_type: str
    word_type: str

    @property
    def name(self) -> str:
        """Its name, less the prefix."""
        return f"dot{self.bits}_{short_type(self.row_type)}_{short_type(self.word_type)}"


@dataclass(slots=True)
class Helpers:
    """Which of the small functions at the top of the file the operations call, by sum width."""

    clip: set[int] = field(default_factory=set)
    asr: set[int] = field(default_factory=set)
    half_up: set[int] = field(default_factory=set)
    round: set[int] = field(default_factory=set)
    silent: set[int] = field(default_factory=set)
    dot: set[Dot] = field(default_factory=set)

    def use_round(self, bits: int) -> None:
        """Note a call of ``round<bits>``, which itself calls ``half_up``."""
        self.round.add(bits)
        self.half_up |= {bits, 64}

    def use_rescale(self, rescale: Rescale) -> None:
        """Note what a change of format calls."""
        if rescale.drop:
            self.half_up.add(rescale.bits)
        if rescale.clip:
            self.clip.add(rescale.bits)


def _room(bits: int, narrowest: int) -> int:
    return next(n for n in (8, 16, 32, 64) if n >= max(bits, narrowest))
