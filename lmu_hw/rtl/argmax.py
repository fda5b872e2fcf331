"""Index of the largest word of a vector."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from amaranth.hdl import Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .ports import keep_on_reset


class ArgmaxUnit(wiring.Component):
    """Tracks the index of the largest word so far; the first one wins ties.

    Parameters
    ----------
    width, index_width : int
        Widths of a word and of its index [bits].

    Members
    -------
    word : In(signed(width))
        Word of the vector.
    valid, first : In(1)
        Compare ``word``; it is the first of its vector.
    index : Out(index_width)
        Number of the largest word up to the last one compared.

    Latency: 1 cycle.
    Throughput: one word per cycle.

    Schedule: compare the word with the largest one; replace that if the word is larger.
    """

    latency = 1

    def __init__(self, width: int, index_width: int) -> None:
        super().__init__(
            {
                "word": In(signed(width)),
                "valid": In(1),
                "first": In(1),
                "index": Out(index_width),
            }
        )
        keep_on_reset(self, "index")

    def model(self, words: Sequence[int]) -> int:
        """Return the index of the largest word."""
        return int(np.argmax(words))

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        largest = Signal(signed(len(self.word)), reset_less=True)
        position = Signal(len(self.index), reset_less=True)
        with m.If(self.valid):
            m.d.sync += position.eq(position + 1)
            with m.If(self.first):
                m.d.sync += [largest.eq(self.word), self.index.eq(0), position.eq(1)]
            with m.Elif(self.word > largest):
                m.d.sync += [largest.eq(self.word), self.index.eq(position)]
        return m
