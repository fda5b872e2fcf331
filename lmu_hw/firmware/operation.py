"""What every operation becomes for the C templates: a routine with tables and arguments."""

from __future__ import annotations

from dataclasses import dataclass

from ..program import Cascade, Dense, Operation, Program
from .layout import Layout
from .words import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Routine:
    """The C function of one operation: its name, and what it needs of s, u, the work and y."""

    name: str
    parameters: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationCode:
    """What all operations have: a C function, tables, and bytes of scratch on the stack."""

    kind: str
    about: str
    multiplies: int
    routine: Routine
    channels: int
    tables: tuple[Table, ...]
    scratch: int


def routines(program: Program, layout: Layout, prefix: str) -> list[Routine]:
    """Return the C function of every operation; numbered where a kind occurs more than once."""
    kinds = [op.kind for op in program.ops]
    result = []
    for n, op in enumerate(program.ops):
        name = f"{prefix}_{op.kind}"
        if kinds.count(op.kind) > 1:
            name += f"_{kinds[: n + 1].count(op.kind)}"
        written = {_holder(layout, v) for v in op.writes}
        used = written | {_holder(layout, v) for v in op.reads}
        types = {"s": "state", "u": "in", "work": "work", "y": "out"}
        holders = [holder for holder in types if holder in used]
        parameters = [
            f"{'' if h in written else 'const '}{prefix}_{types[h]} *{h}" for h in holders
        ]
        arguments = ["&work" if h == "work" else h for h in holders]
        result.append(
            Routine(name=name, parameters=", ".join(parameters), arguments=", ".join(arguments))
        )
    return result


def arrow(op: Operation) -> str:
    """Return what an operation reads and what it writes, less what it keeps for itself."""
    if isinstance(op, Cascade):
        return f"{op.source} -> {', '.join(op.states)}"
    if isinstance(op, Dense):
        return f"{op.source} -> {op.state}"
    return f"{', '.join(op.reads)} -> {', '.join(op.writes)}"


def _holder(layout: Layout, name: str) -> str:
    return layout.places[name].array.partition("->")[0]
