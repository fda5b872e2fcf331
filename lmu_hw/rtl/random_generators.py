"""Random number generators side by side: xorshift32 in registers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from amaranth.hdl import Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..program.spiking_step import TAPS, draws
from ..program.spiking_update import DRAW_BITS, GENERATOR_FMT
from .constant_tables import one_of

WIDTH = GENERATOR_FMT.width


class RandomGenerators(wiring.Component):
    """Draws a random number from every generator at a time.

    Parameters
    ----------
    seeds : sequence of int
    first : int or None
        Index of the first generator for the state port; None without a port.
    indices : int
        Number of all generators.

    Members
    -------
    draw : In(1)
        Replace the states by the next ones.
    numbers : Out(16), one for each generator
        The numbers last drawn.
    clear : In(1)
        Set the states to the seeds.

    With a state port also:

    load, index, load_word : In
        Set the state of generator ``index`` to ``load_word`` XOR its seed.
    kept : Out(32)
        The state of generator ``index`` XOR its seed; 0 if it is not one of these.

    Latency: 1 cycle.
    Throughput: one number of each generator per cycle.

    Schedule: three XORs of a state with itself, shifted.
    """

    latency = 1

    def __init__(self, seeds: Sequence[int], first: int | None = None, indices: int = 1) -> None:
        self.seeds, self.first, self.indices = tuple(seeds), first, indices
        port = {"load": In(1), "index": In(range(indices)), "load_word": In(WIDTH)}
        super().__init__(
            {
                "draw": In(1),
                "numbers": Out(DRAW_BITS).array(len(self.seeds)),
                "clear": In(1),
                **({} if first is None else {**port, "kept": Out(WIDTH)}),
            }
        )

    def model(self, n: int) -> list[list[int]]:
        """Return the first n numbers of each generator."""
        states = draws(np.array(self.seeds, dtype=np.uint32), 1 << max(0, n - 1).bit_length())
        return [[int(x) >> (WIDTH - DRAW_BITS) for x in row[:n]] for row in states]

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        kept: list[Value] = []
        for number, seed in enumerate(self.seeds):
            # clearing sets it, after a reset too
            x = Signal(WIDTH, name=f"x_{number}", reset_less=True)
            following: Value = x
            for shift in TAPS:
                moved = following << shift if shift > 0 else following >> -shift
                following = (following ^ moved)[:WIDTH]
            with m.If(self.clear):
                m.d.sync += x.eq(seed)
            with m.Elif(self.draw):
                m.d.sync += x.eq(following)
            m.d.comb += self.numbers[number].eq(x[-DRAW_BITS:])
            kept.append(x ^ Const(seed, WIDTH))
            if self.first is not None:
                with m.If(self.load & (self.index == self.first + number)):
                    m.d.sync += x.eq(self.load_word ^ seed)
        if self.first is not None:
            others = Const(0, WIDTH)
            words = [others] * self.indices
            words[self.first : self.first + len(kept)] = kept
            m.d.comb += self.kept.eq(one_of(m, self.index, words, "chosen"))
        return m
