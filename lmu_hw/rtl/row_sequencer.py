"""Issues the commands of a linear, dense or copy phase: words in order, row after row."""

from __future__ import annotations

from dataclasses import replace

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..schedule import LATENCY, SECTION_CYCLES, Access, Phase
from .command import Command, Kind


class RowSequencer(wiring.Component):
    """Walks the sources once for each row, for each channel.

    A copy is one row whose every element is a result of its own. A dense memory begins each channel
    with its input word and silence counter.

    Parameters
    ----------
    phase : Phase
    results : tuple of int
        The phase's entries of the table of results.
    address_width, n_results : int
        As in `Command`.

    Members
    -------
    start : In(1)
        The first command is issued in the next cycle.
    bank : In(1)
        Which bank of the banked vectors the last step wrote.
    silent : In(1)
        The dense memory's step is silent.
    command : Out(Command)
        All zero while idle.
    again : Out(1)
        The ROMs shall go back to the first words of the phase.
    done : Out(1)
        Last cycle of the phase.

    Latency: 1 cycle from ``start``.
    Throughput: one command a cycle.

    Schedule: ``lmu_hw.schedule`` gives the length; ``done`` comes in the last of those cycles.
    """

    latency = 1

    def __init__(
        self, phase: Phase, results: tuple[int, ...], address_width: int, n_results: int
    ) -> None:
        self.phase, self.results = phase, results
        super().__init__(
            {
                "start": In(1),
                "bank": In(1),
                "silent": In(1),
                "command": Out(Command(address_width, n_results)),
                "again": Out(1),
                "done": Out(1),
            }
        )

    def model(self) -> list[list[int]]:
        """Return the addresses read in each row of the first channel, in bank 0."""
        sources = self.phase.sources[2:] if self.phase.kind == "dense" else self.phase.sources
        row = [s.base + s.bank_offset * s.other_bank + i for s in sources for i in range(s.length)]
        return [row] * self.phase.n_rows

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        phase, command = self.phase, self.command
        dense, copy = phase.kind == "dense", phase.kind == "copy"
        sources = _joined(phase.sources[2:] if dense else phase.sources, phase.channels)

        channel = Signal(range(phase.channels))
        row = Signal(range(phase.n_rows))
        source = Signal(range(len(sources)))
        column = Signal(range(max(s.length for s in sources)))
        address = Signal.like(command.address)
        # how far each source's part of this channel is from its first
        skips = [
            Signal.like(address, name=f"skip_{i}") if phase.channels > 1 else None
            for i in range(len(sources))
        ]
        bases = [
            bank_base(s, self.bank) if skip is None else bank_base(s, self.bank) + skip
            for s, skip in zip(sources, skips, strict=True)
        ]

        source_end = Signal()
        row_end = Signal()
        channel_end = Signal()
        finished = Signal()
        m.d.comb += [
            row_end.eq(source_end & (source == len(sources) - 1)),
            channel_end.eq(row_end & (row == phase.n_rows - 1)),
            finished.eq(channel_end & (channel == phase.channels - 1)),
        ]
        after_channel = "HEAD" if dense else "ROWS"
        after_phase = "DRAIN" if phase.target else "IDLE"

        with m.FSM():
            with m.State("IDLE"), m.If(self.start):
                m.d.sync += [skip.eq(0) for skip in skips if skip is not None]
                m.d.sync += address.eq(bank_base(sources[0], self.bank))
                m.next = after_channel
            if dense:
                with m.State("HEAD"):
                    slot = Signal(range(SECTION_CYCLES))
                    with m.Switch(slot):
                        with m.Case(0):
                            m.d.comb += read_input(command, phase, channel, self.results[0])
                        with m.Case(1):
                            m.d.comb += read_silence(command, phase, channel)
                    m.d.sync += slot.eq(slot + 1)
                    with m.If(slot == SECTION_CYCLES - 1):
                        m.d.sync += slot.eq(0)
                        m.next = "ROWS"
            with m.State("ROWS"):
                m.d.comb += [
                    command.valid.eq(1),
                    command.kind.eq(Kind.COPY if copy else Kind.ROW),
                    command.result.eq(self.results[-1]),
                    command.address.eq(address),
                ]
                if copy:
                    m.d.comb += [command.first.eq(1), command.last.eq(1), command.keep.eq(1)]
                else:
                    m.d.comb += command.first.eq((column == 0) & (source == 0))
                    m.d.comb += command.last.eq(row_end)
                if dense:
                    m.d.comb += [
                        command.keep.eq(column == row),
                        command.less_input.eq(column == 0),
                        command.silent.eq(self.silent),
                    ]
                with m.Switch(source):
                    for index, access in enumerate(sources):
                        with m.Case(index):
                            m.d.comb += command.old.eq(access.old)
                            m.d.comb += source_end.eq(column == access.length - 1)

                m.d.sync += [column.eq(column + 1), address.eq(address + 1)]
                with m.If(source_end):
                    m.d.sync += [column.eq(0), source.eq(source + 1)]
                    with m.Switch(source):
                        for index in range(len(sources) - 1):
                            with m.Case(index):
                                m.d.sync += address.eq(bases[index + 1])
                with m.If(row_end):
                    m.d.sync += [source.eq(0), row.eq(row + 1), address.eq(bases[0])]
                with m.If(channel_end):
                    m.d.sync += [row.eq(0), channel.eq(channel + 1)]
                    for access, skip in zip(sources, skips, strict=True):
                        if skip is not None:
                            m.d.sync += skip.eq(skip + access.length)
                    m.d.sync += address.eq(bases[0] + sources[0].length)
                    m.d.comb += self.again.eq(~finished)
                    m.next = after_channel
                with m.If(finished):
                    m.d.sync += channel.eq(0)
                    m.d.comb += self.done.eq(after_phase == "IDLE")
                    m.next = after_phase
            if phase.target:
                with m.State("DRAIN"):
                    idle = Signal(range(LATENCY))
                    m.d.sync += idle.eq(idle + 1)
                    with m.If(idle == LATENCY - 1):
                        m.d.sync += idle.eq(0)
                        m.d.comb += self.done.eq(1)
                        m.next = "IDLE"
        return m


def bank_base(access: Access, bank: Value) -> Value | int:
    """Return the first address of an access, given the bank that the last step wrote."""
    if not access.bank_offset:
        return access.base
    other = access.base + access.bank_offset
    return Mux(bank ^ access.other_bank, other, access.base)


def read_input(command: Command, phase: Phase, channel: Value, result: int) -> list[Value]:
    """Return the statements that read and round a memory's input word."""
    access = phase.sources[0]
    return [
        command.valid.eq(1),
        command.kind.eq(Kind.COPY),
        command.result.eq(result),
        command.address.eq(bank_base(access, 0) + channel),
        command.old.eq(access.old),
        command.first.eq(1),
        command.last.eq(1),
        command.keep.eq(1),
        command.is_input.eq(1),
    ]


def read_silence(command: Command, phase: Phase, channel: Value) -> list[Value]:
    """Return the statements that read a memory's silence counter."""
    access = phase.sources[1]
    return [
        command.address.eq(access.base + channel),
        command.old.eq(access.old),
        command.is_silence.eq(1),
    ]


def _joined(sources: tuple[Access, ...], channels: int) -> list[Access]:
    """Return the sources with neighbours in memory joined into one."""
    joined: list[Access] = []
    for access in sources:
        before = joined[-1] if joined else None
        if (
            before
            and channels == 1
            and before.base + before.length == access.base
            and before.old == access.old
            and not before.bank_offset
            and not access.bank_offset
        ):
            joined[-1] = replace(before, length=before.length + access.length)
        else:
            joined.append(access)
    return joined
