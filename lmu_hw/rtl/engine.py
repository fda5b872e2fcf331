"""Top level of the design: connects all blocks."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Const, Module, Mux, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..program.integer_program import Program, Role
from ..program.interpreter import Interpreter
from .argmax import ArgmaxUnit
from .banks import Banks
from .chain import ChainUnit
from .chain_input_fifo import ChainInputFifo
from .command import aligns, kinds_of, lane_aligns
from .command_pipeline import CommandPipeline
from .constant_tables import any_of, lookup
from .engine_signals import MemoryInput, Sinks
from .fifo import OutputFifo
from .ladder_unit import LadderUnit
from .lane import Lane
from .lane_widths import LaneWidths, depth_to_clear, payload_shape, widths
from .neuron_unit import NeuronUnit
from .operand_mux import OperandMux
from .polynomial import Polynomial
from .requantizer import Requantizer
from .result_serializer import ResultSerializer
from .schedule import Kind, Schedule, sums_pause
from .sequencer import Sequencer
from .state_port import count_width, state_members
from .state_wiring import add_state_port
from .step_controller import StepController
from .weight_fetch import WeightFetch
from .writeback import Writeback
from .zero_run_counter import ZeroRunCounter


class Engine(wiring.Component):
    """Runs the program stored in the control ROM, one step per set of input words.

    Parameters
    ----------
    program : Program
    plan : Schedule
        Schedule of the same program.
    name : str
        Prefix of the ROM files.

    Members
    -------
    i : In(stream)
        The words of the input vectors in order.
    i_last : In(1)
        With the last word of a step: request an output. Only if the caller decides which steps
        have one.
    o : Out(stream)
        The words of the output vectors in order.
    o_last : Out(1)
        With ``o``: the last word of its step.
    state_command, state_i, state_o, state_o_last
        With a state port: those of `StatePort`.

    Latency: `Schedule.latency`, from the last input word to the last output word. After a reset the
    memories are cleared first, one row a cycle.
    Throughput: one step every `Schedule.cycles_per_step` cycles. Both are exact while the source is
    always valid and the sink always ready.

    Schedule: load the input words, then execute the runs of the control ROM. A step starts only
    when the output FIFO has room for all its words, so it never stalls after its last input word.
    """

    def __init__(self, program: Program, plan: Schedule, name: str = "lmu") -> None:
        self.program, self.plan, self.name = program, plan, name
        members = {
            "i": In(stream.Signature(payload_shape(program.with_role(Role.INPUT)))),
            "o": Out(stream.Signature(payload_shape(program.with_role(Role.OUTPUT)))),
            "o_last": Out(1),
        }
        if program.output_every == 0:
            members["i_last"] = In(1)
        if plan.state_port:
            members |= state_members(plan)
        super().__init__(members)

    @property
    def cycles_per_step(self) -> int:
        """Cycles of a step with an output, without stalls."""
        return self.plan.cycles_per_step

    def model(self, inputs: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the output words of each step, shape (n_steps, n_out)."""
        return Interpreter(self.program).run(inputs[:, None, :])[:, 0, :]

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        plan, sizes = self.plan, widths(self.plan)
        m.submodules.step_controller = StepController(plan, depth_to_clear(plan))
        m.submodules.sequencer = Sequencer(plan, f"{self.name}_control.mem")
        m.submodules.command_pipeline = pipeline = CommandPipeline(plan)
        m.submodules.operand_mux = operands = OperandMux(sizes, plan.lanes, kinds_of(plan))
        m.submodules.fifo = OutputFifo(len(self.o.payload), plan.fifo_depth, plan.n_out)
        self._steps(m)
        self._commands(m)

        found = Sinks()
        if any(run.kind is Kind.EMIT for run in plan.due.runs):
            found.leaving.append((pipeline.operand.emit, operands.word))
        silent: Value = Const(0)
        if plan.feeds:
            silent = self._memories(m, found)
        if plan.jobs:
            self._lanes(m, sizes)
            self._results(m, sizes, silent, found)
        if sizes.index:
            self._argmax(m, sizes)
        if plan.state_port:
            self._state_port(m, found)
        self._lane_memory(m, sizes, found)
        self._outputs(m, found)
        return m

    def _steps(self, m: Module) -> None:
        """Let the step controller accept the inputs and start the sequencer."""
        controller, sequencer = m.submodules.step_controller, m.submodules.sequencer
        fifo = m.submodules.fifo
        m.d.comb += [
            controller.valid.eq(self.i.valid),
            self.i.ready.eq(controller.ready),
            controller.room.eq(fifo.room),
            controller.done.eq(sequencer.done),
            fifo.reserve.eq(controller.start & ~controller.quiet),
            sequencer.start.eq(controller.start),
            sequencer.quiet.eq(controller.quiet),
            sequencer.swap.eq(controller.swap),
        ]
        if self.program.output_every == 0:
            m.d.comb += controller.last.eq(self.i_last)

    def _commands(self, m: Module) -> None:
        """Let the commands select the operands."""
        pipeline, operands = m.submodules.command_pipeline, m.submodules.operand_mux
        issued, word = m.submodules.sequencer.command, pipeline.word
        m.d.comb += [
            getattr(pipeline.command, name).eq(getattr(issued, name))
            for name in issued.signature.members
        ]
        m.d.comb += [
            operands.bank.eq(word.bank),
            operands.across.eq(word.across),
            operands.operand.eq(word.operand),
            operands.factor.eq(word.factor),
            operands.minus.eq(word.minus),
            operands.hold.eq(word.hold),
        ]

    def _memories(self, m: Module, found: Sinks) -> Value:
        """Add the zero-run counters, the chains and the ladders; return the zero-run flag."""
        plan, controller = self.plan, m.submodules.step_controller
        word, operand = m.submodules.operand_mux.word, m.submodules.command_pipeline.operand
        m.submodules.zero_run_counter = zero_runs = ZeroRunCounter(
            [feed.window for feed in plan.feeds],
            len(word),
            count_width(plan) if plan.state_port else 0,
        )
        m.d.comb += [
            zero_runs.word.eq(word),
            zero_runs.index.eq(Mux(controller.clear, controller.clear_address, operand.job)),
            zero_runs.valid.eq(operand.feed),
            zero_runs.clear.eq(controller.clear),
        ]
        source = MemoryInput(
            word=word, feed=operand.job, valid=operand.feed, silent=zero_runs.silent
        )
        if plan.chains:
            self._chain(m, source, found)
        if plan.ladders:
            m.submodules.ladder = ladder = LadderUnit(plan, f"{self.name}_ladder.mem")
            source.drive(m, ladder)
            self._clear(m, ladder)
            if any(ladder.mirrors):
                found.add_mirror("ladder_mirror", ladder)
        return zero_runs.silent

    def _chain(self, m: Module, source: MemoryInput, found: Sinks) -> None:
        """Add the chains, and what their inputs pass before."""
        plan = self.plan
        m.submodules.chain = chain = ChainUnit(plan, f"{self.name}_sections.mem")
        if plan.queued:
            m.submodules.chain_input_fifo = fifo = ChainInputFifo(plan, len(source.word))
            source = source.through(m, fifo)
        if plan.spiking:
            source = source.through(m, self._neurons(m, chain, found))
        source.drive(m, chain)
        self._clear(m, chain)
        if chain.mirrored:
            found.add_mirror("mirror", chain)

    def _neurons(self, m: Module, chain: ChainUnit, found: Sinks) -> NeuronUnit:
        """Add the neurons between the states of the chains and their sections."""
        m.submodules.neurons = neurons = NeuronUnit(
            self.plan, chain.depth, len(chain.z), len(chain.word), f"{self.name}_neurons.mem"
        )
        self._clear(m, neurons)
        m.d.comb += [
            neurons.z.eq(chain.z),
            chain.borrow.eq(neurons.read),
            chain.borrow_address.eq(neurons.read_address),
            chain.store.eq(neurons.store),
            chain.store_address.eq(neurons.store_address),
            chain.sent.eq(neurons.sent),
            chain.residue.eq(neurons.residue),
        ]
        if any(n.spikes in self.plan.places for n in self.plan.spiking):
            place = neurons.spikes_row, neurons.spikes_bank
            found.writes["spikes"] = (neurons.spikes, *place, neurons.spikes_word)
        return neurons

    def _clear(self, m: Module, block: ChainUnit | LadderUnit | NeuronUnit) -> None:
        """Let the step controller clear the memories of a block."""
        controller = m.submodules.step_controller
        m.d.comb += [
            block.clear.eq(controller.clear),
            block.clear_address.eq(controller.clear_address),
        ]

    def _lanes(self, m: Module, sizes: LaneWidths) -> None:
        """Add the lanes, the weights that they multiply with, and the serializer of their sums."""
        plan, pipeline = self.plan, m.submodules.command_pipeline
        operands, product, total = m.submodules.operand_mux, pipeline.product, pipeline.total
        if plan.weights:
            issued = m.submodules.sequencer.command
            file = f"{self.name}_weights.mem"
            m.submodules.weight_fetch = fetch = WeightFetch(plan, sizes.weight, file)
            m.d.comb += [
                fetch.begins.eq(issued.begins),
                fetch.job.eq(issued.job),
                fetch.used.eq(issued.weight),
                operands.weights.eq(fetch.words),
            ]
        gated = [job.gated for job in plan.jobs]
        m.submodules.result_serializer = serializer = ResultSerializer(
            plan.lanes, plan.interval, sizes.total, sizes.base, gated
        )
        pauses = any(sums_pause(listing.runs) for listing in plan.listings)
        for number in range(plan.lanes):
            of_lane = lane_aligns(plan) if number else aligns(plan)
            m.submodules[f"lane_{number}"] = lane = Lane(
                sizes.x, sizes.factor, sizes.total, of_lane, two_sums=plan.two_sums, pauses=pauses
            )
            m.d.comb += [
                lane.x.eq(operands.x[number]),
                lane.factor.eq(operands.factors[number]),
                lane.valid.eq(product.multiply),
                lane.first.eq(product.first),
                lane.swap.eq(product.swap),
                lane.align.eq(product.align),
                serializer.totals[number].eq(lane.total),
            ]
        m.d.comb += [
            serializer.load.eq(total.last),
            serializer.results.eq(total.results),
            serializer.one_row.eq(self._one_row(total)),
            serializer.job.eq(total.job),
            serializer.opens.eq(total.opens),
        ]
        if any(gated):
            m.d.comb += [
                serializer.word.eq(operands.word),
                serializer.keep.eq(pipeline.operand.keep),
                serializer.keep_lane.eq(pipeline.operand.keep_lane),
            ]

    def _one_row(self, total: Any) -> Value:
        """Return whether the lanes hold partial sums of one row."""
        if self.plan.lanes == 1:
            return Const(0)
        partial: Value = total.across & total.weight
        return partial & ~total.scale if Kind.SCALE in kinds_of(self.plan) else partial

    def _results(self, m: Module, sizes: LaneWidths, silent: Value, found: Sinks) -> None:
        """Add the units that round the sums and apply functions."""
        plan, jobs = self.plan, self.plan.jobs
        serializer = m.submodules.result_serializer
        m.submodules.requantizer = requantizer = Requantizer(plan, sizes, f"{self.name}_params.mem")
        gated = lookup(m, serializer.result_job, [int(t.gated) for t in jobs], "gated_result")
        m.d.comb += [
            requantizer.total.eq(serializer.total),
            requantizer.base.eq(serializer.base),
            requantizer.valid.eq(serializer.valid),
            requantizer.job.eq(serializer.result_job),
            requantizer.begins.eq(serializer.begins),
            requantizer.silent.eq(silent & gated),
        ]
        plain = [i for i, t in enumerate(jobs) if t.function is None]
        shaped = [i for i, t in enumerate(jobs) if t.function is not None]
        is_plain = lookup(
            m, requantizer.word_job, [int(t.function is None) for t in jobs], "is_plain"
        )
        if plain:
            valid = requantizer.word_valid & is_plain
            m.submodules.writeback = self._writeback(m, "result", plain, requantizer, valid, found)
        if shaped:
            m.submodules.polynomial = polynomial = Polynomial(
                plan, len(requantizer.word), f"{self.name}_pieces.mem"
            )
            m.d.comb += [
                polynomial.x.eq(requantizer.word),
                polynomial.valid.eq(requantizer.word_valid & ~is_plain),
                polynomial.job.eq(requantizer.word_job),
                polynomial.begins.eq(requantizer.word_begin),
            ]
            m.submodules.function_writeback = self._writeback(
                m, "function_result", shaped, polynomial, polynomial.word_valid, found
            )

    def _writeback(
        self,
        m: Module,
        name: str,
        jobs: list[int],
        source: Requantizer | Polynomial,
        valid: Value,
        found: Sinks,
    ) -> Writeback:
        """Return what gives the words of a unit their addresses."""
        block = Writeback(self.plan, jobs)
        m.d.comb += [
            block.valid.eq(valid),
            block.begins.eq(source.word_begin),
            block.job.eq(source.word_job),
            block.swap.eq(m.submodules.step_controller.swap),
        ]
        found.writes[name] = (block.write, block.row, block.bank, source.word)
        found.leaving.append((block.stream, source.word))
        return block

    def _argmax(self, m: Module, sizes: LaneWidths) -> None:
        """Add the search for the largest word."""
        operands, operand = m.submodules.operand_mux, m.submodules.command_pipeline.operand
        m.submodules.argmax = argmax = ArgmaxUnit(sizes.word, sizes.index)
        m.d.comb += [
            argmax.word.eq(operands.word),
            argmax.valid.eq(operand.compare),
            argmax.first.eq(operand.first),
            operands.index.eq(argmax.index),
        ]

    def _state_port(self, m: Module, found: Sinks) -> None:
        """Add the state port, and connect it with the outside."""
        port = add_state_port(m, self.plan)
        found.writes["load"] = (port.to_lanes, port.row, port.bank, port.word)
        for name in state_members(self.plan):
            inner, outer = getattr(port, name.removeprefix("state_")), getattr(self, name)
            if isinstance(inner, Value):
                m.d.comb += outer.eq(inner)
            else:
                wiring.connect(m, inner, wiring.flipped(outer))

    def _lane_memory(self, m: Module, sizes: LaneWidths, found: Sinks) -> None:
        """Add the lanes' memory, and what writes to it."""
        plan, controller = self.plan, m.submodules.step_controller
        place = controller.row, controller.bank
        found.writes["input"] = (controller.take, *place, self.i.payload)
        m.submodules.memory = memory = Banks(sizes.word, plan.rows, plan.lanes, list(found.writes))
        m.d.comb += [
            memory.read_row.eq(m.submodules.sequencer.command.row),
            memory.clear.eq(controller.clear),
            memory.clear_row.eq(controller.clear_address),
        ]
        for name, (valid, row, bank, word) in found.writes.items():
            writer = getattr(memory, name)
            m.d.comb += [
                writer.valid.eq(valid),
                writer.row.eq(row),
                writer.bank.eq(bank),
                writer.word.eq(word),
            ]
        for own, word in zip(m.submodules.operand_mux.words, memory.words, strict=True):
            m.d.comb += own.eq(word)
        if plan.state_port:
            port = m.submodules.state_port
            if port.has_lanes:
                with m.If(port.busy):
                    m.d.comb += memory.read_row.eq(port.row)

    def _outputs(self, m: Module, found: Sinks) -> None:
        """Let the words that leave pass the FIFO."""
        fifo = m.submodules.fifo
        (_, first), *others = found.leaving
        # the word matters only with a write
        m.d.comb += fifo.word.eq(first)
        for valid, word in others:
            with m.If(valid):
                m.d.comb += fifo.word.eq(word)
        m.d.comb += fifo.write.eq(any_of([valid for valid, _ in found.leaving]))
        wiring.connect(m, fifo.o, wiring.flipped(self.o))
        m.d.comb += self.o_last.eq(fifo.o_last)
