"""Tables of the weights that multiply words of 8 bits.

There are two orders, and the compiler's target selects one. Helium and plain C read 8-bit weights
row by row, as bytes, and weights of 4 and 16 bits packed as digits, as for wider words. Processors
with dual multiply-accumulate load four words at once and split them into ``(x0, x2)`` and
``(x1, x3)``: their table is packed as digits, and its columns are in the same order.
"""

from __future__ import annotations

from collections.abc import Sequence

from .c_types import Table
from .digits import NUMBER_BITS, Rows, pack

GROUP = 4
"""Words that a processor with dual multiply-accumulate loads at once."""
DUAL_ORDER = (0, 2, 1, 3)
"""Columns of every four in its table."""
BYTES = 2
"""Weights that a 16-bit number holds if they have 8 bits: the other order keeps these as bytes."""


def dual_columns(length: int) -> list[int]:
    """Return the order of a part's columns for dual multiply-accumulate.

    Examples
    --------
    >>> dual_columns(6)
    [0, 2, 1, 3, 4, 5]
    """
    whole = length // GROUP * GROUP
    moved = [start + k for start in range(0, whole, GROUP) for k in DUAL_ORDER]
    return [*moved, *range(whole, length)]


def dual_peak(rows: Rows, first: int, length: int, digits: int) -> int:
    """Return the largest sum that must fit 32 bits, for words of magnitude 1.

    The sum of a row is weighted by the place of its digit, because the kernel subtracts the lower
    digits from it, modulo 2**32, before it shifts.

    Examples
    --------
    >>> dual_peak(((1, -1), (1, 1)), 0, 2, 2)
    512
    """
    width = NUMBER_BITS // digits
    return max(
        sum(map(abs, row[first : first + length])) << r % digits * width
        for r, row in enumerate(rows)
    )


def byte_table(name: str, parts: Sequence[Rows], digits: int, scale: str) -> Table:
    """Return the table of the columns of all parts, each a matrix of its own, in both orders.

    Every part is padded to an even number of columns. ``scale`` describes that of the weights.
    """
    lengths = [len(rows[0]) for rows in parts]
    moved = [
        tuple(tuple(row[j] for j in dual_columns(n)) for row in rows)
        for n, rows in zip(lengths, parts, strict=True)
    ]
    packed = {1: "", 2: ", two rows in a number", 4: ", four rows in a number"}[digits]
    about = "Weights of bytes"
    dual = Table(
        name=name,
        about=f"{about}{packed}, columns 0 2 1 3; {scale}",
        ctype="int16_t",
        rows=pack(_joined(moved), lengths, digits),
        flat=True,
    )
    plain = digits == BYTES
    return Table(
        name=name,
        about=f"{about}{'' if plain else packed}; {scale}",
        ctype="int8_t" if plain else "int16_t",
        rows=_padded(parts) if plain else pack(_joined(parts), lengths, digits),
        flat=True,
        dual=dual,
    )


def _joined(parts: Sequence[Rows]) -> Rows:
    """Return matrices beside each other."""
    return tuple(tuple(w for row in rows for w in row) for rows in zip(*parts, strict=True))


def _padded(parts: Sequence[Rows]) -> Rows:
    """Return matrices beside each other, each with an even number of columns."""
    return _joined([tuple((*row, *(0,) * (len(row) % 2)) for row in rows) for rows in parts])
