"""How long a memory's input has been zero."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..fixedpoint import QFormat
from ..interpreter import Interpreter
from ..program import Dense, Program, Role, Vector


class SilenceCounter(wiring.Component):
    """Counts steps of zero input up to ``window``.

    Parameters
    ----------
    window : int
        Steps after which a step is silent, >= 1.
    word_width : int
        Bits of a memory word.

    Members
    -------
    word : In(signed(word_width))
        The word read from memory.
    is_input, is_count : In(1)
        It is the input word; it is the channel's counter (any cycle later).
    count : Out(range(window + 1))
        The counter's new value.
    write : Out(1)
        ``count`` is new in this cycle.
    silent : Out(1)
        The counter stands at ``window``.

    Latency: 1 cycle from ``is_count``.
    Throughput: one channel every 2 cycles.

    Schedule: input compared with zero; counter incremented, compared, and registered.
    """

    latency = 1

    def __init__(self, window: int, word_width: int) -> None:
        self.window = window
        super().__init__(
            {
                "word": In(signed(word_width)),
                "is_input": In(1),
                "is_count": In(1),
                "count": Out(range(window + 1)),
                "write": Out(1),
                "silent": Out(1),
            }
        )

    def model(self, words: Sequence[int]) -> list[int]:
        """Return the count after each input word: that of the smallest memory."""
        fmt = QFormat(len(self.word), 0)
        count = QFormat(len(self.count), 0, signed=False)
        memory = Interpreter(
            Program(
                title="silence",
                vectors=(
                    Vector(name="u", length=1, fmt=fmt, role=Role.INPUT),
                    Vector(name="silence", length=1, fmt=count, role=Role.STATE),
                    Vector(name="m", length=1, fmt=fmt, role=Role.STATE),
                ),
                ops=(
                    Dense(
                        source="u",
                        state="m",
                        silence="silence",
                        window=self.window,
                        rows=((-1,),),
                        shifts=(1,),
                    ),
                ),
            )
        )
        counts = []
        for word in words:
            memory.run(np.array([[[word]]]))
            counts.append(int(memory.save()[0, 0]))
        return counts

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        zero_input = Signal()
        old = self.word[: len(self.count)]
        full = Signal()
        m.d.comb += full.eq(old >= self.window - 1)
        m.d.sync += self.write.eq(self.is_count)
        with m.If(self.is_input):
            m.d.sync += zero_input.eq(self.word == 0)
        with m.If(self.is_count):
            m.d.sync += self.silent.eq(zero_input & full)
            m.d.sync += self.count.eq(Mux(zero_input, Mux(full, self.window, old + 1), 0))
        return m
