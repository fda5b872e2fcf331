"""Order of the adaptors of a chain: what the adaptor does in each cycle of a window."""

from __future__ import annotations

from collections.abc import Iterator

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .adaptor import ChainPort
from .chain_channels import chain_of, later, of_started
from .constant_tables import lookup
from .enumerations import member_names
from .schedule import Schedule
from .schedule.timing import CHANNEL_OFFSET, WINDOW
from .section_fetch import SectionWord


class SectionSequencer(wiring.Component):
    """Counts the windows of a chain, and gives the adaptor an operation per cycle.

    Parameters
    ----------
    plan : Schedule
        Must have at least one chain.

    Members
    -------
    valid, feed : In
        Start the chain of ``feed``, if it has one.
    silent : In(1)
        Zero-run flag of the input, also two cycles later for that of a second channel.
    section : In(2)
        From `SectionFetch`: kind of the next section.
    start : Out(1)
        A chain starts.
    second_start : Out(1)
        The input of a second channel is valid.
    phase : Out(range(WINDOW))
        Cycle of the window.
    next : Out(1)
        To `SectionFetch`: go on to the next section.
    reads_outer, reads_inner : Out(1)
        The state of an outer adaptor is read in this cycle; that of an inner or a real one is.
    port : Out(ChainPort)
        Operation of the adaptor.
    round_to_zero : Out(1)
        Zero-run flag of the channel whose results are rounded.

    Latency: 1 cycle from ``valid`` to the first operation.
    Throughput: one section of two interleaved channels every 4 cycles.

    Schedule: windows of 4 cycles. Window 0 rounds the input. Window k + 1 starts the outer (or
    real) adaptor of section k in its first cycle, and the inner adaptor of section k - 1 in its
    second. The last two cycles of a window repeat them for the second channel.
    """

    latency = 1

    def __init__(self, plan: Schedule) -> None:
        self.plan = plan
        sections = [section for chain in plan.chains for section in chain.sections]
        self.has_real = any(len(section) == 1 for section in sections)
        self.has_gaps = not all(sections)
        super().__init__(
            {
                "valid": In(1),
                "feed": In(range(len(plan.feeds))),
                "silent": In(1),
                "section": In(2),
                "start": Out(1),
                "second_start": Out(1),
                "phase": Out(range(WINDOW)),
                "next": Out(1),
                "reads_outer": Out(1),
                "reads_inner": Out(1),
                "port": Out(ChainPort),
                "round_to_zero": Out(1),
            }
        )

    def model(self, chain: int, *, paired: bool) -> dict[int, int]:
        """Return the operation of each cycle, counted from ``valid``; other cycles have none."""
        found = {self.latency: ChainPort.LOAD}
        for cycle, port in self._operations(chain):
            found[self.latency + cycle] = port
        beside = {cycle + CHANNEL_OFFSET: port for cycle, port in found.items()}
        return found | beside if paired else found

    def _operations(self, chain: int) -> Iterator[tuple[int, int]]:
        """Yield the operations of one channel, with their cycles from the first window."""
        for k, section in enumerate(self.plan.chains[chain].sections):
            window = (k + 1) * WINDOW
            yield window, ChainPort.REAL if len(section) == 1 else ChainPort.OUTER
            if len(section) == 2:
                yield window + WINDOW + 1, ChainPort.INNER

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        chains = self.plan.chains
        # windows that follow this one
        left = Signal(range(max(len(c.sections) for c in chains) + 1))
        # section of the next window, valid in the last two cycles of this one
        names = member_names(SectionWord, 2)
        coming = Signal(2, reset_less=True, attrs=names)
        # sections whose outer or real adaptor, and whose inner adaptor, run in this window
        current = Signal(2, attrs=names)
        previous = Signal(2, attrs=names)
        ends = self.phase == WINDOW - 1
        m.d.sync += self.phase.eq(self.phase + 1)
        m.d.sync += coming.eq(Mux(left == 0, 0, self.section))
        with m.If(ends):
            m.d.sync += [current.eq(coming), previous.eq(current)]
            with m.If(left != 0):
                m.d.sync += left.eq(left - 1)
        self._choose_port(m, coming, previous)

        is_chain = [int(f.chain is not None) for f in self.plan.feeds]
        m.d.comb += [
            self.start.eq(self.valid & lookup(m, self.feed, is_chain, "is_chain")),
            self.next.eq(ends & (left > 1)),
        ]
        self._reads(m, coming, current)
        self._second_channel(m)
        number = chain_of(m, self.plan, self.feed, "chain_started")
        with m.If(self.start):
            m.d.sync += [
                self.phase.eq(0),
                self.port.eq(ChainPort.LOAD),
                current.eq(SectionWord.NONE),
                previous.eq(SectionWord.NONE),
                left.eq(lookup(m, number, [len(c.sections) for c in chains], "windows")),
            ]
        return m

    def _choose_port(self, m: Module, coming: Value, previous: Value) -> None:
        """Decode the operation of the next cycle."""
        m.d.sync += self.port.eq(ChainPort.NONE)
        with m.Switch(self.phase):
            with m.Case(WINDOW - 1):
                with m.If(coming == SectionWord.PAIR):
                    m.d.sync += self.port.eq(ChainPort.OUTER)
                with m.Elif((coming == SectionWord.REAL) if self.has_real else 0):
                    m.d.sync += self.port.eq(ChainPort.REAL)
                with m.Elif((coming == SectionWord.HOLD) if self.has_gaps else 0):
                    m.d.sync += self.port.eq(ChainPort.OUTER)
            with m.Case(0), m.If(previous == SectionWord.PAIR):
                m.d.sync += self.port.eq(ChainPort.INNER)

    def _reads(self, m: Module, coming: Value, current: Value) -> None:
        """Say which states are read, two cycles ahead of their adaptors."""
        reads = self.phase == WINDOW - 2
        # the inner adaptor of this window's section runs in the next window
        inner = (self.phase == WINDOW - 1) & (current == SectionWord.PAIR)
        if self.has_real:
            inner |= reads & (coming == SectionWord.REAL)
        m.d.comb += [
            self.reads_outer.eq(reads & (coming == SectionWord.PAIR)),
            self.reads_inner.eq(inner),
        ]

    def _second_channel(self, m: Module) -> None:
        """Repeat the operations for a second channel, in the cycles after the first one's."""
        if not self.plan.paired:
            m.d.comb += self.round_to_zero.eq(self.silent)
            return
        pairs = [int(f.paired) for f in self.plan.feeds]
        paired = of_started(m, self.plan, self.feed, pairs, "paired")
        m.d.comb += self.second_start.eq(
            later(m, self.start & paired, "second_starts", reset_less=False)
        )
        present = Signal(name="second_present")
        first, second = (
            Signal(name=f"{which}_silent", reset_less=True) for which in ("first", "second")
        )
        with m.If(self.start):
            m.d.sync += [present.eq(paired), first.eq(self.silent)]
        with m.If(self.second_start):
            m.d.sync += second.eq(self.silent)
        before = Signal.like(self.port, name="port_before")
        m.d.sync += before.eq(self.port)
        with m.If(self.phase[0] ^ self.phase[1]):
            m.d.sync += self.port.eq(Mux(present, before, ChainPort.NONE))
        # the adaptor reads it two cycles after the operation
        m.d.comb += self.round_to_zero.eq(Mux(self.phase[1], first, second))
