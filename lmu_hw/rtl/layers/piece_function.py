"""An activation function: a piecewise polynomial, a word every cycle."""

from __future__ import annotations

import numpy as np
from amaranth.hdl import Const, Module, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...program.fixedpoint import Overflow, QFormat, overflow
from ...program.integer_program import Function
from ...program.interpreter import evaluate_function
from ..constant_tables import lookup, saturated, signed_width
from ..function_width import sum_width
from ..ports import keep_on_reset
from .result_shape import function_cycles, product_cycles
from .split_product import split_product
from .word_bus import delayed, registered


class PieceFunction(wiring.Component):
    """Evaluates one function with Horner's rule.

    Parameters
    ----------
    function : Function
    out_fmt : QFormat
        Format of the results, to which they are saturated.

    Members
    -------
    x : In(signed)
        Argument, a word of the function's format.
    word : Out(signed)
        Value of the function.

    Latency: `function_cycles`.
    Throughput: one word per cycle.

    Schedule:

    - piece: the upper bits of the word select the coefficients.
    - multiply, add: once for each degree, highest first.
    - limit: round off the guard bits and saturate the result to its format.
    """

    def __init__(self, function: Function, out_fmt: QFormat) -> None:
        self.function, self.out_fmt = function, out_fmt
        self.latency = function_cycles(function)
        super().__init__(
            {
                "x": In(signed(signed_width(function.in_fmt))),
                "word": Out(signed(signed_width(out_fmt))),
            }
        )
        keep_on_reset(self, "word")

    def model(self, x: int) -> int:
        """Return the function's word."""
        y = int(evaluate_function(self.function, np.array([x], dtype=np.int64))[0])
        return overflow(y, self.out_fmt, Overflow.SAT)

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        f = self.function
        unsigned_x = Signal(f.in_fmt.width)
        m.d.comb += unsigned_x.eq(self.x - f.in_fmt.min)
        piece = unsigned_x[f.rest_bits :]
        rest = delayed(m, unsigned_x[: f.rest_bits], 1, "rest")
        coefs = [
            registered(m, lookup(m, piece, [p[j] for p in f.pieces], f"next_coef_{j}"), f"coef_{j}")
            for j in range(len(f.shifts) + 1)
        ]
        width = sum_width(f)
        cycles = product_cycles(width)
        y: Value = coefs.pop()
        for j in reversed(range(len(f.shifts))):
            # the highest coefficient may be narrower than the sums
            factor = Signal(signed(width), name=f"y_{j}")
            m.d.comb += factor.eq(y)
            product = split_product(m, factor, rest, f"product_{j}")
            # operands of this and of lower degrees wait for the product
            kept = [self._kept(m, coef, cycles, f"kept_{j}_{k}") for k, coef in enumerate(coefs)]
            total = Signal(signed(width), name=f"total_{j}", reset_less=True)
            m.d.sync += total.eq(kept[-1] + product.shift_right(f.shifts[j]))
            coefs = [registered(m, coef, f"later_{j}_{k}") for k, coef in enumerate(kept[:-1])]
            y, rest = total, delayed(m, rest, cycles + 1, f"rest_{j}")
        rounded = Signal(signed(width + 1))
        m.d.comb += rounded.eq((y + ((1 << f.guard) >> 1)) >> f.guard)
        m.d.sync += self.word.eq(saturated(rounded, self.out_fmt.min, self.out_fmt.max))
        return m

    def _kept(self, m: Module, coef: Value, cycles: int, name: str) -> Value:
        """Return a coefficient some cycles later; one that is the same for all pieces stays."""
        return coef if isinstance(coef, Const) else delayed(m, coef, cycles, name)
