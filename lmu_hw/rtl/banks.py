"""The lanes' memory: one bank per lane; a read returns the same row of every bank."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .block_memories import Ram
from .constant_tables import any_of


class BankWrite(wiring.Signature):
    """Signature of a write to the lanes' memory.

    Parameters
    ----------
    width, rows, lanes : int
        Bits of a word, words in a bank, number of banks.

    Members
    -------
    valid : Out(1)
        Write ``word``.
    row, bank : Out(unsigned)
        Row of the word; its bank.
    word : Out(signed(width))
        The word to write.
    """

    def __init__(self, width: int, rows: int, lanes: int) -> None:
        super().__init__(
            {
                "valid": Out(1),
                "row": Out(range(rows)),
                "bank": Out(range(lanes)),
                "word": Out(signed(width)),
            }
        )


class Banks(wiring.Component):
    """One memory bank for each lane, and the one write port that several units share.

    The schedule and the clearing after a reset see to it that no two units write in a cycle.

    Parameters
    ----------
    width, rows, lanes : int
        Bits of a word, words in a bank, number of banks.
    writers : sequence of str
        Units that write: those of the members below that there are.

    Members
    -------
    read_row : In(unsigned)
        Row to read.
    words : Out(signed(width)), one for each bank
        The words of that row, one cycle later.
    input : In(BankWrite)
        From `StepController`: an input word.
    mirror, ladder_mirror : In(BankWrite)
        From `ChainUnit`, `LadderUnit`: a state that the lanes read.
    spikes : In(BankWrite)
        From `NeuronUnit`: the spikes of a channel.
    result, function_result : In(BankWrite)
        A result of the requantizer; of a function.
    load : In(BankWrite)
        From `StatePort`: a word of the state.
    clear : In(1)
        Write zero to ``clear_row`` of all banks.
    clear_row : In(unsigned)
        Row to clear.

    Latency: 1 cycle from ``read_row``; a written word is readable from the next cycle on.
    Throughput: one row read and one word written per cycle.

    Schedule: a registered read.
    """

    latency = 1

    def __init__(self, width: int, rows: int, lanes: int, writers: Sequence[str]) -> None:
        self.rows, self.lanes, self.writers = rows, lanes, tuple(writers)
        super().__init__(
            {
                "read_row": In(range(rows)),
                "words": Out(signed(width)).array(lanes),
                **{name: In(BankWrite(width, rows, lanes)) for name in self.writers},
                "clear": In(1),
                "clear_row": In(range(rows)),
            }
        )

    def model(self, written: list[tuple[int, int]], row: int) -> list[int]:
        """Return a row after the given (word number, word) pairs were written."""
        words = dict(written)
        return [words.get(row * self.lanes + bank, 0) for bank in range(self.lanes)]

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        chosen = BankWrite(len(self.words[0]), self.rows, self.lanes).create(path=("write",))
        first, *others = (getattr(self, name) for name in self.writers if name != "load")
        # an address and a word matter only with a write
        m.d.comb += _takes(chosen, first)
        for writer in others:
            with m.If(writer.valid):
                m.d.comb += _takes(chosen, writer)
        # results of a step before the reset may still arrive
        with m.If(self.clear):
            m.d.comb += [chosen.row.eq(self.clear_row), chosen.word.eq(0)]
        if "load" in self.writers:
            with m.If(self.load.valid):
                m.d.comb += _takes(chosen, self.load)
        valid = [getattr(self, name).valid for name in self.writers]
        m.d.comb += chosen.valid.eq(any_of([self.clear, *valid]))
        for number in range(self.lanes):
            bank = Ram(len(chosen.word), self.rows)
            m.submodules[f"bank_{number}"] = bank
            mine = Signal(name=f"write_to_{number}")
            m.d.comb += mine.eq(chosen.valid & (self.clear | (chosen.bank == number)))
            m.d.comb += [
                bank.read_address.eq(self.read_row),
                self.words[number].eq(bank.read_word),
                bank.write.eq(mine),
                bank.write_address.eq(chosen.row),
                bank.write_word.eq(chosen.word),
            ]
        return m


def _takes(chosen: Any, writer: Any) -> list[Any]:
    """Return the statements that choose the address and word of a writer."""
    return [getattr(chosen, name).eq(getattr(writer, name)) for name in ("row", "bank", "word")]
