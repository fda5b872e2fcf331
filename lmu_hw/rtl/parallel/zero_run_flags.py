"""Counters of consecutive zero inputs of several signals, one update per cycle."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from amaranth.hdl import Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...program.memory_step import zero_run
from ..ports import keep_on_reset
from .signal_store import SignalStore


class ZeroRunFlags(wiring.Component):
    """Counts the consecutive zero inputs of each signal, up to the window.

    Parameters
    ----------
    window : int
        Limit of a counter [steps].
    count_width : int
        Bits of a counter.
    word_width : int
        Bits of an input word.
    n_signals : int

    Members
    -------
    word : In(signed)
        Input word.
    signal : In(unsigned)
        Number of its signal.
    valid : In(1)
        Update the counter of ``signal`` with its input ``word``.
    silent : Out(1)
        That counter has reached the window; one cycle later.
    count : Out(unsigned)
        The counter of ``signal``, up to date two cycles after its last input word.
    load, load_word : In
        Write ``load_word`` to the counter of ``signal``; not in the cycle after an input word.

    Latency: 1 cycle.
    Throughput: one update per cycle, and one of a signal every second cycle if there are several.

    Schedule:

    - count: read and compare; with one signal, also write.
    - write, with several signals: add one and write, in a cycle of its own.
    """

    latency = 1

    def __init__(self, window: int, count_width: int, word_width: int, n_signals: int) -> None:
        self.window, self.n_signals = window, n_signals
        super().__init__(
            {
                "word": In(signed(word_width)),
                "signal": In(range(n_signals)),
                "valid": In(1),
                "silent": Out(1),
                "count": Out(count_width),
                "load": In(1),
                "load_word": In(count_width),
            }
        )
        keep_on_reset(self, "silent")

    def model(self, words: Sequence[int]) -> list[bool]:
        """Return ``silent`` after each input word of a signal."""
        count, found = np.zeros(1, dtype=np.int64), []
        for word in words:
            count = zero_run(count, np.array([word]), self.window)
            found.append(bool(count[0] == self.window))
        return found

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        m.submodules.counts = counts = SignalStore(unsigned(len(self.count)), self.n_signals)
        zero, full = self.word == 0, counts.word >= self.window - 1
        update: dict[str, Value] = {"valid": self.valid, "signal": self.signal}
        update |= {"zero": zero, "full": full, "old": counts.word}
        if self.n_signals > 1:
            update = {name: self._late(m, name, value) for name, value in update.items()}
        count = Mux(update["zero"], Mux(update["full"], self.window, update["old"] + 1), 0)
        m.d.comb += [
            counts.read_signal.eq(self.signal),
            self.count.eq(counts.word),
            counts.write.eq(update["valid"] | self.load),
            counts.write_signal.eq(Mux(self.load, self.signal, update["signal"])),
            counts.write_word.eq(Mux(self.load, self.load_word, count)),
        ]
        m.d.sync += self.silent.eq(zero & full)
        return m

    def _late(self, m: Module, name: str, value: Value) -> Signal:
        late = Signal(value.shape(), name=f"counted_{name}", reset_less=name != "valid")
        m.d.sync += late.eq(value)
        return late
