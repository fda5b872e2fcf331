"""Template data of a memory in dense form, a full matrix."""

from __future__ import annotations

from dataclasses import dataclass

from ..program.integer_program import DenseUpdate, Program
from .c_expressions import linear_ends, minus, reach, stored, width_of, word
from .c_types import Column, Table, table_type
from .kernels import product, rescaled, rounded
from .layout import Layout, Place
from .operation import Accumulator, OperationCode, Routine, arrow


@dataclass(frozen=True, slots=True, kw_only=True)
class DenseCode(OperationCode):
    """A `DenseUpdate`.

    ``old_type`` is the type of the copy of the state that all rows read, ``entries`` the input
    words subtracted from its first word (for one channel, and for channel c), ``product`` a term of
    the sum ``acc``, and ``stored`` the new state word.
    """

    source: Place
    silence: Place
    state: Place
    window: int
    entries: tuple[str, ...]
    order: int
    old_type: str
    acc_type: str
    product: str
    stored: str
    rows: Table
    shift: Column


def dense(program: Program, layout: Layout, op: DenseUpdate, routine: Routine) -> DenseCode:
    """Return the template data of ``op``."""
    source, state = layout.places[op.source], layout.places[op.state]
    fmt, order, name = state.vector.fmt, len(op.rows), routine.name
    shift = Column.of(f"{name}_shift", f"Right shifts of the rows of {name}_rows", op.shifts)
    rows = matrix(name, "Abar - I", op.rows, shift)

    lost = source.vector.fmt.frac_bits - fmt.frac_bits
    held = fmt.min, fmt.max
    first = minus(word("m", "int64_t", held), rescaled(source.expression("0"), lost))
    old = word("v[j]", f"int{max(width_of((*first.cases, held), 32), state.bits)}_t", held)
    entries = tuple(
        stored(rescaled(source.expression(c), lost, old.bits), old.ctype) for c in ("0", "c")
    )

    read = (*first.cases, *[held] * (order - 1))
    sums = tuple(
        reach([linear_ends((w, x)) for w, x in zip(row, read, strict=True)]) for row in op.rows
    )
    acc = word("acc", f"int{max(width_of(sums, 32), old.bits)}_t", *sums)
    weight = word(f"{rows.name}[r][j]", rows.ctype, *((w, w) for row in op.rows for w in row))
    anywhere = word("v[j]", old.ctype, (min(first.low, fmt.min), max(first.high, fmt.max)))
    term = product(weight, anywhere, acc.bits)

    m = word("m[r]", state.ctype, held)
    whole = tuple(
        ((fmt.min << s) + low, (fmt.max << s) + high)
        for s, (low, high) in zip(op.shifts, sums, strict=True)
    )
    new = rounded(m, acc, whole, op.shifts, shift.at("r"), 0)
    return DenseCode(
        kind=op.kind,
        about=arrow(op),
        multiplies=program.multiplies(op),
        routine=routine,
        channels=program.channels(op),
        tables=(rows, shift.table) if shift.table else (rows,),
        scratch=order * old.bits // 8,
        accumulators=(
            Accumulator.of(routine.kind, anywhere),
            Accumulator.of(f"{routine.kind}_rows_of", acc),
        ),
        source=source,
        silence=layout.places[op.silence],
        state=state,
        window=op.window,
        entries=entries,
        order=order,
        old_type=old.ctype,
        acc_type=acc.ctype,
        product=term.text,
        stored=state.kept(new),
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
