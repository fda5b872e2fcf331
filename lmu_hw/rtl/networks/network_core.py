"""Top level of a feed-forward network whose layers work beside its memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...program.integer_program import Program, Role
from ...program.interpreter import Interpreter
from ..engine import Engine
from ..fifo import OutputFifo
from ..lane_widths import payload_shape
from ..layers.layer_core import LayerCore
from ..layers.layer_plan import LayerPlan
from ..parallel.parallel_core import parallel_core
from .input_appender import InputAppender
from .network_plan import NetworkPlan


class NetworkCore(wiring.Component):
    """A memory in cascade form, and layers that work on earlier steps meanwhile.

    Parameters
    ----------
    plan : NetworkPlan
    name : str
        Prefix of the ROM files.

    Members
    -------
    i : In(stream)
        The input words, one for each step.
    i_last : In(1)
        With ``i``: an output of this step is wanted. Only if the caller decides which steps have
        one. It must be constant while the word waits.
    o : Out(stream)
        The words of the output vectors in order: one in a transfer if lanes make them; all if a
        pipeline does, the first one in the lowest bits, each with the width of the widest.
    o_last : Out(1)
        With ``o``: the end of the output of a step.
    state_command, state_i, state_o, state_o_last
        With a state port: those of `SignalStatePort`, for one signal.

    Latency: `NetworkPlan.latency`, from an input word to the last word of the output of its step.
    After a reset memory and layers are cleared first.
    Throughput: one step every `NetworkPlan.quiet_cycles` cycles; one whose output is due
    `NetworkPlan.cycles_per_output` cycles after the one before, or later. Both are exact while the
    source is always valid and the sink always ready.

    Schedule: a step passes through the memory; if its output is due, its states are buffered, and
    the layers read them. A step whose output is due waits at the input until the layers are done
    with the one before when it reaches them, so that the buffer stays small.
    """

    def __init__(self, plan: NetworkPlan, name: str = "lmu") -> None:
        self.plan, self.name = plan, name
        program = plan.program
        self.memory = parallel_core(plan.memory)
        self.layers: Engine | LayerCore
        self.out_shape = payload_shape(program.with_role(Role.OUTPUT))
        payload: Any = self.out_shape
        if isinstance(plan.layers, LayerPlan):
            self.layers = LayerCore(plan.layers)
            payload = self.out_shape.width * plan.n_out
        else:
            self.layers = Engine(plan.split.layers, plan.layers, name)
        members = {
            "i": In(stream.Signature(payload_shape(program.with_role(Role.INPUT)))),
            "o": Out(stream.Signature(payload)),
            "o_last": Out(1),
        }
        if program.output_every == 0:
            members["i_last"] = In(1)
        if plan.state_port:
            state = self.memory.signature.members
            members |= {name: state[name] for name in state if name.startswith("state_")}
        super().__init__(members)

    @property
    def cycles_per_step(self) -> int:
        """Cycles of a step, without stalls."""
        return self.plan.cycles_per_step

    @property
    def latency(self) -> int:
        """Cycles from an input word to the last word of the output of its step."""
        return self.plan.latency

    def model(
        self, inputs: npt.NDArray[np.int64], due: npt.NDArray[np.bool_] | None = None
    ) -> npt.NDArray[np.int64]:
        """Return the output words of each step that has one, shape (n_due, n_out)."""
        return Interpreter(self.plan.program).run(inputs[:, None, :], due=due)[:, 0, :]

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        plan = self.plan
        m.submodules.states = memory = self.memory
        m.submodules.layers = layers = self.layers
        due = self._due(m)
        free = self._pace(m, due)
        m.d.comb += [
            memory.i.payload.eq(self.i.payload),
            memory.i.valid.eq(self.i.valid & free),
            self.i.ready.eq(memory.i.ready & free),
        ]
        if plan.memory.gated:
            m.d.comb += memory.due.eq(due)
        if isinstance(layers, LayerCore):
            self._pass_all(m, layers)
        else:
            self._pass_words(m, layers, due)
        wiring.connect(m, layers.o, wiring.flipped(self.o))
        for name in self.signature.members:
            if name == "state_o_last":
                m.d.comb += self.state_o_last.eq(memory.state_o_last)
            elif name.startswith("state_"):
                wiring.connect(m, getattr(memory, name), wiring.flipped(getattr(self, name)))
        return m

    def _pass_words(self, m: Module, layers: Engine, due: Value) -> None:
        """Connect lanes, which take the states of a step and then its input word."""
        plan, memory = self.plan, self.memory
        words = memory.o
        if plan.split.passes_input:
            assert memory.word_shape is not None
            m.submodules.input_appender = appender = InputAppender(
                memory.word_shape, self.i.payload.shape(), plan.input_depth
            )
            m.d.comb += [
                appender.input_word.eq(self.i.payload),
                appender.input_valid.eq(self.i.valid & self.i.ready & due),
                appender.words_last.eq(memory.o_last),
            ]
            wiring.connect(m, memory.o, appender.words)
            words = appender.o
        m.d.comb += [
            layers.i.payload.eq(words.payload),
            layers.i.valid.eq(words.valid),
            words.ready.eq(layers.i.ready),
            self.o_last.eq(layers.o_last),
        ]

    def _pass_all(self, m: Module, layers: LayerCore) -> None:
        """Connect a pipeline, which takes all words of a step at once."""
        plan, memory = self.plan, self.memory
        width, given = layers.in_shape.width, memory.out_shape.width
        places = _places(plan.split.memory)
        words: list[Value] = []
        for name in plan.split.shown:
            for k in places[name]:
                word = memory.o.payload[k * given : (k + 1) * given].as_signed()
                # narrower or wider: the layers use the bits of the word's format
                words.append(_resized(m, word, width, f"state_{len(words)}"))
        valid, ready = memory.o.valid, layers.i.ready
        if plan.split.passes_input:
            m.submodules.inputs = inputs = OutputFifo(len(self.i.payload), plan.input_depth, 1)
            m.d.comb += [
                inputs.word.eq(self.i.payload),
                inputs.write.eq(self.i.valid & self.i.ready),
                inputs.reserve.eq(inputs.write),
                inputs.o.ready.eq(valid & ready),
            ]
            word = Signal(self.i.payload.shape(), name="input_word")
            m.d.comb += word.eq(inputs.o.payload)
            words.append(_resized(m, word, width, "raised_input"))
        m.d.comb += [
            layers.i.payload.eq(Cat(words)),
            layers.i.valid.eq(valid),
            memory.o.ready.eq(ready),
            self.o_last.eq(1),
        ]

    def _due(self, m: Module) -> Value:
        """Return whether the output of the step of the input word is due."""
        every = self.plan.program.output_every
        if every == 0:
            return self.i_last
        if every == 1:
            return Const(1)
        steps = Signal(range(every), name="steps_since_output")
        due = Signal(name="due")
        m.d.comb += due.eq(steps == every - 1)
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += steps.eq(Mux(due, 0, steps + 1))
        return due

    def _pace(self, m: Module, due: Value) -> Value:
        """Return whether a step may start as far as the layers go."""
        if isinstance(self.layers, LayerCore):
            return Const(1)
        cleared = Signal(name="layers_cleared")
        ready, free = Signal(name="layers_ready"), Signal(name="free")
        # no step before the layers have cleared their memory after a reset
        m.d.comb += ready.eq(cleared | self.layers.i.ready)
        m.d.sync += cleared.eq(ready)
        apart = self.plan.cycles_per_output
        if apart == self.plan.memory.cycles_per_step:
            m.d.comb += free.eq(ready)
            return free
        wait = Signal(range(apart), name="cycles_to_output")
        taken = self.i.valid & self.i.ready & due
        m.d.sync += wait.eq(Mux(taken, apart - 1, Mux(wait == 0, 0, wait - 1)))
        m.d.comb += free.eq(ready & (~due | (wait == 0)))
        return free


def _places(memory: Program) -> dict[str, range]:
    """Return the numbers of each output vector's words."""
    found, start = {}, 0
    for v in memory.with_role(Role.OUTPUT):
        found[v.name] = range(start, start + v.length)
        start += v.length
    return found


def _resized(m: Module, word: Value, width: int, name: str) -> Value:
    """Return a word with another width."""
    found = Signal(width, name=name)
    m.d.comb += found.eq(word)
    return found
