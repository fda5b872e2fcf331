"""The lossless two-port adaptor of a cascade with a constant coefficient, as a pipeline."""

from __future__ import annotations

from typing import Any

import numpy as np
from amaranth.hdl import Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...program.fixedpoint import QFormat, Rounding
from ...program.memory_step import adaptor
from ..ports import keep_on_reset
from ..rounder import Range
from .adaptor_shape import AdaptorShape, AdaptorStage
from .constant_rounder import ConstantRounder, short_tail


class ConstantAdaptor(wiring.Component):
    """``a' = a + t``, ``b' = 2 a - b + t``, ``t = coef * 2**-shift * (b - a)``, all constant.

    Parameters
    ----------
    shape : AdaptorShape

    Members
    -------
    a, b : In(signed)
        The words that arrive at both ports.
    silent : In(1)
        With ``a`` and ``b``: round toward zero instead of to nearest.
    coming_a, coming_b : Out(signed)
        ``a'`` and ``b'``, one cycle before the results below.
    a_new, b_new : Out(signed)
        ``a'`` and ``b'``.

    Latency: ``shape.pipeline`` cycles.
    Throughput: one command per cycle.

    Schedule: see `AdaptorStage`; `stages` says which of the registers a pipeline has.
    """

    def __init__(self, shape: AdaptorShape) -> None:
        self.shape, self.latency = shape, shape.pipeline
        a, b = signed(shape.a_fmt.width), signed(shape.b_fmt.width)
        super().__init__(
            {
                "a": In(a),
                "b": In(b),
                "silent": In(1),
                "coming_a": Out(a),
                "coming_b": Out(b),
                "a_new": Out(a),
                "b_new": Out(b),
            }
        )
        keep_on_reset(self, "a_new", "b_new")

    def model(self, a: int, b: int, silent: bool) -> tuple[int, int]:
        """Return (a', b')."""
        mode = Rounding.TRN_ZERO if silent else Rounding.RND
        words = (np.array([a], dtype=np.int64), np.array([b], dtype=np.int64))
        new_a, new_b = adaptor(
            self.shape.e, words[0], self.shape.a_fmt, words[1], self.shape.b_fmt, mode
        )
        return int(new_a[0]), int(new_b[0])

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        rounders = [self._rounder(self.shape.a_fmt), self._rounder(self.shape.b_fmt)]
        m.submodules.round_a, m.submodules.round_b = rounders
        a = self.a.shift_left(self.shape.grid - self.shape.a_fmt.frac_bits)
        b = self.b.shift_left(self.shape.grid - self.shape.b_fmt.frac_bits)
        a, b, silent = self._registered(m, AdaptorStage.READ, a=a, b=b, silent=self.silent)
        x, a, silent = self._registered(m, AdaptorStage.OPERAND, x=b - a, base=a, silent=silent)
        x, silent, *bases = self._registered(
            m, AdaptorStage.FACTOR, x=x, silent=silent, **_numbered([a, a - x])
        )
        # the constants of the rounding are added beside the product, or beside its sum
        shifts = AdaptorStage.SHIFT in self.shape.cuts
        if not shifts:
            bases += self._raised(rounders, bases, silent)
        low_bits = self.shape.low_bits
        high = x[low_bits:].as_signed() * self.shape.e.coef
        low: Value = x[:low_bits] * self.shape.e.coef if low_bits else Const(0, 0)
        high, low, silent, *bases = self._registered(
            m, AdaptorStage.PRODUCT, high=high, low=low, silent=silent, **_numbered(bases)
        )
        if shifts:
            bases += self._raised(rounders, bases, silent)
        product = Signal(signed(self.shape.product_width))
        m.d.comb += product.eq(high.shift_left(low_bits) + low if low_bits else high)
        shift = self.shape.e.shift
        tail = short_tail(product, shift) if shifts else product[:shift]
        quotient, tail, silent, *bases = self._registered(
            m,
            AdaptorStage.SHIFT,
            quotient=product.shift_right(shift),
            tail=tail,
            silent=silent,
            **_numbered(bases),
        )
        for rounder, base, raised in zip(rounders, bases[:2], bases[2:], strict=True):
            m.d.comb += [
                rounder.silent.eq(silent),
                rounder.base.eq(base),
                rounder.raised_base.eq(raised),
                rounder.quotient.eq(quotient),
                rounder.tail.eq(tail),
            ]
        self._result(m, "a", rounders[0], self.shape.limit_a)
        self._result(m, "b", rounders[1], self.shape.limit_b)
        return m

    def _rounder(self, fmt: QFormat) -> ConstantRounder:
        return ConstantRounder(
            Range.of(fmt, self.shape.grid - fmt.frac_bits),
            self.shape.width + 2,
            self.shape.product_width - self.shape.e.shift,
            self.shape.e.shift,
            short=AdaptorStage.SHIFT in self.shape.cuts,
        )

    def _raised(
        self, rounders: list[ConstantRounder], bases: list[Value], silent: Value
    ) -> list[Value]:
        return [r.raised(base, silent) for r, base in zip(rounders, bases, strict=True)]

    def _result(self, m: Module, port: str, rounder: ConstantRounder, limit: bool) -> None:
        """Saturate a total, and register it as the result of a port."""
        coming, new = getattr(self, f"coming_{port}"), getattr(self, f"{port}_new")
        total, over, under = self._registered(
            m,
            AdaptorStage.ROUND,
            **{
                f"total_{port}": rounder.total,
                f"over_{port}": rounder.over,
                f"under_{port}": rounder.under,
            },
        )
        entry = rounder.entry
        bits: Value = total[entry.drop : entry.drop + entry.fmt.width].as_signed()
        if limit:
            bits = Mux(over, entry.high, Mux(under, entry.low, bits))
        m.d.comb += coming.eq(bits)
        m.d.sync += new.eq(coming)

    def _registered(self, m: Module, stage: AdaptorStage, **values: Any) -> list[Value]:
        """Return the values, in registers if the pipeline has them at this stage."""
        found = []
        for name, value in values.items():
            value = Value.cast(value)
            if stage in self.shape.cuts and len(value):
                signal = Signal(value.shape(), name=f"{stage.name.lower()}_{name}", reset_less=True)
                m.d.sync += signal.eq(value)
                value = signal
            found.append(value)
        return found


def _numbered(bases: list[Value]) -> dict[str, Value]:
    """Return the bases, and if there are four, those with the constants, by name."""
    names = ("base_a", "base_b", "raised_a", "raised_b")
    return dict(zip(names, bases, strict=False))
