"""Choose which points of a large grid to look at: those around the Pareto fronts so far.

The first third of the budget goes to the corners of the grid and to points spread evenly over it
(a Halton sequence). The rest goes, round by round, to the points one value away from the fronts;
where all of those are known, to further points of the sequence. The order depends on the results,
and on nothing else: not on how many workers there are, nor on which of them is faster.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from .search_space import Choice, SearchSpace

FIRST_SHARE = 3
"""The first round takes one in so many points of the budget."""
ROUNDS = 8
"""The rest is spent in about so many rounds."""
PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71)
MOST_CORNERS = 64


@dataclass(slots=True)
class BudgetedSearch:
    """A search of a grid with a budget.

    Parameters
    ----------
    space : SearchSpace
    budget : int
        Most points.
    """

    space: SearchSpace
    budget: int
    known: dict[Choice, None] = field(default_factory=dict)

    def first(self) -> list[Choice]:
        """Return the points of the first round."""
        wanted = max(1, min(self.budget, len(self.space)) // FIRST_SHARE)
        corners = itertools.islice(_corners(self.space), MOST_CORNERS)
        return self._taken(itertools.chain(corners, self._spread()), wanted)

    def following(self, front: Collection[Choice]) -> list[Choice]:
        """Return the points of the next round; empty when the budget is spent.

        Parameters
        ----------
        front : collection of Choice
            Points on the fronts so far, in the order of the grid.
        """
        wanted = -(-self.budget * (FIRST_SHARE - 1) // (FIRST_SHARE * ROUNDS))
        near = (other for point in front for other in self.space.neighbours(point))
        return self._taken(near, wanted) or self._taken(self._spread(), wanted)

    def _taken(self, points: Iterator[Choice], wanted: int) -> list[Choice]:
        """Return points that were not looked at before, within the budget; they count as known."""
        room = min(self.budget, len(self.space)) - len(self.known)
        found: list[Choice] = []
        for point in points:
            if len(found) >= min(wanted, room):
                break
            if point not in self.known:
                self.known[point] = None
                found.append(point)
        return found

    def _spread(self) -> Iterator[Choice]:
        """Yield points spread evenly over the grid, and at last all others in its order."""
        axes = self.space.axes
        for k in range(1, 4 * min(self.budget, len(self.space)) + 1):
            at = [_halton(k, PRIMES[n % len(PRIMES)]) for n in range(len(axes))]
            yield tuple(
                axis.values[int(x * len(axis.values))] for axis, x in zip(axes, at, strict=True)
            )
        yield from self.space


def _corners(space: SearchSpace) -> Iterator[Choice]:
    ends = (dict.fromkeys((axis.values[0], axis.values[-1])) for axis in space.axes)
    return itertools.product(*ends)


def _halton(index: int, base: int) -> float:
    """Return a term of the van der Corput sequence of a base, 0 to below 1."""
    found, digit = 0.0, 1.0
    while index:
        digit /= base
        index, rest = divmod(index, base)
        found += rest * digit
    return found
