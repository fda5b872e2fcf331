"""Output FIFO, which lets a step finish whatever the reader does."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .block_memories import Ram


class OutputFifo(wiring.Component):
    """Buffers output words until the reader takes them.

    Space is reserved for a whole step, so a step that has started never stalls.

    Parameters
    ----------
    width : int
        Bits of a word.
    depth : int
        Capacity [words], a power of two, > n_out.
    n_out : int
        Output words per step.

    Members
    -------
    word : In(signed(width))
        Output word.
    write : In(1)
        Store ``word``.
    reserve : In(1)
        Reserve space for the words of a step that starts.
    room : Out(1)
        There is space for a step.
    o : Out(stream)
        The words in the order of writing.
    o_last : Out(1)
        With ``o``: the last word of its step.

    Latency: 3 cycles from ``write`` to ``o.valid`` when empty.
    Throughput: one word per cycle.

    Schedule:

    - write: store the word in the RAM.
    - read: fetch the next word while the output register is empty or being read.
    - hold: keep the word in the output register until the reader takes it.
    """

    latency = 3

    def __init__(self, width: int, depth: int, n_out: int) -> None:
        self.depth, self.n_out = depth, n_out
        super().__init__(
            {
                "word": In(signed(width)),
                "write": In(1),
                "reserve": In(1),
                "room": Out(1, init=1),
                "o": Out(stream.Signature(signed(width))),
                "o_last": Out(1),
            }
        )

    def model(self, words: list[int]) -> list[tuple[int, bool]]:
        """Return the words as they come out, with ``o_last``."""
        return [(word, index % self.n_out == self.n_out - 1) for index, word in enumerate(words)]

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        m.submodules.words = ram = Ram(len(self.word), self.depth)
        tail = Signal.like(ram.write_address)
        m.d.comb += [
            ram.write.eq(self.write),
            ram.write_address.eq(tail),
            ram.write_word.eq(self.word),
        ]
        with m.If(self.write):
            m.d.sync += tail.eq(tail + 1)

        # the RAM reads the word at head; a written word is visible two cycles later
        head = Signal.like(ram.read_address)
        following = Signal.like(head, init=1)
        advance = Signal()
        arrived = Signal()
        level = Signal(range(self.depth + 1))
        next_level = Signal.like(level)
        some = Signal()
        m.d.comb += [
            advance.eq(some & (~self.o.valid | self.o.ready)),
            next_level.eq(level + arrived - advance),
            ram.read_address.eq(Mux(advance, following, head)),
        ]
        m.d.sync += [
            head.eq(ram.read_address),
            arrived.eq(self.write),
            level.eq(next_level),
            some.eq(next_level != 0),
        ]
        with m.If(advance):
            m.d.sync += following.eq(following + 1)

        position = Signal(range(self.n_out))
        is_last = Signal()
        m.d.comb += is_last.eq(position == self.n_out - 1)
        with m.If(advance):
            m.d.sync += [
                self.o.payload.eq(ram.read_word),
                self.o.valid.eq(1),
                self.o_last.eq(is_last),
                position.eq(position + 1),
            ]
            with m.If(is_last):
                m.d.sync += position.eq(0)
        with m.Elif(self.o.ready):
            m.d.sync += self.o.valid.eq(0)

        reserved = Signal(range(self.depth + 1))
        next_reserved = Signal.like(reserved)
        taken = Signal()
        m.d.comb += taken.eq(self.o.valid & self.o.ready)
        m.d.comb += next_reserved.eq(reserved + Mux(self.reserve, self.n_out, 0) - taken)
        m.d.sync += [
            reserved.eq(next_reserved),
            self.room.eq(next_reserved <= self.depth - self.n_out),
        ]
        return m
