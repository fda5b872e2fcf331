"""Addresses of a chain's states: read in the order of the sections, and written back in it."""

from __future__ import annotations

from collections.abc import Iterator

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .chain_channels import ChainChannel, chain_of, channels, later
from .constant_tables import lookup
from .schedule import Schedule
from .schedule.timing import OUTER, WINDOW


class StateAddresses(wiring.Component):
    """Counts through the states of up to two channels.

    Parameters
    ----------
    plan : Schedule
        Must have at least one chain.
    depth : int
        States in the chain's RAM.

    Members
    -------
    start, feed : In
        Start with the first states of this feed, and of the next one if they are paired.
    running : In(range(len(plan.feeds)))
        The feed that has started.
    phase : In(range(WINDOW))
        Cycle of the window.
    reads_outer, reads_inner : In(1)
        From `SectionSequencer`: an outer state is read; an inner or real one is read.
    inner, outer : In(1)
        From `AdaptorUnit`: an inner or real state is written; an outer one is, if no inner one.
    read, write : Out(unsigned)
        Address of the state to read; address of the one that is written.
    second : Out(1)
        The state that is written is that of the second channel.

    Latency: 1 cycle from ``start``, 0 from the others.
    Throughput: one state read and one written per cycle.

    Schedule: four counters, of outer and of inner states, and two more for the writes of the second
    channel; its reads are those of the first one two cycles before, at a distance.
    """

    latency = 1

    def __init__(self, plan: Schedule, depth: int) -> None:
        self.plan = plan
        feeds, addresses = range(len(plan.feeds)), range(depth)
        super().__init__(
            {
                "start": In(1),
                "feed": In(feeds),
                "running": In(feeds),
                "phase": In(range(WINDOW)),
                "reads_outer": In(1),
                "reads_inner": In(1),
                "inner": In(1),
                "outer": In(1),
                "read": Out(addresses),
                "write": Out(addresses),
                "second": Out(1),
            }
        )

    def model(self, feed: int) -> Iterator[int]:
        """Yield the addresses of a feed's states in the order of their writes."""
        start = self.plan.feeds[feed]
        assert start.chain is not None
        for write in self.plan.chains[start.chain].writes(paired=False):
            yield (start.outer if write.port == OUTER else start.inner) + write.index

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        if self.plan.paired:
            # The first channel writes the inner word of a real section in phase 1, that of a pair
            # in phase 2 and its outer word in phase 3; the second channel writes two cycles later.
            same = self.phase[0] == self.phase[1]
            m.d.comb += self.second.eq(Mux(self.inner, same, ~self.phase[1]))
        found = channels(self.plan, self.second)
        firsts = [self._first(m, channel) for channel in found]
        self._read(m, firsts[0])
        writes = [self._write(m, c, first) for c, first in zip(found, firsts, strict=True)]
        m.d.comb += self.write.eq(
            writes[0] if len(writes) == 1 else Mux(self.second, writes[1], writes[0])
        )
        return m

    def _first(self, m: Module, channel: ChainChannel) -> tuple[Value, Value]:
        """Return the addresses of the first outer and inner state of a channel."""
        outers, inners = [f.outer for f in channel.feeds], [f.inner for f in channel.feeds]
        return (
            channel.first(m, self.plan, self.feed, outers, "first_outer"),
            channel.first(m, self.plan, self.feed, inners, "first_inner"),
        )

    def _read(self, m: Module, first: tuple[Value, Value]) -> None:
        """Address the state that is read: each once, in order."""
        outer = Signal.like(self.read, name="outer_read", reset_less=True)
        inner = Signal.like(self.read, name="inner_read", reset_less=True)
        with m.If(self.reads_outer):
            m.d.sync += outer.eq(outer + 1)
        with m.If(self.reads_inner):
            m.d.sync += inner.eq(inner + 1)
        with m.If(self.start):
            m.d.sync += [outer.eq(first[0]), inner.eq(first[1])]
        address = Mux(self.reads_outer, outer, inner)
        m.d.comb += self.read.eq(address)
        if self.plan.paired:
            there = (address + self._distance(m))[: len(self.read)]
            behind = later(m, there, "second_read")
            with m.If(~self.phase[1]):
                m.d.comb += self.read.eq(behind)

    def _distance(self, m: Module) -> Value:
        """Return the address offset from the first channel's states to the second's."""
        sizes = [[len(s) for s in chain.sections if s] for chain in self.plan.chains]
        number = chain_of(m, self.plan, self.running, "second_chain")
        pairs = lookup(m, number, [n.count(2) for n in sizes], "outer_distance")
        every = lookup(m, number, [len(n) for n in sizes], "inner_distance")
        return Mux(self.reads_outer, pairs, every)

    def _write(self, m: Module, channel: ChainChannel, first: tuple[Value, Value]) -> Value:
        """Return the address of the state that a channel writes."""
        outer, inner = (
            Signal.like(self.write, name=f"{channel.prefix}{port}_write", reset_less=True)
            for port in ("outer", "inner")
        )
        with m.If(self.start):
            m.d.sync += [outer.eq(first[0]), inner.eq(first[1])]
        with m.If(channel.of(self.inner)):
            m.d.sync += inner.eq(inner + 1)
        with m.Elif(channel.of(self.outer)):
            m.d.sync += outer.eq(outer + 1)
        return Mux(self.inner, inner, outer)
