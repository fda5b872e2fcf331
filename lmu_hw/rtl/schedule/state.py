"""Addresses of the state words between two steps.

The state vectors are distributed over seven kinds of memory; each vector is in one of them. The
lanes' memory has a second copy of the states of cascades and ladders that lanes read unrounded; a
LOAD must also write this copy if it is read before the memory update writes it. A rounded copy is
either a state vector of its own, or is written in every step before it is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from ...program.fixedpoint import QFormat
from ...program.integer_program import Cascade, Ladder, MemoryUpdate, Program, Role, Spiking
from .plan import BankPlace, Schedule


class StateBank(IntEnum):
    """Memory that holds a state vector."""

    LANES = 0
    CHAIN = 1
    """State RAM of the cascades."""
    COUNTS = 2
    """Zero-run counters."""
    CLOCK = 3
    """Counter of steps since the last output."""
    LADDER = 4
    """State RAM of the ladders."""
    MEMBRANES = 5
    """RAM of the membranes."""
    GENERATORS = 6
    """Registers of the random number generators."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A state vector.

    Parameters
    ----------
    name : str
    length : int
        Number of words.
    fmt : QFormat
    memory : StateBank
        Memory that holds it.
    address : int
        Address of its first word there; 0 for the lanes' memory and the clock.
    place : BankPlace or None
        Address in the lanes' memory, if that copy is used in the next step.
    """

    name: str
    length: int
    fmt: QFormat
    memory: StateBank
    address: int = 0
    place: BankPlace | None = None


def segments(plan: Schedule) -> tuple[Segment, ...]:
    """Return the state vectors of a schedule with a state port, in the order of the program."""
    apart = _apart(plan.program)
    found = []
    for v in plan.program.with_role(Role.STATE):
        memory, op = apart.get(v.name, (StateBank.LANES, 0))
        feeds = [(number, f) for number, f in enumerate(plan.feeds) if f.op == op]
        address = 0
        if memory is StateBank.COUNTS:
            address = feeds[0][0]
        elif memory is StateBank.CHAIN:
            first, update = feeds[0][1], plan.program.ops[op]
            cascade = update.cascade if isinstance(update, Spiking) else update
            assert isinstance(cascade, Cascade)
            address = first.inner if v.name == cascade.z_inner else first.outer
        elif memory is StateBank.LADDER:
            first, ladder = feeds[0][1], plan.program.ops[op]
            assert isinstance(ladder, Ladder)
            address = first.waves if v.name == ladder.state else first.previous
        elif memory in (StateBank.MEMBRANES, StateBank.GENERATORS):
            (neurons,) = (c.neurons for c in plan.chains if c.op == op)
            assert neurons is not None
            address = neurons.kept
        place = plan.places.get((v.name, 0))
        copied = memory in (StateBank.CHAIN, StateBank.LADDER)
        if copied and not any(v.name in o.reads for o in plan.program.ops[:op]):
            # the lanes' copy is written before it is read in every step
            place = None
        found.append(
            Segment(
                name=v.name, length=v.length, fmt=v.fmt, memory=memory, address=address, place=place
            )
        )
    return tuple(found)


def states_of_lanes(program: Program) -> set[str]:
    """Return the state vectors that only the lanes' memory holds."""
    return {v.name for v in program.with_role(Role.STATE)} - set(_apart(program))


def _apart(program: Program) -> dict[str, tuple[StateBank, int]]:
    """Return the state vectors in other memories, with their memory and operation."""
    found: dict[str, tuple[StateBank, int]] = {}
    for index, op in enumerate(program.ops):
        if isinstance(op, MemoryUpdate):
            found[op.silence] = (StateBank.COUNTS, index)
        if isinstance(op, Cascade):
            found |= dict.fromkeys(op.states, (StateBank.CHAIN, index))
        if isinstance(op, Ladder):
            found |= dict.fromkeys(op.states, (StateBank.LADDER, index))
        if isinstance(op, Spiking):
            found |= dict.fromkeys(op.cascade.states, (StateBank.CHAIN, index))
            found[op.membrane] = (StateBank.MEMBRANES, index)
            found[op.generators] = (StateBank.GENERATORS, index)
            # one of them is absent
            del found[""]
    if program.clock:
        found[program.clock] = (StateBank.CLOCK, 0)
    return found
