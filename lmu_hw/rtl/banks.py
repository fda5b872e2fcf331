"""The lanes' memory: one bank per lane; a read returns the same row of every bank."""

from __future__ import annotations

from amaranth.hdl import Module, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .block_memories import Ram


class Banks(wiring.Component):
    """One memory bank for each lane.

    Parameters
    ----------
    width, rows, lanes : int
        Bits of a word, words in a bank, number of banks.

    Members
    -------
    read_row : In(unsigned)
        Row to read.
    words : Out(signed(width)), one for each bank
        The words of that row, one cycle later.
    write : In(1)
        Write ``write_word`` to ``write_row`` of ``write_bank``.
    write_row, write_bank : In(unsigned)
        Address of the word to write.
    write_word : In(signed(width))
        Word to write.
    clear : In(1)
        Write to all banks, not only to ``write_bank``.

    Latency: 1 cycle from ``read_row``; a written word is readable from the next cycle on.
    Throughput: one row read and one word written per cycle.

    Schedule: a registered read.
    """

    latency = 1

    def __init__(self, width: int, rows: int, lanes: int) -> None:
        self.rows, self.lanes = rows, lanes
        super().__init__(
            {
                "read_row": In(range(rows)),
                "words": Out(signed(width)).array(lanes),
                "write": In(1),
                "write_row": In(range(rows)),
                "write_bank": In(range(lanes)),
                "write_word": In(signed(width)),
                "clear": In(1),
            }
        )

    def model(self, written: list[tuple[int, int]], row: int) -> list[int]:
        """Return a row after the given (word number, word) pairs were written."""
        words = dict(written)
        return [words.get(row * self.lanes + bank, 0) for bank in range(self.lanes)]

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        for number in range(self.lanes):
            bank = Ram(len(self.write_word), self.rows)
            m.submodules[f"bank_{number}"] = bank
            m.d.comb += [
                bank.read_address.eq(self.read_row),
                self.words[number].eq(bank.read_word),
                bank.write.eq(self.write & (self.clear | (self.write_bank == number))),
                bank.write_address.eq(self.write_row),
                bank.write_word.eq(self.write_word),
            ]
        return m
