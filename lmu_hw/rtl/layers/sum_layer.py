"""A layer: sums of products, and the lanes that turn the sums into words."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Module, Shape, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...program.integer_program import Operation, Program
from ...program.interpreter import Interpreter
from .constant_matrix import ConstantMatrix
from .layer_stages import Column, GraphSums, RowSums, SumStage, TermSums
from .result_lane import ResultLane
from .result_registers import ResultRegisters
from .row_multipliers import RowMultipliers
from .step_cycles import StepCycles
from .term_adder import TermAdder
from .turn_mux import TurnMux

AtCycle = Callable[[int], Value]
"""Whether a step is in a cycle, counted as in the plan."""


class SumLayer(wiring.Component):
    """Computes an operation of a program for all words of a vector.

    Parameters
    ----------
    stage : SumStage

    Members
    -------
    start : In(1)
        A cycle before the words of a step are there.
    read_0, .. : In(unsigned)
        All words of a vector that it reads, the first one in the lowest bits.
    words : Out(unsigned)
        All words of the result.

    Latency: from the words to the result, `HeldVector.time` of the result less
    `LayerStage.begin`.
    Throughput: one step in the interval of the plan.

    Schedule: sums one after the other from shared multipliers, or all at once from a graph of
    adders; each lane takes the sums of some rows in turn.
    """

    def __init__(self, stage: SumStage) -> None:
        self.stage = stage
        self.latency = stage.target.time - stage.begin
        reads = {f"read_{k}": In(v.fmt.width * v.length) for k, v in enumerate(stage.operands)}
        words = Out(stage.target.fmt.width * stage.target.length)
        super().__init__({"start": In(1), **reads, "words": words})

    def model(
        self, program: Program, op: Operation, words: Mapping[str, npt.NDArray[np.int64]]
    ) -> dict[str, npt.NDArray[np.int64]]:
        """Return what the operation of a program writes."""
        return Interpreter(program).execute(op, words)

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        stage = self.stage
        last = max(lane.first + lane.latency for lane in stage.lanes)
        at = StepCycles(m, self.start, stage.begin - 1, last).at
        sums = self._sums(m, at)
        registers = ResultRegisters(
            [lane.turns for lane in stage.lanes], stage.target.fmt, stage.target.length
        )
        m.submodules.registers = registers
        for number, shape in enumerate(stage.lanes):
            lane = ResultLane(shape)
            m.submodules[f"lane_{number}"] = lane
            m.d.comb += lane.start.eq(at(shape.first - 1))
            m.d.comb += [
                getattr(lane, f"sum_{k}").eq(sums[source])
                for k, source in enumerate(shape.turns.sources)
            ]
            m.d.comb += [
                getattr(registers, f"word_{number}").eq(lane.word),
                getattr(registers, f"start_{number}").eq(at(shape.first + shape.latency)),
            ]
        m.d.comb += self.words.eq(registers.words)
        return m

    def _sums(self, m: Module, at: AtCycle) -> list[Value]:
        """Add what makes the sums; return them, source by source."""
        found: list[Value] = []
        operands: dict[tuple[Column, int], Value] = {}
        for number, sums in enumerate(self.stage.sums):
            if isinstance(sums, RowSums):
                key = sums.columns[0], sums.folded.fold
                if key not in operands:
                    operands[key] = self._operands(m, sums, at, len(operands))
                rows = RowMultipliers(sums)
                m.submodules[f"rows_{number}"] = rows
                m.d.comb += rows.start.eq(at(self.stage.begin - 1 + sums.late))
                m.d.comb += rows.operands.eq(operands[key])
                operands[key] = rows.next_operands
                found.append(rows.sum)
            elif isinstance(sums, GraphSums):
                found += self._matrix(m, sums, number)
            else:
                found.append(self._terms(m, sums, at, number))
        return found

    def _operands(self, m: Module, sums: RowSums, at: AtCycle, number: int) -> Value:
        """Return the operands of the first multipliers that use words in this way."""
        rows = max(
            other.folded.count
            for other in self.stage.sums
            if isinstance(other, RowSums)
            and (other.columns[0], other.folded.fold) == (sums.columns[0], sums.folded.fold)
        )
        vectors, fold = self.stage.operands, sums.folded.fold
        mux = TurnMux(vectors, sums.columns, fold, rows, sums.operand_width)
        m.submodules[f"turn_mux_{number}"] = mux
        m.d.comb += mux.start.eq(at(self.stage.begin))
        self._read(m, mux)
        return mux.operands

    def _matrix(self, m: Module, sums: GraphSums, number: int) -> list[Value]:
        """Add a graph of adders; return its sums."""
        matrix = ConstantMatrix(sums.graph, self.stage.operands, sums.columns)
        m.submodules[f"matrix_{number}"] = matrix
        self._read(m, matrix)
        return [getattr(matrix, f"sum_{k}") for k in range(len(sums.words))]

    def _terms(self, m: Module, sums: TermSums, at: AtCycle, number: int) -> Value:
        """Add what computes terms of single words; return its sum."""
        vectors = self.stage.operands
        shapes = [Shape(v.fmt.width, v.fmt.signed) for v in vectors]
        adder = TermAdder(sums, shapes, vectors[0].length)
        m.submodules[f"terms_{number}"] = adder
        m.d.comb += adder.start.eq(at(self.stage.begin))
        self._read(m, adder)
        return adder.sum

    def _read(self, m: Module, block: TurnMux | ConstantMatrix | TermAdder) -> None:
        """Connect a block that reads the vectors of the layer."""
        for k in range(len(self.stage.operands)):
            m.d.comb += getattr(block, f"read_{k}").eq(getattr(self, f"read_{k}"))
