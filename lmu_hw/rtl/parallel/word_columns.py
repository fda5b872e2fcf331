"""Output FIFO whose words arrive section by section and leave one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import stream
from amaranth.lib.wiring import Out
from amaranth.utils import ceil_log2

from ...program.integer_program import Role
from ..constant_tables import lookup, one_of
from .cascade_plan import COLUMN_GROUP, CascadePlan, choosing_cycles, word_latency
from .column_layout import column_layout
from .step_columns import StepColumns


@dataclass(frozen=True, slots=True, kw_only=True)
class WordPart:
    """Where the words of a vector are in their columns, and which sections have one."""

    low: int
    width: int
    sections: tuple[bool, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """Columns and rows of the sections: ``run`` neighbouring sections in each column in turn."""

    sections: int
    run: int

    def place(self, section: int, columns: int) -> tuple[int, int]:
        """Return column and row of a section."""
        lap, rest = divmod(section, self.run * columns)
        return rest // self.run, lap * self.run + rest % self.run


def word_parts(plan: CascadePlan) -> list[WordPart]:
    """Return the vectors that a plan delivers, in order."""
    assert plan.delivery is not None
    _, places = column_layout(plan)
    parts, start = {}, 0
    for v in plan.program.with_role(Role.OUTPUT):
        own = places[start : start + v.length]
        start += v.length
        sections = {part.column for part in own}
        parts[v.name] = WordPart(
            low=own[0].low,
            width=own[0].width,
            sections=tuple(k in sections for k in range(len(plan.op.sections))),
        )
    return [parts[name] for name in plan.delivery.shown]


class WordColumns(StepColumns):
    """Buffers the words of a step until all have arrived, and passes them on one by one.

    Each column is a RAM with a writer of its own. Space is reserved for a step when it starts, so a
    step that has started never stalls.

    Parameters
    ----------
    widths : sequence of int
        Bits that a writer writes at once, for each column.
    parts : sequence of WordPart
        The vectors that leave, in order; each section by section.
    width : int
        Bits of a word in the output; narrower words are sign-extended.
    depth : int
        Steps that fit, a power of two, >= 2.
    last : int
        A column whose words arrive last.
    walk : Walk
        Places of the sections.
    rows : int
        Rows of a column in a step.
    last_row : int
        The row of ``last`` that arrives last.

    Members
    -------
    words_0, .. : In(unsigned), one for each column
        Words of a step, the first one in the lowest bits.
    write_0, .. : In(1), one for each column
        Store the words. With one row, each column writes the same steps in the same order.
    place_0, .. : In(unsigned), with more rows, one for each column
        Where to: the row, and above it the number of the step, modulo ``depth``.
    reserve : In(1)
        Reserve space for a step that starts.
    room : Out(1)
        There is space for a step.
    o : Out(stream)
        The words.
    o_last : Out(1)
        With ``o``: the last word of a step.

    Latency: from the last ``write`` to the first word, when empty, 4 cycles, 5 with more than 8
    columns; then a cycle for each section, once for each vector.
    Throughput: a section each cycle.

    Schedule: read a row of all columns | with many columns, choose one of each group | choose the
    column | choose the vector, and hold the word until the reader takes it.
    """

    def __init__(
        self,
        widths: Sequence[int],
        parts: Sequence[WordPart],
        width: int,
        depth: int,
        last: int,
        walk: Walk,
        rows: int = 1,
        last_row: int = 0,
    ) -> None:
        self.parts, self.width, self.walk = tuple(parts), width, walk
        self.latency = word_latency(len(widths))
        outputs = {"o": Out(stream.Signature(signed(width))), "o_last": Out(1)}
        super().__init__(
            widths, depth=depth, last=last, rows=rows, last_row=last_row, outputs=outputs
        )

    def model(self, columns: Sequence[int]) -> list[int]:
        """Return the words that leave for those of a step, column by column and row by row."""
        found = []
        for part in self.parts:
            for section in (k for k, there in enumerate(part.sections) if there):
                column, row = self.walk.place(section, len(self.widths))
                word = columns[column * self.rows + row] >> part.low & ((1 << part.width) - 1)
                found.append(word - (word >> (part.width - 1) << part.width))
        return found

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        go, some = Signal(name="go"), Signal(name="some")
        advance, ends = Signal(name="advance"), Signal(name="ends")
        m.d.comb += [go.eq(~self.o.valid | self.o.ready), advance.eq(go & some)]
        place = self._walk(m, advance, ends)
        self._count(m, ends, some)
        rams = [self._column(m, k) for k in range(len(self.widths))]
        m.d.comb += [ram.read_address.eq(place.address) for ram in rams]

        # the words of a column, of which one vector's is chosen in the next cycle
        read = [Signal(max(self.widths), name=f"column_words_{k}") for k in range(len(rams))]
        m.d.comb += [new.eq(ram.read_word) for new, ram in zip(read, rams, strict=True)]
        word = _Fetched(valid=some & place.present, part=place.part, last=place.is_last)
        column: Value = place.column
        with m.If(go):
            if choosing_cycles(len(rams)) > 1:
                word = word.held(m, "chosen")
                column, read = self._choose_in_groups(m, column, read)
            fetched = Signal(max(self.widths), name="fetched", reset_less=True)
            m.d.sync += fetched.eq(one_of(m, column, read, "column_words"))
            word = word.held(m, "fetched")
            m.d.sync += [
                self.o.payload.eq(self._chosen(m, fetched, word.part)),
                self.o.valid.eq(word.valid),
                self.o_last.eq(word.last),
            ]
        return m

    def _choose_in_groups(
        self, m: Module, column: Value, read: list[Signal]
    ) -> tuple[Signal, list[Signal]]:
        """Add registers for the number of the group, and for a column's words of each group."""
        bits, near = ceil_log2(COLUMN_GROUP), []
        group_number = Signal(len(column) - bits, name="group", reset_less=True)
        m.d.sync += group_number.eq(column[bits:])
        for number, start in enumerate(range(0, len(read), COLUMN_GROUP)):
            group = read[start : start + COLUMN_GROUP]
            near.append(Signal(max(self.widths), name=f"group_words_{number}", reset_less=True))
            m.d.sync += near[-1].eq(one_of(m, column[:bits], group, f"chosen_in_group_{number}"))
        return group_number, near

    def _chosen(self, m: Module, words: Value, number: Value) -> Value:
        """Return the word of a vector in the words of a column."""
        found = [words[part.low : part.low + part.width].as_signed() for part in self.parts]
        wide = [Signal(signed(self.width), name=f"vector_{k}") for k in range(len(found))]
        m.d.comb += [new.eq(word) for new, word in zip(wide, found, strict=True)]
        return one_of(m, number, wide, "chosen_word")

    def _walk(self, m: Module, advance: Value, ends: Signal) -> _ReadPlace:
        """Add the counters of vector, section and place; they move with ``advance``."""
        n_columns, run, sections = len(self.widths), self.walk.run, self.walk.sections
        part = Signal(range(len(self.parts)), name="part")
        section = Signal(range(sections), name="section")
        column = Signal(range(n_columns), name="column")
        step = Signal(range(self.depth), name="step")
        row = Signal(range(max(1, self.rows)), name="row")
        base = Signal.like(row, name="first_row")
        next_row, next_step = Signal.like(row, name="next_row"), Signal.like(step, name="next_step")
        over, turns, wraps = Signal(name="over"), Signal(name="turns"), Signal(name="wraps")
        m.d.comb += [
            over.eq(section == sections - 1),
            ends.eq(advance & over & (part == len(self.parts) - 1)),
            turns.eq(row == base + (run - 1)),
            wraps.eq(turns & (column == n_columns - 1)),
            next_step.eq(step + ends),
            next_row.eq(
                Mux(over, 0, Mux(wraps, base + run, Mux(turns, base, row + 1)))[: len(row)]
            ),
        ]
        with m.If(advance):
            m.d.sync += [
                section.eq(Mux(over, 0, section + 1)),
                part.eq(Mux(~over, part, Mux(ends, 0, part + 1))),
                column.eq(Mux(over | wraps, 0, column + turns)),
                base.eq(Mux(over, 0, Mux(wraps, base + run, base))),
                row.eq(next_row),
                step.eq(next_step),
            ]
        # a RAM is addressed one word ahead
        address = Mux(advance, Cat(next_row, next_step), Cat(row, step))
        present: Value = Const(1)
        if not all(all(p.sections) for p in self.parts):
            tables = [
                lookup(m, section, [int(there) for there in p.sections], f"in_vector_{k}")
                for k, p in enumerate(self.parts)
            ]
            present = one_of(m, part, tables, "present")
        last = max(k for k, there in enumerate(self.parts[-1].sections) if there)
        return _ReadPlace(
            part=part,
            column=column,
            address=address,
            present=present,
            is_last=(part == len(self.parts) - 1) & (section == last),
        )

    def _count(self, m: Module, ends: Value, some: Signal) -> None:
        """Count the steps that have arrived, and those that have space."""
        level, arrived = Signal(range(self.depth + 1), name="level"), Signal(name="arrived")
        next_level = Signal.like(level, name="next_level")
        m.d.comb += next_level.eq(level + arrived - ends)
        m.d.sync += [
            arrived.eq(self._arrives()),
            level.eq(next_level),
            some.eq(next_level != 0),
        ]
        self._space(m, ends)


@dataclass(frozen=True, slots=True, kw_only=True)
class _ReadPlace:
    """The word that is read: its vector and column, the rows' address, and whether it exists.

    ``is_last`` says whether it is the last one of its step.
    """

    part: Value
    column: Value
    address: Value
    present: Value
    is_last: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fetched:
    """What goes with a word from the RAM to the output.

    ``valid`` says whether there is a word, ``part`` of which vector it is, ``last`` whether it is
    the last one of its step.
    """

    valid: Value
    part: Value
    last: Value

    def held(self, m: Module, stage: str) -> _Fetched:
        """Return registers with the same, a cycle later."""
        found = {}
        for name in ("valid", "part", "last"):
            value: Value = getattr(self, name)
            found[name] = Signal(value.shape(), name=f"{stage}_{name}", reset_less=name != "valid")
            m.d.sync += found[name].eq(value)
        return _Fetched(**found)
