"""Rounds the sum of a product and a base, between two registers."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...program.fixedpoint import Overflow, Rounding, overflow, round_sum
from ..rounder import Range


class ConstantRounder(wiring.Component):
    """Adds a base to a product, rounds the total and flags results outside a range.

    Computes ``base * 2**-drop + product * 2**-(shift + drop)``. Rounding to nearest adds half a
    unit before bits are dropped; rounding toward zero adds almost one unit if the total is
    negative. This addend is a constant, so the base comes twice: as it is, and `raised` by the part
    of the addend above the binary point. The rest of it is added to the bits below, the tail.

    Parameters
    ----------
    entry : Range
        Range of the result.
    base_width, quotient_width : int
        Widths [bits].
    shift : int
        Bits of the product below the binary point.
    short : bool
        The tail is two bits, from `short_tail`, instead of these ``shift`` bits.

    Members
    -------
    silent : In(1)
        Round toward zero instead of to nearest, half up.
    base, raised_base : In(signed)
        The base, and what `raised` makes of it.
    quotient : In(signed)
        ``product >> shift``.
    tail : In(unsigned)
        The bits below.
    total : Out(signed)
        The total, rounded for dropping its low ``drop`` bits.
    over, under : Out(1)
        Whether the result is above or below the range.

    Latency: 0 cycles.
    Throughput: one word per cycle.

    Schedule: none. Both sums are computed at the same time; the sign of one selects.
    """

    latency = 0

    def __init__(
        self, entry: Range, base_width: int, quotient_width: int, shift: int, *, short: bool
    ) -> None:
        self.entry, self.shift, self.short = entry, shift, short
        self._width = max(base_width, quotient_width, entry.drop) + 2
        super().__init__(
            {
                "silent": In(1),
                "base": In(signed(base_width)),
                "raised_base": In(signed(base_width + 1)),
                "quotient": In(signed(quotient_width)),
                "tail": In(2 if short else shift),
                "total": Out(signed(min(self._width, entry.drop + entry.fmt.width))),
                "over": Out(1),
                "under": Out(1),
            }
        )

    def model(self, silent: bool, base: int, product: int) -> int:
        """Return the word after saturation."""
        drop = self.entry.drop
        rest = ((base & ((1 << drop) - 1)) << self.shift) + product
        rounding = Rounding.TRN_ZERO if silent else Rounding.RND
        total = round_sum(base >> drop, rest, self.shift + drop, rounding)
        return overflow(total, self.entry.fmt, Overflow.SAT)

    def raised(self, base: Value, silent: Value) -> Value:
        """Return a base with the part of the addend above the binary point."""
        drop = self.entry.drop
        return base if drop == 0 else base + Mux(silent, (1 << drop) - 1, (1 << drop) >> 1)

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        bits = len(self.tail)
        # without a drop the highest bit of the tail rounds; toward zero every bit of it counts
        nearest = (1 if self.short else 1 << (bits - 1)) if self.entry.drop == 0 else 0
        toward_zero = 2 if self.short else (1 << bits) - 1
        plain = Signal(signed(self._width))
        with_tail = Signal(signed(self._width + bits))
        choose_plain = Signal()
        addend = Signal(bits)
        left = Cat(addend, self.raised_base).as_signed()
        m.d.comb += [
            addend.eq(Mux(self.silent, toward_zero, nearest)),
            plain.eq(self.base + self.quotient),
            with_tail.eq(left + Cat(self.tail, self.quotient).as_signed()),
            choose_plain.eq(self.silent & ~plain[-1]),
            self.total.eq(Mux(choose_plain, plain, with_tail.shift_right(bits))),
        ]
        # Where the plain sum is selected, the raised sum is less than a unit above it. So the plain
        # word is not below the range, and if the raised one is above, the plain word is above too
        # or is the largest of the range.
        over, under = self.entry.beyond(with_tail[bits:].as_signed())
        m.d.comb += [self.over.eq(over), self.under.eq(under)]
        return m


def short_tail(product: Value, shift: int) -> Value:
    """Return the two bits that rounding needs of the bits of a product below ``shift``.

    The low one is the highest of these bits, and the high one tells whether any of them is set: so
    a carry from the low one always passes the high one.
    """
    return Cat(product[shift - 1 : shift], product[:shift].any())
