"""Where the states of a ring pass, and how long its state port takes to reach them."""

from __future__ import annotations

from dataclasses import dataclass

from ...program.integer_program import Role
from ..state_port import StateCommand
from .ring_plan import RingPlan
from .ring_schedule import SlotKind
from .signal_state_port import START


@dataclass(frozen=True, slots=True, kw_only=True)
class StateVisit:
    """A word of the state.

    Parameters
    ----------
    unit : int
        Its unit; -1 for the counter of zero inputs, which does not move.
    outer : bool
        It is an outer state, not an inner one.
    slot : int
        Slot of the adaptor that takes it.
    """

    unit: int = -1
    outer: bool = False
    slot: int = 0


def state_visits(plan: RingPlan) -> tuple[StateVisit, ...]:
    """Return where each word of the state passes, in the order of the state."""
    op = plan.op
    found: dict[tuple[str, int], StateVisit] = {}
    for unit, slots in enumerate(plan.schedule.slots):
        for number, slot in enumerate(slots):
            if slot.kind is not SlotKind.IDLE:
                outer = slot.kind is SlotKind.OUTER
                name = op.z_outer if outer else op.z_inner
                found[name, slot.section] = StateVisit(unit=unit, outer=outer, slot=number)
    in_order = {
        name: [found[key] for key in sorted(key for key in found if key[0] == name)]
        for name in op.states
    }
    in_order[op.silence] = [StateVisit()]
    states = plan.program.with_role(Role.STATE)
    return tuple(visit for v in states for visit in in_order[v.name])


def command_cycles(plan: RingPlan, code: StateCommand, slot: int) -> int:
    """Return the cycles from a command to the next input word, if no step or stream stalls.

    Parameters
    ----------
    plan : RingPlan
    code : StateCommand
    slot : int
        Slot in the cycle of the command.
    """
    turn, saves = plan.cycles_per_step, code is StateCommand.SAVE

    def until(cycle: int, wanted: int) -> int:
        """Return the first cycle from ``cycle`` on that has the slot ``wanted``."""
        return cycle + (wanted - slot - cycle) % turn

    if code is StateCommand.CLEAR:
        return until(START, turn - 2) + turn + 1
    cycle = START
    for visit in state_visits(plan):
        if visit.unit >= 0:
            # a word to load is in a register for a cycle before
            cycle = until(cycle, visit.slot if saves else visit.slot - 1)
        # the word is held for a cycle before it is saved, and the next index takes one
        cycle += 3 if saves else 2
    return until(cycle - 1, turn - 1)


def most_cycles(plan: RingPlan, code: StateCommand) -> int:
    """Return the most that `command_cycles` can be."""
    return max(command_cycles(plan, code, slot) for slot in range(plan.cycles_per_step))
