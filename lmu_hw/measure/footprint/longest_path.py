"""Upper bound of the instructions of a step, from the control flow and from observed steps.

Implicit path enumeration (Li and Malik, 1995): the largest number of instructions over all ways
through the blocks, as a linear program in how often each jump is executed. What enters a block
leaves it. Two things are taken from the observed steps:

- a loop repeats at most as often per entry as in any of them;
- a branch that went both ways, equally often in all of them, is decided by loop counters, not by
  words, and stays so.

All other branches are free, and may all go the longer way in one step. There are two bounds: over
the ways that some observed step took, and over all ways of the code. The generated C hardly
branches on words, so the first is mostly reached. Ways that no step took saturate the words of a
memory: its certificate says if inputs can; a loaded state can.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ...errors import ToolError
from .control_flow import CodeBlock

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Counts = npt.NDArray[np.int64]
Jump = tuple[int, int]
"""Addresses of a block and of one that follows it."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Flow:
    """How often blocks and jumps were executed in each observed step.

    Attributes
    ----------
    blocks : dict of int to int64 array, shape (n_steps,)
    jumps : dict of (int, int) to int64 array, shape (n_steps,)
        Only those within a function, past calls.
    """

    blocks: dict[int, Counts]
    jumps: dict[Jump, Counts]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loop:
    """Entries of a loop, and the jumps back to them from inside."""

    entries: tuple[int, ...]
    back: tuple[Jump, ...]


def longest(
    blocks: Mapping[int, CodeBlock],
    entry: int,
    flow: Flow,
    steps: npt.NDArray[np.bool_],
    *,
    executed: bool,
) -> int:
    """Return the most instructions of any step of the selected kind.

    Parameters
    ----------
    blocks : dict of int to CodeBlock
    entry : int
        Address of the function of a step.
    flow : Flow
    steps : bool array, shape (n_steps,)
        Observed steps of the kind. Blocks that all others execute, but none of these, are left out:
        they compute an output, or what a step without one does.
    executed : bool
        Leave out jumps, and so blocks, that no observed step of the kind executed.

    Raises
    ------
    ToolError
        If there is no solution.
    """
    names = list(blocks)
    jumps = [(b.start, to) for b in blocks.values() for to in b.successors]
    exits = [b.start for b in blocks.values() if not b.successors]
    column = {x: n for n, x in enumerate([*names, *jumps])} | {
        ("exit", at): len(names) + len(jumps) + n for n, at in enumerate(exits)
    }
    program = _LinearProgram(len(column))
    for at, block in blocks.items():
        into = {column[jump]: -1.0 for jump in jumps if jump[1] == at}
        for caller in blocks.values():
            if caller.calls == at:
                into[column[caller.start]] = into.get(column[caller.start], 0.0) - 1.0
        into[column[at]] = into.get(column[at], 0.0) + 1.0
        program.equal(into, float(at == entry))
        out = {column[at, to]: -1.0 for to in block.successors} or {column["exit", at]: -1.0}
        program.equal(out | {column[at]: 1.0}, 0.0)
    for loop in _loops(blocks, entry):
        most = _repeats(loop, flow, steps)
        row = {column[at]: -most for at in loop.entries}
        program.at_most(row | {column[jump]: 1.0 + most for jump in loop.back}, 0.0)
    for one, other, ratio in _steady(blocks, flow, steps):
        program.equal({column[one]: 1.0, column[other]: -ratio}, 0.0)
    for jump in jumps if executed else ():
        if not flow.jumps[jump][steps].any():
            program.equal({column[jump]: 1.0}, 0.0)
    others = ~steps
    for at in names if others.any() else ():
        if flow.blocks[at][others].all() and not flow.blocks[at][steps].any():
            program.equal({column[at]: 1.0}, 0.0)
    return program.largest({column[at]: float(b.length) for at, b in blocks.items()})


class _LinearProgram:
    """Rows of a linear program in nonnegative variables."""

    def __init__(self, n_columns: int) -> None:
        self._n = n_columns
        self._rows: dict[bool, list[dict[int, float]]] = {True: [], False: []}
        self._values: dict[bool, list[float]] = {True: [], False: []}

    def equal(self, row: dict[int, float], value: float) -> None:
        """Require a sum to have a value."""
        self._rows[True].append(row)
        self._values[True].append(value)

    def at_most(self, row: dict[int, float], value: float) -> None:
        """Require a sum not to exceed a value."""
        self._rows[False].append(row)
        self._values[False].append(value)

    def largest(self, weights: dict[int, float]) -> int:
        """Return the largest weighted sum, rounded down."""
        # slow to import, and every command would
        from scipy.optimize import linprog

        cost = np.zeros(self._n)
        cost[list(weights)] = [-w for w in weights.values()]
        found = linprog(
            cost,
            A_eq=self._matrix(True),
            b_eq=self._values[True],
            A_ub=self._matrix(False) if self._rows[False] else None,
            b_ub=self._values[False] or None,
            method="highs",
        )
        if not found.success:
            raise ToolError(f"there is no longest step: {found.message}")
        return int(np.floor(-found.fun + 1e-6 * max(1.0, -found.fun / 1000)))

    def _matrix(self, equal: bool) -> csr_array:
        from scipy.sparse import coo_array

        rows = self._rows[equal]
        data = [value for row in rows for value in row.values()]
        at = [n for n, row in enumerate(rows) for _ in row], [k for row in rows for k in row]
        return coo_array((data, at), shape=(len(rows), self._n)).tocsr()


def _loops(blocks: Mapping[int, CodeBlock], entry: int) -> Iterator[_Loop]:
    """Yield all loops, outer ones first."""
    called = {b.calls for b in blocks.values() if b.calls is not None} | {entry}
    jumps = {(b.start, to) for b in blocks.values() for to in b.successors}
    todo = [(set(blocks), jumps)]
    while todo:
        inside, among = todo.pop()
        for part in _components(inside, among):
            own = {(a, b) for a, b in among if a in part and b in part}
            if not own:
                continue
            entries = {b for a, b in jumps if b in part and a not in part} | (called & part)
            # an inner loop is entered from blocks of the outer one, and by its removed jumps
            entries |= {b for a, b in jumps - among if b in part and a in part}
            back = {jump for jump in own if jump[1] in entries}
            yield _Loop(entries=tuple(sorted(entries)), back=tuple(sorted(back)))
            todo.append((part, own - back))


def _components(nodes: set[int], jumps: set[Jump]) -> list[set[int]]:
    """Return the strongly connected components of a graph."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    order = {at: n for n, at in enumerate(sorted(nodes))}
    at = [order[a] for a, _ in jumps], [order[b] for _, b in jumps]
    graph = coo_array((np.ones(len(jumps)), at), shape=(len(order),) * 2).tocsr()
    _, labels = connected_components(graph, connection="strong")
    parts: dict[int, set[int]] = {}
    for start, label in zip(order, labels.tolist(), strict=True):
        parts.setdefault(label, set()).add(start)
    return list(parts.values())


def _repeats(loop: _Loop, flow: Flow, steps: npt.NDArray[np.bool_]) -> float:
    """Return the most jumps back per entry of a loop, in any observed step."""
    back = sum((flow.jumps[jump] for jump in loop.back), np.zeros(len(steps), dtype=np.int64))
    entered = sum((flow.blocks[at] for at in loop.entries), -back)
    used = steps & (entered > 0)
    return float((back[used] / entered[used]).max()) if used.any() else 0.0


def _steady(
    blocks: Mapping[int, CodeBlock], flow: Flow, steps: npt.NDArray[np.bool_]
) -> Iterator[tuple[Jump, Jump, float]]:
    """Yield pairs of jumps of a branch that keep a ratio in all observed steps, with the ratio."""
    for block in blocks.values():
        if len(block.successors) != 2:
            continue
        one, other = ((block.start, to) for to in block.successors)
        a, b = flow.jumps[one][steps], flow.jumps[other][steps]
        if len(a) and a.min() == a.max() > 0 and b.min() == b.max() > 0:
            yield one, other, float(a[0] / b[0])
