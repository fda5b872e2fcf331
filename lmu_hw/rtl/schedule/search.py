"""Local search for the lowering choice that takes the fewest cycles.

Another order of the operations can hide the waits for a chain or for earlier results. The search
lays out every neighbour of the current choice and moves to the best one until none is better.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ...program.integer_program import Cascade, Linear, Program, Role, Spiking
from .lowering import LoweringChoice
from .memory_map import Versions
from .plan import Schedule
from .rows import Reading


def as_written(program: Program, reading: Reading) -> LoweringChoice:
    """Return the choice that keeps the program's own order."""
    n = len(program.ops)
    return LoweringChoice(order=tuple(range(n)), readings=(reading,) * n)


def shortest(
    program: Program, layout: Callable[[LoweringChoice], Schedule], readings: Sequence[Reading]
) -> Schedule:
    """Return the layout with the fewest cycles that the local search finds.

    Parameters
    ----------
    program : Program
    layout : callable
        Returns the schedule of a choice.
    readings : sequence of Reading
        Permitted readings; the search starts once from each.
    """
    depends, readers = _dependencies(program), _readers(program)
    known: dict[LoweringChoice, Schedule] = {}

    def cycles(choice: LoweringChoice) -> int:
        if choice not in known:
            known[choice] = layout(choice)
        return known[choice].due.cycles

    def descend(choice: LoweringChoice) -> LoweringChoice:
        while True:
            best = min(_neighbours(choice, depends, readers, readings), key=cycles, default=choice)
            if cycles(best) >= cycles(choice):
                return choice
            choice = best

    ends = [descend(as_written(program, reading)) for reading in readings if readers or not known]
    return known[min(ends, key=cycles)]


def _neighbours(
    choice: LoweringChoice,
    depends: Sequence[set[int]],
    readers: Sequence[int],
    readings: Sequence[Reading],
) -> Iterator[LoweringChoice]:
    """Yield choices with another reading of one operation, or with one operation moved forward."""
    for index in readers:
        for reading in readings:
            if reading is not choice.readings[index]:
                others = (*choice.readings[:index], reading, *choice.readings[index + 1 :])
                yield LoweringChoice(order=choice.order, readings=others)
    for start, index in enumerate(choice.order):
        for place in reversed(range(start)):
            if choice.order[place] in depends[index]:
                break
            rest = (*choice.order[:start], *choice.order[start + 1 :])
            order = (*rest[:place], index, *rest[place:])
            yield LoweringChoice(order=order, readings=choice.readings)


def _dependencies(program: Program) -> list[set[int]]:
    """Return, for each operation, the operations that must precede it."""
    versions = Versions(program)
    outputs = {v.name for v in program.with_role(Role.OUTPUT)}
    found: list[set[int]] = []
    for index, op in enumerate(program.ops):
        reads, writes = {*op.reads}, {*op.writes, *versions.written(index)}
        before = set()
        for i in range(index):
            theirs = {*program.ops[i].writes, *versions.written(i)}
            late = theirs & (reads | writes) or writes & {*program.ops[i].reads}
            # outputs keep their order
            if late or (theirs & outputs and writes & outputs):
                before.add(i)
        found.append(before)
    return found


def _readers(program: Program) -> list[int]:
    """Return the operations that may be the first to read the states of a chain."""
    versions = Versions(program)
    states = {
        fused.target
        for (index, _), fused in versions.fused.items()
        if isinstance(program.ops[index], Cascade | Spiking)
    }
    return [
        index
        for index, op in enumerate(program.ops)
        if isinstance(op, Linear) and states & {*op.sources}
    ]
