"""A change of format of all words of a vector at once."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...program.fixedpoint import QFormat, Rounding, requantize
from ..constant_tables import requantized
from ..ports import keep_on_reset
from .word_bus import words_of


class FormatChange(wiring.Component):
    """Rounds words to another format and saturates them to it.

    Parameters
    ----------
    source, target : QFormat
    length : int
        Words.

    Members
    -------
    start : In(1)
        Not used: the pipeline takes words in every cycle.
    read_0 : In(unsigned)
        All words, the first one in the lowest bits.
    words : Out(unsigned)
        The same in the other format.

    Latency: 1 cycle.
    Throughput: one vector per cycle.

    Schedule: an adder and a register for each word.
    """

    latency = 1

    def __init__(self, source: QFormat, target: QFormat, length: int) -> None:
        self.source, self.target, self.length = source, target, length
        super().__init__(
            {
                "start": In(1),
                "read_0": In(source.width * length),
                "words": Out(target.width * length),
            }
        )
        keep_on_reset(self, "words")

    def model(self, words: Sequence[int]) -> list[int]:
        """Return the words in the other format."""
        return [requantize(w, self.source, self.target, Rounding.RND) for w in words]

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        found = []
        for k, word in enumerate(words_of(self.read_0, self.source, self.length)):
            changed = Signal(self.target.width, name=f"word_{k}")
            m.d.comb += changed.eq(requantized(m, word, self.source, self.target, f"raised_{k}"))
            found.append(changed)
        m.d.sync += self.words.eq(Cat(found))
        return m
