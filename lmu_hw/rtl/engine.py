"""The whole design: words of a step in, words of a step out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Const, Module, Mux, Shape, Signal, Value, signed, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ..interpreter import Interpreter
from ..program import Cascade, Dense, Program, Role, Vector
from ..schedule import Schedule
from .cascade_sequencer import CascadeSequencer
from .command import Command, Kind, delayed
from .datapath import Datapath
from .fifo import OutputFifo
from .formats import formats
from .memories import Ram, Rom, RomContents
from .row_sequencer import RowSequencer, bank_base
from .silence import SilenceCounter

Sequencer = CascadeSequencer | RowSequencer


class Engine(wiring.Component):
    """Runs the program: a step for each set of input words, phase after phase on one multiplier.

    Parameters
    ----------
    program : Program
    schedule : Schedule
    name : str
        Prefix of the ROM files.

    Members
    -------
    i : In(stream)
        The words of the input vectors, one after the other.
    o : Out(stream)
        The words of the output vectors, one after the other.
    o_last : Out(1)
        With ``o``: the last word of its step.

    Latency: at most ``cycles_per_step`` + 10, from the last input word to the last output word.
    Throughput: one step every ``cycles_per_step`` cycles, exactly, while the source is always valid
    and the sink always ready.

    Schedule: load the input words, then the phases of `lmu_hw.schedule`; from the last input word
    on a step never waits, because it begins only when the output FIFO has room for all its words.
    """

    def __init__(self, program: Program, schedule: Schedule, name: str = "lmu") -> None:
        self.program, self.schedule, self.name = program, schedule, name
        super().__init__(
            {
                "i": In(stream.Signature(payload_shape(program.with_role(Role.INPUT)))),
                "o": Out(stream.Signature(payload_shape(program.with_role(Role.OUTPUT)))),
                "o_last": Out(1),
            }
        )

    @property
    def cycles_per_step(self) -> int:
        """Cycles from step to step without stalls."""
        return self.schedule.cycles_per_step

    def model(self, inputs: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the output words of each step, shape (n_steps, n_out)."""
        return Interpreter(self.program).run(inputs[:, None, :])[:, 0, :]

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        schedule = self.schedule
        f = formats(self.program, schedule)
        n_results = len(f.table.entries)
        address_width = ceil_log2(schedule.memory_depth)

        m.submodules.memory = memory = Ram(schedule.memory_width, schedule.memory_depth)
        m.submodules.datapath = datapath = Datapath(f, address_width)
        m.submodules.fifo = fifo = OutputFifo(
            len(self.o.payload), schedule.fifo_depth, schedule.n_out
        )
        coefs, rows = rom_contents(schedule, self.name)
        m.submodules.coef_rom = coef_rom = Rom(coefs)
        m.submodules.row_rom = row_rom = Rom(rows)

        # step: load the inputs, then one phase after the other
        loading = Signal(init=1)
        loaded = Signal(range(schedule.n_in))
        first_step = Signal(init=1)
        bank = Signal()
        take = Signal()
        start = Signal()
        step_done = Signal()
        m.d.comb += self.i.ready.eq(loading & fifo.room)
        m.d.comb += take.eq(self.i.valid & self.i.ready)
        m.d.comb += start.eq(take & (loaded == schedule.n_in - 1))
        m.d.comb += fifo.reserve.eq(start)
        with m.If(take):
            m.d.sync += loaded.eq(loaded + 1)
        with m.If(start):
            m.d.sync += [loaded.eq(0), loading.eq(0)]
        with m.If(step_done):
            m.d.sync += [loading.eq(1), first_step.eq(0), bank.eq(~bank)]

        # issue: idle sequencers give zeros, so their commands are simply or-ed
        issue = Command(address_width, n_results).flip().create(path=("issue",))
        sequencers = self._sequencers(m, f.table.of_phase, address_width, n_results)
        for member in issue.signature.members:
            words = [Value.cast(getattr(s.command, member)) for s in sequencers]
            m.d.comb += Value.cast(getattr(issue, member)).eq(any_of(words))
        target = Signal(address_width)
        begin = start
        for sequencer in sequencers:
            m.d.comb += sequencer.start.eq(begin)
            begin = sequencer.done
            if isinstance(sequencer, RowSequencer):
                m.d.comb += sequencer.bank.eq(bank)
        m.d.comb += step_done.eq(begin)

        # read: memory and coefficient now, the row's words two stages later
        coef_address = Signal.like(coef_rom.address)
        row_address = Signal.like(row_rom.address)
        row_address_1 = Signal.like(row_address, name="row_address_1")
        row_address_2 = Signal.like(row_address, name="row_address_2")
        multiply = Signal()
        m.d.comb += multiply.eq(issue.valid & (issue.kind != Kind.COPY))
        with m.If(multiply):
            _advance(m, coef_address, len(schedule.coefs))
        with m.If(multiply & issue.last):
            _advance(m, row_address, len(schedule.shifts))
        for phase, sequencer in zip(schedule.phases, sequencers, strict=True):
            if phase.channels > 1 and phase.kind != "copy":
                with m.If(sequencer.again):
                    m.d.sync += coef_address.eq(phase.first_coef)
                    m.d.sync += row_address.eq(phase.first_row)
        m.d.sync += [row_address_1.eq(row_address), row_address_2.eq(row_address_1)]
        m.d.comb += [
            memory.read_address.eq(issue.address),
            coef_rom.address.eq(coef_address),
            row_rom.address.eq(row_address_2),
        ]

        # operand to round: the datapath, beside the command that the word was read for
        word = Signal(signed(schedule.memory_width))
        is_zero = Signal()
        m.d.sync += is_zero.eq(issue.old & first_step)
        operand = delayed(m, issue, "operand")
        for member in issue.signature.members:
            m.d.comb += getattr(datapath.command, member).eq(getattr(operand, member))
        m.d.comb += [
            word.eq(Mux(is_zero, 0, memory.read_word)),
            datapath.word.eq(word),
            datapath.coef.eq(coef_rom.word.as_signed()),
            datapath.shift.eq(row_rom.word[: f.shift_width]),
        ]
        if f.bias_width:
            m.d.comb += datapath.bias.eq(row_rom.word[f.shift_width :].as_signed())

        # write: results, counters and inputs never meet
        with m.If(datapath.a_to_memory & ~datapath.a_in_place | datapath.b_to_memory):
            m.d.sync += target.eq(target + 1)
        for phase, sequencer in zip(schedule.phases, sequencers, strict=True):
            if phase.target:
                with m.If(sequencer.start):
                    m.d.sync += target.eq(bank_base(phase.target, bank))
        with m.If(datapath.a_to_memory):
            m.d.comb += [
                memory.write.eq(1),
                memory.write_address.eq(Mux(datapath.a_in_place, datapath.a_address, target)),
                memory.write_word.eq(datapath.a),
            ]
        with m.Elif(datapath.b_to_memory):
            m.d.comb += [
                memory.write.eq(1),
                memory.write_address.eq(target),
                memory.write_word.eq(datapath.b),
            ]
        with m.If(take):
            m.d.comb += [
                memory.write.eq(1),
                memory.write_address.eq(loaded),
                memory.write_word.eq(self.i.payload),
            ]
        self._silence(m, sequencers, memory, datapath, word)

        m.d.comb += [fifo.word.eq(datapath.a), fifo.write.eq(datapath.a_to_stream)]
        wiring.connect(m, fifo.o, wiring.flipped(self.o))
        m.d.comb += self.o_last.eq(fifo.o_last)
        return m

    def _sequencers(
        self,
        m: Module,
        results: dict[str, tuple[int, ...]],
        address_width: int,
        n_results: int,
    ) -> list[Sequencer]:
        """Add a sequencer for each phase."""
        sequencers: list[Sequencer] = []
        for phase in self.schedule.phases:
            args = (phase, results[phase.name], address_width, n_results)
            op = self.program.ops[phase.op]
            sequencer: Sequencer
            if phase.kind == "cascade" and isinstance(op, Cascade):
                sequencer = CascadeSequencer(op, *args)
            else:
                sequencer = RowSequencer(*args)
            m.submodules[phase.name] = sequencer
            sequencers.append(sequencer)
        return sequencers

    def _silence(
        self, m: Module, sequencers: list[Sequencer], memory: Ram, datapath: Datapath, word: Signal
    ) -> None:
        """Add the silence counter of the memory operation, if there is one."""
        for op in self.program.ops:
            if isinstance(op, Cascade | Dense):
                m.submodules.silence = silence = SilenceCounter(op.window, len(word))
                address = Signal.like(memory.write_address)
                m.d.sync += address.eq(datapath.command.address)
                m.d.comb += [
                    silence.word.eq(word),
                    silence.is_input.eq(datapath.command.is_input),
                    silence.is_count.eq(datapath.command.is_silence),
                ]
                m.d.comb += [s.silent.eq(silence.silent) for s in sequencers]
                with m.If(silence.write):
                    m.d.comb += [
                        memory.write.eq(1),
                        memory.write_address.eq(address),
                        memory.write_word.eq(silence.count),
                    ]


def rom_contents(schedule: Schedule, name: str) -> tuple[RomContents, RomContents]:
    """Return the coefficients, and each row's shift and bias, as ROM words."""
    coef_mask = (1 << schedule.coef_width) - 1
    bias_mask = (1 << schedule.bias_width) - 1
    rows = tuple(
        (shift - schedule.shift_min) | (bias & bias_mask) << schedule.shift_width
        for shift, bias in zip(schedule.shifts, schedule.biases, strict=True)
    )
    return (
        RomContents(
            width=schedule.coef_width,
            words=tuple(c & coef_mask for c in schedule.coefs),
            file=f"{name}_coef.mem",
        ),
        RomContents(
            width=schedule.shift_width + schedule.bias_width, words=rows, file=f"{name}_rows.mem"
        ),
    )


def payload_shape(vectors: tuple[Vector, ...]) -> Shape:
    """Return the shape that holds any word of the vectors."""
    if not any(v.fmt.signed for v in vectors):
        return unsigned(max(v.fmt.width for v in vectors))
    return signed(max(v.fmt.width + (not v.fmt.signed) for v in vectors))


def any_of(words: list[Value]) -> Value:
    """Return the bitwise or of the words."""
    total: Value = Const(0, len(words[0]))
    for word in words:
        total = total | word
    return total


def _advance(m: Module, address: Signal, depth: int) -> None:
    """Go to the next address, or from the last to the first."""
    m.d.sync += address.eq(address + 1)
    with m.If(address == depth - 1):
        m.d.sync += address.eq(0)
