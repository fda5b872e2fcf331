"""The Pareto front against its definition."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lmu_hw.explore.pareto_front import Costs, non_dominated

COSTS = st.lists(st.tuples(*[st.integers(0, 4).map(float)] * 3), max_size=30)


def dominates(a: Costs, b: Costs) -> bool:
    return all(x <= y for x, y in zip(a, b, strict=True)) and a != b


@given(COSTS)
def test_the_front_is_what_nothing_dominates(costs: list[Costs]) -> None:
    front = non_dominated(costs)
    wanted = {c for c in costs if not any(dominates(other, c) for other in costs)}
    assert {costs[k] for k in front} == wanted
    assert len(front) == len(wanted)
    assert front == sorted(front)
    assert all(costs.index(costs[k]) == k for k in front)
