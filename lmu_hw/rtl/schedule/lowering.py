"""Lowering of operations to runs, with their weights and parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...program.fixedpoint import QFormat
from ...program.integer_program import (
    Argmax,
    Cascade,
    DenseUpdate,
    Function,
    Ladder,
    Linear,
    Pointwise,
    Program,
    Role,
    Scale,
    Spiking,
)
from .memory_map import Versions
from .plan import (
    ChainPlan,
    Feed,
    Job,
    Key,
    Kind,
    LadderPlan,
    Mirror,
    NeuronPlan,
    RomRun,
    queued,
)
from .rows import Reading, Rows, Section, SourcePart, by_arrival
from .timing import COUNT, INDEX_GAP, SETTLE, PipelineTiming, functions_of


@dataclass(frozen=True, slots=True, kw_only=True)
class LoweringChoice:
    """Choices of the lowering that change the cycles of a step, not its words.

    Parameters
    ----------
    order : tuple of int
        Indices of the operations in execution order, consistent with their dependencies.
    readings : tuple of Reading
        For each operation, how it reads the states of a chain if it is their first reader.
    """

    order: tuple[int, ...]
    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingJob:
    """A job without a start cycle.

    Parameters
    ----------
    name : str
    op : int or None
        Index of the operation; None for a job that only sends words.
    lazy : bool
        The job is skipped in steps without an output.
    runs : tuple of RomRun
    target : Key or None
        Vector that the results are written to.
    word : int
        Index of the first result in ``target``.
    function : bool
        Results pass through an activation function.
    to_stream : bool
        Results go to the output stream.
    feed : Feed or None
        Feed that the job starts, the first one of a pair.
    """

    name: str
    op: int | None
    lazy: bool
    runs: tuple[RomRun, ...]
    target: Key | None = None
    word: int = 0
    function: bool = False
    to_stream: bool = False
    feed: Feed | None = None


class Lowering:
    """Lowers the operations of a program in the order of a `LoweringChoice`.

    Parameters
    ----------
    program : Program
    versions : Versions
    timing: PipelineTiming
    direct : bool
        Outputs go to the stream as they are computed, not at the end of the step.
    choice : LoweringChoice
    """

    def __init__(
        self,
        program: Program,
        versions: Versions,
        timing: PipelineTiming,
        choice: LoweringChoice,
        *,
        direct: bool,
    ) -> None:
        self.program, self.versions = program, versions
        self.choice, self.direct = choice, direct
        self.rows = Rows(timing)
        self.functions = functions_of(program)
        self.pending: list[PendingJob] = []
        self.jobs: list[Job] = []
        self.feeds: list[Feed] = []
        self.chains: list[ChainPlan] = []
        self.ladders: list[LadderPlan] = []
        self.weights: list[tuple[int, ...]] = []
        self.params: list[tuple[int, int, int]] = []
        self.lengths: dict[Key, int] = {
            (v.name, version): v.length
            for v in program.vectors
            for version in range(versions.final[v.name][1] + 1)
        }
        self.extra: dict[str, int] = {}
        self._read: set[int] = set()

    @property
    def queued(self) -> bool:
        """Whether a FIFO buffers the inputs of several channels for a chain."""
        return queued(self.feeds)

    def lower(self, kept: Sequence[str]) -> None:
        """Lower the program; the outputs in ``kept`` are sent at the end of the step."""
        for index in self.choice.order:
            op = self.program.ops[index]
            if index in self.versions.skipped:
                continue
            if isinstance(op, Cascade | Spiking):
                self._cascade(index, op)
            elif isinstance(op, Ladder):
                self._ladder(index, op)
            elif isinstance(op, DenseUpdate):
                self._dense(index, op)
            elif isinstance(op, Linear):
                self._linear(index, op)
            elif isinstance(op, Scale):
                self._scale(index, op)
            elif isinstance(op, Pointwise):
                self._pointwise(index, op)
            else:
                self._argmax(index, op)
        lazy = self.program.output_every != 1
        for name in kept:
            self._emit(f"emit_{name}", self.versions.final[name], lazy=lazy)

    # rows

    def _linear(self, index: int, op: Linear) -> None:
        reads, made = self.versions.reads[index], self.versions.writes[index]
        weights, params = len(self.weights), len(self.params)
        widths = op.widths(self.program.vector)
        columns = iter(range(sum(widths)))
        parts = [
            SourcePart(
                key=reads[name],
                word=0,
                align=align,
                columns=tuple(next(columns) for _ in range(width)),
            )
            for name, width, align in zip(op.sources, widths, op.aligns, strict=True)
        ]
        # read the words written last at the end
        parts.sort(key=lambda part: self._writer(part.key, index))
        self.params += zip(op.biases, op.multipliers, op.shifts, strict=True)
        chain, reading = self._just_computed(parts), self.choice.readings[index]
        for c in range(op.n_channels):
            moved = [replace(part, word=c * part.width) for part in parts]
            if chain is None or reading is Reading.WHOLE:
                runs, words = self.rows.whole(op.rows, moved)
            else:
                dual_group = reading is Reading.DUAL_GROUP
                runs, words = self.rows.arriving(
                    op.rows, *by_arrival(moved, chain), dual_group=dual_group
                )
            if self._place_weights(words, weights if c else None):
                weights = len(self.weights) - len(words)
            self._add(
                index,
                c,
                runs,
                self._job(
                    index, c, made[op.target], c * len(op.rows), op.function, weights, params
                ),
            )

    def _just_computed(self, parts: Sequence[SourcePart]) -> ChainPlan | None:
        """Return the last chain whose states these parts are the first to read, or None."""
        keys, found = {part.key for part in parts}, None
        for chain in self.chains:
            targets = [mirror.target for mirror in chain.mirrors if mirror is not None]
            if chain.op not in self._read and len(targets) == 2 and keys.issuperset(targets):
                found = chain
            if not keys.isdisjoint(targets):
                self._read.add(chain.op)
        return found

    def _place_weights(self, words: list[tuple[int, ...]], start: int | None) -> bool:
        """Add words to the ROM, unless it already holds them at ``start``."""
        if start is not None and self.weights[start : start + len(words)] == words:
            return False
        self.weights += words
        return True

    def _dense(self, index: int, op: DenseUpdate) -> None:
        vector, versions = self.program.vector, self.versions
        reads, made = versions.reads[index], versions.writes[index]
        source, state = vector(op.source), vector(op.state)
        n, channels = len(op.rows), source.length
        align = state.fmt.frac_bits - source.fmt.frac_bits
        u = reads[op.source]
        if align < 0:
            u = self._rounded_input(index, op)
        rows = tuple((*row, -row[0]) for row in op.rows)
        weights, params = len(self.weights), len(self.params)
        self.params += [(0, 1, shift) for shift in op.shifts]
        for c in range(channels):
            feed = Feed(op=index, channel=c, chain=None, window=op.window)
            name = f"feed_{index}" if channels == 1 else f"feed_{index}_{c}"
            self._feed([feed], reads[op.source], name)
            parts = [
                SourcePart(key=u, word=c, align=max(0, align), columns=(n,)),
                SourcePart(
                    key=reads[op.state], word=c * n, align=0, columns=tuple(range(n)), keep=True
                ),
            ]
            runs, words = self.rows.whole(rows, parts, columns=False)
            if self._place_weights(words, weights if c else None):
                weights = len(self.weights) - len(words)
            job = self._job(index, c, made[op.state], c * n, None, weights, params)
            self._add(index, c, runs, replace(job, gated=True))

    def _rounded_input(self, index: int, op: DenseUpdate) -> Key:
        """Add a job that rounds a dense memory's input to the fractional bits of its state."""
        vector = self.program.vector
        source, state = vector(op.source).fmt, vector(op.state).fmt
        name = f"{op.state}.rounded"
        drop = source.frac_bits - state.frac_bits
        # one extra bit, because rounding up may carry
        fmt = QFormat(max(source.width + (not source.signed) - drop, 1) + 1, 0)
        length = vector(op.source).length
        self.extra[name], self.lengths[name, 1] = length, length
        runs = [
            RomRun(
                kind=Kind.TERM,
                source=self.versions.reads[index][op.source],
                first=True,
                last=True,
            )
        ]
        params = len(self.params)
        self.params.append((0, 1, drop))
        job = Job(
            name=f"round_{index}",
            params=params,
            one_param=True,
            target=(name, 1),
            fmt=fmt,
            out_fmt=fmt,
        )
        self._add(index, 0, self.rows.elements(runs, length), job)
        return name, 1

    # word by word

    def _emit(self, name: str, source: Key, *, lazy: bool) -> None:
        run = RomRun(kind=Kind.EMIT, cycles=self.lengths[source], source=source)
        self.pending.append(PendingJob(name=name, op=None, lazy=lazy, runs=(run,), to_stream=True))

    def _leaves_as_it_is(self, op: Pointwise) -> bool:
        """Return whether an operation only copies words to the output stream."""
        source, target = (self.program.vector(name) for name in (op.terms[0].a, op.target))
        read = any(op.target in other.reads for other in self.program.ops)
        return (
            self.direct
            and op.is_copy
            and target.role is Role.OUTPUT
            and target.fmt == source.fmt
            # an input must not be overwritten by the next step before it is sent
            and source.role is not Role.INPUT
            and not read
        )

    def _pointwise(self, index: int, op: Pointwise) -> None:
        vector, reads = self.program.vector, self.versions.reads[index]
        if self._leaves_as_it_is(op):
            name, lazy = f"emit_{op.target}", self.program.lazy[index]
            self._emit(name, reads[op.terms[0].a], lazy=lazy)
            return
        fracs = [sum(vector(n).fmt.frac_bits for n in term.names) for term in op.terms]
        result = op.result_fmt(vector).frac_bits
        top = max(*fracs, result)
        body: list[RomRun] = []
        for term, frac in zip(op.terms, fracs, strict=True):
            if term.b:
                body.append(RomRun(kind=Kind.HOLD, source=reads[term.a]))
            body.append(
                RomRun(
                    kind=Kind.PRODUCT if term.b else Kind.TERM,
                    source=reads[term.b or term.a],
                    minus=term.minus,
                    align=top - frac,
                )
            )
        sums = [i for i, run in enumerate(body) if run.kind is not Kind.HOLD]
        body[sums[0]] = replace(body[sums[0]], first=True)
        body[-1] = replace(body[-1], last=True)
        length = vector(op.target).length
        params = len(self.params)
        self.params.append((0, 1, top - result))
        made = self.versions.writes[index][op.target]
        job = self._job(index, 0, made, 0, op.function, 0, params)
        self._add(index, 0, self.rows.elements(body, length), replace(job, one_param=True))

    def _scale(self, index: int, op: Scale) -> None:
        lanes, coefs = self.rows.lanes, op.coefs * op.n_channels
        source = self.versions.reads[index][op.source]
        weights, params = len(self.weights), len(self.params)
        for start in range(0, len(coefs), lanes):
            group = coefs[start : start + lanes]
            self.weights.append(group + (0,) * (lanes - len(group)))
        self.params += [(0, 1, shift) for shift in op.shifts * op.n_channels]
        runs = [RomRun(kind=Kind.SCALE, source=source, first=True, last=True)]
        made = self.versions.writes[index][op.target]
        job = self._job(index, 0, made, 0, None, weights, params)
        self._add(index, 0, self.rows.elements(runs, len(coefs)), job)

    def _argmax(self, index: int, op: Argmax) -> None:
        source = self.versions.reads[index][op.source]
        runs = [
            RomRun(kind=Kind.COMPARE, cycles=self.lengths[source], source=source, first=True),
            RomRun(kind=Kind.WAIT, cycles=INDEX_GAP),
            RomRun(kind=Kind.INDEX, first=True, last=True),
        ]
        params = len(self.params)
        self.params.append((0, 1, 0))
        made = self.versions.writes[index][op.target]
        job = self._job(index, 0, made, 0, None, 0, params)
        self._add(index, 0, runs, replace(job, one_param=True))

    # memories

    def _cascade(self, index: int, update: Cascade | Spiking) -> None:
        vector, versions = self.program.vector, self.versions
        op = update.cascade if isinstance(update, Spiking) else update
        sections = _with_gaps(op, paired=vector(op.source).length > 1)
        mirrors: list[Mirror | None] = []
        for name in (op.z_outer, op.z_inner):
            mirrors.append(self._mirror(index, name))
        chain = ChainPlan(
            op=index,
            sections=sections,
            first_section=sum(len(c.sections) for c in self.chains),
            mirrors=(mirrors[0], mirrors[1]),
            neurons=self._neurons(index, update) if isinstance(update, Spiking) else None,
            settle=SETTLE if any(isinstance(o, Spiking) for o in self.program.ops) else 0,
        )
        self.chains.append(chain)
        channels, n = vector(op.source).length, len(op.sections)
        outer = sum(f.states for f in self.feeds if f.chain is not None)
        inner = outer + channels * op.n_pairs
        feeds = [
            Feed(
                op=index,
                channel=c,
                chain=len(self.chains) - 1,
                window=op.window,
                outer=outer + c * op.n_pairs,
                inner=inner + c * n,
                states=op.n_pairs + n,
                paired=c % 2 == 0 and c + 1 < channels,
            )
            for c in range(channels)
        ]
        for c in range(0, channels, 2):
            name = f"{update.kind}_{index}" + ("" if channels == 1 else f"_{c}")
            self._feed(feeds[c : c + 2], versions.reads[index][op.source], name)

    def _neurons(self, index: int, op: Spiking) -> NeuronPlan:
        before = [chain.neurons for chain in self.chains if chain.neurons is not None]
        alike = [(k, o) for k, o in enumerate(self.program.ops) if isinstance(o, Spiking)]
        return NeuronPlan(
            population=op.population,
            states=tuple(
                (s, name != op.cascade.z_inner)
                for s, (name, _) in zip(op.quanta, op.places, strict=True)
            ),
            generators=len(op.seeds),
            first_state=sum(len(n.states) for n in before),
            kept=sum(
                self.program.vector(o.membrane or o.generators).length
                for k, o in alike
                if k < index and bool(o.membrane) == bool(op.membrane)
            ),
            spikes=self.versions.writes[index][op.spikes],
        )

    def _ladder(self, index: int, op: Ladder) -> None:
        order, channels = len(op.sections), self.program.channels(op)
        odd, even = op.sections[1::2], op.sections[0::2]
        ladder = LadderPlan(
            op=index,
            order=order,
            substeps=op.substeps,
            coefs=tuple((e.coef, e.shift) for e in (*reversed(odd), op.reflection, *even)),
            first_section=sum(len(k.coefs) for k in self.ladders),
            mirror=self._mirror(index, op.state),
        )
        self.ladders.append(ladder)
        first = sum(f.states for f in self.feeds if f.ladder is not None)
        source = self.versions.reads[index][op.source]
        for c in range(channels):
            feed = Feed(
                op=index,
                channel=c,
                chain=None,
                window=op.window,
                states=order + bool(op.previous),
                ladder=len(self.ladders) - 1,
                waves=first + c * order,
                previous=first + channels * order + c,
            )
            name = f"ladder_{index}" if channels == 1 else f"ladder_{index}_{c}"
            self._feed([feed], source, name)

    def _mirror(self, index: int, name: str) -> Mirror | None:
        """Return the copy for the lanes of a state vector that an operation updates."""
        fused = self.versions.fused.get((index, name))
        if fused is None:
            return None
        target = self.versions.writes[index][fused.target]
        return Mirror(target=target, fmt=self.program.vector(fused.target).fmt)

    def _feed(self, feeds: Sequence[Feed], source: Key, name: str) -> None:
        runs: list[RomRun] = []
        for feed in feeds:
            if runs:
                runs.append(RomRun(kind=Kind.WAIT, cycles=COUNT - 1))
            runs.append(
                RomRun(kind=Kind.FEED, source=source, word=feed.channel, job=len(self.feeds))
            )
            self.feeds.append(feed)
        lazy = self.program.lazy[feeds[0].op]
        op = feeds[0].op
        self.pending.append(
            PendingJob(name=name, op=op, lazy=lazy, runs=tuple(runs), feed=feeds[0])
        )

    # shared by all operations

    def _job(
        self,
        index: int,
        channel: int,
        target: Key,
        word: int,
        function: Function | None,
        weights: int,
        params: int,
    ) -> Job:
        op, fmt = self.program.ops[index], self.program.vector(target[0]).fmt
        name = f"{op.kind}_{index}"
        is_output = self.program.vector(target[0]).role is Role.OUTPUT
        return Job(
            name=name if self.program.channels(op) == 1 else f"{name}_{channel}",
            weights=weights,
            params=params,
            target=target,
            word=word,
            to_stream=self.direct and is_output,
            fmt=fmt if function is None else function.in_fmt,
            function=None if function is None else self.functions.index(function),
            out_fmt=fmt,
        )

    def _add(self, index: int, channel: int, runs: list[RomRun], job: Job) -> None:
        number = len(self.jobs)
        self.jobs.append(job)
        marked = [replace(run, job=number) for run in runs]
        marked[0] = replace(marked[0], begin=True)
        self.pending.append(
            PendingJob(
                name=job.name,
                op=index,
                lazy=self.program.lazy[index],
                runs=tuple(marked),
                target=job.target,
                word=job.word,
                function=job.function is not None,
                to_stream=job.to_stream,
            )
        )

    def _writer(self, key: Key, index: int) -> int:
        """Return the last operation before ``index`` in the step that writes ``key``; -1: none."""
        before = self.choice.order[: self.choice.order.index(index)]
        made = [k for k, i in enumerate(before) if key in self.versions.writes[i].values()]
        return made[-1] if made and key[1] else -1


def _with_gaps(op: Cascade, *, paired: bool) -> tuple[Section, ...]:
    """Return the coefficients, with empty sections where writes would be out of order.

    A real section finishes before the inner adaptor of the pair in front of it, and, with two
    interleaved channels, in the cycle of the outer one.
    """
    sections: list[Section] = []
    for section in op.sections:
        if len(section) == 1 and sections and len(sections[-1]) == 2:
            sections += [()] * (2 if paired else 1)
        sections.append(tuple((a.coef, a.shift) for a in section))
    return tuple(sections)
