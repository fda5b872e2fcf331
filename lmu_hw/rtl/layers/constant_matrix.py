"""A constant matrix times a vector, from adders alone."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Module, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..constant_tables import shape_of
from ..ports import keep_on_reset
from .adder_graph import AdderGraph, GraphAdder
from .held_words import HeldVector
from .layer_stages import Column
from .word_bus import words_at


class ConstantMatrix(wiring.Component):
    """Computes the outputs of an adder graph; those marked ``minus`` are not negated.

    Parameters
    ----------
    graph : AdderGraph
    vectors : sequence of HeldVector
        What it reads.
    columns : sequence of Column
        The words of the graph.

    Members
    -------
    read_0, .. : In(unsigned)
        All words of a vector, the first one in the lowest bits.
    sum_0, .. : Out(signed)
        Sums, one for each row.

    Latency: `AdderGraph.latency` cycles.
    Throughput: one vector per cycle.

    Schedule: `AdderGraph.levels_per_stage` levels of adders between registers; a value that is used
    later is delayed.
    """

    def __init__(
        self, graph: AdderGraph, vectors: Sequence[HeldVector], columns: Sequence[Column]
    ) -> None:
        self.graph, self.latency = graph, graph.latency
        self.vectors, self.columns = tuple(vectors), tuple(columns)
        rows = {}
        for k, output in enumerate(graph.outputs):
            low, high = graph.node_ranges[output.node] if output.node >= 0 else (-1, 0)
            width = shape_of([min(low, -1), max(high, 0)]).width + output.shift
            rows[f"sum_{k}"] = Out(signed(width))
        reads = {f"read_{k}": In(v.fmt.width * v.length) for k, v in enumerate(vectors)}
        super().__init__({**reads, **rows})
        keep_on_reset(self, *rows)

    def model(self, words: Sequence[int]) -> list[int]:
        """Return the sums; those marked ``minus`` have the wrong sign."""
        signs = [-1 if output.minus else 1 for output in self.graph.outputs]
        return [s * x for s, x in zip(signs, self.graph.results(words), strict=True)]

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        graph = self.graph
        # a node's value in a register stage; stage 0 has the words
        words = words_at(self, self.vectors, self.columns)
        found: dict[tuple[int, int], Value] = {(k, 0): word for k, word in enumerate(words)}
        self._inside: dict[int, Value] = {}
        for number, adder in enumerate(graph.adders, len(graph.ranges)):
            self._add(m, found, number, adder)
        for k, output in enumerate(graph.outputs):
            row = getattr(self, f"sum_{k}")
            if output.node >= 0:
                value = self._at(m, found, output.node, self.latency)
                m.d.comb += row.eq(value.shift_left(output.shift))
        return m

    def _add(
        self, m: Module, found: dict[tuple[int, int], Value], number: int, adder: GraphAdder
    ) -> None:
        """Add an adder, and its register if the next level is behind one."""
        graph = self.graph
        stage = graph.stage(number)
        a, b = (self._operand(m, found, node, stage) for node in (adder.a, adder.b))
        a, b = a.shift_left(adder.a_shift), b.shift_left(adder.b_shift)
        total = Signal(shape_of(graph.node_ranges[number]), name=f"node_{number}")
        m.d.comb += total.eq(a - b if adder.minus else a + b)
        self._inside[number] = total
        late = Signal.like(total, name=f"node_{number}_{stage}", reset_less=True)
        m.d.sync += late.eq(total)
        found[number, stage] = late

    def _operand(
        self, m: Module, found: dict[tuple[int, int], Value], node: int, stage: int
    ) -> Value:
        """Return a node as an adder in front of the register of a stage sees it."""
        if node in self._inside and self.graph.stage(node) == stage:
            return self._inside[node]
        return self._at(m, found, node, stage - 1)

    def _at(self, m: Module, found: dict[tuple[int, int], Value], node: int, stage: int) -> Value:
        """Return a node's value behind the register of a stage; delay it as far as needed."""
        if (node, stage) not in found:
            before = self._at(m, found, node, stage - 1)
            late = Signal.like(before, name=f"node_{node}_{stage}", reset_less=True)
            m.d.sync += late.eq(before)
            found[node, stage] = late
        return found[node, stage]
