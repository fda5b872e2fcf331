"""Finds a graph of few adders for a constant matrix.

Every weight is written with digits -1, 0 and 1. Two digits of a row, of the same or of different
words, are a *pattern*: ``a +- (b << offset)``. The pattern that occurs most often becomes a node,
which replaces the pattern wherever it occurs, and so on, until no pattern occurs twice (common
subexpression elimination on signed digits, Hartley 1996). What is left of a row is added in pairs.

References
----------
R. Hartley, "Subexpression sharing in filters using canonic signed digit multipliers", IEEE
Transactions on Circuits and Systems II 43(10), 1996.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from ...errors import ScheduleError
from .adder_graph import AdderGraph, GraphAdder, GraphOutput

Digit = tuple[int, int]
"""A node, and the place of its digit."""
Pattern = tuple[int, int, int, int]
"""Nodes a and b, the place of b less that of a, and the product of their signs."""
Order = Callable[[Pattern], tuple[float, ...]]
"""Which of the patterns that occur equally often comes first: the smallest."""

SEEDS = (1, 2)
"""Of the random orders that are tried."""
ONE_TRY = 3000
"""Digits of a matrix from which only one order is tried."""
MOST_PAIRS = 1_000_000
"""Pairs of digits in the same row of the largest matrix whose graph is searched."""


def signed_digits(value: int) -> list[tuple[int, int]]:
    """Return (place, sign) of the fewest signed digits of a value, none next to each other.

    Examples
    --------
    >>> signed_digits(15)
    [(0, -1), (4, 1)]
    """
    found, place = [], 0
    while value:
        if value & 1:
            sign = 2 - (value & 3)
            found.append((place, sign))
            value -= sign
        value >>= 1
        place += 1
    return found


@lru_cache(maxsize=64)
def adder_graph(
    rows: tuple[tuple[int, ...], ...],
    ranges: tuple[tuple[int, int], ...],
    levels_per_stage: int = 1,
) -> AdderGraph:
    """Return a graph for a matrix, the one with the fewest adders of those that are found.

    Parameters
    ----------
    rows : tuple of tuple of int
    ranges : tuple of (int, int)
        Smallest and largest value of each word.
    levels_per_stage : int
        As in `AdderGraph`.

    Raises
    ------
    ScheduleError
        If the matrix is too large to search.
    """
    digits = [sum(len(signed_digits(weight)) for weight in row) for row in rows]
    n_digits = sum(digits)
    if sum(n * (n - 1) // 2 for n in digits) > MOST_PAIRS:
        raise ScheduleError(
            f"a matrix of {len(rows)} x {len(ranges)} weights is too large for adders alone: "
            "use --layers lanes, or with --parallel ring --layers pipelined"
        )
    orders: list[Order] = [_oldest, _newest, *map(_shuffled, SEEDS)]
    best: tuple[tuple[GraphAdder, ...], tuple[GraphOutput, ...]] | None = None
    for order in orders[: 1 if n_digits >= ONE_TRY else None]:
        found = _Search(rows, order).graph()
        if best is None or len(found[0]) < len(best[0]):
            best = found
    assert best is not None
    adders, outputs = best
    return AdderGraph(
        ranges=ranges, adders=adders, outputs=outputs, levels_per_stage=levels_per_stage
    )


def _oldest(pattern: Pattern) -> tuple[float, ...]:
    return (pattern[0] + pattern[1], abs(pattern[2]))


def _newest(pattern: Pattern) -> tuple[float, ...]:
    return (-pattern[0] - pattern[1], abs(pattern[2]))


def _shuffled(seed: int) -> Order:
    numbers = random.Random(seed)
    return lambda pattern: (numbers.random(),)


def _pattern(first: Digit, first_sign: int, second: Digit, second_sign: int) -> Pattern:
    """Return the pattern of two digits, in either order."""
    (a, place), (b, other) = sorted((first, second))
    return a, b, other - place, first_sign * second_sign


class _Search:
    """The digits of each row, and how often each pattern occurs in them."""

    def __init__(self, rows: Sequence[Sequence[int]], order: Order) -> None:
        self._n_words, self._order = len(rows[0]), order
        self._adders: list[GraphAdder] = []
        self._levels = [0] * self._n_words
        self._digits: list[dict[Digit, int]] = [{} for _ in rows]
        self._counts: Counter[Pattern] = Counter()
        self._rows_of: defaultdict[Pattern, Counter[int]] = defaultdict(Counter)
        self._heap: list[tuple[int, tuple[float, ...], Pattern]] = []
        changed: dict[Pattern, None] = {}
        for number, row in enumerate(rows):
            for column, weight in enumerate(row):
                for place, sign in signed_digits(weight):
                    self._put(number, (column, place), sign, changed)
        self._offer(changed)

    def graph(self) -> tuple[tuple[GraphAdder, ...], tuple[GraphOutput, ...]]:
        """Return adders and outputs."""
        while self._heap:
            count, _, pattern = heapq.heappop(self._heap)
            if self._counts[pattern] != -count:
                self._offer({pattern: None})
                continue
            found = list(self._occurrences(pattern))
            # digits of one node may be counted in two patterns that overlap
            if len(found) > 1:
                self._replace(pattern, found)
        outputs = [self._row_sum(digits) for digits in self._digits]
        return tuple(self._adders), tuple(outputs)

    def _put(self, row: int, digit: Digit, sign: int, changed: dict[Pattern, None]) -> None:
        """Add a digit to a row, and count its patterns."""
        self._count(row, digit, sign, 1, changed)
        self._digits[row][digit] = sign

    def _take(self, row: int, digit: Digit, changed: dict[Pattern, None]) -> int:
        """Remove a digit from a row; return its sign."""
        sign = self._digits[row].pop(digit)
        self._count(row, digit, sign, -1, changed)
        return sign

    def _count(
        self, row: int, digit: Digit, sign: int, change: int, changed: dict[Pattern, None]
    ) -> None:
        for other, its_sign in self._digits[row].items():
            pattern = _pattern(digit, sign, other, its_sign)
            self._counts[pattern] += change
            self._rows_of[pattern][row] += change
            changed[pattern] = None

    def _offer(self, patterns: dict[Pattern, None]) -> None:
        """Queue the patterns that occur more than once."""
        for pattern in patterns:
            if (count := self._counts[pattern]) > 1:
                heapq.heappush(self._heap, (-count, self._order(pattern), pattern))

    def _occurrences(self, pattern: Pattern) -> Iterator[tuple[int, Digit, Digit]]:
        """Yield row and digits of each occurrence; none share a digit."""
        a, b, offset, product = pattern
        for row in sorted(row for row, count in self._rows_of[pattern].items() if count > 0):
            digits = self._digits[row]
            used: set[Digit] = set()
            for first in sorted(digit for digit in digits if digit[0] == a):
                second = (b, first[1] + offset)
                free = second in digits and not {first, second} & used
                if free and digits[first] * digits[second] == product:
                    used |= {first, second}
                    yield row, first, second

    def _replace(self, pattern: Pattern, found: list[tuple[int, Digit, Digit]]) -> None:
        """Make a node of a pattern, and use it."""
        a, b, offset, product = pattern
        node = self._add(GraphAdder(a, max(0, -offset), b, max(0, offset), minus=product < 0))
        changed: dict[Pattern, None] = {}
        for row, first, second in found:
            sign = self._take(row, first, changed)
            self._take(row, second, changed)
            self._put(row, (node, first[1] + min(0, offset)), sign, changed)
        self._offer(changed)

    def _add(self, adder: GraphAdder) -> int:
        """Add an adder; return its node."""
        self._adders.append(adder)
        self._levels.append(1 + max(self._levels[adder.a], self._levels[adder.b]))
        return len(self._levels) - 1

    def _row_sum(self, digits: dict[Digit, int]) -> GraphOutput:
        """Add the digits of a row in pairs, those that are there first first."""
        queue = [(self._levels[node], place, node, sign) for (node, place), sign in digits.items()]
        heapq.heapify(queue)
        while len(queue) > 1:
            _, a_place, a, a_sign = heapq.heappop(queue)
            _, b_place, b, b_sign = heapq.heappop(queue)
            place = min(a_place, b_place)
            adder = GraphAdder(a, a_place - place, b, b_place - place, minus=a_sign != b_sign)
            node = self._add(adder)
            heapq.heappush(queue, (self._levels[node], place, node, a_sign))
        if not queue:
            return GraphOutput(-1, 0, minus=False)
        _, place, node, sign = queue[0]
        return GraphOutput(node, place, minus=sign < 0)
