"""FIFO between the lanes and the chain unit, for programs with several channels."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from .block_memories import Ram
from .constant_tables import lookup
from .ports import keep_on_reset
from .schedule import Schedule
from .schedule.timing import QUEUE


class ChainInputFifo(wiring.Component):
    """Queues the memory inputs of all channels and starts the chain with two at a time.

    Parameters
    ----------
    plan : Schedule
        Must have at least one chain.
    word_width : int
        Bits of an input word.

    Members
    -------
    word : In(signed(word_width))
        Input word.
    feed : In(range(len(plan.feeds)))
        Number of the memory and channel that it is for.
    valid : In(1)
        Queue ``word`` for the memory ``feed``, if that is a cascade.
    silent : In(1)
        Zero-run flag of that word, 2 cycles later.
    start : Out(1)
        Start the chain with the outputs below.
    next_word, next_feed, next_silent : Out
        Input of the first channel; one cycle later that of the second channel of a pair.

    Latency: 6 cycles (`lmu_hw.rtl.schedule.timing.QUEUE`) from the last input of a pair, or until
    the chain is free.
    Throughput: one input every 3 cycles; the FIFO holds all inputs of a step.

    Schedule:

    - count: wait for the zero-run counter.
    - entry, write, read: pass through the RAM.
    - start: load the output registers when the chain is free; the second channel's word follows.
    """

    latency = QUEUE

    def __init__(self, plan: Schedule, word_width: int) -> None:
        self.plan = plan
        feeds = range(len(plan.feeds))
        super().__init__(
            {
                "word": In(signed(word_width)),
                "feed": In(feeds),
                "valid": In(1),
                "silent": In(1),
                "next_word": Out(signed(word_width)),
                "next_feed": Out(feeds),
                "start": Out(1),
                "next_silent": Out(1),
            }
        )
        keep_on_reset(self, "next_word", "next_feed", "next_silent")

    def model(self, arrivals: list[tuple[int, int]]) -> list[int]:
        """Return the start cycles of inputs that arrive as (cycle, feed), one for each pair."""
        free, starts, waits = 0, [], False
        for cycle, number in arrivals:
            feed = self.plan.feeds[number]
            if feed.paired:
                waits = True
                continue
            assert feed.chain is not None
            starts.append(max(cycle + self.latency, free))
            free = starts[-1] + self.plan.chains[feed.chain].cycles(paired=waits)
            waits = False
        return starts

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        plan = self.plan
        layout = data.StructLayout(
            {"word": len(self.word), "feed": len(self.feed), "paired": 1, "silent": 1}
        )
        depth = 1 << max(1, ceil_log2(len(plan.feeds) + 1))
        m.submodules.waiting = ram = Ram(layout.size, depth)
        head = Signal.like(ram.read_address)
        tail = Signal.like(ram.write_address)

        # count
        is_chain = lookup(m, self.feed, [int(f.chain is not None) for f in plan.feeds], "is_chain")
        word, feed, arrived = self.word, self.feed, self.valid & is_chain
        for stage in ("counting", "counted"):
            later = Signal.like(word, name=f"{stage}_word", reset_less=True)
            later_feed = Signal.like(feed, name=f"{stage}_feed", reset_less=True)
            valid = Signal(name=stage)
            m.d.sync += [later.eq(word), later_feed.eq(feed), valid.eq(arrived)]
            word, feed, arrived = later, later_feed, valid

        # write
        entry = Signal(layout.size, reset_less=True)
        paired = lookup(m, feed, [int(f.paired) for f in plan.feeds], "is_paired")
        m.d.sync += [entry.eq(Cat(word, feed, paired[0], self.silent)), ram.write.eq(arrived)]
        m.d.comb += [ram.write_address.eq(tail), ram.write_word.eq(entry)]
        with m.If(ram.write):
            m.d.sync += tail.eq(tail + 1)

        # read, start
        there = Signal()
        both = Signal()
        starts = Signal()
        follows = Signal()
        takes = Signal()
        second_follows = Signal(reset_less=True)
        second = Signal.like(head, name="second", init=1)
        third = Signal.like(head, name="third")
        shown = data.View(layout, ram.read_word.as_unsigned())
        cycles = [
            0 if f.chain is None else plan.chains[f.chain].cycles(paired=f.paired) - 2
            for f in plan.feeds
        ]
        busy = Signal(range(max(cycles) + 1))
        free = Signal(init=1)
        m.d.comb += [
            starts.eq(there & (both | ~shown["paired"]) & free & ~self.start),
            follows.eq(self.start & second_follows),
            takes.eq(starts | follows),
            third.eq(second + 1),
            ram.read_address.eq(Mux(takes, second, head)),
        ]
        # both outcomes are compared before it is known whether a word is taken
        some, two, three = (tail != address for address in (head, second, third))
        m.d.sync += [
            head.eq(ram.read_address),
            there.eq(Mux(takes, two, some)),
            both.eq(two & Mux(takes, three, some)),
            self.start.eq(starts),
            busy.eq(Mux(busy == 0, 0, busy - 1)),
            free.eq((busy <= 1) & ~self.start),
        ]
        with m.If(takes):
            m.d.sync += second.eq(third)
            m.d.sync += [
                second_follows.eq(shown["paired"]),
                self.next_word.eq(shown["word"].as_signed()),
                self.next_feed.eq(shown["feed"]),
                self.next_silent.eq(shown["silent"]),
            ]
        with m.If(self.start):
            m.d.sync += busy.eq(lookup(m, self.next_feed, cycles, "chain_cycles"))
        return m
