"""The memory as a full matrix, as plain data for the C templates."""

from __future__ import annotations

from dataclasses import dataclass

from ..program import Dense, Program
from .layout import Layout, Place
from .operation import OperationCode, Routine, arrow
from .words import (
    Column,
    Rescale,
    Table,
    magnitude,
    sum_bits,
    table_type,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DenseCode(OperationCode):
    """A `Dense`; ``old_bits`` is the width of the copy of the memory that all rows read."""

    source: Place
    silence: Place
    state: Place
    window: int
    entry: Rescale
    order: int
    old_bits: int
    acc_bits: int
    bits: int
    rows: Table
    shift: Column


def dense(program: Program, layout: Layout, op: Dense, routine: Routine) -> DenseCode:
    """Return ``op`` as the templates take it."""
    source, state = layout.places[op.source], layout.places[op.state]
    fmt, order = state.vector.fmt, len(op.rows)
    u = source.vector.fmt
    entry = Rescale.of(u.min, u.max, u.frac_bits - fmt.frac_bits, source.sum_bits)
    operand = magnitude(fmt) + (magnitude(u) * entry.scale >> entry.drop) + 1
    total = max(sum(map(abs, row)) for row in op.rows) * operand
    change = max(
        (sum(map(abs, row)) * operand >> shift) + 1
        for row, shift in zip(op.rows, op.shifts, strict=True)
    )
    bits = sum_bits(magnitude(fmt) + change)
    old_bits = sum_bits(operand)
    name = routine.name
    shift = Column.of(f"{name}_shift", f"Right shifts of the rows of {name}_rows", op.shifts)
    rows = matrix(name, "Abar - I", op.rows, shift)
    return DenseCode(
        kind=op.kind,
        about=arrow(op),
        multiplies=program.multiplies(op),
        routine=routine,
        channels=program.channels(op),
        tables=(rows, shift.table) if shift.table else (rows,),
        scratch=order * old_bits // 8,
        source=source,
        silence=layout.places[op.silence],
        state=state,
        window=op.window,
        entry=entry,
        order=order,
        old_bits=old_bits,
        acc_bits=max(sum_bits(total), old_bits),
        bits=bits,
        rows=rows,
        shift=shift,
    )


def matrix(name: str, what: str, rows: tuple[tuple[int, ...], ...], shift: Column) -> Table:
    """Return the table of coefficient rows."""
    scale = "a shift of its own for each row" if shift.table else f"{shift.value} fractional bits"
    return Table(
        name=f"{name}_rows",
        about=f"{what}, {scale}",
        ctype=table_type(w for row in rows for w in row),
        rows=rows,
    )
