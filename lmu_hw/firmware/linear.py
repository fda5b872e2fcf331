"""Template data of matrix-vector products."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..program.integer_program import Linear, Program
from .byte_rows import byte_table, dual_peak
from .c_expressions import Expression, Range, constant, plus, stored, times, width_of, word
from .c_types import Column, Table, magnitude, sum_bits, table_type, type_bits
from .digits import (
    LOW_BITS,
    MAX_COLUMNS,
    Rows,
    digits_of,
    fits_in_halves,
    pack,
    partial_peak,
)
from .function import Functions
from .kernels import half_up, half_up_bits, product
from .layout import Layout, Place
from .operation import Accumulator, OperationCode, Routine, arrow
from .vector_passes import Passes, last_pass, row_passes, takes_passes

SHORTEST = 8
"""Fewest words of a piece that is worth sums of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SumPart:
    """Consecutive words of one source, and the code for their dot products.

    ``start`` is the first word in the source, ``column`` the first column in the program, ``first``
    the first column in the table. ``kernel`` is the function that fills the array ``dots`` with one
    sum per row, or empty for a loop over ``product``. Words that are ``copied`` first go to an
    aligned array that kernels can read in pairs. Words of 32 bits are cut in ``halves`` if their
    sums fit 32 bits. For the kernels of words of 8 bits, ``in_bytes``, the columns are in a table
    of their own.
    """

    place: Place
    whole: int
    start: int
    length: int
    column: int
    first: int
    scale: int
    dots: Expression
    kernel: str
    product: str
    copied: bool
    halves: bool
    in_bytes: bool

    @property
    def array(self) -> str:
        """Name of the array that holds a sum for each row."""
        return self.dots.text.partition("[")[0]

    def words(self, channel: str) -> str:
        """Return a pointer to the part's words of a channel."""
        first = self.place.part(self.whole, channel)
        return f"{first} + {self.start}" if self.start else first


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSum:
    """Expressions that combine the sums of all parts of a row.

    ``sums`` are the statements for all parts but the last, ``sum`` is the total, ``x`` the total
    times the scale (empty without one), and ``stored`` the word of the target. With vectors,
    ``passes`` take the place of these; if they do so after a loop, it computes ``rounded``.
    """

    sum_type: str
    sums: tuple[str, ...]
    sum: str
    x_type: str
    x: str
    rounded: str
    stored: str
    passes: Passes | None
    accumulators: tuple[Accumulator, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearCode(OperationCode):
    """A `Linear`: the sums of all rows part by part, then the words of the target.

    ``dots`` are the widths of the arrays of sums, ``n_dots`` is their length, and ``row`` the code
    for each row of each channel. ``rows`` is None if all columns are in ``byte_rows``.
    """

    parts: tuple[SumPart, ...]
    target: Place
    n_rows: int
    n_dots: int
    dots: tuple[int, ...]
    n_copied: int
    row: RowSum
    function: str
    rows: Table | None
    byte_rows: Table | None
    bias: Column
    multiplier: Column
    shift: Column

    def table(self, part: SumPart) -> Table:
        """Return the table with the columns of a part."""
        found = self.byte_rows if part.in_bytes else self.rows
        assert found is not None
        return found


def linear(
    program: Program, layout: Layout, op: Linear, routine: Routine, functions: Functions
) -> LinearCode:
    """Return the template data of ``op``."""
    target, name = layout.places[op.target], routine.name
    shift = Column.of(f"{name}_shift", f"Right shifts of the rows of {name}_rows", op.shifts)
    multiplier = Column.of(f"{name}_scale", "Factor of each row before its shift", op.multipliers)
    bias = Column.of(f"{name}_bias", "Added to each row before it is scaled", op.biases)
    places = [layout.places[source] for source in op.sources]
    widths = op.widths(program.vector)
    digits = digits_of(op.rows) if max(widths) < MAX_COLUMNS else 0
    digits = min(digits, *(_digits_for(place) for place in places))
    parts = _parts(op, places, widths, digits, name)
    rows, byte_rows = _tables(name, op, parts, digits, shift)
    row = _row(routine, parts, (bias, multiplier, shift), functions, op, target)
    tables = (rows, byte_rows, bias.table, multiplier.table, shift.table)
    n_dots = -(-len(op.rows) // 4) * 4 if digits else len(op.rows)
    dots = tuple(sorted({part.dots.bits for part in parts}))
    n_copied = max((part.length for part in parts if part.copied), default=0)
    sums = len(op.rows) * type_bits(row.sum_type) * (len(parts) > 1)
    return LinearCode(
        kind=op.kind,
        about=arrow(op),
        multiplies=program.multiplies(op),
        routine=routine,
        channels=op.n_channels,
        tables=tuple(table for table in tables if table),
        scratch=(n_dots * sum(dots) + sums) // 8 + n_copied * 2,
        accumulators=(*_partial_sums(routine, parts, op, digits), *row.accumulators),
        parts=parts,
        target=target,
        n_rows=len(op.rows),
        n_dots=n_dots,
        dots=dots,
        n_copied=n_copied,
        row=row,
        function=functions.name_of(op.function),
        rows=rows,
        byte_rows=byte_rows,
        bias=bias,
        multiplier=multiplier,
        shift=shift,
    )


def _row(
    routine: Routine,
    parts: tuple[SumPart, ...],
    columns: tuple[Column, Column, Column],
    functions: Functions,
    op: Linear,
    target: Place,
) -> RowSum:
    """Return the expressions of a row, with a case for each row."""
    bias, multiplier, shift = columns
    widest = _sums(parts, bias, 64)
    bits = max(
        width_of(tuple(c for x in widest for c in x.cases), 32), *(p.dots.bits for p in parts)
    )
    sums = _sums(parts, bias, bits)
    total = word("sum", f"int{bits}_t", *sums[-1].cases)
    seen, x, scaled = [total], total, ""
    if not multiplier.is_all(1):
        least = half_up_bits(times(total, multiplier.expression("r")), shift.values)
        factor = multiplier.expression("r")
        x = product(total, factor, least) if least == 64 else times(total, factor, least)
        scaled, x = stored(x, x.ctype), word("x", x.ctype, *x.cases)
        seen.append(x)
    rounded = x if shift.is_all(0) else half_up(x, shift.values, shift.at("r"), to32=True)
    word_of_target = functions.applied(op.function, rounded, target)
    return RowSum(
        sum_type=total.ctype,
        sums=tuple(
            f"sums[r] {'+=' if n else '='} {_added(parts[n], bits).text if n else x.text}"
            for n, x in enumerate(sums[:-1])
        ),
        sum=sums[-1].text,
        x_type=x.ctype,
        x=scaled,
        rounded=rounded.text,
        stored=word_of_target,
        passes=_passes(parts, columns, (total, rounded), functions, op, target),
        accumulators=tuple(Accumulator.of(routine.kind, variable) for variable in seen),
    )


def _passes(
    parts: tuple[SumPart, ...],
    columns: tuple[Column, Column, Column],
    words: tuple[Expression, Expression],
    functions: Functions,
    op: Linear,
    target: Place,
) -> Passes | None:
    """Return the passes for all rows; ``words`` are a row's sum, and the word it is rounded to."""
    (bias, multiplier, shift), (total, rounded), n = columns, words, len(op.rows)
    if not takes_passes(target, n) or rounded.bits > 32 or parts[-1].dots.bits > 32:
        return None
    addend: tuple[str, str] | None = None
    if len(parts) > 1:
        addend = "sums", total.ctype
    elif not bias.is_all(0):
        addend = (bias.table.name, bias.table.ctype) if bias.table else ("", "")
    up = parts[-1].scale.bit_length() - 1
    calls = row_passes(n, up, addend, total, multiplier, shift)
    if calls is None and op.function is None:
        return None
    more, last = last_pass("dots", 0, op.function, functions, target, str(n))
    return Passes(array="dots", looped=calls is None, calls=(*(calls or ()), *more), last=last)


def _sums(parts: tuple[SumPart, ...], bias: Column, bits: int) -> list[Expression]:
    """Return a row's sum after each part; earlier parts are in a variable of ``bits`` bits."""
    sums: list[Expression] = []
    for n, part in enumerate(parts):
        term = _added(part, bits)
        if n:
            term = plus(word("sums[r]", f"int{bits}_t", *sums[-1].cases), term)
        elif not bias.is_all(0):
            term = plus(bias.expression("r"), term)
        sums.append(term)
    return sums


def _added(part: SumPart, bits: int) -> Expression:
    """Return the term that a part adds to a sum of ``bits`` bits."""
    return times(part.dots, constant(part.scale), bits) if part.scale > 1 else part.dots


def _partial_sums(
    routine: Routine, parts: tuple[SumPart, ...], op: Linear, digits: int
) -> Iterator[Accumulator]:
    """Yield the sums of parts; check what kernels add up in 32 bits beside them as well."""
    for part in parts:
        if part.in_bytes:
            peak = dual_peak(op.rows, part.column, part.length, digits)
            peak *= magnitude(part.place.vector.fmt)
            word("all", "int32_t", (-peak, peak))
        elif digits == 4:
            peak = partial_peak(op.rows, part.column, part.length, digits)
            peak *= magnitude(part.place.vector.fmt)
            word("byte", "int32_t", (-peak, peak))
        columns = part.column, part.column + part.length
        low_bits = LOW_BITS if part.halves else None
        yield Accumulator.of(routine.kind, part.dots, columns, low_bits=low_bits)


def _digits_for(place: Place) -> int:
    """Return the most digits per number that the kernels for a place's word type support."""
    return {8: 4, 16: 4, 32: 2, 64: 0}[place.bits]


def _parts(
    op: Linear, places: list[Place], widths: tuple[int, ...], digits: int, name: str
) -> tuple[SumPart, ...]:
    """Return the sources, split into parts whose sums fit the kernels, at even columns."""
    parts: list[SumPart] = []
    column = 0
    firsts = {True: 0, False: 0}
    ctype = table_type(w for row in op.rows for w in row)
    for place, width, align in zip(places, widths, op.aligns, strict=True):
        for start, length in _pieces(op, place, column, width, digits):
            at, in_bytes = column + start, digits > 0 and place.in_bytes
            first = firsts[in_bytes]
            cases = _reaches(op, at, length, place)
            bits = max(width_of(cases, 32), place.bits, 64 if digits and place.bits > 16 else 32)
            array = "dots" if bits == 32 else "dots64"
            halves = digits > 0 and _in_halves(op, at, length, place)
            weights = tuple((w, w) for row in op.rows for w in row[at : at + length])
            column_at = f"{first} + j" if first else "j"
            weight = word(
                f"{name}_rows[r][{column_at}]", table_type(w for w, _ in weights), *weights
            )
            pairs = bool(digits) and place.bits <= 16 and not in_bytes
            parts.append(
                SumPart(
                    place=place,
                    whole=width,
                    start=start,
                    length=length,
                    column=at,
                    first=first,
                    scale=1 << align,
                    dots=word(f"{array}[r]", f"int{bits}_t", *cases),
                    kernel=_kernel(digits, place, bits, halves, ctype),
                    product=_product(weight, place, bits),
                    copied=pairs
                    and (place.bits < 16 or not place.is_aligned(width, op.n_channels)),
                    halves=halves,
                    in_bytes=in_bytes,
                )
            )
            firsts[in_bytes] += length + length % 2 * bool(digits)
        column += width
    return tuple(parts)


def _kernel(digits: int, place: Place, bits: int, halves: bool, ctype: str) -> str:
    """Return the name of the function for the sums of a part; none for a plain table."""
    if not digits:
        narrow = bits == 32 and (place.bits == 16 or place.in_bytes) and ctype == "int8_t"
        return f"lmu_row_i8_i{place.bits}" if narrow else ""
    if halves:
        return f"lmu_halves{16 // digits}"
    if place.in_bytes:
        return f"lmu_rows{16 // digits}_i8_{bits}"
    return f"lmu_rows{16 // digits}_i{max(place.bits, 16)}_{bits}"


def _in_halves(op: Linear, at: int, length: int, place: Place) -> bool:
    """Return whether words of 32 bits are cut in halves, whose sums fit 32 bits."""
    rows = tuple(row[at : at + length] for row in op.rows)
    return place.bits == 32 and fits_in_halves(rows, place.vector.fmt)


def _product(weight: Expression, place: Place, bits: int) -> str:
    """Return the text of a product in a sum of ``bits`` bits."""
    fmt = place.vector.fmt
    v = word("v[j]", place.ctype, (fmt.min, fmt.max))
    return product(weight, v, bits).text


def _reaches(op: Linear, at: int, length: int, place: Place) -> tuple[Range, ...]:
    """Return the range of a part's partial sums for each row."""
    fmt, cases = place.vector.fmt, []
    for row in op.rows:
        up = sum(w for w in row[at : at + length] if w > 0)
        down = sum(w for w in row[at : at + length] if w < 0)
        # every format includes zero, so these bounds hold for all partial sums
        cases.append((up * fmt.min + down * fmt.max, up * fmt.max + down * fmt.min))
    return tuple(cases)


def _pieces(
    op: Linear, place: Place, column: int, width: int, digits: int
) -> list[tuple[int, int]]:
    """Return (start, length) of pieces of a source whose low-digit sums fit 32 bits.

    Of words of 32 bits, the sums of halves must fit, unless pieces would be too short.
    """
    if digits and place.bits == 32:
        counts = (n for n in (1, 2, 4, 8) if n == 1 or width // n >= SHORTEST)
        return _equal(width, next((n for n in counts if _cut(op, place, column, width, n)), 1))
    in_bytes = digits > 0 and place.in_bytes
    if not in_bytes and (digits < 2 or place.bits > 16):
        return [(0, width)]
    pieces, todo = [], [(0, width)]
    peak_of = dual_peak if in_bytes else partial_peak
    while todo:
        start, length = todo.pop(0)
        peak = peak_of(op.rows, column + start, length, digits)
        if sum_bits(peak * magnitude(place.vector.fmt)) == 32:
            pieces.append((start, length))
        else:
            half = (length + 3) // 4 * 2
            todo[:0] = [(start, half), (start + half, length - half)]
    return pieces


def _equal(width: int, n: int) -> list[tuple[int, int]]:
    """Return ``n`` pieces of about equal length, each from an even column on."""
    starts = [width * k // n // 2 * 2 for k in range(n)]
    return [(a, b - a) for a, b in zip(starts, [*starts[1:], width], strict=True)]


def _cut(op: Linear, place: Place, column: int, width: int, n: int) -> bool:
    """Return whether the words of ``n`` pieces can be cut in halves."""
    return all(_in_halves(op, column + start, length, place) for start, length in _equal(width, n))


def _tables(
    name: str, op: Linear, parts: tuple[SumPart, ...], digits: int, shift: Column
) -> tuple[Table | None, Table | None]:
    """Return the table of weights, packed in digits if kernels use it, and that for bytes."""
    scale = "a shift of its own for each row" if shift.table else f"{shift.value} fractional bits"
    wide, narrow = ([part for part in parts if part.in_bytes is kind] for kind in (False, True))
    byte_rows = None
    if narrow:
        columns = [_columns(op, [part]) for part in narrow]
        byte_rows = byte_table(f"{name}_byte_rows", columns, digits, scale)
    if not wide:
        return None, byte_rows
    about, rows = "Weights", _columns(op, wide)
    ctype = table_type(w for row in op.rows for w in row)
    if digits:
        rows = pack(rows, [part.length for part in wide], digits)
        ctype = "int16_t"
        about += {1: "", 2: ", two rows in a number", 4: ", four rows in a number"}[digits]
    about += f"; {scale}"
    table = Table(name=f"{name}_rows", about=about, ctype=ctype, rows=rows, flat=digits > 0)
    return table, byte_rows


def _columns(op: Linear, parts: list[SumPart]) -> Rows:
    """Return the columns of parts."""
    spans = [slice(part.column, part.column + part.length) for part in parts]
    return tuple(tuple(w for span in spans for w in row[span]) for row in op.rows)
