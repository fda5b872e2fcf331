"""Inputs of memories that wait for the chain of sections."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ..schedule import Schedule
from ..schedule.timing import QUEUE, chain_cycles
from .memories import Ram
from .ports import keep_on_reset
from .tables import lookup


class FeedQueue(wiring.Component):
    """Takes the inputs of all channels at once and gives them to the chain one after the other.

    Parameters
    ----------
    plan : Schedule
        With at least one chain.
    word_width : int
        Bits of an input word.

    Members
    -------
    word : In(signed(word_width))
    feed : In(range(len(plan.feeds)))
    valid : In(1)
        The memory ``feed`` gets its input ``word``, if it is a cascade.
    silent : In(1)
        Of it, 2 cycles later.
    start : Out(1)
        The chain begins
    next_word, next_feed, next_silent : Out
        with these, which stay until it begins again.

    Latency: 6 cycles (`lmu_hw.schedule.timing.QUEUE`), or until the chain has finished.
    Throughput: an input every 3 cycles, while there is room; there is room for all of a step.

    Schedule:

    - count: the word waits for its silence counter.
    - entry, write, read: through the memory.
    - start: when the chain is free, to registers.
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
        """Return when inputs that arrive as (cycle, feed) start."""
        free, starts = 0, []
        for cycle, feed in arrivals:
            chain = self.plan.feeds[feed].chain
            assert chain is not None
            starts.append(max(cycle + self.latency, free))
            free = starts[-1] + chain_cycles(self.plan.chains[chain].sections)
        return starts

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        plan = self.plan
        layout = data.StructLayout({"word": len(self.word), "feed": len(self.feed), "silent": 1})
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
        m.d.sync += [entry.eq(Cat(word, feed, self.silent)), ram.write.eq(arrived)]
        m.d.comb += [ram.write_address.eq(tail), ram.write_word.eq(entry)]
        with m.If(ram.write):
            m.d.sync += tail.eq(tail + 1)

        # read, start
        there, starts = Signal(), Signal()
        following = Signal.like(head)
        shown = data.View(layout, ram.read_word.as_unsigned())
        number = lookup(m, self.next_feed, [f.chain or 0 for f in plan.feeds], "chain_begun")
        cycles = [chain_cycles(chain.sections) - 2 for chain in plan.chains]
        busy = Signal(range(max(cycles) + 1))
        m.d.comb += [
            starts.eq(there & (busy == 0) & ~self.start),
            following.eq(head + starts),
            ram.read_address.eq(following),
        ]
        m.d.sync += [
            head.eq(following),
            there.eq(following != tail),
            self.start.eq(starts),
            busy.eq(Mux(busy == 0, 0, busy - 1)),
        ]
        with m.If(starts):
            m.d.sync += [
                self.next_word.eq(shown["word"].as_signed()),
                self.next_feed.eq(shown["feed"]),
                self.next_silent.eq(shown["silent"]),
            ]
        with m.If(self.start):
            m.d.sync += busy.eq(lookup(m, number, cycles, "chain_cycles"))
        return m
