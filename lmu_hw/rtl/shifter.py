"""Arithmetic right shift by a variable amount, with half and sticky bits."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..program.fixedpoint import Rounding, round_shift
from .ports import keep_on_reset


class Shifter(wiring.Component):
    """Shifts right by ``shift_min + amount`` and outputs half and sticky bits.

    Only the shifts that occur in the program take logic; ``shift_min`` is wiring.

    Parameters
    ----------
    width : int
        Width of the operand [bits].
    shift_min : int
        Smallest shift.
    amount_width : int
        Width of the additional shift amount [bits]; 0 when all shifts are equal.

    Members
    -------
    x : In(signed(width))
        Word to shift.
    amount : In(amount_width)
        Its shift, less ``shift_min``.
    quotient : Out(signed)
        ``x >> (shift_min + amount)``.
    half : Out(1)
        Highest bit shifted out; 0 for a shift by 0.
    rest : Out(1)
        Sticky bit: whether any bit shifted out is set.

    Latency: 1 cycle.
    Throughput: one word per cycle.

    Schedule: one multiplexer for each bit of the amount, largest first; then the register.
    """

    latency = 1

    def __init__(self, width: int, shift_min: int, amount_width: int) -> None:
        self.shift_min = shift_min
        self.quotient_width = max(1, width - shift_min)
        super().__init__(
            {
                "x": In(signed(width)),
                "amount": In(amount_width),
                "quotient": Out(signed(self.quotient_width)),
                "half": Out(1),
                "rest": Out(1),
            }
        )
        keep_on_reset(self, "quotient", "half", "rest")

    def model(self, x: int, amount: int) -> tuple[int, int, int]:
        """Return (quotient, half, rest)."""
        shift = self.shift_min + amount
        quotient = round_shift(x, shift, Rounding.TRN)
        half = round_shift(x, shift, Rounding.RND) - quotient
        return quotient, half, int(quotient << shift != x)

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        # an extra bit below the operand catches the half
        value = Cat(Const(0, 1), self.x).as_signed() >> self.shift_min
        rest = self.x[: self.shift_min].any() if self.shift_min else Const(0)
        for bit in reversed(range(len(self.amount))):
            level = Signal(signed(len(value)), name=f"shifted_{1 << bit}")
            lost = Signal(name=f"lost_{1 << bit}")
            m.d.comb += level.eq(Mux(self.amount[bit], value >> (1 << bit), value))
            m.d.comb += lost.eq(rest | (self.amount[bit] & value[: (1 << bit) + 1].any()))
            value, rest = level, lost
        m.d.sync += [self.quotient.eq(value >> 1), self.half.eq(value[0]), self.rest.eq(rest)]
        return m
