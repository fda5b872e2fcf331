"""Affine rows, as plain data for the C templates."""

from __future__ import annotations

from dataclasses import dataclass

from ..program import Linear, Program
from .digits import MAX_COLUMNS, digits_of, pack, partial_peak
from .function import Applied, Functions
from .layout import Layout, Place
from .operation import OperationCode, Routine, arrow
from .words import Column, Table, magnitude, sum_bits, table_type, type_bits


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Neighbouring words of one source, and how their sums of products come about.

    ``start`` counts words of the source, ``first`` columns of the table; ``kernel`` names the
    function that fills the array ``dots`` of ``bits`` wide sums, or is empty: then it is a loop.
    ``widened`` words are copied to 16 bits first, for the kernels take no less.
    """

    place: Place
    whole: int
    start: int
    length: int
    first: int
    scale: int
    bits: int
    kernel: str
    widened: bool

    @property
    def dots(self) -> str:
        """Array that holds a sum for each row."""
        return "dots" if self.bits == 32 else "dots64"

    def words(self, channel: str) -> str:
        """Return the pointer to the part's words of a channel."""
        first = self.place.part(self.whole, channel)
        return f"{first} + {self.start}" if self.start else first


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearCode(OperationCode):
    """A `Linear`: sums of all rows, one part after the other, then the words of the target.

    ``bits`` is the width of a row's whole sum, ``scaled_bits`` that of its product with
    ``multiplier``; ``dots`` are the widths of the sums of parts, ``n_dots`` their number.
    """

    parts: tuple[Part, ...]
    target: Place
    n_rows: int
    n_dots: int
    dots: tuple[int, ...]
    n_widened: int
    bits: int
    scaled_bits: int
    result: Applied
    rows: Table
    bias: Column
    multiplier: Column
    shift: Column

    @property
    def columns(self) -> int:
        """Numbers in a row of the table."""
        return len(self.rows.rows[0])


def linear(
    program: Program, layout: Layout, op: Linear, routine: Routine, functions: Functions
) -> LinearCode:
    """Return ``op`` as the templates take it."""
    target, name = layout.places[op.target], routine.name
    shift = Column.of(f"{name}_shift", f"Right shifts of the rows of {name}_rows", op.shifts)
    multiplier = Column.of(f"{name}_scale", "Factor of each row before its shift", op.multipliers)
    bias = Column.of(f"{name}_bias", "Added to each row before it is scaled", op.biases)
    peaks = op.peaks(program.vector)
    scaled = [
        peak * m + (1 << s >> 1)
        for peak, m, s in zip(peaks, op.multipliers, op.shifts, strict=True)
    ]
    places = [layout.places[source] for source in op.sources]
    widths = op.widths(program.vector)
    digits = digits_of(op.rows) if max(widths) < MAX_COLUMNS else 0
    digits = min(digits, *(_digits_for(place) for place in places))
    parts = _parts(op, places, widths, digits)
    rows = _table(name, op, parts, digits, shift)
    bits = max(sum_bits(max(peaks)), *(part.bits for part in parts))
    scaled_bits = max(sum_bits(max(scaled)), bits)
    largest = max(x >> s for x, s in zip(scaled, op.shifts, strict=True))
    columns = (bias.table, multiplier.table, shift.table)
    n_dots = -(-len(op.rows) // 4) * 4 if digits else len(op.rows)
    dots = tuple(sorted({part.bits for part in parts}))
    n_widened = max((part.length for part in parts if part.widened), default=0)
    return LinearCode(
        kind=op.kind,
        about=arrow(op),
        multiplies=program.multiplies(op),
        routine=routine,
        channels=op.n_channels,
        tables=(rows, *(table for table in columns if table)),
        scratch=(n_dots * sum(dots) + len(op.rows) * bits * (len(parts) > 1)) // 8 + n_widened * 2,
        parts=parts,
        target=target,
        n_rows=len(op.rows),
        n_dots=n_dots,
        dots=dots,
        n_widened=n_widened,
        bits=bits,
        scaled_bits=scaled_bits,
        result=functions.apply(op.function, -largest - 1, largest, scaled_bits, target.vector.fmt),
        rows=rows,
        bias=bias,
        multiplier=multiplier,
        shift=shift,
    )


def _digits_for(place: Place) -> int:
    """Return the most digits a number may have for the kernels that take the words of a place."""
    return {8: 4, 16: 4, 32: 2, 64: 0}[place.bits]


def _parts(
    op: Linear, places: list[Place], widths: tuple[int, ...], digits: int
) -> tuple[Part, ...]:
    """Return the sources as parts whose sums the kernels can hold, on even columns."""
    parts: list[Part] = []
    column = first = 0
    for place, width, align in zip(places, widths, op.aligns, strict=True):
        for start, length in _pieces(op, place, column, width, digits):
            at = column + start
            peak = partial_peak(op.rows, at, length, 1) * magnitude(place.vector.fmt)
            bits = max(sum_bits(peak), place.sum_bits, 64 if digits and place.bits > 16 else 32)
            word = max(place.bits, 16)
            parts.append(
                Part(
                    place=place,
                    whole=width,
                    start=start,
                    length=length,
                    first=first,
                    scale=1 << align,
                    bits=bits,
                    kernel=f"lmu_rows{16 // digits}_i{word}_{bits}" if digits else "",
                    widened=bool(digits) and place.bits < word,
                )
            )
            first += length + length % 2 * bool(digits)
        column += width
    return tuple(parts)


def _pieces(
    op: Linear, place: Place, column: int, width: int, digits: int
) -> list[tuple[int, int]]:
    """Return (start, length) of the pieces of a source whose sums of low digits fit 32 bits."""
    if digits < 2 or type_bits(place.ctype) > 16:
        return [(0, width)]
    pieces, todo = [], [(0, width)]
    while todo:
        start, length = todo.pop(0)
        peak = partial_peak(op.rows, column + start, length, digits)
        if sum_bits(peak * magnitude(place.vector.fmt)) == 32:
            pieces.append((start, length))
        else:
            half = (length + 3) // 4 * 2
            todo[:0] = [(start, half), (start + half, length - half)]
    return pieces


def _table(name: str, op: Linear, parts: tuple[Part, ...], digits: int, shift: Column) -> Table:
    """Return the weights as numbers of digits; or plainly, where no kernel takes them."""
    about = "Weights"
    rows: tuple[tuple[int, ...], ...] = op.rows
    ctype = table_type(w for row in rows for w in row)
    if digits:
        rows = pack(rows, [part.length for part in parts], digits)
        ctype = "int16_t"
        about += {1: "", 2: ", two rows in a number", 4: ", four rows in a number"}[digits]
    scale = "a shift of its own for each row" if shift.table else f"{shift.value} fractional bits"
    return Table(
        name=f"{name}_rows", about=f"{about}; {scale}", ctype=ctype, rows=rows, flat=digits > 0
    )
