"""Top level of the design: connects all blocks."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Const, Module, Mux, Signal, Value, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..program.integer_program import Program, Role
from ..program.interpreter import Interpreter
from .argmax import ArgmaxUnit
from .banks import Banks
from .chain import ChainUnit
from .chain_input_fifo import ChainInputFifo
from .command import aligns, delayed, kinds_of, lane_aligns
from .constant_tables import lookup
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
from .schedule.timing import QUEUE
from .sequencer import Sequencer
from .state_port import StatePort, count_width, state_members
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
        plan = self.plan
        sizes = widths(plan)

        m.submodules.step_controller = controller = StepController(plan, depth_to_clear(plan))
        m.submodules.sequencer = sequencer = Sequencer(plan, f"{self.name}_control.mem")
        m.submodules.memory = memory = Banks(sizes.word, plan.rows, plan.lanes)
        m.submodules.operand_mux = operands = OperandMux(sizes, plan.lanes, kinds_of(plan))
        m.submodules.fifo = fifo = OutputFifo(len(self.o.payload), plan.fifo_depth, plan.n_out)
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

        # the command pipeline, parallel to that of the words
        address = sequencer.command
        stages = [address]
        for name in ("read", "word", "operand", "product", "total"):
            stages.append(delayed(m, stages[-1], name))
        _, _, word, operand, product, total = stages
        # block memories have a long clock-to-output delay, so their words are registered first
        for number, read_word in enumerate(memory.words):
            own = Signal.like(read_word, name=f"word_{number}", reset_less=True)
            m.d.sync += own.eq(read_word)
            m.d.comb += operands.words[number].eq(own)
        m.d.comb += [
            memory.read_row.eq(address.row),
            operands.bank.eq(word.bank),
            operands.across.eq(word.across),
            operands.operand.eq(word.operand),
            operands.factor.eq(word.factor),
            operands.minus.eq(word.minus),
            operands.hold.eq(word.hold),
        ]

        # write ports of the lanes' memory, and of the output FIFO
        writes: list[tuple[Value, Value, Value, Value]] = []
        leaving: list[tuple[Value, Value]] = []
        if any(run.kind.name == "EMIT" for run in plan.due.runs):
            leaving.append((operand.emit, operands.word))
        silent: Value = Signal(name="silent")
        if plan.feeds:
            silent = self._memories(m, controller, operands, operand, writes)
        if plan.jobs:
            if plan.weights:
                m.submodules.weight_fetch = fetch = WeightFetch(
                    plan, sizes.weight, f"{self.name}_weights.mem"
                )
                m.d.comb += [
                    fetch.begins.eq(address.begins),
                    fetch.job.eq(address.job),
                    fetch.used.eq(address.weight),
                    operands.weights.eq(fetch.words),
                ]
            serializer = self._lanes(m, sizes, operands, operand, product, total)
            self._results(m, sizes, serializer, silent, controller.swap, writes, leaving)
        if sizes.index:
            m.submodules.argmax = argmax = ArgmaxUnit(sizes.word, sizes.index)
            m.d.comb += [
                argmax.word.eq(operands.word),
                argmax.valid.eq(operand.compare),
                argmax.first.eq(operand.first),
                operands.index.eq(argmax.index),
            ]

        writes.append((controller.take, controller.row, controller.bank, self.i.payload))
        for valid, row, bank, word in writes:
            with m.If(valid):
                m.d.comb += [
                    memory.write.eq(1),
                    memory.write_row.eq(row),
                    memory.write_bank.eq(bank),
                    memory.write_word.eq(word),
                ]
        with m.If(controller.clear):
            m.d.comb += [
                memory.write.eq(1),
                memory.clear.eq(1),
                memory.write_row.eq(controller.clear_address),
                memory.write_word.eq(0),
            ]
        if plan.state_port:
            self._state_port(m, controller, memory, operands)
        for valid, word in leaving:
            with m.If(valid):
                m.d.comb += [fifo.write.eq(1), fifo.word.eq(word)]
        wiring.connect(m, fifo.o, wiring.flipped(self.o))
        m.d.comb += self.o_last.eq(fifo.o_last)
        return m

    def _memories(
        self,
        m: Module,
        controller: StepController,
        operands: OperandMux,
        operand: SimpleNamespace,
        writes: list[tuple[Value, Value, Value, Value]],
    ) -> Value:
        """Add the zero-run counters, the chains and the ladders; return the zero-run flag."""
        plan = self.plan
        windows = [feed.window for feed in plan.feeds]
        m.submodules.zero_run_counter = zero_runs = ZeroRunCounter(
            windows, len(operands.word), count_width(plan) if plan.state_port else 0
        )
        m.d.comb += [
            zero_runs.word.eq(operands.word),
            zero_runs.index.eq(Mux(controller.clear, controller.clear_address, operand.job)),
            zero_runs.valid.eq(operand.feed),
            zero_runs.clear.eq(controller.clear),
        ]
        if plan.chains:
            m.submodules.chain = chain = ChainUnit(plan, f"{self.name}_sections.mem")
            word, feed = operands.word, operand.job
            valid, silent = operand.feed, zero_runs.silent
            if plan.queued:
                m.submodules.chain_input_fifo = input_fifo = ChainInputFifo(
                    plan, len(operands.word)
                )
                m.d.comb += [
                    input_fifo.word.eq(word),
                    input_fifo.feed.eq(feed),
                    input_fifo.valid.eq(valid),
                    input_fifo.silent.eq(silent),
                ]
                word, feed = input_fifo.next_word, input_fifo.next_feed
                valid, silent = input_fifo.start, input_fifo.next_silent
            if plan.spiking:
                neurons = self._neurons(m, controller, chain, writes)
                m.d.comb += [
                    neurons.word.eq(word),
                    neurons.feed.eq(feed),
                    neurons.valid.eq(valid),
                    neurons.silent.eq(silent),
                ]
                word, feed = neurons.next_word, neurons.next_feed
                valid, silent = neurons.start, neurons.next_silent
            m.d.comb += [
                chain.word.eq(word),
                chain.feed.eq(feed),
                chain.valid.eq(valid),
                chain.silent.eq(silent),
                chain.clear.eq(controller.clear),
                chain.clear_address.eq(controller.clear_address),
            ]
            if chain.mirrored:
                writes.append(
                    (chain.mirror, chain.mirror_row, chain.mirror_bank, chain.mirror_word)
                )
        if plan.ladders:
            m.submodules.ladder = ladder = LadderUnit(plan, f"{self.name}_ladder.mem")
            m.d.comb += [
                ladder.word.eq(operands.word),
                ladder.feed.eq(operand.job),
                ladder.valid.eq(operand.feed),
                ladder.silent.eq(zero_runs.silent),
                ladder.clear.eq(controller.clear),
                ladder.clear_address.eq(controller.clear_address),
            ]
            if any(ladder.mirrors):
                writes.append(
                    (ladder.mirror, ladder.mirror_row, ladder.mirror_bank, ladder.mirror_word)
                )
        return zero_runs.silent

    def _neurons(
        self,
        m: Module,
        controller: StepController,
        chain: ChainUnit,
        writes: list[tuple[Value, Value, Value, Value]],
    ) -> NeuronUnit:
        """Add the neurons between the states of the chains and their sections."""
        m.submodules.neurons = neurons = NeuronUnit(
            self.plan, chain.depth, len(chain.z), len(chain.word), f"{self.name}_neurons.mem"
        )
        m.d.comb += [
            neurons.z.eq(chain.z),
            neurons.clear.eq(controller.clear),
            neurons.clear_address.eq(controller.clear_address),
            chain.borrow.eq(neurons.read),
            chain.borrow_address.eq(neurons.read_address),
            chain.store.eq(neurons.store),
            chain.store_address.eq(neurons.store_address),
            chain.sent.eq(neurons.sent),
            chain.residue.eq(neurons.residue),
        ]
        if any(n.spikes in self.plan.places for n in self.plan.spiking):
            writes.append(
                (
                    neurons.spikes,
                    neurons.spikes_row,
                    neurons.spikes_bank,
                    neurons.spikes_word,
                )
            )
        return neurons

    def _state_port(
        self, m: Module, controller: StepController, memory: Banks, operands: OperandMux
    ) -> None:
        """Add the state port, which owns all memories while it is busy."""
        plan = self.plan
        chain = m.submodules.chain if plan.chains else None
        ladder = m.submodules.ladder if plan.ladders else None
        m.submodules.state_port = port = StatePort(
            plan,
            len(operands.word),
            len(chain.state) if chain is not None else 1,
            len(ladder.state) if ladder is not None else 0,
        )
        for name in state_members(plan):
            inner, outer = getattr(port, name.removeprefix("state_")), getattr(self, name)
            if isinstance(inner, Value):
                m.d.comb += outer.eq(inner)
            else:
                wiring.connect(m, inner, wiring.flipped(outer))
        between: Value = controller.between
        if plan.queued:
            # a step may end while the chain still has the inputs of some channels before it
            behind = Signal(range(QUEUE + 1))
            m.d.sync += behind.eq(Mux(behind == 0, 0, behind - 1))
            with m.If(controller.done):
                m.d.sync += behind.eq(QUEUE)
            between &= behind == 0
        m.d.comb += [
            port.between.eq(between),
            port.swap.eq(controller.swap),
            controller.hold.eq(port.hold),
            controller.erase.eq(port.erase),
            port.lane_word.eq(operands.word),
        ]
        if any(s.place is not None for s in port.segments):
            with m.If(port.busy):
                m.d.comb += [memory.read_row.eq(port.row), operands.bank.eq(port.bank)]
        with m.If(port.to_lanes):
            m.d.comb += [
                memory.write.eq(1),
                memory.write_row.eq(port.row),
                memory.write_bank.eq(port.bank),
                memory.write_word.eq(port.word),
            ]
        if plan.feeds:
            zero_runs = m.submodules.zero_run_counter
            m.d.comb += [
                port.count.eq(zero_runs.count),
                zero_runs.load.eq(port.to_counts),
                zero_runs.load_word.eq(port.word),
            ]
            with m.If(port.busy):
                m.d.comb += zero_runs.index.eq(port.address)
        if chain is not None:
            m.d.comb += [
                port.chain_word.eq(chain.state),
                chain.access.eq(port.busy),
                chain.address.eq(port.address),
                chain.load.eq(port.to_chain),
                chain.load_word.eq(port.word),
            ]
        if ladder is not None:
            m.d.comb += [
                port.ladder_word.eq(ladder.state),
                ladder.access.eq(port.busy),
                ladder.address.eq(port.address),
                ladder.load.eq(port.to_ladder),
                ladder.load_word.eq(port.word),
            ]
        if plan.spiking:
            neurons = m.submodules.neurons
            m.d.comb += [
                port.membrane_word.eq(neurons.membrane),
                port.generator_word.eq(neurons.generator),
                neurons.access.eq(port.busy),
                neurons.address.eq(port.address),
                neurons.load_membrane.eq(port.to_membranes),
                neurons.load_generator.eq(port.to_generators),
                neurons.load_word.eq(port.word),
            ]
        if self.program.clock:
            m.d.comb += [
                port.clock.eq(controller.clock),
                controller.set_clock.eq(port.to_clock),
                controller.clock_word.eq(port.word),
            ]

    def _lanes(
        self,
        m: Module,
        sizes: LaneWidths,
        operands: OperandMux,
        operand: SimpleNamespace,
        product: SimpleNamespace,
        total: SimpleNamespace,
    ) -> ResultSerializer:
        """Add the lanes, and the serializer that takes their sums."""
        plan = self.plan
        m.submodules.result_serializer = serializer = ResultSerializer(
            plan.lanes, plan.interval, sizes.total, sizes.base, len(plan.jobs)
        )
        gated = lookup(m, total.job, [int(t.gated) for t in plan.jobs], "gated_total")
        pauses = any(sums_pause(listing.runs) for listing in plan.listings)
        for number in range(plan.lanes):
            lane = Lane(
                sizes.x,
                sizes.factor,
                sizes.total,
                lane_aligns(plan) if number else aligns(plan),
                two_sums=plan.two_sums,
                pauses=pauses,
            )
            m.submodules[f"lane_{number}"] = lane
            m.d.comb += [
                lane.x.eq(operands.x[number]),
                lane.factor.eq(operands.factors[number]),
                lane.valid.eq(product.multiply),
                lane.first.eq(product.first),
                lane.swap.eq(product.swap),
                lane.align.eq(product.align),
                serializer.totals[number].eq(lane.total),
            ]
            if any(job.gated for job in plan.jobs):
                # the base of a dense memory's sum, held until the sum is complete
                base = Signal(signed(sizes.base), name=f"base_{number}", reset_less=True)
                with m.If(operand.keep & (operand.keep_lane == number)):
                    m.d.sync += base.eq(operands.word)
                m.d.comb += serializer.bases[number].eq(Mux(gated, base, 0))
        one_row: Value = Const(0)
        if plan.lanes > 1:
            one_row = total.across & total.weight
            if Kind.SCALE in kinds_of(plan):
                one_row &= ~total.scale
        m.d.comb += [
            serializer.load.eq(total.last),
            serializer.results.eq(total.results),
            # the lanes hold partial sums of one row
            serializer.one_row.eq(one_row),
            serializer.job.eq(total.job),
            serializer.opens.eq(total.opens),
        ]
        return serializer

    def _results(
        self,
        m: Module,
        sizes: LaneWidths,
        serializer: ResultSerializer,
        silent: Value,
        swap: Value,
        writes: list[tuple[Value, Value, Value, Value]],
        leaving: list[tuple[Value, Value]],
    ) -> None:
        """Add the units that round the sums, apply functions and write the words back."""
        plan, jobs = self.plan, self.plan.jobs
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

        def exit_(name: str, among: list[int], of: Requantizer | Polynomial, valid: Value) -> None:
            there = Writeback(plan, among)
            m.submodules[name] = there
            m.d.comb += [
                there.valid.eq(valid),
                there.begins.eq(of.word_begin),
                there.job.eq(of.word_job),
                there.swap.eq(swap),
            ]
            writes.append((there.write, there.row, there.bank, of.word))
            leaving.append((there.stream, of.word))

        if plain:
            exit_("writeback", plain, requantizer, requantizer.word_valid & is_plain)
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
            exit_("function_writeback", shaped, polynomial, polynomial.word_valid)
