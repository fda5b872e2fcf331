"""What the top levels of `--parallel full` and `--parallel ring` have in common."""

from __future__ import annotations

from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Module, Mux, Shape, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...program.integer_program import Role
from ...program.interpreter import Interpreter
from ..lane_widths import payload_shape
from .cascade_plan import CascadePlan
from .output_columns import OutputColumns
from .signal_state_port import SignalStatePort, command_shape
from .word_columns import WordColumns

Plan = TypeVar("Plan", bound=CascadePlan)


class CascadeCore(wiring.Component, Generic[Plan]):
    """A memory in cascade form whose sections work on several steps at the same time.

    Parameters
    ----------
    plan : CascadePlan
    """

    def __init__(self, plan: Plan) -> None:
        self.plan, program = plan, plan.program
        self.out_shape = payload_shape(program.with_role(Role.OUTPUT))
        shown = plan.delivery.shown if plan.delivery is not None else ()
        self.word_shape: Shape | None = None
        if shown:
            self.word_shape = payload_shape(tuple(map(program.vector, shown)))
        payload = self.word_shape or self.out_shape.width * plan.n_out
        members = {
            "i": In(stream.Signature(payload_shape(program.with_role(Role.INPUT)))),
            "o": Out(stream.Signature(payload)),
            "o_last": Out(1),
        }
        if plan.gated:
            members["due"] = In(1)
        if plan.state_port:
            words = stream.Signature(payload_shape(program.with_role(Role.STATE)))
            members |= {
                "state_command": In(stream.Signature(command_shape(plan.interleave))),
                "state_i": In(words),
                "state_o": Out(words),
                "state_o_last": Out(1),
            }
        super().__init__(members)

    @property
    def cycles_per_step(self) -> int:
        """Cycles of a step, without stalls."""
        return self.plan.cycles_per_step

    @property
    def latency(self) -> int:
        """Cycles from an input word to the output of its step, without stalls."""
        return self.plan.latency

    def model(self, inputs: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the output words of each step, shape (n_steps, n_out).

        ``inputs`` has shape (n_steps, 1), with the steps of all signals in turn.
        """
        signals = self.plan.interleave
        rows = -(-len(inputs) // signals)
        padded = np.zeros((rows * signals, 1), dtype=np.int64)
        padded[: len(inputs)] = inputs
        found = Interpreter(self.plan.program, signals).run(padded.reshape(rows, signals, 1))
        return found.reshape(rows * signals, -1)[: len(inputs)]

    def _take(
        self, m: Module, ready: Value, clearing: Value, columns: OutputColumns | WordColumns
    ) -> Signal:
        """Accept an input word when the design is ready; return when."""
        take = Signal()
        gated = self.plan.gated
        m.d.comb += [
            self.i.ready.eq(ready & (columns.room | ~self.due if gated else columns.room)),
            take.eq(self.i.valid & self.i.ready),
            columns.reserve.eq(take & self.due if gated else take),
        ]
        if self.plan.state_port:
            # cycles until the last state of the steps in the pipeline is written
            left = Signal(range(self.plan.finish + 2))
            m.d.sync += left.eq(Mux(take, self.plan.finish + 1, Mux(left == 0, 0, left - 1)))
            m.d.comb += m.submodules.state_port.empty.eq((left == 0) & ~clearing)
        return take

    def _out(self, m: Module, columns: OutputColumns | WordColumns) -> None:
        """Connect the output."""
        wiring.connect(m, columns.o, wiring.flipped(self.o))
        is_last = columns.o_last if isinstance(columns, WordColumns) else 1
        m.d.comb += self.o_last.eq(is_last)

    def _port(self, m: Module, *, moving: bool) -> SignalStatePort:
        """Add the state port, with its streams."""
        plan, shape = self.plan, Shape.cast(self.state_i.payload.shape())
        port = SignalStatePort(
            plan.program.n_words(Role.STATE), plan.interleave, shape, moving=moving
        )
        m.submodules.state_port = port
        for name in ("command", "i", "o"):
            outer = getattr(self, f"state_{name}")
            wiring.connect(m, getattr(port, name), wiring.flipped(outer))
        m.d.comb += self.state_o_last.eq(port.o_last)
        return port
