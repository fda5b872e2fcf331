"""The one multiplier, and the accumulator behind it."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class MultiplyAccumulate(wiring.Component):
    """``total = (bias if first else total) + x * coef``.

    An adaptor's product is a row of one element.

    Parameters
    ----------
    x_width, coef_width, bias_width, total_width : int
        Widths [bits]; ``bias_width`` 0 where no row has a bias.

    Members
    -------
    x : In(signed(x_width))
    coef : In(signed(coef_width))
    valid, first : In(1)
        One cycle after ``x`` and ``coef``: take the product; it is the first of its row.
    bias : In(signed(bias_width))
        With ``first``.
    total : Out(signed(total_width))

    Latency: 2 cycles from ``x``, 1 from ``first``.
    Throughput: one product a cycle.

    Schedule:

    - product: ``x * coef`` to a register.
    - accumulate: added to the bias or the total.
    """

    latency = 2

    def __init__(self, x_width: int, coef_width: int, bias_width: int, total_width: int) -> None:
        super().__init__(
            {
                "x": In(signed(x_width)),
                "coef": In(signed(coef_width)),
                "valid": In(1),
                "first": In(1),
                "bias": In(signed(max(1, bias_width))),
                "total": Out(signed(total_width)),
            }
        )

    def model(self, xs: Sequence[int], coefs: Sequence[int], bias: int) -> int:
        """Return the total of a row."""
        return bias + sum(x * coef for x, coef in zip(xs, coefs, strict=True))

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        product = Signal(signed(len(self.x) + len(self.coef)), reset_less=True)
        m.d.sync += product.eq(self.x * self.coef)
        with m.If(self.valid):
            m.d.sync += self.total.eq(Mux(self.first, self.bias, self.total) + product)
        return m
