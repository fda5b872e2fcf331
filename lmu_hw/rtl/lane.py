"""One multiply-accumulate lane."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .ports import keep_on_reset


class Lane(wiring.Component):
    """``total = (0 if first else total) + (x * factor << aligns[align])``.

    A lane with two sums can alternate between them: ``swap`` stores the new total in the second
    register and returns the one stored there. A first product without ``swap`` clears the second
    register.

    Parameters
    ----------
    x_width, factor_width, total_width : int
        Widths [bits].
    aligns : sequence of int
        Left shifts of the products.
    two_sums : bool
        Add the second sum register.
    pauses : bool
        A sum may have cycles without a product.

    Members
    -------
    x : In(signed(x_width))
    factor : In(signed(factor_width))
    valid, first : In(1)
        One cycle after ``x`` and ``factor``: add the product; it is the first of its sum.
    align : In(range(len(aligns)))
        With ``valid``: index of the left shift.
    swap : In(1)
        Swap the two sums, after the addition if there is one.
    total : Out(signed(total_width))

    Latency: 2 cycles from ``x``, 1 from ``first``.
    Throughput: one product per cycle.

    Schedule:

    - product: register ``x * factor``.
    - accumulate: shift the product left and add it.
    """

    latency = 2

    def __init__(
        self,
        x_width: int,
        factor_width: int,
        total_width: int,
        aligns: Sequence[int],
        *,
        two_sums: bool = False,
        pauses: bool = True,
    ) -> None:
        self.aligns, self.two_sums, self.pauses = tuple(aligns), two_sums, pauses
        super().__init__(
            {
                "x": In(signed(x_width)),
                "factor": In(signed(factor_width)),
                "valid": In(1),
                "first": In(1),
                "align": In(range(len(aligns))),
                "swap": In(1),
                "total": Out(signed(total_width)),
            }
        )
        keep_on_reset(self, "total")

    def model(self, xs: Sequence[int], factors: Sequence[int], aligns: Sequence[int]) -> int:
        """Return the sum of the shifted products."""
        products = (x * f for x, f in zip(xs, factors, strict=True))
        return sum(p << self.aligns[a] for p, a in zip(products, aligns, strict=True))

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        product = Signal(signed(len(self.x) + len(self.factor)), reset_less=True)
        aligned = Signal(signed(len(product) + max(self.aligns)))
        m.d.sync += product.eq(self.x * self.factor)
        with m.Switch(self.align):
            for number, shift in enumerate(self.aligns):
                with m.Case(number):
                    m.d.comb += aligned.eq(product << shift)
        new = Signal.like(self.total)
        m.d.comb += new.eq(Mux(self.first, 0, self.total) + aligned)
        # without pauses the enable is dropped: additions between two sums are harmless
        with m.If(self.valid if self.pauses else 1):
            m.d.sync += self.total.eq(new)
        if self.two_sums:
            other = Signal.like(self.total, name="other_total", reset_less=True)
            with m.If(self.swap):
                m.d.sync += [self.total.eq(other), other.eq(new)]
            with m.Elif(self.first):
                m.d.sync += other.eq(0)
        return m
