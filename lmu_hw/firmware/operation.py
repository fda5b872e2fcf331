"""What every operation becomes for the C templates: a function with tables and arguments."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import EmitError
from ..program import Cascade, Dense, Linear, Operation, Program, Role
from .layout import Layout
from .words import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """The C function of one operation: its name, and what it needs of s, u and y."""

    name: str
    parameters: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationCode:
    """What all operations have: a C function, tables, and bytes of scratch on the stack."""

    kind: str
    about: str
    multiplies: int
    function: Function
    channels: int
    tables: tuple[Table, ...]
    scratch: int


def functions(program: Program, layout: Layout, prefix: str) -> list[Function]:
    """Return the C function of every operation; numbered where a kind occurs more than once."""
    kinds = [op.kind for op in program.ops]
    result = []
    for n, op in enumerate(program.ops):
        name = f"{prefix}_{op.kind}"
        if kinds.count(op.kind) > 1:
            name += f"_{kinds[: n + 1].count(op.kind)}"
        reads, writes = traffic(op)
        written = {layout.places[v].vector.role for v in writes}
        used = written | {layout.places[v].vector.role for v in reads}
        letters = {Role.STATE: "s", Role.INPUT: "u", Role.OUTPUT: "y"}
        types = {Role.STATE: "state", Role.INPUT: "in", Role.OUTPUT: "out"}
        roles = [role for role in letters if role in used]
        parameters = [
            f"{'' if r in written else 'const '}{prefix}_{types[r]} *{letters[r]}" for r in roles
        ]
        arguments = ", ".join(letters[r] for r in roles)
        result.append(Function(name=name, parameters=", ".join(parameters), arguments=arguments))
    return result


def traffic(op: Operation) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the vectors that ``op`` reads, its own state left out, and those that it writes."""
    if isinstance(op, Cascade):
        outer = (op.z_outer,) if op.n_pairs else ()
        return (op.source,), (*outer, op.z_inner, op.silence)
    if isinstance(op, Dense):
        return (op.source,), (op.state, op.silence)
    if isinstance(op, Linear):
        return op.sources, (op.target,)
    return (op.source,), (op.target,)


def check_flow(program: Program) -> None:
    """Raise `EmitError` where a vector would need a place that C does not give it.

    Inputs are read-only, outputs are the caller's memory with nothing in it before a step, and a
    memory update works in place.
    """
    written = {v.name for v in program.vectors if v.role is not Role.OUTPUT}
    for op in program.ops:
        reads, writes = traffic(op)
        for name in writes:
            if program.vector(name).role is Role.INPUT:
                raise EmitError(f"{op.kind} must not write the input {name!r}")
            if isinstance(op, Cascade | Dense) and name in reads:
                raise EmitError(f"{op.kind} must not read what it writes: {name!r}")
        for name in reads:
            if name not in written:
                raise EmitError(f"{op.kind} must not read the output {name!r} before it is written")
        written |= set(writes)
    for v in program.with_role(Role.OUTPUT):
        if v.name not in written:
            raise EmitError(f"output {v.name!r} must be written by an operation")
