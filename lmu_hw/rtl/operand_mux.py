"""First stage of the lanes: what each of them multiplies, and with what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .command import Factor, Operand
from .constant_tables import one_of
from .lane_widths import LaneWidths
from .ports import keep_on_reset
from .schedule import Kind


class Operands(wiring.Component):
    """Gives the same word to every lane, or each lane its own, and what it is multiplied with.

    Parameters
    ----------
    widths : LaneWidths
    lanes : int
    kinds : set of Kind
        What runs do; of choices that none makes there is no trace.

    Members
    -------
    words : In(signed), one for each lane
        The row that was read.
    bank : In(range(lanes))
        The word of the row that is meant.
    across : In(1)
        Every lane takes its own.
    operand, factor : In(Operand), In(Factor)
    minus, hold : In(1)
        Change the sign of the factors that are no weights; keep the words.
    weights : In(unsigned)
        One for each lane, that of lane 0 lowest.
    index : In(unsigned)
        Of the largest word, for lane 0.
    word : Out(signed)
        The word that is meant.
    x, factors : Out(signed), one for each lane

    Latency: 1 cycle.
    Throughput: one command a cycle.

    Schedule: a choice for each operand, then the registers.
    """

    latency = 1

    def __init__(self, widths: LaneWidths, lanes: int, kinds: set[Kind]) -> None:
        self.widths, self.lanes, self.kinds = widths, lanes, kinds
        super().__init__(
            {
                "words": In(signed(widths.word)).array(lanes),
                "bank": In(range(lanes)),
                "across": In(1),
                "operand": In(Operand),
                "factor": In(Factor),
                "minus": In(1),
                "hold": In(1),
                "weights": In(unsigned(widths.weight * lanes)),
                "index": In(widths.index),
                "word": Out(signed(widths.word)),
                "x": Out(signed(widths.x)).array(lanes),
                "factors": Out(signed(widths.factor)).array(lanes),
            }
        )
        keep_on_reset(self, "word", "x", "factors")

    def model(self, words: Sequence[int], bank: int, across: bool) -> list[int]:
        """Return what the lanes multiply with weights."""
        return [word if across else words[bank] for word in words]

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        word = one_of(m, self.bank, list(self.words), "chosen")
        m.d.sync += self.word.eq(word)
        for lane in range(self.lanes):
            # what runs use, the commonest first
            xs: dict[Any, Value] = {Operand.WORD: Mux(self.across, self.words[lane], word)}
            factors: dict[Any, Value] = {}
            if not self.kinds.isdisjoint((Kind.ROWS, Kind.COLUMNS)):
                weight = self.weights.word_select(lane, self.widths.weight).as_signed()
                factors[Factor.WEIGHT] = weight
            if Kind.TERM in self.kinds or (Kind.INDEX in self.kinds and not lane):
                factors[Factor.ONE] = Mux(self.minus, -1, 1)
            if Kind.PRODUCT in self.kinds:
                own = self.words[lane]
                held = Signal(signed(self.widths.x), name=f"held_{lane}", reset_less=True)
                with m.If(self.hold):
                    m.d.sync += held.eq(own)
                xs[Operand.HELD] = held
                factors[Factor.WORD] = Mux(self.minus, 0 - own, own)
            if Kind.INDEX in self.kinds and not lane:
                xs[Operand.INDEX] = self.index
            _choose(m, self.x[lane], self.operand, xs)
            _choose(m, self.factors[lane], self.factor, factors)
        return m


def _choose(m: Module, target: Value, choice: Value, options: Mapping[Any, Value]) -> None:
    """Load a register with one of some values."""
    if len(options) == 1:
        m.d.sync += target.eq(*options.values())
        return
    with m.Switch(choice):
        for option, value in options.items():
            with m.Case(option):
                m.d.sync += target.eq(value)
