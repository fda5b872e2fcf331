"""FIFO between the lanes and the chain unit, for programs with several channels."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
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
        layout = data.StructLayout(
            {"word": len(self.word), "feed": len(self.feed), "paired": 1, "silent": 1}
        )
        depth = 1 << max(1, ceil_log2(len(self.plan.feeds) + 1))
        m.submodules.waiting = ram = Ram(layout.size, depth)
        tail = Signal.like(ram.write_address)
        self._write(m, ram, tail)
        self._start(m, ram, data.View(layout, ram.read_word.as_unsigned()), tail)
        return m

    def _counted(self, m: Module) -> tuple[Value, Value, Value]:
        """Return an input's word, feed and valid when the zero-run counter has its flag."""
        is_chain = [int(f.chain is not None) for f in self.plan.feeds]
        arrives = self.valid & lookup(m, self.feed, is_chain, "is_chain")
        word, feed, arrived = self.word, self.feed, arrives
        for stage in ("counting", "counted"):
            later = Signal.like(word, name=f"{stage}_word", reset_less=True)
            later_feed = Signal.like(feed, name=f"{stage}_feed", reset_less=True)
            valid = Signal(name=stage)
            m.d.sync += [later.eq(word), later_feed.eq(feed), valid.eq(arrived)]
            word, feed, arrived = later, later_feed, valid
        return word, feed, arrived

    def _write(self, m: Module, ram: Ram, tail: Signal) -> None:
        """Queue the inputs, each with its feed and flags."""
        word, feed, arrived = self._counted(m)
        entry = Signal(len(ram.write_word), reset_less=True)
        paired = lookup(m, feed, [int(f.paired) for f in self.plan.feeds], "is_paired")
        m.d.sync += [entry.eq(Cat(word, feed, paired[0], self.silent)), ram.write.eq(arrived)]
        m.d.comb += [ram.write_address.eq(tail), ram.write_word.eq(entry)]
        with m.If(ram.write):
            m.d.sync += tail.eq(tail + 1)

    def _start(self, m: Module, ram: Ram, shown: data.View[data.StructLayout], tail: Value) -> None:
        """Start the chain with the first input, or with the first two."""
        names = ("there", "both", "starts", "follows", "takes")
        there, both, starts, follows, takes = (Signal(name=name) for name in names)
        second_follows = Signal(reset_less=True)
        head = Signal.like(ram.read_address, name="head")
        second = Signal.like(head, name="second", init=1)
        third = Signal.like(head, name="third")
        free = self._free(m)
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
        ]
        with m.If(takes):
            m.d.sync += [
                second.eq(third),
                second_follows.eq(shown["paired"]),
                self.next_word.eq(shown["word"].as_signed()),
                self.next_feed.eq(shown["feed"]),
                self.next_silent.eq(shown["silent"]),
            ]

    def _free(self, m: Module) -> Signal:
        """Return whether the chain can start: its cycles since the last start are over."""
        cycles = [
            0 if f.chain is None else self.plan.chains[f.chain].cycles(paired=f.paired) - 2
            for f in self.plan.feeds
        ]
        busy = Signal(range(max(cycles) + 1))
        free = Signal(init=1)
        m.d.sync += [
            busy.eq(Mux(busy == 0, 0, busy - 1)),
            free.eq((busy <= 1) & ~self.start),
        ]
        with m.If(self.start):
            m.d.sync += busy.eq(lookup(m, self.next_feed, cycles, "chain_cycles"))
        return free
