"""One multiply-accumulate lane."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .ports import keep_on_reset

WIDEST_PRODUCT = 18
"""Widest x of one hard multiplier of any device; a wider one takes two partial products."""
LOW_BITS = 15
"""Bits of a wide x in the lower partial product, so that with a sign they fit any multiplier."""


def low_bits_of(x_width: int) -> int:
    """Return the bits of x in the lower partial product; 0 for a single product."""
    return LOW_BITS if x_width > WIDEST_PRODUCT else 0


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
    x, factor : In(signed)
        First factor of the product, a word; second factor, often a weight.
    valid, first : In(1)
        One cycle after ``x`` and ``factor``: add the product; it is the first of its sum.
    align : In(range(len(aligns)))
        With ``valid``: index of the left shift.
    swap : In(1)
        Swap the two sums, after the addition if there is one.
    total : Out(signed(total_width))
        The sum.

    Latency: 2 cycles from ``x``, 1 from ``first``.
    Throughput: one product per cycle.

    Schedule:

    - product: register ``x * factor``, in two partial products where ``x`` is wide.
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
        low_bits = low_bits_of(len(self.x))
        parts = [(self.x[low_bits:].as_signed() * self.factor, low_bits, "product")]
        if low_bits:
            parts.append((self.x[:low_bits] * self.factor, 0, "low_product"))
        new = Signal.like(self.total, name="new_total")
        total = Mux(self.first, 0, self.total)
        for part, place, name in parts:
            total = total + self._aligned(m, part, place, name)
        m.d.comb += new.eq(total)
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

    def _aligned(self, m: Module, part: Value, place: int, name: str) -> Signal:
        """Register a product, and shift it to its place in the sum."""
        product = Signal(signed(len(part)), name=name, reset_less=True)
        aligned = Signal(signed(len(part) + place + max(self.aligns)), name=f"aligned_{name}")
        m.d.sync += product.eq(part)
        with m.Switch(self.align):
            for number, shift in enumerate(self.aligns):
                with m.Case(number):
                    m.d.comb += aligned.eq(product << shift + place)
        return aligned
