"""A word for each of several signals, readable at once."""

from __future__ import annotations

from amaranth.hdl import ClockSignal, Instance, Module, Shape, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ..block_memories import VerilogPlatform


class SignalStore(wiring.Component):
    """Keeps a word of each signal: a register, or LUT memory for several signals.

    Parameters
    ----------
    shape : Shape
        Shape of a word.
    n_signals : int

    Members
    -------
    read_signal : In(unsigned)
        Signal whose word is read.
    word : Out(shape)
        The word of ``read_signal``, in the same cycle.
    write : In(1)
        Write ``write_word`` at the end of the cycle.
    write_signal : In(unsigned)
        Signal whose word is written.
    write_word : In(shape)
        Word to write.

    Latency: 0 cycles to read, 1 to write.
    Throughput: one read and one write per cycle.

    Schedule: none. A register is reset to zero; a memory must be cleared, signal by signal.
    """

    latency = 0

    def __init__(self, shape: Shape, n_signals: int) -> None:
        self.n_signals = n_signals
        super().__init__(
            {
                "read_signal": In(range(n_signals)),
                "word": Out(shape),
                "write": In(1),
                "write_signal": In(range(n_signals)),
                "write_word": In(shape),
            }
        )

    def model(self, words: list[int], signal: int, word: int) -> list[int]:
        """Return the words after ``word`` of a signal was written."""
        return [word if number == signal else old for number, old in enumerate(words)]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if self.n_signals == 1:
            kept = Signal.like(self.word, name="kept")
            m.d.comb += self.word.eq(kept)
            with m.If(self.write):
                m.d.sync += kept.eq(self.write_word)
            return m
        if isinstance(platform, VerilogPlatform):
            m.submodules.store = Instance(
                f"{platform.prefix}_store",
                p_WIDTH=len(self.word),
                p_DEPTH=1 << ceil_log2(self.n_signals),
                p_ADDRESS_WIDTH=len(self.read_signal),
                i_clk=ClockSignal(),
                i_read_address=self.read_signal,
                o_read_word=self.word,
                i_write=self.write,
                i_write_address=self.write_signal,
                i_write_word=self.write_word,
            )
            return m
        depth = 1 << ceil_log2(self.n_signals)
        m.submodules.store = store = Memory(shape=self.word.shape(), depth=depth, init=[])
        reader, writer = store.read_port(domain="comb"), store.write_port()
        m.d.comb += [
            reader.addr.eq(self.read_signal),
            self.word.eq(reader.data),
            writer.en.eq(self.write),
            writer.addr.eq(self.write_signal),
            writer.data.eq(self.write_word),
        ]
        return m
