"""States as output words."""

from __future__ import annotations

from amaranth.hdl import Module, Signal, Value

from ..constant_tables import requantized
from .cascade_plan import CascadePlan


def shown_state(m: Module, plan: CascadePlan, state: str, word: Value, name: str) -> Signal:
    """Return a state as an output word, saturated if the plan says so.

    Parameters
    ----------
    m : Module
    plan : CascadePlan
    state : str
        Vector of the state.
    word : Value
    name : str
        End of the signals' names.
    """
    source, shown = plan.program.vector(state).fmt, plan.output_of(state)
    target = shown.fmt
    found = Signal(target.width, name=f"shown_{name}")
    if shown.name in plan.limited:
        m.d.comb += found.eq(requantized(m, word, source, target, f"raised_{name}"))
        return found
    drop = source.frac_bits - target.frac_bits
    half = (1 << drop) >> 1 if drop > 0 else 0
    m.d.comb += found.eq((word + half).shift_right(drop) if drop > 0 else word.shift_left(-drop))
    return found
