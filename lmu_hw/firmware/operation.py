"""Template data common to all operations: C function, tables, accumulators."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..program.codec import written
from ..program.integer_program import (
    Cascade,
    DenseUpdate,
    Ladder,
    Operation,
    Program,
    Spiking,
)
from .c_expressions import Expression
from .c_types import Table
from .layout import Layout


@dataclass(frozen=True, slots=True, kw_only=True)
class Routine:
    """The C function of one operation, with its parameters among ``s``, ``u``, ``work``, ``y``.

    ``kind`` is the name without the prefix of the program.
    """

    name: str
    kind: str
    parameters: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Accumulator:
    """A C variable that holds a sum, for the certificate.

    Attributes
    ----------
    function, variable : str
        The C function, without the prefix of the program, and the variable in it.
    columns : (int, int) or None
        First column of the row that it adds up, and the one after the last.
    scale_bits : int or None
        Fractional bits beyond those of its words, 0 to 128; None where each coefficient has its
        own.
    low_bits : int or None
        A kernel cuts its words in halves, the lower one with so many bits, and adds up each half in
        32 bits.
    ctype : str
        ``int32_t`` or ``int64_t``.
    low, high : int
        Range for any words of the formats that it is computed from, loaded states included.
    """

    function: str
    variable: str
    columns: tuple[int, int] | None = field(default=None, metadata=written(optional=True))
    scale_bits: int | None = 0
    low_bits: int | None = field(default=None, metadata=written(optional=True))
    ctype: str = field(metadata=written(key="type"))
    low: int
    high: int

    @classmethod
    def of(
        cls,
        function: str,
        x: Expression,
        columns: tuple[int, int] | None = None,
        scale_bits: int | None = 0,
        low_bits: int | None = None,
    ) -> Accumulator:
        """Return the accumulator of a declared variable."""
        variable, _, _ = x.text.partition("[")
        return cls(
            function=function,
            variable=variable,
            ctype=x.ctype,
            low=x.low,
            high=x.high,
            columns=columns,
            scale_bits=scale_bits,
            low_bits=low_bits,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationCode:
    """Base of all operations: C function, tables, and scratch on the stack [bytes]."""

    kind: str
    about: str
    multiplies: int
    routine: Routine
    channels: int
    tables: tuple[Table, ...]
    scratch: int
    accumulators: tuple[Accumulator, ...] = ()


def routines(program: Program, layout: Layout, prefix: str) -> list[Routine]:
    """Return the C function of every operation; names are numbered if a kind occurs repeatedly."""
    kinds = [op.kind for op in program.ops]
    result = []
    for n, op in enumerate(program.ops):
        kind = op.kind
        if kinds.count(op.kind) > 1:
            kind += f"_{kinds[: n + 1].count(op.kind)}"
        written = {_holder(layout, v) for v in op.writes}
        used = written | {_holder(layout, v) for v in op.reads}
        types = {"s": "state", "u": "in", "work": "work", "y": "out"}
        holders = [holder for holder in types if holder in used]
        parameters = [
            f"{'' if h in written else 'const '}{prefix}_{types[h]} *{h}" for h in holders
        ]
        arguments = ["&work" if h == "work" else h for h in holders]
        result.append(
            Routine(
                name=f"{prefix}_{kind}",
                kind=kind,
                parameters=", ".join(parameters),
                arguments=", ".join(arguments),
            )
        )
    return result


def arrow(op: Operation) -> str:
    """Return the sources and targets of an operation as ``"sources -> targets"``."""
    if isinstance(op, Cascade | Ladder):
        return f"{op.source} -> {', '.join(op.states)}"
    if isinstance(op, Spiking):
        return f"{op.source} -> {', '.join((*op.states, op.spikes))}"
    if isinstance(op, DenseUpdate):
        return f"{op.source} -> {op.state}"
    return f"{', '.join(op.reads)} -> {', '.join(op.writes)}"


def _holder(layout: Layout, name: str) -> str:
    return layout.places[name].array.partition("->")[0]
