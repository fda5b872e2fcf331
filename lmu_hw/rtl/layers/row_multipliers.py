"""Multipliers that the rows of a matrix share."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..constant_tables import lookup
from ..ports import keep_on_reset
from .layer_stages import RowSums
from .result_shape import PRODUCT_CYCLES
from .split_product import product_registers
from .word_bus import delayed, registered, turn_counter


class RowMultipliers(wiring.Component):
    """``sum = weights[row] . words``, one row after the other.

    Parameters
    ----------
    sums : RowSums

    Members
    -------
    start : In(1)
        The operands of a step come from the next cycle on.
    operands : In(unsigned)
        An operand for each multiplier, the first one in the lowest bits; each row takes ``fold``
        turns.
    sum : Out(signed)
        Sum of a row.
    next_operands : Out(unsigned)
        The operands, a cycle later, for the multipliers of further rows.

    Latency: from the last operands of a row 2 cycles, plus those of the adders; with several turns
    2 more.
    Throughput: a row every ``fold`` cycles.

    Schedule:

    - weights: look up the weights of the turn, in the cycle before its operands.
    - multiply: all products of the turn, with two registers.
    - add: a tree with a register on each level.
    - accumulate, hold, with several turns: add up the turns, and keep the sum of the row.
    """

    def __init__(self, sums: RowSums) -> None:
        self.sums = sums
        self.latency = PRODUCT_CYCLES + sums.levels + 2 * sums.turns
        operands = sums.operand_width * sums.multipliers
        super().__init__(
            {
                "start": In(1),
                "operands": In(operands),
                "sum": Out(signed(sums.peak.bit_length() + 1)),
                "next_operands": Out(operands),
            }
        )
        keep_on_reset(self, "sum", "next_operands")

    def model(self, row: int, words: Sequence[int]) -> int:
        """Return the sum of a row."""
        return sum(w * x for w, x in zip(self.sums.weights[row], words, strict=True))

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        sums, folded = self.sums, self.sums.folded
        turn = turn_counter(m, self.start, folded.cycles, "turn")
        width = sums.operand_width
        m.d.sync += self.next_operands.eq(self.operands)
        values = []
        for p in range(folded.multipliers):
            weights = lookup(m, turn, sums.turn_weights(p), f"next_weight_{p}")
            weight = registered(m, weights, f"weight_{p}")
            operand = self.operands[p * width : (p + 1) * width].as_signed()
            values.append(product_registers(m, operand * weight, f"product_{p}"))
        total = self._tree(m, values)
        if folded.fold == 1:
            m.d.comb += self.sum.eq(total)
            return m
        q = [t % folded.fold for t in range(folded.cycles)]
        first = lookup(m, turn, [int(k == 0) for k in q], "first_turn")
        last = lookup(m, turn, [int(k == folded.fold - 1) for k in q], "last_turn")
        opens = delayed(m, first, sums.levels + PRODUCT_CYCLES + 1, "opens")
        ends = delayed(m, last, sums.levels + PRODUCT_CYCLES + 2, "ends")
        accumulated = Signal.like(self.sum, name="accumulated", reset_less=True)
        m.d.sync += accumulated.eq(Mux(opens, 0, accumulated) + total)
        with m.If(ends):
            m.d.sync += self.sum.eq(accumulated)
        return m

    def _tree(self, m: Module, values: list[Value]) -> Value:
        """Add values in pairs, with a register on each level."""
        level, width = 0, len(self.sum)
        while len(values) > 1:
            level += 1
            sums: list[Value] = []
            for k in range(0, len(values), 2):
                # no sum of a part of a row is larger than the widest sum of magnitudes
                total = sum(values[k + 1 : k + 2], values[k])
                kept = Signal(
                    signed(min(width, len(total))), name=f"sum_{level}_{k // 2}", reset_less=True
                )
                m.d.sync += kept.eq(total)
                sums.append(kept)
            values = sums
        return values[0]
