"""First stage of the lanes: what each of them multiplies, and with what."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Module, Mux, Signal, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .command import Factor, Operand
from .ports import keep_on_reset
from .tables import one_of
from .widths import Widths


class Operands(wiring.Component):
    """Gives the same word to every lane, or each lane its own; lane 0 multiplies words too.

    Parameters
    ----------
    widths : Widths
    lanes : int

    Members
    -------
    words : In(signed), one for each lane
        The row that was read.
    bank : In(range(lanes))
        The word of the row that is meant.
    columns : In(1)
        Every lane takes its own.
    operand, factor : In(Operand), In(Factor)
        Of lane 0.
    minus, hold : In(1)
        Change the sign of lane 0's factor; keep the word.
    weights : In(unsigned)
        One for each lane, that of lane 0 lowest.
    index : In(unsigned)
        Of the largest word.
    word : Out(signed)
        The word that is meant.
    x, factors : Out(signed), one for each lane
        Those of other lanes than 0 are narrower than their wires.

    Latency: 1 cycle.
    Throughput: one command a cycle.

    Schedule: a choice for each operand, then the registers.
    """

    latency = 1

    def __init__(self, widths: Widths, lanes: int) -> None:
        self.widths, self.lanes = widths, lanes
        super().__init__(
            {
                "words": In(signed(widths.word)).array(lanes),
                "bank": In(range(lanes)),
                "columns": In(1),
                "operand": In(Operand),
                "factor": In(Factor),
                "minus": In(1),
                "hold": In(1),
                "weights": In(unsigned(widths.weight * lanes)),
                "index": In(widths.index),
                "word": Out(signed(widths.word)),
                "x": Out(signed(widths.first_x)).array(lanes),
                "factors": Out(signed(widths.first_factor)).array(lanes),
            }
        )
        keep_on_reset(self, "word", "x", "factors")

    def model(self, words: Sequence[int], bank: int, columns: bool) -> list[int]:
        """Return what the lanes multiply with weights."""
        return [word if columns else words[bank] for word in words]

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        widths, weight = self.widths, self.widths.weight
        word = one_of(m, self.bank, list(self.words), "chosen")
        held = Signal(signed(widths.first_x), reset_less=True)
        m.d.sync += self.word.eq(word)
        with m.If(self.hold):
            m.d.sync += held.eq(word)
        for lane in range(self.lanes):
            narrow = Signal(signed(widths.x), name=f"x_{lane}", reset_less=True)
            own = self.weights[lane * weight : (lane + 1) * weight].as_signed()
            if lane:
                factor = Signal(signed(weight), name=f"weight_{lane}", reset_less=True)
                m.d.sync += [
                    narrow.eq(Mux(self.columns, self.words[lane], word)),
                    factor.eq(own),
                ]
                m.d.comb += [self.x[lane].eq(narrow), self.factors[lane].eq(factor)]
                continue
            with m.Switch(self.operand):
                with m.Case(Operand.WORD):
                    m.d.sync += self.x[0].eq(Mux(self.columns, self.words[0], word))
                with m.Case(Operand.HELD):
                    m.d.sync += self.x[0].eq(held)
                with m.Case(Operand.INDEX):
                    m.d.sync += self.x[0].eq(self.index)
            with m.Switch(self.factor):
                with m.Case(Factor.WEIGHT):
                    m.d.sync += self.factors[0].eq(own)
                with m.Case(Factor.ONE):
                    m.d.sync += self.factors[0].eq(Mux(self.minus, -1, 1))
                with m.Case(Factor.WORD):
                    m.d.sync += self.factors[0].eq(Mux(self.minus, 0 - word, word))
        return m
