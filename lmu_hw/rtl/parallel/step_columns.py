"""RAMs in which the words of a step arrive section by section."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Member, Out
from amaranth.utils import ceil_log2

from ..block_memories import Ram


class StepColumns(wiring.Component):
    """Writers, memories and space of an output FIFO; what reads it is a subclass.

    Each column is a RAM with a writer of its own, which writes one row or more in a step. Space is
    reserved for a step when it starts, so a step that has started never stalls.

    Parameters
    ----------
    widths : sequence of int
        Bits that a writer writes at once, for each column.
    depth : int
        Steps that fit, a power of two, >= 2.
    last : int
        A column whose words arrive last.
    rows : int
        Rows of a column in a step.
    last_row : int
        The row of ``last`` that arrives last.
    outputs : mapping of str to Member
        Further members.

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
    """

    def __init__(
        self,
        widths: Sequence[int],
        *,
        depth: int,
        last: int,
        rows: int,
        last_row: int,
        outputs: Mapping[str, Member],
    ) -> None:
        self.widths = tuple(widths)
        self.depth, self.last, self.rows, self.last_row = depth, last, rows, last_row
        self.row_bits = (rows - 1).bit_length()
        columns = range(len(self.widths))
        place = self.row_bits + ceil_log2(depth)
        super().__init__(
            {
                **{f"words_{k}": In(bits) for k, bits in enumerate(widths)},
                **{f"write_{k}": In(1) for k in columns},
                **{f"place_{k}": In(place) for k in columns if rows > 1},
                "reserve": In(1),
                "room": Out(1),
                **outputs,
            }
        )

    def _space(self, m: Module, leaves: Value) -> None:
        """Count the steps that have space, until they leave."""
        reserved = Signal(range(self.depth + 1), name="reserved")
        m.d.sync += reserved.eq(reserved + self.reserve - leaves)
        m.d.comb += self.room.eq(reserved != self.depth)

    def _arrives(self) -> Value:
        """Return whether the last words of a step arrive."""
        write: Value = getattr(self, f"write_{self.last}")
        if self.rows == 1:
            return write
        row = getattr(self, f"place_{self.last}")[: self.row_bits]
        return write & (row == self.last_row)

    def _column(self, m: Module, number: int) -> Ram:
        """Add the RAM of a column and its write address."""
        ram = Ram(self.widths[number], self.depth << self.row_bits)
        m.submodules[f"column_{number}"] = ram
        write = getattr(self, f"write_{number}")
        m.d.comb += [
            ram.write.eq(write),
            ram.write_word.eq(getattr(self, f"words_{number}")),
        ]
        if self.rows > 1:
            m.d.comb += ram.write_address.eq(getattr(self, f"place_{number}"))
            return ram
        tail = Signal.like(ram.write_address, name=f"tail_{number}")
        m.d.comb += ram.write_address.eq(tail)
        with m.If(write):
            m.d.sync += tail.eq(tail + 1)
        return ram
