"""Issues the commands of a cascade phase: two adaptors of neighbouring sections at a time."""

from __future__ import annotations

from collections.abc import Iterator

from amaranth.hdl import Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..program import Cascade
from ..schedule import LATENCY, SECTION_CYCLES, Phase
from .command import Command, Kind
from .row_sequencer import read_input, read_silence


class CascadeSequencer(wiring.Component):
    """Walks a chain of sections in windows of five cycles, for each channel.

    Parameters
    ----------
    op : Cascade
    phase : Phase
    results : tuple of int
        The entries of the table of results for the input, chain and z_inner words.
    address_width, n_results : int
        As in `Command`.

    Members
    -------
    start : In(1)
        The first command is issued in the next cycle.
    silent : In(1)
        The channel's step is silent.
    command : Out(Command)
        All zero while idle.
    again : Out(1)
        The ROMs shall go back to the first words of the phase.
    done : Out(1)
        Last cycle of the phase.

    Latency: 1 cycle from ``start``.
    Throughput: one section every 5 cycles.

    Schedule: window 0 reads the input word and the silence counter. Window k + 1 issues in its
    first cycle section k's adaptor on the chain, and in its second the inner adaptor of section
    k - 1, whose other word has just been rounded. The last window ends there; seven idle cycles
    follow the last channel.
    """

    latency = 1

    def __init__(
        self,
        op: Cascade,
        phase: Phase,
        results: tuple[int, ...],
        address_width: int,
        n_results: int,
    ) -> None:
        self.op, self.phase, self.results = op, phase, results
        super().__init__(
            {
                "start": In(1),
                "silent": In(1),
                "command": Out(Command(address_width, n_results)),
                "again": Out(1),
                "done": Out(1),
            }
        )

    def model(self) -> Iterator[tuple[int, Kind, int]]:
        """Yield (cycle, kind, address) of the adaptors of the first channel, in order."""
        inner = self.phase.sources[-1].base
        outer = self.phase.sources[2].base
        previous = ()
        for k, section in enumerate((*self.op.sections, ())):
            cycle = SECTION_CYCLES * (k + 1)
            if len(section) == 2:
                yield cycle, Kind(Kind.OUTER), outer
                outer += 1
            elif section:
                yield cycle, Kind(Kind.REAL), inner + k
            if len(previous) == 2:
                yield cycle + 1, Kind(Kind.INNER), inner + k - 1
            previous = section

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        op, phase, command = self.op, self.phase, self.command
        n = len(op.sections)

        channel = Signal(range(phase.channels))
        window = Signal(range(n + 2))
        slot = Signal(range(SECTION_CYCLES))
        outer_address = Signal.like(command.address)
        inner_address = Signal.like(command.address)
        # of the section before
        last_inner_address = Signal.like(command.address)
        has_section = Signal()
        is_pair = Signal()
        was_pair = Signal()
        m.d.comb += has_section.eq(window != n + 1)
        m.d.comb += is_pair.eq(self._is_pair(window) & has_section)

        with m.FSM():
            with m.State("IDLE"), m.If(self.start):
                m.d.sync += outer_address.eq(phase.sources[2].base)
                m.d.sync += inner_address.eq(phase.sources[-1].base)
                m.next = "HEAD"
            with m.State("HEAD"):
                with m.Switch(slot):
                    with m.Case(0):
                        m.d.comb += read_input(command, phase, channel, self.results[0])
                    with m.Case(1):
                        m.d.comb += read_silence(command, phase, channel)
                m.d.sync += slot.eq(slot + 1)
                with m.If(slot == SECTION_CYCLES - 1):
                    m.d.sync += [slot.eq(0), window.eq(1), was_pair.eq(0)]
                    m.next = "SECTIONS"
            with m.State("SECTIONS"):
                m.d.comb += [
                    command.first.eq(1),
                    command.last.eq(1),
                    command.keep.eq(1),
                    command.silent.eq(self.silent),
                    command.old.eq(phase.sources[-1].old),
                ]
                with m.Switch(slot):
                    with m.Case(0):
                        m.d.comb += command.valid.eq(has_section)
                        with m.If(is_pair):
                            m.d.comb += self._adaptor(Kind.OUTER, self.results[1], outer_address)
                            m.d.comb += command.old.eq(phase.sources[2].old)
                            m.d.sync += outer_address.eq(outer_address + 1)
                        with m.Else():
                            m.d.comb += self._adaptor(Kind.REAL, self.results[2], inner_address)
                    with m.Case(1):
                        m.d.comb += command.valid.eq(was_pair)
                        m.d.comb += self._adaptor(Kind.INNER, self.results[2], last_inner_address)
                m.d.sync += slot.eq(slot + 1)
                with m.If(slot == SECTION_CYCLES - 1):
                    m.d.sync += [
                        slot.eq(0),
                        window.eq(window + 1),
                        was_pair.eq(is_pair),
                        last_inner_address.eq(inner_address),
                        inner_address.eq(inner_address + 1),
                    ]
                with m.If(~has_section & (slot == 1)):
                    m.d.sync += [slot.eq(0), window.eq(0), channel.eq(channel + 1)]
                    m.d.comb += self.again.eq(channel != phase.channels - 1)
                    m.next = "HEAD"
                    with m.If(channel == phase.channels - 1):
                        m.d.sync += channel.eq(0)
                        m.next = "DRAIN"
            with m.State("DRAIN"):
                idle = Signal(range(LATENCY + 1))
                m.d.sync += idle.eq(idle + 1)
                with m.If(idle == LATENCY):
                    m.d.sync += idle.eq(0)
                    m.d.comb += self.done.eq(1)
                    m.next = "IDLE"
        return m

    def _adaptor(self, kind: Kind, result: int, address: Value) -> list[Value]:
        command = self.command
        return [command.kind.eq(kind), command.result.eq(result), command.address.eq(address)]

    def _is_pair(self, window: Value) -> Value:
        """Return whether the section of a window is a pair; wiring unless the chain is mixed."""
        pairs = [len(section) == 2 for section in self.op.sections]
        if all(pairs) or not any(pairs):
            return Const(pairs[0])
        mask = sum(1 << (k + 1) for k, pair in enumerate(pairs) if pair)
        return Const(mask, len(pairs) + 2).bit_select(window, 1)
