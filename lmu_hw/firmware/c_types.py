"""C types for words, tables and sums.

Every choice is proven from formats and coefficients: a sum has 32 bits only if no legal words can
make it reach 2**31.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .._support.templates import c_int
from ..program.fixedpoint import QFormat
from .c_expressions import Expression, constant, word


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
    """Return the smallest type for a table; unsigned if the values are nonnegative and < 2**16.

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
    """Return 32 or 64: the narrowest arithmetic for sums up to ``bound`` in magnitude."""
    return 32 if bound < 1 << 31 else 64


def magnitude(fmt: QFormat) -> int:
    """Return the largest magnitude of a word of ``fmt``."""
    return max(-fmt.min, fmt.max)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A constant table with either ``values`` or ``rows`` of numbers.

    Rows that are ``flat`` form a one-dimensional array in C, without a gap between rows. ``dual``
    replaces the table on processors with dual multiply-accumulate, which read another order.
    """

    name: str
    about: str
    ctype: str
    values: tuple[int, ...] = ()
    rows: tuple[tuple[int, ...], ...] = ()
    flat: bool = False
    dual: Table | None = None

    @property
    def n_bytes(self) -> int:
        """Size in read-only memory, of the larger one if there are two orders [bytes]."""
        count = len(self.values) + sum(map(len, self.rows))
        own = count * type_bits(self.ctype) // 8
        return max(own, self.dual.n_bytes) if self.dual else own

    @property
    def digits(self) -> int:
        """Characters of the longest number, for aligned columns."""
        rows = [row for row in (self.values, *self.rows) if row]
        ends = min(map(min, rows)), max(map(max, rows))
        return max(len(f"{v}u" if self.unsigned else c_int(v)) for v in ends)

    @property
    def unsigned(self) -> bool:
        """Whether its numbers need a suffix: an `int` of C may be too narrow for them."""
        return self.ctype == "uint32_t"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One number for each row: a table, or the constant ``value`` if all are equal."""

    table: Table | None
    value: int

    @classmethod
    def of(cls, name: str, about: str, values: tuple[int, ...]) -> Column:
        """Return the values as a column."""
        table = Table(name=name, about=about, ctype=table_type(values), values=values)
        return cls(table=table if len(set(values)) > 1 else None, value=values[0])

    def at(self, row: str) -> str:
        """Return the text of one row's number."""
        return f"{self.table.name}[{row}]" if self.table else c_int(self.value)

    def expression(self, row: str) -> Expression:
        """Return one row's number as an expression with a case for each row."""
        if self.table is None:
            return constant(self.value)
        cases = tuple((value, value) for value in self.table.values)
        return word(self.at(row), self.table.ctype, *cases)

    @property
    def values(self) -> tuple[int, ...]:
        """The numbers of all rows; a single one if all are equal."""
        return self.table.values if self.table else (self.value,)

    def is_all(self, value: int) -> bool:
        """Return whether every number is ``value``, so that it needs no code."""
        return self.table is None and self.value == value


def _room(bits: int, narrowest: int) -> int:
    return next(n for n in (8, 16, 32, 64) if n >= max(bits, narrowest))
