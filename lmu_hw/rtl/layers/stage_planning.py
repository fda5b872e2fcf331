"""Places the operations of a program in a pipeline, one after the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ...errors import ScheduleError
from ...program.integer_program import (
    Argmax,
    Function,
    Linear,
    Operation,
    Pointwise,
    Program,
    Role,
    Scale,
)
from .graph_search import adder_graph
from .held_words import HeldVector, kept_until
from .lane_turns import ExpectedSum, lanes_of
from .layer_stages import (
    ArgmaxStage,
    Column,
    CopyStage,
    GraphSums,
    LayerStage,
    RowSums,
    Sums,
    SumStage,
    TermSums,
    WordTerm,
    argmax_levels,
)
from .result_shape import RowScale, in_step, result_shape
from .row_folding import folded_rows

GRAPH_INTERVAL = 2
"""Up to this interval a matrix is a graph of adders, above it multipliers that rows share."""
COPY_CYCLES = 1
"""Cycles of a change of format."""


class StagePlanner:
    """Places operations in the order of the program.

    Parameters
    ----------
    program : Program
        Without state.
    interval : int
        Cycles between two steps.
    graphs : bool
        Matrices are graphs of adders whatever the interval is.
    """

    def __init__(self, program: Program, interval: int, *, graphs: bool = False) -> None:
        self.program, self.interval = program, interval
        self.graphs = graphs or interval <= GRAPH_INTERVAL
        self.stages: list[LayerStage] = []
        self.inputs = tuple(
            HeldVector(name=v.name, fmt=v.fmt, length=v.length, time=1)
            for v in program.with_role(Role.INPUT)
        )
        self.now = {vector.name: vector for vector in self.inputs}
        self._names = set(self.now)
        for number, op in enumerate(program.ops):
            self.stages.append(self._stage(op, f"{_kind(op)}_layer_{number}"))
            self.now[op.writes[0]] = self.stages[-1].target

    def _stage(self, op: Operation, name: str) -> LayerStage:
        if isinstance(op, Linear):
            return self._linear(op, name)
        if isinstance(op, Scale):
            return self._scale(op, name)
        if isinstance(op, Pointwise):
            return self._copy(op, name) if op.is_copy else self._pointwise(op, name)
        if isinstance(op, Argmax):
            return self._argmax(op, name)
        raise ScheduleError(f"a pipeline of layers must have no state, not an operation {op.kind}")

    def _copy(self, op: Pointwise, name: str) -> LayerStage:
        begin, reads = self._reads(op.reads, 1)
        target = self._passed(op.target, begin, COPY_CYCLES, reads[0][-1])
        return CopyStage(name=name, reads=reads, begin=begin, target=target)

    def _argmax(self, op: Argmax, name: str) -> LayerStage:
        begin, reads = self._reads((op.source,), 1)
        levels = argmax_levels(self.program.vector(op.source).length)
        target = self._passed(op.target, begin, levels, reads[0][-1])
        return ArgmaxStage(name=name, reads=reads, begin=begin, target=target)

    def _passed(self, name: str, begin: int, cycles: int, read: HeldVector) -> HeldVector:
        """Return what a pipeline without a memory makes: it stays as long as what it reads."""
        shown = read.last(self.interval) - begin + 1
        return self._target(name, begin + cycles, self.interval - shown)

    def _linear(self, op: Linear, name: str) -> SumStage:
        vector = self.program.vector
        widths, channels = op.widths(vector), op.n_channels
        rows = tuple(
            tuple(
                weight << align
                for part, align in zip(_parts(row, widths), op.aligns, strict=True)
                for weight in part
            )
            for row in op.rows
        )
        # the bias is added after the multiplication
        biases = zip(op.peaks(vector), op.biases, strict=True)
        peak = max(1, *(peak - abs(bias) for peak, bias in biases))
        sums: list[Sums] = []
        for channel in range(channels):
            columns = tuple(
                (number, channel * width + k)
                for number, width in enumerate(widths)
                for k in range(width)
            )
            sums += self._sums(op, rows, columns, peak, channel * len(rows))
        scales = [
            RowScale(bias=bias, multiplier=multiplier, shift=shift)
            for bias, multiplier, shift in zip(op.biases, op.multipliers, op.shifts, strict=True)
        ] * channels
        return self._sum_stage(op.sources, op.target, op.function, sums, scales, peak, name)

    def _sums(
        self,
        op: Linear,
        rows: tuple[tuple[int, ...], ...],
        columns: tuple[Column, ...],
        peak: int,
        first: int,
    ) -> list[Sums]:
        """Return what computes the rows of a channel, whose first result has this index."""
        formats = [self.program.vector(op.sources[number]).fmt for number, _ in columns]
        if self.graphs:
            graph = adder_graph(rows, tuple((fmt.min, fmt.max) for fmt in formats))
            words = tuple(range(first, first + len(rows)))
            return [
                GraphSums(
                    graph=graph, columns=columns, peak=peak, words=words, interval=self.interval
                )
            ]
        found: list[Sums] = []
        places: Counter[int] = Counter()
        for folded in folded_rows(len(rows), len(columns), self.interval):
            end = folded.first + folded.count
            sums = RowSums(
                folded=folded,
                columns=columns,
                weights=rows[folded.first : end],
                peak=peak,
                words=tuple(range(first + folded.first, first + end)),
                operand_width=max(fmt.width + (not fmt.signed) for fmt in formats),
                place=places[folded.fold],
            )
            places[folded.fold] += 1
            found.append(sums)
        return found

    def _scale(self, op: Scale, name: str) -> SumStage:
        source = self.program.vector(op.source).fmt
        peak = max(-source.min, source.max)
        scales = [
            RowScale(bias=0, multiplier=coef, shift=shift)
            for coef, shift in zip(op.coefs, op.shifts, strict=True)
        ] * op.n_channels
        term = (WordTerm(a=0, b=None, minus=False, align=0),)
        sums = self._term_sums(term, peak, len(scales))
        return self._sum_stage((op.source,), op.target, None, sums, scales, peak, name)

    def _pointwise(self, op: Pointwise, name: str) -> SumStage:
        vector = self.program.vector
        fracs = [sum(vector(n).fmt.frac_bits for n in term.names) for term in op.terms]
        frac = op.result_fmt(vector).frac_bits
        top = max(*fracs, frac)
        terms, peak = [], 0
        for term, own in zip(op.terms, fracs, strict=True):
            sizes = [max(-vector(n).fmt.min, vector(n).fmt.max) for n in term.names]
            peak += sizes[0] * sizes[-1] ** (len(sizes) - 1) << (top - own)
            numbers = [op.reads.index(n) for n in term.names]
            b = numbers[1] if term.b else None
            terms.append(WordTerm(a=numbers[0], b=b, minus=term.minus, align=top - own))
        n = vector(op.target).length
        sums = self._term_sums(tuple(terms), peak, n)
        scales = [RowScale(bias=0, multiplier=1, shift=top - frac)] * n
        return self._sum_stage(op.reads, op.target, op.function, sums, scales, peak, name)

    def _term_sums(self, terms: tuple[WordTerm, ...], peak: int, n: int) -> list[Sums]:
        """Return as many sources as the interval takes for n results."""
        return [
            TermSums(terms=terms, peak=peak, words=tuple(range(k, min(n, k + self.interval))))
            for k in range(0, n, self.interval)
        ]

    def _sum_stage(
        self,
        sources: Sequence[str],
        target: str,
        function: Function | None,
        sums: Sequence[Sums],
        scales: Sequence[RowScale],
        peak: int,
        name: str,
    ) -> SumStage:
        """Place sums and the lanes behind them."""
        begin, reads = self._reads(sources, max(s.cycles for s in sums))
        out = self.program.vector(target).fmt
        expected = _expected(sums, begin)
        signs = _signs(sums)
        shapes = [
            result_shape(
                turns,
                [_signed(scale, signs.get(word, False)) for word, scale in enumerate(scales)],
                peak=peak,
                fmt=out if function is None else function.in_fmt,
                function=function,
                out_fmt=out,
            )
            for turns in lanes_of(expected, self.interval)
        ]
        lanes = in_step(shapes, self.interval)
        times = [time for lane in lanes for time in lane.arrivals]
        held = self._target(target, max(times), max(times) - min(times))
        return SumStage(
            name=name, reads=reads, begin=begin, target=held, sums=tuple(sums), lanes=lanes
        )

    def _reads(
        self, names: Sequence[str], cycles: int
    ) -> tuple[int, tuple[tuple[HeldVector, ...], ...]]:
        """Return when a reader of vectors can begin, and the copies that it needs."""
        vectors = [self.now[name] for name in names]
        begin = max(vector.time for vector in vectors)
        while True:
            kept = [kept_until(v, begin, cycles, self.interval) for v in vectors]
            found = tuple(read for read in kept if read is not None)
            if len(found) == len(kept):
                return begin, found
            begin += 1

    def _target(self, name: str, time: int, spread: int = 0) -> HeldVector:
        """Return the words that a stage writes; a vector that is written again is a new one."""
        vector, unique = self.program.vector(name), name
        while unique in self._names:
            unique += "_again"
        self._names.add(unique)
        return HeldVector(
            name=unique, fmt=vector.fmt, length=vector.length, time=time, spread=spread
        )


def _expected(sums: Sequence[Sums], begin: int) -> list[list[ExpectedSum]]:
    """Return the sums of each source."""
    sources: list[list[ExpectedSum]] = []
    for entry in sums:
        first = len(sources)
        for number, word in enumerate(entry.words):
            release = begin + entry.release(number)
            source = first + (number if isinstance(entry, GraphSums) else 0)
            expected = ExpectedSum(
                source=source, word=word, release=release, deadline=release + entry.shown - 1
            )
            if source == len(sources):
                sources.append([])
            sources[source].append(expected)
    return sources


def _signs(sums: Sequence[Sums]) -> dict[int, bool]:
    """Return for each result of a graph whether its sum has the wrong sign."""
    return {
        word: output.minus
        for entry in sums
        if isinstance(entry, GraphSums)
        for word, output in zip(entry.words, entry.graph.outputs, strict=True)
    }


def _signed(scale: RowScale, minus: bool) -> RowScale:
    """Return the scale of a row whose sum, without the bias, is negated if ``minus``."""
    if not minus:
        return scale
    return RowScale(bias=-scale.bias, multiplier=-scale.multiplier, shift=scale.shift)


def _parts(row: Sequence[int], widths: Sequence[int]) -> list[Sequence[int]]:
    """Return the part of a row for each source."""
    found, start = [], 0
    for width in widths:
        found.append(row[start : start + width])
        start += width
    return found


def _kind(op: Operation) -> str:
    return "copy" if isinstance(op, Pointwise) and op.is_copy else op.kind
