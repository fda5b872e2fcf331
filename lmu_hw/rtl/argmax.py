"""The index of the largest of some words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from amaranth.hdl import Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .ports import keep_on_reset


class ArgmaxUnit(wiring.Component):
    """Remembers the largest word so far, the first of those that are equal.

    Parameters
    ----------
    width, index_width : int

    Members
    -------
    word : In(signed(width))
    valid, first : In(1)
        ``word`` takes part; it is the first.
    index : Out(index_width)

    Latency: 1 cycle.
    Throughput: one word a cycle.

    Schedule: compared with the largest, which it replaces where it is larger.
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
        """Return the index."""
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
