"""Registers for the words that lanes compute one after the other."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...program.fixedpoint import QFormat
from ..constant_tables import signed_width
from ..ports import keep_on_reset
from .lane_turns import LaneTurns
from .word_bus import turn_counter


class ResultRegisters(wiring.Component):
    """Collects the words of a vector from the lanes.

    Parameters
    ----------
    lanes : sequence of LaneTurns
    fmt : QFormat
        Format of the words.
    length : int
        Words of the vector.

    Members
    -------
    start_0, .. : In(1)
        The lane's word of turn 0 is there.
    word_0, .. : In(signed)
        Word of a lane.
    words : Out(unsigned)
        All words, the first one in the lowest bits.

    Latency: 1 cycle.
    Throughput: one word per cycle from each lane.

    Schedule: a register for each word, written in its turn.
    """

    latency = 1

    def __init__(self, lanes: Sequence[LaneTurns], fmt: QFormat, length: int) -> None:
        self.lanes, self.fmt, self.length = tuple(lanes), fmt, length
        numbers = range(len(self.lanes))
        super().__init__(
            {
                **{f"start_{k}": In(1) for k in numbers},
                **{f"word_{k}": In(signed(signed_width(fmt))) for k in numbers},
                "words": Out(fmt.width * length),
            }
        )
        keep_on_reset(self, "words")

    def model(self, lanes: Sequence[Sequence[int]]) -> list[int]:
        """Return the words of the vector for the words of each lane's turns."""
        found = [0] * self.length
        for turns, words in zip(self.lanes, lanes, strict=True):
            for entry, word in zip(turns.turns, words, strict=True):
                if entry is not None:
                    found[entry.word] = word
        return found

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        width = self.fmt.width
        parts: dict[int, Value] = {}
        for number, lane in enumerate(self.lanes):
            start, word = getattr(self, f"start_{number}"), getattr(self, f"word_{number}")
            turn = turn_counter(m, start, len(lane.turns), f"turn_{number}")
            for k, entry in enumerate(lane.turns):
                if entry is not None:
                    takes = Signal(name=f"takes_{entry.word}")
                    m.d.comb += takes.eq(start if k == 0 else turn == k)
                    kept = self.words[entry.word * width : (entry.word + 1) * width]
                    parts[entry.word] = Mux(takes, word[:width], kept)
        m.d.sync += self.words.eq(Cat(parts[k] for k in range(self.length)))
        return m
