"""Top level of a pipeline of feed-forward layers."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...program.integer_program import Role
from ...program.interpreter import Interpreter
from ..block_memories import Ram
from ..lane_widths import payload_shape
from ..parallel.output_columns import ColumnPart, OutputColumns
from .argmax_tree import ArgmaxTree
from .constant_matrix import ConstantMatrix
from .format_change import FormatChange
from .held_words import HeldVector
from .layer_plan import LayerPlan
from .layer_stages import ArgmaxStage, CopyStage, LayerStage, SumStage
from .piece_function import PieceFunction
from .result_lane import ResultLane
from .result_registers import ResultRegisters
from .row_multipliers import RowMultipliers
from .step_cycles import StepCycles
from .sum_layer import SumLayer
from .term_adder import TermAdder
from .turn_mux import TurnMux

LAYER_BLOCKS: dict[str, type] = {
    "linear_layer": SumLayer,
    "scale_layer": SumLayer,
    "pointwise_layer": SumLayer,
    "copy_layer": FormatChange,
    "argmax_layer": ArgmaxTree,
    "turn_mux": TurnMux,
    "rows": RowMultipliers,
    "matrix": ConstantMatrix,
    "terms": TermAdder,
    "lane": ResultLane,
    "piece_function": PieceFunction,
    "registers": ResultRegisters,
    "output_columns": OutputColumns,
    "column": Ram,
}
"""Class of every module, by instance name without its number."""


class LayerCore(wiring.Component):
    """Feed-forward layers that start a step every few cycles.

    Parameters
    ----------
    plan : LayerPlan

    Members
    -------
    i : In(stream)
        All input words of a step in one transfer, the first one in the lowest bits; each has the
        width of the widest.
    o : Out(stream)
        All words of an output in one transfer, in the same way; narrower words are extended.

    Latency: `LayerPlan.latency`, from the transfer of the inputs to that of the outputs.
    Throughput: one step every `LayerPlan.cycles_per_step` cycles. Both are exact while the source
    is always valid and the sink always ready.

    Schedule: layer after layer, each at fixed cycles of a step. A step starts only when the output
    has room for its words, so it never stalls.
    """

    def __init__(self, plan: LayerPlan) -> None:
        self.plan, program = plan, plan.program
        self.in_shape = payload_shape(program.with_role(Role.INPUT))
        self.out_shape = payload_shape(program.with_role(Role.OUTPUT))
        super().__init__(
            {
                "i": In(stream.Signature(self.in_shape.width * plan.n_in)),
                "o": Out(stream.Signature(self.out_shape.width * plan.n_out)),
            }
        )

    @property
    def cycles_per_step(self) -> int:
        """Cycles of a step, without stalls."""
        return self.plan.cycles_per_step

    @property
    def latency(self) -> int:
        """Cycles from the inputs of a step to its outputs, without stalls."""
        return self.plan.latency

    def model(self, inputs: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the output words, shape (n_steps, n_out), for inputs (n_steps, n_in)."""
        found = Interpreter(self.plan.program).run(inputs[:, None, :])
        return np.asarray(found[:, 0, :])

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        plan = self.plan
        columns = self._columns()
        m.submodules.output_columns = columns
        take = self._pace(m, columns)
        at = StepCycles(m, take, 0, max(vector.time for vector in plan.outputs)).at
        words = self._inputs(m, take)
        for stage in plan.stages:
            block = _block(stage)
            m.submodules[stage.name] = block
            m.d.comb += block.start.eq(at(stage.begin - 1))
            for number, read in enumerate(stage.reads):
                for before, copy in pairwise(read):
                    if copy.name not in words:
                        words[copy.name] = _copied(m, words[before.name], copy, at(copy.time - 1))
                m.d.comb += getattr(block, f"read_{number}").eq(words[read[-1].name])
            words[stage.target.name] = block.words
        for number, vector in enumerate(plan.outputs):
            m.d.comb += [
                getattr(columns, f"words_{number}").eq(words[vector.name]),
                getattr(columns, f"write_{number}").eq(at(vector.time)),
            ]
        wiring.connect(m, columns.o, wiring.flipped(self.o))
        return m

    def _columns(self) -> OutputColumns:
        """Return the output FIFO: a column for each output vector."""
        plan = self.plan
        parts = [
            ColumnPart(column=number, low=k * v.fmt.width, width=v.fmt.width, signed=v.fmt.signed)
            for number, v in enumerate(plan.outputs)
            for k in range(v.length)
        ]
        times = [vector.time for vector in plan.outputs]
        return OutputColumns(
            [v.fmt.width * v.length for v in plan.outputs],
            parts,
            self.out_shape.width,
            plan.fifo_depth,
            times.index(max(times)),
        )

    def _pace(self, m: Module, columns: OutputColumns) -> Signal:
        """Accept a step every `LayerPlan.cycles_per_step` cycles; return when."""
        interval, ready = self.plan.cycles_per_step, columns.room
        take = Signal()
        if interval > 1:
            wait = Signal(range(interval))
            ready = ready & (wait == 0)
            m.d.sync += wait.eq(Mux(take, interval - 1, Mux(wait == 0, 0, wait - 1)))
        m.d.comb += [
            self.i.ready.eq(ready),
            take.eq(self.i.valid & self.i.ready),
            columns.reserve.eq(take),
        ]
        return take

    def _inputs(self, m: Module, take: Value) -> dict[str, Value]:
        """Add the registers of the input words; return them by vector."""
        width, first = self.in_shape.width, 0
        found: dict[str, Value] = {}
        for vector in self.plan.inputs:
            places = [(first + k) * width for k in range(vector.length)]
            words = [self.i.payload[low : low + vector.fmt.width] for low in places]
            kept = Signal(len(Cat(words)), name=vector.name, reset_less=True)
            with m.If(take):
                m.d.sync += kept.eq(Cat(words))
            found[vector.name] = kept
            first += vector.length
        return found


def _copied(m: Module, words: Value, copy: HeldVector, take: Value) -> Value:
    """Return the words in further registers, which keep them for a step."""
    kept = Signal(len(words), name=copy.name, reset_less=True)
    with m.If(take):
        m.d.sync += kept.eq(words)
    return kept


def _block(stage: LayerStage) -> SumLayer | FormatChange | ArgmaxTree:
    """Return the component of a stage."""
    if isinstance(stage, SumStage):
        return SumLayer(stage)
    source = stage.operands[0]
    if isinstance(stage, CopyStage):
        return FormatChange(source.fmt, stage.target.fmt, source.length)
    assert isinstance(stage, ArgmaxStage)
    return ArgmaxTree(source.fmt, source.length, stage.target.fmt.width)
