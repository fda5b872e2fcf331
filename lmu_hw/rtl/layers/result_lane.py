"""Turns sums into words: scale, add bias and rounding, saturate, apply the function."""

from __future__ import annotations

from amaranth.hdl import Module, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...program.fixedpoint import Overflow, Rounding, overflow, round_shift
from ..constant_tables import lookup, one_of, saturated, signed_width
from ..ports import keep_on_reset
from .piece_function import PieceFunction
from .result_shape import ResultShape
from .split_product import split_product
from .word_bus import delayed, registered, turn_counter


class ResultLane(wiring.Component):
    """``word = sat(floor(2**-shift * (sum * factor + constant)))``, then the function.

    Parameters
    ----------
    shape : ResultShape

    Members
    -------
    start : In(1)
        The first sum of a step is there; the next cycle if there is one source.
    sum_0, .. : In(signed)
        Sums, one for each source.
    word : Out(signed)
        Word of the sum's row.

    Latency: `ResultShape.latency` cycles; 1 more with several sources.
    Throughput: one word per cycle.

    Schedule:

    - choose, with several sources: the sum of the turn; look up its factor.
    - multiply: the upper and the lower bits of the sum by the factor, then add both products; no
      sum where one product is enough, nothing where all factors are 1.
    - constant: add bias and rounding of the row.
    - limit: saturate to the range of the word.
    - function, if there is one.
    - wait, where another lane is later.
    """

    def __init__(self, shape: ResultShape) -> None:
        self.shape, self.latency = shape, shape.latency
        self.n_sums = len(shape.turns.sources)
        super().__init__(
            {
                "start": In(1),
                **{f"sum_{k}": In(signed(shape.total_width)) for k in range(self.n_sums)},
                "word": Out(signed(signed_width(shape.out_fmt))),
            }
        )
        keep_on_reset(self, "word")

    def model(self, turn: int, total: int) -> int:
        """Return the word of a turn."""
        shape = self.shape
        exact = total * shape.factors[turn] + shape.constants[turn]
        word = overflow(round_shift(exact, shape.shift, Rounding.TRN), shape.fmt, Overflow.SAT)
        if shape.function is not None:
            word = PieceFunction(shape.function, shape.out_fmt).model(word)
        return word

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        shape = self.shape
        turns = shape.turns
        turn = turn_counter(m, self.start, len(turns.turns), "turn")
        total = self.sum_0
        if shape.picks:
            chosen = [
                turns.sources.index(entry.source) if entry is not None else 0
                for entry in turns.turns
            ]
            sums = [getattr(self, f"sum_{k}") for k in chosen]
            total = delayed(m, one_of(m, turn, sums, "chosen_sum"), 1, "total")
        product = self._scaled(m, turn, total)
        late = delayed(m, turn, shape.scale_cycles, "turn_of_product")
        constant = registered(m, lookup(m, late, shape.constants, "next_constant"), "constant")
        exact = Signal(signed(shape.exact_width))
        rounded = Signal(signed(shape.exact_width - shape.shift), reset_less=True)
        m.d.comb += exact.eq(product + constant)
        m.d.sync += rounded.eq(exact >> shape.shift)
        word = Signal(signed(signed_width(shape.fmt)), name="limited", reset_less=True)
        m.d.sync += word.eq(saturated(rounded, shape.fmt.min, shape.fmt.max))
        if shape.function is not None:
            m.submodules.piece_function = function = PieceFunction(shape.function, shape.out_fmt)
            m.d.comb += function.x.eq(word)
            word = function.word
        m.d.comb += self.word.eq(delayed(m, word, shape.wait, "waiting"))
        return m

    def _scaled(self, m: Module, turn: Value, total: Value) -> Value:
        """Return the product with the factor of the turn."""
        shape = self.shape
        if not shape.scales:
            return total
        factor = registered(m, lookup(m, turn, shape.factors, "next_factor"), "factor")
        return split_product(m, total, factor, "product")
