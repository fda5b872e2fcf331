"""C types for words, and how wide the sums between them can get.

Every choice here is by proof from the formats and the coefficients: a sum is kept in 32 bits only
where no legal word can bring it to 2**31.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

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


def sum_bits(bound: int) -> int:
    """Return 32 or 64: the narrowest arithmetic for sums of at most ``bound`` in magnitude."""
    return 32 if bound < 1 << 31 else 64


def magnitude(fmt: QFormat) -> int:
    """Return the largest magnitude of a word of ``fmt``."""
    return max(-fmt.min, fmt.max)


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


def shift_table(name: str, about: str, shifts: tuple[int, ...]) -> Table | None:
    """Return a table of shifts, or None when all are equal: a constant then does."""
    if len(set(shifts)) == 1:
        return None
    return Table(name=name, about=about, ctype="uint8_t", values=shifts)


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
    def between(cls, src: QFormat, frac_bits: int, dst: QFormat | None) -> Rescale:
        """Return the way from ``src`` to ``frac_bits``, limited to ``dst`` unless that is None."""
        shift = src.frac_bits - frac_bits
        drop, scale = max(shift, 0), 1 << max(-shift, 0)
        half = 1 << drop >> 1
        low, high = (src.min * scale + half) >> drop, (src.max * scale + half) >> drop
        return cls(
            bits=sum_bits(magnitude(src) * scale + half),
            drop=drop,
            scale=scale,
            clip=dst is not None and not dst.min <= low <= high <= dst.max,
        )


@dataclass(slots=True)
class Helpers:
    """Which of the small functions at the top of the file the operations call, by sum width."""

    clip: set[int] = field(default_factory=set)
    half_up: set[int] = field(default_factory=set)
    round: set[int] = field(default_factory=set)
    silent: set[int] = field(default_factory=set)

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
