"""A program's hardware as an Amaranth component with complete stream payloads."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Module
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import Out

from ..program.integer_program import Program
from .engine import Engine
from .schedule import Schedule


class Core(wiring.Component):
    """The complete design of a program: `Engine` with ``last`` inside the payloads.

    A FIFO or any other stream component then carries ``last`` along with the word.

    Parameters
    ----------
    program : Program
    plan : Schedule
        Schedule of the same program, from `lmu_hw.rtl.schedule.schedule`.

    Members
    -------
    i : In(stream)
        The words of the input vectors in order. If the caller decides which steps have an output,
        the payload is ``{"data", "last"}``: ``last`` with the last word of a step requests one.
    o : Out(stream of ``{"data", "last"}``)
        The words of the output vectors in order; ``last`` marks the last word of a step.
    state_command : In(stream of StateCommand)
    state_i : In(stream)
    state_o : Out(stream of ``{"data", "last"}``)
        With a state port: commands, state words to load, state words saved.

    Latency: `Schedule.latency`, from the last input word to the last output word.
    Throughput: one step every `Schedule.cycles_per_step` cycles.

    Schedule: that of `Engine`; this block adds wires only.
    """

    def __init__(self, program: Program, plan: Schedule) -> None:
        self.engine = Engine(program, plan)
        members = dict(self.engine.signature.members)
        self.marked = [name for name in members if f"{name}_last" in members]
        for name in self.marked:
            del members[f"{name}_last"]
            word = members[name].signature.members["payload"].shape
            marked = stream.Signature(data.StructLayout({"data": word, "last": 1}))
            members[name] = members[name].flow(marked)
        super().__init__(members)

    @property
    def cycles_per_step(self) -> int:
        """Cycles of a step with an output, without stalls."""
        return self.engine.cycles_per_step

    def model(self, inputs: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the output words of each step, shape (n_steps, n_out)."""
        return self.engine.model(inputs)

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        m.submodules.engine = engine = self.engine
        for name, member in self.signature.members.items():
            inner, outer = getattr(engine, name), getattr(self, name)
            if name not in self.marked:
                wiring.connect(m, inner, wiring.flipped(outer))
                continue
            last = getattr(engine, f"{name}_last")
            source, sink = (inner, outer) if member.flow is Out else (outer, inner)
            m.d.comb += [sink.valid.eq(source.valid), source.ready.eq(sink.ready)]
            if member.flow is Out:
                m.d.comb += [outer.payload.data.eq(inner.payload), outer.payload.last.eq(last)]
            else:
                m.d.comb += [inner.payload.eq(outer.payload.data), last.eq(outer.payload.last)]
        return m
