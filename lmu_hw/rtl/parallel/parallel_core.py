"""The top level of a design in each style other than shared."""

from __future__ import annotations

from .cascade_plan import CascadePlan
from .full_core import FullCore
from .full_plan import FullPlan
from .ring_core import RingCore
from .ring_plan import RingPlan


def parallel_core(plan: CascadePlan) -> FullCore | RingCore:
    """Return the component of a plan."""
    if isinstance(plan, RingPlan):
        return RingCore(plan)
    assert isinstance(plan, FullPlan)
    return FullCore(plan)
