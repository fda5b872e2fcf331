"""Operands of multipliers that multiply one word after the other."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..constant_tables import one_of
from ..ports import keep_on_reset
from .held_words import HeldVector
from .layer_stages import Column
from .word_bus import turn_counter, words_at


class TurnMux(wiring.Component):
    """Gives each multiplier the words of its columns in turn, for row after row.

    Parameters
    ----------
    vectors : sequence of HeldVector
        What it reads.
    columns : sequence of Column
        The words, one for each column.
    fold : int
        Words for each multiplier.
    rows : int
        Rows of a step.
    width : int
        Bits of an operand.

    Members
    -------
    start : In(1)
        The words of a step are there from this cycle on.
    read_0, .. : In(unsigned)
        All words of a vector, the first one in the lowest bits.
    operands : Out(unsigned)
        An operand for each multiplier, with its sign, the first one in the lowest bits.

    Latency: 1 cycle.
    Throughput: a step every ``fold * rows`` cycles.

    Schedule: turn q gives multiplier p the word of column ``fold * p + q``.
    """

    latency = 1

    def __init__(
        self,
        vectors: Sequence[HeldVector],
        columns: Sequence[Column],
        fold: int,
        rows: int,
        width: int,
    ) -> None:
        self.vectors, self.columns = tuple(vectors), tuple(columns)
        self.fold, self.rows, self.width = fold, rows, width
        self.n_operands = -(-len(self.columns) // fold)
        super().__init__(
            {
                "start": In(1),
                **{f"read_{k}": In(v.fmt.width * v.length) for k, v in enumerate(vectors)},
                "operands": Out(width * self.n_operands),
            }
        )
        keep_on_reset(self, "operands")

    def model(self, words: Sequence[int], turn: int) -> list[int]:
        """Return the operands of a turn; a multiplier without a column gets any word."""
        columns = [p * self.fold + turn % self.fold for p in range(self.n_operands)]
        return [words[min(column, len(words) - 1)] for column in columns]

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        cycle = turn_counter(m, self.start, self.fold * self.rows, "cycle")
        turn = Signal(range(self.fold))
        if self.fold > 1:
            with m.If(self.start | (cycle != 0)):
                m.d.sync += turn.eq(Mux(turn == self.fold - 1, 0, turn + 1))
        words = words_at(self, self.vectors, self.columns)
        operands: list[Value] = []
        for p in range(self.n_operands):
            columns = [min(p * self.fold + q, len(words) - 1) for q in range(self.fold)]
            choices = []
            for q, column in enumerate(columns):
                choice = Signal(signed(self.width), name=f"word_{p}_{q}")
                m.d.comb += choice.eq(words[column])
                choices.append(choice)
            operands.append(one_of(m, turn, choices, f"operand_{p}"))
        m.d.sync += self.operands.eq(Cat(operands))
        return m
