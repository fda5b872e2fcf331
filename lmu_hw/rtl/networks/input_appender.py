"""Appends the input word of a step to the states that its memory delivers."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Module, Mux, Shape, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..fifo import OutputFifo


class InputAppender(wiring.Component):
    """Passes the words of a step on, and after the last one its input word.

    Parameters
    ----------
    word, input_word : Shape
        Shapes of the words, and of an input word.
    depth : int
        Input words that wait at most, a power of two, >= 2.

    Members
    -------
    words : In(stream)
        The words of a step.
    words_last : In(1)
        With ``words``: the last one of the step.
    input_word : In
        Input word of a step, long before the other words of the step.
    input_valid : In(1)
        There is one. Space for it must be there.
    o : Out(stream)
        The words, and after those of a step its input word.

    Latency: 0 cycles.
    Throughput: a word a cycle.

    Schedule: the input words wait in a FIFO.
    """

    latency = 0

    def __init__(self, word: Shape, input_word: Shape, depth: int) -> None:
        self.depth, self.input_shape = depth, input_word
        signed = word.signed or input_word.signed
        width = max(s.width + (signed and not s.signed) for s in (word, input_word))
        super().__init__(
            {
                "words": In(stream.Signature(word)),
                "words_last": In(1),
                "input_word": In(input_word),
                "input_valid": In(1),
                "o": Out(stream.Signature(Shape(width, signed))),
            }
        )

    def model(self, words: Sequence[int], input_word: int) -> list[int]:
        """Return the words of a step."""
        return [*words, input_word]

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        m.submodules.fifo = fifo = OutputFifo(len(self.input_word), self.depth, 1)
        # the last word was passed on
        turn = Signal(name="input_is_next")
        word = Signal(self.input_shape, name="waiting_word")
        m.d.comb += [
            fifo.word.eq(self.input_word),
            fifo.write.eq(self.input_valid),
            fifo.reserve.eq(self.input_valid),
            word.eq(fifo.o.payload),
            self.o.payload.eq(Mux(turn, word, self.words.payload)),
            self.o.valid.eq(Mux(turn, fifo.o.valid, self.words.valid)),
            self.words.ready.eq(self.o.ready & ~turn),
            fifo.o.ready.eq(self.o.ready & turn),
        ]
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += turn.eq(~turn & self.words_last)
        return m
