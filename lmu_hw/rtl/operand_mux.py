"""Selection of the lanes' factors."""

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


class OperandMux(wiring.Component):
    """Selects both factors of every lane's product.

    Parameters
    ----------
    widths : LaneWidths
    lanes : int
    kinds : set of Kind
        Kinds of run in the schedule; only the selections they need are built.

    Members
    -------
    words : In(signed), one for each lane
        The row read, in the cycle before the command.
    bank : In(range(lanes))
        Selects a word of the row.
    across : In(1)
        Each lane takes the word of its own bank, else all take the selected word.
    operand, factor : In(Operand), In(Factor)
        What both factors of the products are.
    minus, hold : In(1)
        Negate a factor that is not a weight; hold the words for a later product.
    weights : In(unsigned)
        One weight for each lane, lane 0 lowest.
    index : In(unsigned)
        Argmax index, for lane 0.
    word : Out(signed)
        The selected word.
    x, factors : Out(signed), one for each lane
        First factor of the lane's product; second factor.

    Latency: 2 cycles from ``words``, 1 from the command.
    Throughput: one command per cycle.

    Schedule:

    - word: register the words, because block memories have a long clock-to-output delay.
    - operand: a multiplexer for each factor, then registers.
    """

    latency = 2

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
        """Return the words that the lanes multiply with weights."""
        return [word if across else words[bank] for word in words]

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        words = []
        for lane, word in enumerate(self.words):
            words.append(Signal.like(word, name=f"word_{lane}", reset_less=True))
            m.d.sync += words[-1].eq(word)
        word = one_of(m, self.bank, words, "chosen")
        m.d.sync += self.word.eq(word)
        for lane in range(self.lanes):
            own = words[lane]
            # the selections in use, the most common first
            xs: dict[Any, Value] = {Operand.WORD: Mux(self.across, own, word)}
            factors: dict[Any, Value] = {}
            if not self.kinds.isdisjoint((Kind.ROWS, Kind.COLUMNS, Kind.SCALE)):
                weight = self.weights.word_select(lane, self.widths.weight).as_signed()
                factors[Factor.WEIGHT] = weight
            if Kind.TERM in self.kinds or (Kind.INDEX in self.kinds and not lane):
                factors[Factor.ONE] = Mux(self.minus, -1, 1)
            if Kind.PRODUCT in self.kinds:
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
    """Load a register with the value that ``choice`` selects."""
    if len(options) == 1:
        m.d.sync += target.eq(*options.values())
        return
    with m.Switch(choice):
        for option, value in options.items():
            with m.Case(option):
                m.d.sync += target.eq(value)
