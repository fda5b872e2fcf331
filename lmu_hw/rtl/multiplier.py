"""Digit-serial multiplier: as many bits of one factor per cycle as the interval requires."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .ports import keep_on_reset
from .schedule.timing import turns

FEW_BITS = 3
"""Digits up to this width are multiplied with adders."""


class DigitMultiplier(wiring.Component):
    """``product = x * factor``, one digit of the factor per cycle, lowest first.

    Parameters
    ----------
    x_width : int
        Width [bits].
    factor_width : int
        Width [bits], >= 1.
    interval : int
        Cycles from one product to the next; 1 for a full multiplier.

    Members
    -------
    x, factor : In(signed), In(unsigned)
        The factors, which stay until the product is there.
    start : In(1)
        Begin a multiplication with these factors.
    product : Out(signed)
        ``x * factor``.
    done : Out(1)
        ``product`` is valid in this cycle.

    Latency: ``turns(factor_width, interval)`` cycles.
    Throughput: one product every ``turns(factor_width, interval)`` cycles.

    Schedule: each turn adds ``x`` times the lowest digit and shifts sum and factor right by a
    digit; the digits shifted out of the sum are the low digits of the product.
    """

    def __init__(self, x_width: int, factor_width: int, interval: int) -> None:
        self.latency = turns(factor_width, interval)
        self.digit = -(-factor_width // self.latency)
        self.product_width = x_width + self.digit * self.latency
        super().__init__(
            {
                "x": In(signed(x_width)),
                "factor": In(unsigned(factor_width)),
                "start": In(1),
                "product": Out(signed(self.product_width)),
                "done": Out(1),
            }
        )
        keep_on_reset(self, "product")

    def model(self, x: int, factor: int) -> int:
        """Return the product."""
        return x * factor

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        digit, n_turns, x_width = self.digit, self.latency, len(self.x)
        low_width = digit * n_turns
        factor = Signal(unsigned(low_width))
        above = Signal(signed(x_width))
        total = Signal(signed(x_width + digit + 1))
        m.d.comb += factor.eq(self.factor)
        if n_turns == 1:
            m.d.sync += [self.product.eq(total), self.done.eq(self.start)]
            m.d.comb += total.eq(self._times(self.x, factor))
            return m

        x = Signal(signed(x_width), name="held_x", reset_less=True)
        rest = Signal(unsigned(low_width - digit), reset_less=True)
        turning = Signal(n_turns - 1)
        m.d.sync += [turning.eq(Cat(self.start, turning)), self.done.eq(turning[-1])]
        # the upper part of the sum moves down by a digit in each turn
        m.d.comb += above.eq(self.product >> low_width)
        m.d.sync += self.product.eq(Cat(self.product[digit:low_width], total))
        # share one hard multiplier between the first turn and the others
        word = Signal(signed(x_width))
        lowest = Signal(unsigned(digit))
        carried = Signal.like(above)
        m.d.comb += total.eq(carried + self._times(word, lowest))
        with m.If(self.start):
            m.d.comb += [word.eq(self.x), lowest.eq(factor), carried.eq(0)]
            m.d.sync += [x.eq(self.x), rest.eq(factor[digit:])]
        with m.Else():
            m.d.comb += [word.eq(x), lowest.eq(rest), carried.eq(above)]
            m.d.sync += rest.eq(rest >> digit)
        return m

    def _times(self, x: Value, digit: Value) -> Value:
        """Return a product; short digits use adders, not a hard multiplier."""
        if len(digit) > FEW_BITS:
            return x * digit
        total: Value = Mux(digit[0], x, 0)
        for place in range(1, len(digit)):
            total = total + (Mux(digit[place], x, 0) << place)
        return total
