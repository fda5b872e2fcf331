"""A budget is kept, spent around the front, and the same points are taken every time."""

from __future__ import annotations

from lmu_hw.explore.budgeted_search import BudgetedSearch
from lmu_hw.explore.search_space import MEMORY, Choice, SearchSpace, space_of

SPACE = space_of(["d=1..20", "bits=4..23", "theta=1..10"], MEMORY, "a memory")


def cost(choice: Choice) -> int:
    """Return what is smallest at d = 15, bits = 7, theta = 3."""
    d, bits, theta = map(int, choice)
    return abs(d - 15) + abs(bits - 7) + abs(theta - 3)


def search(space: SearchSpace, budget: int) -> list[Choice]:
    """Return all points that are looked at, where the front is the best point."""
    looked = BudgetedSearch(space, budget)
    found = new = looked.first()
    while new:
        new = looked.following([min(found, key=cost)])
        found = found + new
    return found


def test_the_budget_is_kept_and_the_best_point_found() -> None:
    found = search(SPACE, 200)
    assert len(found) == len(set(found)) == 200
    assert set(found) < set(SPACE)
    assert min(map(cost, found)) == 0


def test_the_corners_are_looked_at() -> None:
    found = BudgetedSearch(SPACE, 100).first()
    assert ("1", "4", "1") in found
    assert ("20", "23", "10") in found
    assert len(found) == 33


def test_the_same_points_every_time() -> None:
    assert search(SPACE, 90) == search(SPACE, 90)


def test_a_budget_over_the_grid_takes_all_of_it() -> None:
    small = space_of(["d=1..3", "bits=8,9", "theta=5"], MEMORY, "a memory")
    assert set(search(small, 1000)) == set(small)
    assert search(small, 1) == [("1", "8", "5")]
