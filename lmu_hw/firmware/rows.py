"""Operations made of matrix rows (dense memory, linear), as plain data for the C templates."""

from __future__ import annotations

from dataclasses import dataclass

from ..program import Dense, Linear, Program
from .layout import Layout, Place
from .operation import Function, OperationCode
from .words import (
    Helpers,
    Rescale,
    Table,
    magnitude,
    shift_table,
    signed_type,
    sum_bits,
    table_type,
    type_bits,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Coefficient rows; ``shifts`` is None where ``shift`` is common to all rows."""

    rows: Table
    shifts: Table | None
    shift: int

    @property
    def tables(self) -> tuple[Table, ...]:
        """All tables of the matrix."""
        return (self.rows, self.shifts) if self.shifts else (self.rows,)


@dataclass(frozen=True, slots=True, kw_only=True)
class DenseCode(OperationCode):
    """A `Dense`; ``old_type`` is that of the copy of the memory that all rows read."""

    source: Place
    silence: Place
    state: Place
    window: int
    entry: Rescale
    order: int
    old_type: str
    acc_bits: int
    bits: int
    matrix: Matrix


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The words of one source that a row reads, from column ``first`` on."""

    place: Place
    length: int
    first: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearCode(OperationCode):
    """A `Linear`; with ``in_place`` the target is also a source and is written last."""

    parts: tuple[Part, ...]
    target: Place
    n_rows: int
    in_place: bool
    bits: int
    clip: bool
    matrix: Matrix
    biases: Table | None


def dense(
    program: Program, layout: Layout, op: Dense, function: Function, helpers: Helpers
) -> DenseCode:
    """Return ``op`` as the templates take it, and note its helpers."""
    source, state = layout.places[op.source], layout.places[op.state]
    fmt, order = state.vector.fmt, len(op.rows)
    entry = Rescale.between(source.vector.fmt, fmt.frac_bits, None)
    helpers.use_rescale(entry)
    helpers.silent.add(layout.places[op.silence].bits)
    operand = magnitude(fmt) + (magnitude(source.vector.fmt) * entry.scale >> entry.drop) + 1
    total = max(sum(map(abs, row)) for row in op.rows) * operand
    change = max(
        (sum(map(abs, row)) * operand >> shift) + 1
        for row, shift in zip(op.rows, op.shifts, strict=True)
    )
    bits = sum_bits(magnitude(fmt) + change)
    helpers.use_round(bits)
    helpers.clip.add(bits)
    matrix = _matrix(function.name, "Abar - I", op.rows, op.shifts)
    old_type = signed_type(-operand, operand, narrowest=32)
    return DenseCode(
        kind=op.kind,
        about=f"{op.source} -> {op.state}",
        multiplies=op.multiplies * program.channels(op),
        function=function,
        channels=program.channels(op),
        tables=matrix.tables,
        scratch=order * type_bits(old_type) // 8,
        source=source,
        silence=layout.places[op.silence],
        state=state,
        window=op.window,
        entry=entry,
        order=order,
        old_type=old_type,
        acc_bits=sum_bits(total),
        bits=bits,
        matrix=matrix,
    )


def linear(layout: Layout, op: Linear, function: Function, helpers: Helpers) -> LinearCode:
    """Return ``op`` as the templates take it, and note its helpers."""
    target = layout.places[op.target]
    parts: list[Part] = []
    first = 0
    for name in op.sources:
        length = layout.places[name].vector.length // op.channels
        parts.append(Part(place=layout.places[name], length=length, first=first))
        first += length
    columns = [magnitude(p.place.vector.fmt) for p in parts for _ in range(p.length)]
    bounds = [
        sum(abs(w) * x for w, x in zip(row, columns, strict=True)) + abs(bias)
        for row, bias in zip(op.rows, op.biases, strict=True)
    ]
    halves = [1 << shift >> 1 for shift in op.shifts]
    bits = sum_bits(max(b + h for b, h in zip(bounds, halves, strict=True)))
    largest = max((b + h) >> s for b, h, s in zip(bounds, halves, op.shifts, strict=True))
    clip = not target.vector.fmt.min <= -largest - 1 < largest <= target.vector.fmt.max
    if any(op.shifts):
        helpers.half_up.add(bits)
    if clip:
        helpers.clip.add(bits)
    matrix = _matrix(function.name, "Coefficients", op.rows, op.shifts)
    biases = None
    if any(op.biases):
        biases = Table(
            name=f"{function.name}_bias",
            about="Added to each row before its shift",
            ctype=table_type(op.biases),
            values=op.biases,
        )
    in_place = op.target in op.sources
    return LinearCode(
        kind=op.kind,
        about=f"{', '.join(op.sources)} -> {op.target}",
        multiplies=op.multiplies * op.channels,
        function=function,
        channels=op.channels,
        tables=(*matrix.tables, biases) if biases else matrix.tables,
        scratch=len(op.rows) * type_bits(target.ctype) // 8 if in_place else 0,
        parts=tuple(parts),
        target=target,
        n_rows=len(op.rows),
        in_place=in_place,
        bits=bits,
        clip=clip,
        matrix=matrix,
        biases=biases,
    )


def _matrix(
    name: str, what: str, rows: tuple[tuple[int, ...], ...], shifts: tuple[int, ...]
) -> Matrix:
    table = shift_table(f"{name}_shift", f"Right shifts of the rows of {name}_rows", shifts)
    scale = "a shift of its own for each row" if table else f"{shifts[0]} fractional bits"
    return Matrix(
        rows=Table(
            name=f"{name}_rows",
            about=f"{what}, {scale}",
            ctype=table_type(w for row in rows for w in row),
            rows=rows,
        ),
        shifts=table,
        shift=shifts[0],
    )
