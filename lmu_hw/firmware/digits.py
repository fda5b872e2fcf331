"""Weights packed as digits of 16-bit numbers, for the kernels of ``lmu_kernels.h``.

A number of D digits holds the weights of D rows in one column, the first row in the lowest digit.
All digits but the highest have an offset of half their range, which makes them nonnegative.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..program.fixedpoint import QFormat
from .c_expressions import width_of

NUMBER_BITS = 16
MAX_COLUMNS = 1 << 16
"""Limit of a source's words: the kernels add them up in 32 bits for the offsets."""

LOW_BITS = 11
"""Where kernels cut words of more than 16 bits in halves: as suits words of 20 to 24 bits."""

Rows = tuple[tuple[int, ...], ...]


def digits_of(rows: Rows) -> int:
    """Return the number of weights in a number: the fewest that give the smallest table.

    0 means a plain table: for weights that exceed 16 bits, and for a single row of bytes, which
    takes half the memory that way.

    Examples
    --------
    >>> digits_of(((-8, 7),) * 4), digits_of(((-9, 7),) * 4), digits_of(((128,),) * 4)
    (4, 2, 1)
    >>> digits_of(((128,),)), digits_of(((127,),)), digits_of(((1 << 15,),))
    (1, 0, 0)
    """
    peak = max(max(w, ~w) for row in rows for w in row)
    if len(rows) == 1 and peak < 1 << NUMBER_BITS // 2 - 1:
        return 0
    fits = [d for d in (1, 2, 4) if peak < 1 << (NUMBER_BITS // d - 1)]
    return min(fits, key=lambda d: -(-len(rows) // d), default=0)


def pack(rows: Rows, lengths: Sequence[int], digits: int) -> Rows:
    """Return the packed table; each part, of ``lengths`` columns, is padded to an even number.

    Examples
    --------
    >>> pack(((1, -1), (2, 3), (0, 5)), [2], 2)
    ((641, 895), (128, 133))
    """
    base = 1 << NUMBER_BITS // digits
    offset = sum((base >> 1) * base**k for k in range(digits - 1))
    table = []
    for at in range(0, len(rows), digits):
        numbers = [
            offset + sum(w * base**k for k, w in enumerate(column))
            for column in zip(*rows[at : at + digits], strict=True)
        ]
        line: list[int] = []
        for length in lengths:
            line += numbers[:length] + [0] * (length % 2)
            numbers = numbers[length:]
        table.append(tuple(line))
    return tuple(table)


def partial_peak(rows: Rows, first: int, length: int, digits: int) -> int:
    """Return the largest sum that a kernel computes in 32 bits, for words of magnitude 1.

    That is the largest sum of a row's magnitudes; with four digits per number also that of the two
    lower rows together, with the second one weighted by 16.
    """
    sums = [sum(map(abs, row[first : first + length])) for row in rows]
    if digits < 4:
        return max(sums)
    pairs = [16 * upper + lower for lower, upper in zip(sums[::4], (*sums[1::4], 0), strict=False)]
    return max(*sums, *pairs)


def fits_in_halves(rows: Rows, fmt: QFormat) -> bool:
    """Return whether kernels may cut words in halves, whose partial sums must fit 32 bits.

    A word x is ``high * 2**LOW_BITS + low``, with ``0 <= low < 2**LOW_BITS``.

    Examples
    --------
    >>> fits_in_halves(((1 << 14,) * 128,), QFormat(4, 19))
    False
    >>> fits_in_halves(((1 << 14,) * 64,), QFormat(4, 19))
    True
    """
    halves = (0, (1 << LOW_BITS) - 1), (fmt.min >> LOW_BITS, fmt.max >> LOW_BITS)
    for row in rows:
        up, down = sum(w for w in row if w > 0), sum(w for w in row if w < 0)
        for low, high in halves:
            # both halves include zero, so these bounds hold for all partial sums
            if width_of(((up * low + down * high, up * high + down * low),), 32) > 32:
                return False
    return True
