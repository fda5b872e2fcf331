"""Counters of consecutive zero inputs."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from .block_memories import Ram
from .constant_tables import lookup
from .ports import keep_on_reset


class ZeroRunCounter(wiring.Component):
    """Counts consecutive zero inputs for every channel of every memory, up to its window.

    Parameters
    ----------
    windows : sequence of int
        Limit of each counter [steps], >= 1.
    word_width : int
        Bits of an input word.
    state_width : int
        Bits of a count in the state; 0 without a state port.

    Members
    -------
    word : In(signed(word_width))
        Input word.
    index : In(range(len(windows)))
        Number of the counter.
    valid : In(1)
        Update the counter ``index`` with its input ``word``.
    silent : Out(1)
        That counter has reached its window; held until the next update.
    clear : In(1)
        Set the counter ``index`` to zero.

    With a state port also:

    load, load_word : In
        Write ``load_word`` to the counter ``index``.
    count : Out(unsigned)
        The counter ``index``, one cycle later.

    Latency: 2 cycles from ``valid``.
    Throughput: one update every 3 cycles.

    Schedule:

    - read: compare the word with zero, and read the counter.
    - count: increment or clear the count, compare it with the window, register both.
    - write: store the count.
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
        """Return ``silent`` after each input word of a counter."""
        window, count, silent = self.windows[counter], 0, []
        for word in words:
            count = min(count + 1, window) if word == 0 else 0
            silent.append(count == window)
        return silent

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        width = self.count_width
        m.submodules.counts = ram = Ram(width + 1, 1 << max(1, ceil_log2(len(self.windows))))
        # need no reset: clearing takes at least two cycles and overrides a pending write
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
