"""The order of the operations, and of what they read: the one that takes the fewest cycles.

What waits for a chain, or for the results of what came before, had better wait behind something
else. Every neighbour of a way is laid out and its cycles are counted, until none is better.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ...program.integer_program import Linear, Program, Role
from .lowering import LoweringChoice
from .memory_map import Versions
from .plan import Schedule
from .rows import Reading


def as_written(program: Program, reading: Reading) -> LoweringChoice:
    """Return the way of a program's own order."""
    n = len(program.ops)
    return LoweringChoice(order=tuple(range(n)), readings=(reading,) * n)


def shortest(
    program: Program, layout: Callable[[LoweringChoice], Schedule], readings: Sequence[Reading]
) -> Schedule:
    """Return the layout of fewest cycles that can be reached step by step.

    Parameters
    ----------
    program : Program
    layout : callable
    readings : sequence of Reading
        Those that may be used; the search begins with each of them in turn.
    """
    depends, readers = _dependencies(program), _readers(program)
    known: dict[LoweringChoice, Schedule] = {}

    def cycles(way: LoweringChoice) -> int:
        if way not in known:
            known[way] = layout(way)
        return known[way].due.cycles

    def descend(way: LoweringChoice) -> LoweringChoice:
        while True:
            best = min(_neighbours(way, depends, readers, readings), key=cycles, default=way)
            if cycles(best) >= cycles(way):
                return way
            way = best

    ends = [descend(as_written(program, reading)) for reading in readings if readers or not known]
    return known[min(ends, key=cycles)]


def _neighbours(
    way: LoweringChoice,
    depends: Sequence[set[int]],
    readers: Sequence[int],
    readings: Sequence[Reading],
) -> Iterator[LoweringChoice]:
    """Yield ways with another reading of one operation, or with one operation earlier."""
    for index in readers:
        for reading in readings:
            if reading is not way.readings[index]:
                others = (*way.readings[:index], reading, *way.readings[index + 1 :])
                yield LoweringChoice(order=way.order, readings=others)
    for start, index in enumerate(way.order):
        for place in reversed(range(start)):
            if way.order[place] in depends[index]:
                break
            rest = (*way.order[:start], *way.order[start + 1 :])
            order = (*rest[:place], index, *rest[place:])
            yield LoweringChoice(order=order, readings=way.readings)


def _dependencies(program: Program) -> list[set[int]]:
    """Return for each operation those that it must not overtake."""
    versions = Versions(program)
    outputs = {v.name for v in program.with_role(Role.OUTPUT)}
    found: list[set[int]] = []
    for index, op in enumerate(program.ops):
        reads, writes = {*op.reads}, {*op.writes, *versions.written(index)}
        before = set()
        for i in range(index):
            theirs = {*program.ops[i].writes, *versions.written(i)}
            late = theirs & (reads | writes) or writes & {*program.ops[i].reads}
            # outputs leave in their order
            if late or (theirs & outputs and writes & outputs):
                before.add(i)
        found.append(before)
    return found


def _readers(program: Program) -> list[int]:
    """Return the operations that may be the first to read the states of a chain."""
    versions = Versions(program)
    states = {fused.target for fused in versions.fused.values()}
    return [
        index
        for index, op in enumerate(program.ops)
        if isinstance(op, Linear) and states & {*op.sources}
    ]
