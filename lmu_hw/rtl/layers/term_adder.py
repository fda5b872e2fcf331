"""Sums of products of single words, one result after the other."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Const, Module, Shape, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..constant_tables import one_of
from ..ports import keep_on_reset
from .layer_stages import TermSums
from .word_bus import delayed, turn_counter


class TermAdder(wiring.Component):
    """``sum = +-(a * b) << align +- ..`` for one index after the other.

    Parameters
    ----------
    sums : TermSums
    shapes : sequence of Shape
        Of the words of each vector.

    Members
    -------
    start : In(1)
        The words of a step are there from this cycle on.
    read_0, .. : In(unsigned)
        All words of a vector, the first one in the lowest bits.
    sum : Out(signed)
        Sum of an index.

    Latency: 1 cycle; 1 more with a product, and 1 more with several terms.
    Throughput: a sum every cycle.

    Schedule: choose the words of the index; multiply; add.
    """

    def __init__(self, sums: TermSums, shapes: Sequence[Shape], length: int) -> None:
        self.sums, self.shapes, self.length = sums, tuple(shapes), length
        self.latency = sums.release(0)
        buses = {f"read_{k}": In(shape.width * length) for k, shape in enumerate(shapes)}
        super().__init__({"start": In(1), **buses, "sum": Out(signed(sums.peak.bit_length() + 1))})
        keep_on_reset(self, "sum")

    def model(self, words: Sequence[int]) -> int:
        """Return the sum for one word of each vector."""
        total = 0
        for term in self.sums.terms:
            product = words[term.a] * (1 if term.b is None else words[term.b]) << term.align
            total += -product if term.minus else product
        return total

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        turn = turn_counter(m, self.start, len(self.sums.words), "turn")
        chosen: list[Value] = []
        for number, shape in enumerate(self.shapes):
            bus = getattr(self, f"read_{number}")
            words = [self._word(bus, shape, k) for k in self.sums.words]
            word = Signal(shape, name=f"word_{number}", reset_less=True)
            m.d.sync += word.eq(one_of(m, turn, words, f"next_word_{number}"))
            chosen.append(word)
        values = []
        for number, term in enumerate(self.sums.terms):
            value = chosen[term.a]
            if term.b is not None:
                value = delayed(m, value * chosen[term.b], 1, f"product_{number}")
            elif self.sums.multiplies:
                value = delayed(m, value, 1, f"term_{number}")
            values.append(value.shift_left(term.align))
        total: Value = Const(0, 1)
        for term, value in zip(self.sums.terms, values, strict=True):
            total = total - value if term.minus else total + value
        domain = m.d.sync if len(values) > 1 else m.d.comb
        domain += self.sum.eq(total)
        return m

    def _word(self, bus: Value, shape: Shape, number: int) -> Value:
        word = bus[number * shape.width : (number + 1) * shape.width]
        return word.as_signed() if shape.signed else word
