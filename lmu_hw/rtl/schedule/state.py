"""Where the words of the state lie between two steps.

What the program calls its state, in the order in which it is saved and loaded, is spread over four
kinds of memory; each of its vectors is whole in one of them. Of a cascade's states that lanes read
as they are, the lanes' memory has a second copy, which a load has to write as well where it is read
before the cascade has written it. A copy that is rounded is either another vector of the state, or
written in every step before it is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from ...program.fixedpoint import QFormat
from ...program.integer_program import Cascade, DenseUpdate, Program, Role
from .plan import BankPlace, Schedule


class StateBank(IntEnum):
    """What holds a vector of the state."""

    LANES = 0
    CHAIN = 1
    """The states of cascades."""
    COUNTS = 2
    """The counters of silence."""
    CLOCK = 3
    """The counter of steps since the last output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A vector of the state.

    Parameters
    ----------
    name : str
    length : int
        Words.
    fmt : QFormat
    memory : StateBank
        What holds it.
    address : int
        Of its first word there; 0 in the lanes' memory, and of the clock.
    place : BankPlace or None
        Where it lies in the lanes' memory, if what it holds there from one step to the next counts.
    """

    name: str
    length: int
    fmt: QFormat
    memory: StateBank
    address: int = 0
    place: BankPlace | None = None


def segments(plan: Schedule) -> tuple[Segment, ...]:
    """Return where the state words of a schedule with a state port lie, in their order."""
    apart = _apart(plan.program)
    found = []
    for v in plan.program.with_role(Role.STATE):
        memory, op = apart.get(v.name, (StateBank.LANES, 0))
        feeds = [(number, f) for number, f in enumerate(plan.feeds) if f.op == op]
        address = 0
        if memory is StateBank.COUNTS:
            address = feeds[0][0]
        elif memory is StateBank.CHAIN:
            first, cascade = feeds[0][1], plan.program.ops[op]
            assert isinstance(cascade, Cascade)
            address = first.inner if v.name == cascade.z_inner else first.outer
        place = plan.places.get((v.name, 0))
        if memory is StateBank.CHAIN and not any(v.name in o.reads for o in plan.program.ops[:op]):
            # what lanes read of it has been written in the same step
            place = None
        found.append(
            Segment(
                name=v.name, length=v.length, fmt=v.fmt, memory=memory, address=address, place=place
            )
        )
    return tuple(found)


def states_of_lanes(program: Program) -> set[str]:
    """Return the vectors of the state that have no memory but that of the lanes."""
    return {v.name for v in program.with_role(Role.STATE)} - set(_apart(program))


def _apart(program: Program) -> dict[str, tuple[StateBank, int]]:
    """Return the vectors of the state that other memories hold, and for which operation."""
    found: dict[str, tuple[StateBank, int]] = {}
    for index, op in enumerate(program.ops):
        if isinstance(op, Cascade | DenseUpdate):
            found[op.silence] = (StateBank.COUNTS, index)
        if isinstance(op, Cascade):
            found |= dict.fromkeys(op.states, (StateBank.CHAIN, index))
    if program.clock:
        found[program.clock] = (StateBank.CLOCK, 0)
    return found
