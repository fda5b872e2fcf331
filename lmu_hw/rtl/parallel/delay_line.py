"""A shift register."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Cat, Module, Shape, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class DelayLine(wiring.Component):
    """Delays words; without a reset.

    Parameters
    ----------
    shape : Shape
    delay : int
        Cycles, >= 0.

    Members
    -------
    i : In(shape)
        Word to delay.
    o : Out(shape)
        The word of ``delay`` cycles before.

    Latency: ``delay`` cycles.
    Throughput: one word per cycle.

    Schedule: a shift register.
    """

    def __init__(self, shape: Shape, delay: int) -> None:
        self.latency = delay
        super().__init__({"i": In(shape), "o": Out(shape)})

    def model(self, words: Sequence[int]) -> list[int]:
        """Return the words that leave, one for each that enters, after the first ones."""
        return list(words[: max(0, len(words) - self.latency)])

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        width = len(self.i)
        kept = Signal(self.latency * width, reset_less=True)
        if self.latency:
            m.d.sync += kept.eq(Cat(self.i, kept))
        m.d.comb += self.o.eq(Cat(self.i, kept)[self.latency * width :])
        return m
