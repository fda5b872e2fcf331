"""How long each memory's input has been zero."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from .block_memories import Ram
from .constant_tables import lookup
from .ports import keep_on_reset


class SilenceCounters(wiring.Component):
    """Counts steps of zero input for every channel of every memory, up to its window.

    Parameters
    ----------
    windows : sequence of int
        Of each counter: steps after which a step is silent, >= 1.
    word_width : int
        Bits of an input word.
    state_width : int
        Bits of a count that is loaded from outside; 0 without a state port.

    Members
    -------
    word : In(signed(word_width))
    index : In(range(len(windows)))
    valid : In(1)
        A step of the memory ``index`` begins with input ``word``.
    silent : Out(1)
        Its counter stands at its window, until the next one's is known.
    clear : In(1)
        Set the counter ``index`` to zero.

    With a state port, besides:

    load, load_word : In
        Set the counter ``index`` to this.
    count : Out(unsigned)
        The counter ``index``, a cycle later.

    Latency: 2 cycles from ``valid``.
    Throughput: one counter every 3 cycles.

    Schedule:

    - read: the word is compared with zero, the counter read.
    - count: incremented, compared, to registers.
    - write: back to the memory.
    """

    latency = 2

    def __init__(self, windows: Sequence[int], word_width: int, state_width: int = 0) -> None:
        self.windows = tuple(windows)
        self.count_width = max(max(self.windows).bit_length(), state_width)
        self.has_port = state_width > 0
        port = {"load": In(1), "load_word": In(self.count_width), "count": Out(self.count_width)}
        super().__init__(
            {
                "word": In(signed(word_width)),
                "index": In(range(len(self.windows))),
                "valid": In(1),
                "silent": Out(1),
                "clear": In(1),
                **(port if self.has_port else {}),
            }
        )
        keep_on_reset(self, "silent")

    def model(self, counter: int, words: Sequence[int]) -> list[bool]:
        """Return after each input word of a counter whether its step is silent."""
        window, count, silent = self.windows[counter], 0, []
        for word in words:
            count = min(count + 1, window) if word == 0 else 0
            silent.append(count == window)
        return silent

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        width = self.count_width
        m.submodules.counts = ram = Ram(width + 1, 1 << max(1, ceil_log2(len(self.windows))))
        # after a reset the counters are cleared for two cycles at least, written or not
        counting = Signal(reset_less=True)
        writing = Signal(reset_less=True)
        zero_input = Signal(reset_less=True)
        count = Signal(width, reset_less=True)
        index = Signal.like(self.index, reset_less=True)
        old = ram.read_word[:width]
        window = lookup(m, index, self.windows, "window")
        last = lookup(m, index, [w - 1 for w in self.windows], "last")
        m.d.comb += ram.read_address.eq(self.index)
        m.d.sync += [counting.eq(self.valid), writing.eq(counting)]
        with m.If(self.valid):
            m.d.sync += [zero_input.eq(self.word == 0), index.eq(self.index)]
        with m.If(counting):
            full = old >= last
            m.d.sync += self.silent.eq(zero_input & full)
            m.d.sync += count.eq(Mux(zero_input, Mux(full, window, old + 1), 0))
        m.d.comb += [
            ram.write.eq(writing | self.clear),
            ram.write_address.eq(Mux(self.clear, self.index, index)),
            ram.write_word.eq(Mux(self.clear, 0, count)),
        ]
        if self.has_port:
            m.d.comb += self.count.eq(old)
            with m.If(self.load):
                m.d.comb += [
                    ram.write.eq(1),
                    ram.write_address.eq(self.index),
                    ram.write_word.eq(self.load_word),
                ]
        return m
