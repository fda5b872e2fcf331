"""Affine rows, as plain data for the C templates."""

from __future__ import annotations

from dataclasses import dataclass

from ..program import Linear, Program
from .dense import matrix
from .function import Applied, Functions
from .layout import Layout, Place
from .operation import OperationCode, Routine, arrow
from .words import Column, Dot, Helpers, Table, magnitude, sum_bits


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The words of one source that a row reads, from column ``first`` on, and their scale.

    ``bits`` is the width of their sum; ``dot`` the function for it, or None for a single word.
    """

    place: Place
    length: int
    first: int
    scale: int
    bits: int
    dot: Dot | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearCode(OperationCode):
    """A `Linear`; with ``sums_first`` no word of the target is written before all sums are known.

    ``bits`` is the width of a row's sum, ``scaled_bits`` that of its product with ``multiplier``.
    """

    parts: tuple[Part, ...]
    target: Place
    n_rows: int
    sums_first: bool
    bits: int
    scaled_bits: int
    result: Applied
    rows: Table
    bias: Column
    multiplier: Column
    shift: Column


def linear(
    program: Program,
    layout: Layout,
    op: Linear,
    routine: Routine,
    helpers: Helpers,
    functions: Functions,
) -> LinearCode:
    """Return ``op`` as the templates take it, and note its helpers."""
    target, name = layout.places[op.target], routine.name
    shift = Column.of(f"{name}_shift", f"Right shifts of the rows of {name}_rows", op.shifts)
    multiplier = Column.of(f"{name}_scale", "Factor of each row before its shift", op.multipliers)
    bias = Column.of(f"{name}_bias", "Added to each row before it is scaled", op.biases)
    rows = matrix(name, "Weights", op.rows, shift)
    peaks = op.peaks(program.vector)
    scaled = [
        peak * m + (1 << s >> 1)
        for peak, m, s in zip(peaks, op.multipliers, op.shifts, strict=True)
    ]
    parts = _parts(program, layout, op, rows.ctype, helpers)
    bits = max(sum_bits(max(peaks)), *(part.bits for part in parts))
    scaled_bits = max(sum_bits(max(scaled)), bits)
    largest = max(x >> s for x, s in zip(scaled, op.shifts, strict=True))
    if not shift.is_all(0):
        helpers.half_up.add(scaled_bits)
    # the target may be a source; and compilers make more of two simple loops than of one
    sums_first = op.target in op.sources or op.function is not None
    columns = (bias.table, multiplier.table, shift.table)
    return LinearCode(
        kind=op.kind,
        about=arrow(op),
        multiplies=program.multiplies(op),
        routine=routine,
        channels=op.n_channels,
        tables=(rows, *(table for table in columns if table)),
        scratch=len(op.rows) * bits // 8 if sums_first else 0,
        parts=parts,
        target=target,
        n_rows=len(op.rows),
        sums_first=sums_first,
        bits=bits,
        scaled_bits=scaled_bits,
        result=functions.apply(
            op.function, -largest - 1, largest, scaled_bits, target.vector.fmt, helpers
        ),
        rows=rows,
        bias=bias,
        multiplier=multiplier,
        shift=shift,
    )


def _parts(
    program: Program, layout: Layout, op: Linear, row_type: str, helpers: Helpers
) -> tuple[Part, ...]:
    parts: list[Part] = []
    first = 0
    for name, length, align in zip(op.sources, op.widths(program.vector), op.aligns, strict=True):
        place = layout.places[name]
        weights = max(sum(map(abs, row[first : first + length])) for row in op.rows)
        bits = max(sum_bits(weights * magnitude(place.vector.fmt)), place.sum_bits)
        dot = None
        if length > 1:
            dot = Dot(bits=bits, row_type=row_type, word_type=place.ctype)
            helpers.dot.add(dot)
        parts.append(
            Part(place=place, length=length, first=first, scale=1 << align, bits=bits, dot=dot)
        )
        first += length
    return tuple(parts)
