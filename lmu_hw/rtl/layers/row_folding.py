"""Which rows of a matrix share multipliers, and for how many cycles each row uses them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldedRows:
    """Rows that take turns at the same multipliers, the next one every ``fold`` cycles.

    In turn q of a row, multiplier p multiplies the word of column ``p * fold + q``.

    Parameters
    ----------
    first, count : int
        Number of the first row, and how many follow each other.
    fold : int
        Cycles of a row.
    multipliers : int
    """

    first: int
    count: int
    fold: int
    multipliers: int

    @property
    def cycles(self) -> int:
        """Cycles in which the multipliers work in a step."""
        return self.count * self.fold


def folded_rows(n_rows: int, n_columns: int, interval: int) -> tuple[FoldedRows, ...]:
    """Return how rows share multipliers, with as few multipliers as this order of products takes.

    Parameters
    ----------
    n_rows, n_columns : int
    interval : int
        Cycles between two steps.

    Examples
    --------
    >>> [(g.count, g.fold, g.multipliers) for g in folded_rows(16, 16, 12)]
    [(12, 1, 16), (4, 3, 6)]
    """

    @cache
    def best(left: int) -> tuple[int, int, tuple[tuple[int, int], ...]]:
        """Return multipliers, groups and (rows, fold) of each group for the rows left."""
        if left == 0:
            return 0, 0, ()
        found = []
        for fold in range(1, min(interval, n_columns) + 1):
            count = min(left, interval // fold)
            multipliers, groups, rest = best(left - count)
            multipliers += -(-n_columns // fold)
            found.append((multipliers, groups + 1, ((count, fold), *rest)))
        return min(found)

    groups, first = [], 0
    # a loop from below keeps the recursion flat for matrices of many rows
    for left in range(n_rows):
        best(left)
    for count, fold in sorted(best(n_rows)[2], key=lambda group: (group[1], -group[0])):
        multipliers = -(-n_columns // fold)
        groups.append(FoldedRows(first=first, count=count, fold=fold, multipliers=multipliers))
        first += count
    return tuple(groups)
