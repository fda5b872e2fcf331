"""The lanes' memory: a bank for each lane, all read at the same row."""

from __future__ import annotations

from amaranth.hdl import Module, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .block_memories import Ram


class Banks(wiring.Component):
    """One memory for each lane.

    Parameters
    ----------
    width, rows, lanes : int

    Members
    -------
    read_row : In(unsigned)
    words : Out(signed(width)), one for each bank
    write, write_row, write_bank, write_word : In
    clear : In(1)
        Write to all banks.

    Latency: 1 cycle from ``read_row``; a word written in a cycle is read from the next one on.
    Throughput: a row and a written word a cycle.

    Schedule: address in, words out.
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
        """Return a row after words were written, given with their numbers."""
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
