"""Output FIFO whose words arrive section by section and leave a step at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream
from amaranth.lib.wiring import Out

from .step_columns import StepColumns


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnPart:
    """Place of an output word: its column, its lowest bit there, its width, its row in the step.

    A word that is not ``signed`` is extended with zeros.
    """

    column: int
    low: int
    width: int
    row: int = 0
    signed: bool = True


class OutputColumns(StepColumns):
    """Buffers the words of a step until all of them have arrived.

    Each column is a RAM with a writer of its own, which writes one row or more in a step. Space is
    reserved for a step when it starts, so a step that has started never stalls.

    Parameters
    ----------
    widths : sequence of int
        Bits that a writer writes at once, for each column.
    parts : sequence of ColumnPart
        Where the words of an output are, in order.
    width : int
        Bits of a word in the output; narrower words are extended.
    depth : int
        Steps that fit, a power of two, >= 2.
    last : int
        A column whose words arrive last.
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
        All words of a step, the first one in the lowest bits.

    Latency: 3 cycles, and one for each row, from the last ``write`` to ``o.valid`` when empty.
    Throughput: one step per cycle; with several rows one every ``rows`` + 1 cycles.

    Schedule:

    - write: store the words in the RAM of their column.
    - read: fetch the next row from all RAMs while the output register is empty or being read.
    - fetch: hold the words of a row, because a RAM answers late in a cycle.
    - hold: keep the words in the output register until the reader takes them.
    """

    def __init__(
        self,
        widths: Sequence[int],
        parts: Sequence[ColumnPart],
        width: int,
        depth: int,
        last: int,
        rows: int = 1,
        last_row: int = 0,
    ) -> None:
        self.parts, self.width = tuple(parts), width
        output = Out(stream.Signature(width * len(self.parts)))
        super().__init__(
            widths, depth=depth, last=last, rows=rows, last_row=last_row, outputs={"o": output}
        )

    @property
    def latency(self) -> int:
        """Cycles from the last word to the transfer of the step."""
        return 3 + self.rows

    def model(self, columns: Sequence[int]) -> int:
        """Return the payload for the words of a step, column by column and row by row."""
        total = 0
        for number, part in enumerate(self.parts):
            word = columns[part.column * self.rows + part.row]
            word = word >> part.low & ((1 << part.width) - 1)
            word -= (word >> (part.width - 1) & part.signed) << part.width
            total |= (word & ((1 << self.width) - 1)) << (number * self.width)
        return total

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        rams = [self._column(m, k) for k in range(len(self.widths))]
        head = Signal.like(rams[0].read_address, name="head")
        following = Signal.like(head, name="following", init=1)
        advance, arrived, some = (Signal(name=n) for n in ("advance", "arrived", "some"))
        level = Signal(range(self.depth + 1))
        next_level = Signal.like(level)
        address = Signal.like(head, name="read_address")
        row, closing = head[: self.row_bits], Signal(name="closing")
        last: Value = Const(1)
        if self.rows > 1:
            # the last row of a step is in its register a cycle after it is read
            last = row == self.rows - 1
            m.d.sync += closing.eq(advance & last)
            free = Mux(self.o.valid, self.o.ready, ~closing)
            m.d.comb += advance.eq(some & (~(row == 0) | free))
        m.d.comb += [
            next_level.eq(level + arrived - (advance & last)),
            address.eq(Mux(advance, following, head)),
            *(ram.read_address.eq(address) for ram in rams),
        ]
        m.d.sync += [
            head.eq(address),
            arrived.eq(self._arrives()),
            level.eq(next_level),
            some.eq(next_level != 0),
        ]
        with m.If(advance):
            m.d.sync += following.eq(self._after(following))
        words = [ram.read_word for ram in rams]
        if self.rows == 1:
            self._pass_steps(m, some, advance, words)
        else:
            with m.If(closing):
                m.d.sync += self.o.valid.eq(1)
            with m.Elif(self.o.ready):
                m.d.sync += self.o.valid.eq(0)
            self._gather_rows(m, advance, words)

        taken = Signal()
        m.d.comb += taken.eq(self.o.valid & self.o.ready)
        self._space(m, taken)
        return m

    def _after(self, address: Value) -> Value:
        """Return the address of the row after one."""
        row, step = address[: self.row_bits], address[self.row_bits :]
        if self.rows == 1 << self.row_bits:
            return address + 1
        return Mux(row == self.rows - 1, Cat(Const(0, self.row_bits), step + 1), address + 1)

    def _pass_steps(
        self, m: Module, some: Value, advance: Signal, columns: Sequence[Value]
    ) -> None:
        """Add two registers, which take a step at a time; both wait for the reader."""
        go, there = Signal(name="go"), Signal(name="fetched_valid")
        fetched = _registers(columns)
        m.d.comb += [go.eq(~self.o.valid | self.o.ready), advance.eq(go & some)]
        with m.If(go):
            m.d.sync += [
                *(new.eq(word) for new, word in zip(fetched, columns, strict=True)),
                there.eq(some),
                self.o.valid.eq(there),
            ]
        # without a step the RAMs may return words that were never written
        with m.If(go & there):
            m.d.sync += self.o.payload.eq(Cat(self._extended([_by_bit(fetched)])))

    def _gather_rows(self, m: Module, advance: Value, columns: Sequence[Value]) -> None:
        """Add a register for the words of a row, and registers through which the rows pass."""
        fetched, shifts = _registers(columns), Signal(name="shifts")
        m.d.sync += shifts.eq(advance)
        m.d.sync += [new.eq(word) for new, word in zip(fetched, columns, strict=True)]
        bits = [self._bits(row) for row in range(self.rows)]
        before = _by_bit(fetched)
        held: list[dict[tuple[int, int], Value]] = []
        for row in reversed(range(self.rows)):
            below = set().union(*bits[:row]) - set(bits[row])
            passing = [at for at in before if at in below]
            found: dict[tuple[int, int], Value] = {}
            for name, places in ((f"row_{row}", bits[row]), (f"passing_{row}", passing)):
                if places:
                    kept = Signal(len(places), name=name)
                    with m.If(shifts):
                        m.d.sync += kept.eq(Cat(before[at] for at in places))
                    found |= dict(zip(places, kept, strict=True))
            before = found
            held.insert(0, found)
        m.d.comb += self.o.payload.eq(Cat(self._extended(held)))

    def _bits(self, row: int) -> list[tuple[int, int]]:
        """Return the bits of columns that are words in a row, in order: (column, bit)."""
        return [
            (part.column, part.low + bit)
            for part in self.parts
            if part.row == row
            for bit in range(part.width)
        ]

    def _extended(self, rows: Sequence[Mapping[tuple[int, int], Value]]) -> list[Value]:
        """Return the output words in the bits of the columns of each row, extended."""
        found: list[Value] = []
        for part in self.parts:
            bits = [rows[part.row][part.column, part.low + bit] for bit in range(part.width)]
            above = bits[-1] if part.signed else Const(0, 1)
            found.append(Cat(*bits, above.replicate(self.width - part.width)))
        return found


def _registers(columns: Sequence[Value]) -> list[Signal]:
    """Return registers for the words of all columns."""
    return [
        Signal.like(word, name=f"fetched_{k}", reset_less=True) for k, word in enumerate(columns)
    ]


def _by_bit(columns: Sequence[Signal]) -> dict[tuple[int, int], Value]:
    """Return the bits of the words of all columns by (column, bit)."""
    return {(k, bit): word[bit] for k, word in enumerate(columns) for bit in range(len(word))}
