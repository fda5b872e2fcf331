"""Proofs that each layer of a pipeline computes what the program defines, in the published cycles.

The definition is that of `lmu_hw.program.interpreter`, written with operators that take Amaranth's
values; functions are tables of the interpreter's own results. `test_definition.py` compares it with
the interpreter for random words.
"""

from __future__ import annotations

from amaranth.hdl import Array, Assume, Cat, Const, Module, Mux, Signal, Value, signed

from lmu_hw.program.fixedpoint import Rounding, round_shift
from lmu_hw.program.integer_program import (
    Argmax,
    Function,
    Linear,
    Operation,
    Pointwise,
    Program,
    Scale,
)
from lmu_hw.program.interpreter import table_of
from lmu_hw.rtl.layers.layer_plan import LayerPlan
from lmu_hw.rtl.layers.layer_stages import GraphSums, RowSums, SumStage, TermSums
from lmu_hw.rtl.layers.word_bus import words_of
from tests.formal.prover import Design, Harness
from tests.formal.requantizing import saturate

WIDE = signed(32)
"""Holds every result of the narrow layers that are proven."""


def results(
    m: Module, program: Program, op: Operation, words: dict[str, list[Value]]
) -> list[Value]:
    """Return what an operation writes, by the definition.

    Parameters
    ----------
    m : Module
        For signals.
    program : Program
    op : Linear, Scale, Pointwise or Argmax
    words : dict
        Words of the vectors that it reads.
    """
    fmt = program.vector(op.writes[0]).fmt
    if isinstance(op, Argmax):
        return [_argmax(m, words[op.source])]
    if isinstance(op, Scale):
        n = len(op.coefs)
        exact = [
            round_shift(word * op.coefs[k % n], op.shifts[k % n], Rounding.RND)
            for k, word in enumerate(words[op.source])
        ]
        return [saturate(_held(m, x, f"exact_{k}"), fmt) for k, x in enumerate(exact)]
    assert isinstance(op, Linear | Pointwise)
    exact = _linear(op, words) if isinstance(op, Linear) else _pointwise(program, op, words)
    found = []
    for k, x in enumerate(exact):
        word = _held(m, x, f"exact_{k}")
        if op.function is not None:
            word = _evaluated(m, op.function, saturate(word, op.function.in_fmt), f"value_{k}")
        found.append(_held(m, saturate(word, fmt), f"expected_{k}"))
    return found


def _linear(op: Linear, words: dict[str, list[Value]]) -> list[Value]:
    found = []
    for channel in range(op.n_channels):
        for row, bias, multiplier, shift in zip(
            op.rows, op.biases, op.multipliers, op.shifts, strict=True
        ):
            total, first = Const(bias, signed(16)), 0
            for name, align in zip(op.sources, op.aligns, strict=True):
                width = len(words[name]) // op.n_channels
                own = words[name][channel * width : (channel + 1) * width]
                for weight, word in zip(row[first : first + width], own, strict=True):
                    total = total + word * (weight << align)
                first += width
            found.append(round_shift(total * multiplier, shift, Rounding.RND))
    return found


def _pointwise(program: Program, op: Pointwise, words: dict[str, list[Value]]) -> list[Value]:
    vector = program.vector
    fracs = [sum(vector(n).fmt.frac_bits for n in term.names) for term in op.terms]
    drop = max(fracs) - op.result_fmt(vector).frac_bits
    found = []
    for k in range(vector(op.target).length):
        total: Value = Const(0, 1)
        for term, frac in zip(op.terms, fracs, strict=True):
            product = words[term.a][k] * (words[term.b][k] if term.b else 1)
            product = product.shift_left(max(fracs) - frac)
            total = total - product if term.minus else total + product
        exact = round_shift(total, drop, Rounding.RND) if drop >= 0 else total.shift_left(-drop)
        found.append(exact)
    return found


def _argmax(m: Module, words: list[Value]) -> Value:
    best, index = words[0], Const(0, 8)
    for k, word in enumerate(words[1:], 1):
        index = Mux(word > best, k, index)
        best = _held(m, Mux(word > best, word, best), f"best_{k}")
    return index


def _evaluated(m: Module, f: Function, word: Value, name: str) -> Value:
    table = Array(Const(int(y), WIDE) for y in table_of(f))
    at = Signal(f.in_fmt.width, name=f"{name}_at")
    m.d.comb += at.eq(word - f.in_fmt.min)
    return _held(m, table[at], name)


def _held(m: Module, value: Value, name: str) -> Value:
    """Return a value as a signal of its own, so that it is not written out again."""
    found = Signal(WIDE, name=name)
    m.d.comb += found.eq(value)
    return found


class LayerComputes(Harness):
    """Stage ``number`` of a pipeline: its words are those of the definition, as long as published.

    Assumes what `LayersInTime` proves: a step starts an interval or more after the one before, and
    its words are there in the cycles in which the stage reads them.
    """

    def __init__(self, design: Design, number: int) -> None:
        super().__init__(design)
        plan = design.plan
        self.plan: LayerPlan = plan if isinstance(plan, LayerPlan) else plan.layers
        self.stage, self.op = self.plan.stages[number], self.plan.program.ops[number]
        self.start = self["start"] if "start" in self.ports else self.free(1, "start")
        names = (
            self.op.sources if isinstance(self.op, Linear)
            else (self.op.source,) if isinstance(self.op, Scale | Argmax) else self.op.reads
        )  # fmt: skip
        self.names = tuple(names)
        stage = self.stage
        self.shown = self.plan.cycles_per_step - stage.target.spread
        # what has no memory shows words as long as it reads them
        sums = stage.sums if isinstance(stage, SumStage) else ()
        self.cycles = max((s.cycles for s in sums), default=self.shown)
        counters = _counters(stage) if isinstance(stage, SumStage) else []
        self.turns = [
            (probe, at, values)
            for path, at, values in counters
            if (probe := self.probe_if_there(path)) is not None
        ]

    def check(self, m: Module) -> None:
        plan, stage = self.plan, self.stage
        interval, latency = plan.cycles_per_step, stage.target.time - stage.begin
        shown = self.shown
        reads = [self[f"read_{k}"].as_unsigned() for k in range(len(self.names))]
        now = Signal(len(Cat(reads)))
        m.d.comb += now.eq(Cat(reads))
        # a bit, and the words, for each cycle before this one
        ago = Signal(latency + shown + 1)
        before = [Signal.like(now, name=f"words_{k}_ago") for k in range(1, latency + 1)]
        started = Cat(self.start, ago)
        m.d.sync += [
            ago.eq(started),
            *(new.eq(old) for new, old in zip(before, [now, *before], strict=False)),
        ]
        m.d.comb += Assume(~self.start | ~ago[: interval - 1].any())
        for k in range(len(ago) - 1):
            self.claim(m, ~ago[k + 1 : k + interval].any(), when=ago[k])
        for cycle in range(2, self.cycles + 1):
            m.d.comb += Assume(~started[cycle] | (now == before[0]))

        expected = Signal(len(self["words"]))
        m.d.comb += expected.eq(self._expected(m, before[-1]))
        kept = Signal.like(expected)
        words = self["words"].as_unsigned()
        with m.If(started[latency + 1]):
            m.d.sync += kept.eq(expected)
        self.claim(m, words == expected, when=started[latency + 1])
        for cycle in range(1, shown):
            self.claim(m, words == kept, when=started[latency + 1 + cycle])
        for probe, at, values in self.turns:
            turn: Value = Const(0, len(probe))
            for k, value in enumerate(values):
                turn = Mux(started[at + k], value, turn)
            self.claim(m, probe == turn)

    def _expected(self, m: Module, reads: Value) -> Value:
        """Return the result for the words that were read."""
        given, low = {}, 0
        for name, vector in zip(self.names, self.stage.operands, strict=True):
            width = vector.fmt.width * vector.length
            given[name] = words_of(reads[low : low + width], vector.fmt, vector.length)
            low += width
        width = self.stage.target.fmt.width
        found = results(m, self.plan.program, self.op, given)
        return Cat(word.as_unsigned()[:width] for word in found)


def _counters(stage: SumStage) -> list[tuple[str, int, list[int]]]:
    """Return the counters of turns: path, cycles from the start to turn 0, value in each turn."""
    found, muxes = [], {}
    for number, sums in enumerate(stage.sums):
        if isinstance(sums, RowSums):
            fold, turns = sums.folded.fold, sums.folded.cycles
            found.append((f"rows_{number}.turn", sums.late, list(range(turns))))
            key = sums.columns[0], fold
            muxes[key] = max(muxes.get(key, 0), turns)
        elif isinstance(sums, TermSums):
            found.append((f"terms_{number}.turn", 1, list(range(len(sums.words)))))
        else:
            assert isinstance(sums, GraphSums)
    for number, ((_, fold), turns) in enumerate(muxes.items()):
        found.append((f"turn_mux_{number}.cycle", 1, list(range(turns))))
        found.append((f"turn_mux_{number}.turn", 1, [q % fold for q in range(turns)]))
    for number, lane in enumerate(stage.lanes):
        turns = list(range(len(lane.turns.turns)))
        first = lane.first - stage.begin
        found.append((f"lane_{number}.turn", first, turns))
        found.append((f"registers.turn_{number}", first + lane.latency + 1, turns))
    return found


class MatrixTimesVector(Harness):
    """A graph of adders gives the rows of a matrix times any words, or minus that.

    The rows are those of the program, not those that the graph was made for.
    """

    def __init__(self, design: Design, number: int) -> None:
        super().__init__(design)
        plan = design.plan if isinstance(design.plan, LayerPlan) else design.plan.layers
        stage, op = plan.stages[number], plan.program.ops[number]
        assert isinstance(op, Linear)
        assert isinstance(stage, SumStage)
        (self.sums,) = stage.sums
        self.stage, self.op = stage, op

    def check(self, m: Module) -> None:
        graph = self.sums.graph
        words: list[Value] = []
        aligns: list[int] = []
        for k, (vector, align) in enumerate(zip(self.stage.operands, self.op.aligns, strict=True)):
            for word in words_of(self[f"read_{k}"], vector.fmt, vector.length):
                held = word
                for cycle in range(graph.latency):
                    late = Signal.like(word, name=f"word_{len(words)}_{cycle}")
                    m.d.sync += late.eq(held)
                    held = late
                words.append(held)
                aligns.append(align)
        age = Signal(range(graph.latency + 1))
        m.d.sync += age.eq(Mux(age == graph.latency, age, age + 1))
        for k, output in enumerate(graph.outputs):
            terms = zip(self.op.rows[self.sums.words[k]], words, aligns, strict=True)
            total = sum((word * (w << align) for w, word, align in terms), Const(0, signed(2)))
            exact = -total if output.minus else total
            self.claim(m, self[f"sum_{k}"] == exact, when=age == graph.latency)
