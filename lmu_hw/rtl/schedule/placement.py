"""Placement: each job starts as soon as its operands are written and its units are free."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from .lowering import Lowering, PendingJob
from .placed_job import PlacedJob, UnitBusy
from .plan import BankPlace, ChainPlan, Key, Kind, LadderPlan, Listing, Phase, RomRun
from .timing import (
    CHANNEL_OFFSET,
    COUNT,
    FEED,
    INNER,
    QUEUE,
    SERIALIZE,
    PipelineTiming,
    ladder_cycles,
    ladder_writes,
)
from .walk import formula, length, reads, sums

EMIT = 4
"""Cycles from the issue of a word to the output FIFO."""


@dataclass(slots=True)
class Shape:
    """Events of a job [cycles from its start].

    Attributes
    ----------
    length : int
        Number of cycles.
    reads : dict
        First cycle in which each word is read.
    loads : list of int
        Cycles in which the result serializer loads sums.
    counts : list of int
        Number of results of each load.
    results : list of int
        Cycles in which the result serializer outputs a result.
    writes : dict
        Cycle in which each word of the lanes' memory is written.
    streamed : list of int
        Cycles in which words go to the output FIFO.
    chain, ladder : int
        Number of cycles for which the chain or the ladder is busy.
    fed : int
        Cycle in which the last word for a chain or a zero-run counter is issued.
    """

    length: int
    reads: dict[tuple[Key, int], int]
    loads: list[int] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    results: list[int] = field(default_factory=list)
    writes: dict[tuple[Key, int], int] = field(default_factory=dict)
    streamed: list[int] = field(default_factory=list)
    chain: int = 0
    ladder: int = 0
    fed: int = 0


def shape(
    pending: PendingJob,
    timing: PipelineTiming,
    lengths: dict[Key, int],
    places: dict[Key, BankPlace],
    lowering: Lowering,
) -> Shape:
    """Return the events of a job."""
    found = Shape(length=length(pending.runs), reads=reads(pending.runs, timing.lanes, lengths))
    for s in sums(pending.runs):
        load = s.time + SERIALIZE
        found.loads.append(load)
        found.counts.append(s.results)
        first = load + timing.sum_cycles(one_row=s.one_row)
        found.results += [first + i * timing.interval for i in range(s.results)]
    tail = timing.result_cycles(function=pending.function)
    if pending.target in places:
        assert pending.target is not None
        for i, time in enumerate(found.results):
            found.writes[pending.target, pending.word + i] = time + tail
    if pending.to_stream:
        found.streamed = [time + tail for time in found.results]
        if pending.runs[0].kind is Kind.EMIT:
            found.streamed = [EMIT + i for i in range(found.length)]
    found.fed = found.length - 1 if pending.feed is not None else 0
    if pending.feed is not None and pending.feed.chain is not None:
        _add_chain(found, pending, lowering.chains[pending.feed.chain], places)
    if pending.feed is not None and pending.feed.ladder is not None:
        _add_ladder(found, pending.feed.channel, lowering.ladders[pending.feed.ladder], places)
    return found


def _add_chain(
    found: Shape, pending: PendingJob, chain: ChainPlan, places: dict[Key, BankPlace]
) -> None:
    feed = pending.feed
    assert feed is not None
    pairs = sum(len(s) == 2 for s in chain.sections)
    states = sum(len(s) > 0 for s in chain.sections)
    found.chain = chain.cycles(paired=feed.paired)
    if chain.neurons is not None and chain.neurons.spikes in places:
        for second, cycle in enumerate(chain.neurons.totals(paired=feed.paired)):
            found.writes[chain.neurons.spikes, feed.channel + second] = FEED + cycle
    for write in chain.writes(paired=feed.paired):
        mirror = chain.mirrors[write.port]
        if mirror is not None and mirror.target in places:
            part = states if write.port == INNER else pairs
            for second in range(1 + feed.paired):
                word = (feed.channel + second) * part + write.index
                found.writes[mirror.target, word] = write.cycle + CHANNEL_OFFSET * second


def _add_ladder(
    found: Shape, channel: int, ladder: LadderPlan, places: dict[Key, BankPlace]
) -> None:
    order, mirror = ladder.order, ladder.mirror
    found.ladder = ladder_cycles(order, ladder.substeps)
    if mirror is not None and mirror.target in places:
        for i, cycle in enumerate(ladder_writes(order, ladder.substeps)):
            found.writes[mirror.target, channel * order + i] = cycle


class Placement:
    """Collects the jobs of a step and assigns their start cycles.

    Parameters
    ----------
    timing: PipelineTiming
    n_in : int
        Input words; loading them takes one cycle each before cycle 0.
    queued : bool
        A FIFO buffers the inputs of the chain.
    inputs : set of str
        Input vectors, which the next step overwrites from its first cycle on.
    """

    def __init__(
        self, timing: PipelineTiming, n_in: int, *, queued: bool, inputs: set[str]
    ) -> None:
        self.inputs = inputs
        self._inputs_read = 0
        self.timing, self.n_in, self.queued = timing, n_in, queued
        self._to_chain = FEED + (QUEUE if queued else 0)
        self.now = 0
        self.runs: list[RomRun] = []
        self.phases: list[Phase] = []
        self._placed: list[tuple[PendingJob, Shape, int, int]] = []
        self._written: dict[tuple[Key, int], int] = {}
        self._port: set[int] = set()
        self._serializer_free = self._result_free = self._counter_free = self._chain_free = 0
        self._ladder_free = 0
        self._stream_next = 0
        self._streamed: list[int] = []
        self._gated_until = 0

    def add(self, pending: PendingJob, shape: Shape, *, gated: bool) -> None:
        """Place a job at the earliest possible cycle."""
        start = max(self._soonest(pending, shape))
        while self._port & set(self._writes(shape, start).values()):
            start += 1
        self._append(pending, start)
        written = self._writes(shape, start)
        self._placed.append((pending, shape, start, self._chain_start(shape, start)))
        self._written |= written
        self._port |= set(written.values())
        if shape.loads:
            self._serializer_free = max(start + shape.results[-1] + 1, start + shape.loads[-1] + 1)
            self._result_free = start + shape.results[-1] + self.timing.interval
        if pending.feed is not None:
            self._counter_free = start + shape.fed + COUNT
        if any(name in self.inputs for (name, _), _ in shape.reads):
            # the memory is read one cycle after the issue
            self._inputs_read = self.now + 1
        if shape.chain:
            self._chain_free = self._chain_start(shape, start) + shape.chain
        if shape.ladder:
            self._ladder_free = start + FEED + shape.ladder
        if shape.streamed:
            self._stream_next = start + shape.streamed[-1] + 1
            self._streamed += [start + time for time in shape.streamed]
        if gated:
            self._gated_until = max(written.values(), default=0)

    def finish(self) -> Listing:
        """Return the listing; the step ends when the next one can start."""
        soonest = [
            1,
            self.now,
            max(self._port, default=0) + 1,
            self._serializer_free - SERIALIZE,
            self._result_free - SERIALIZE,
            self._counter_free,
            self._inputs_read,
            self._chain_free - self._to_chain,
            self._ladder_free - FEED,
            self._stream_next - (self._streamed or [0])[0] - self.n_in,
        ]
        end = max(soonest)
        if end > self.now:
            wait = end - self.now
            self.runs.append(RomRun(kind=Kind.WAIT, cycles=wait))
            self.phases.append(Phase(name="drain", start=self.now, length=wait, formula=str(wait)))
        self.runs[-1] = replace(self.runs[-1], end=True)
        cycles = self.n_in + end
        terms = [str(self.n_in), *(p.formula for p in self.phases)]
        return Listing(
            runs=tuple(self.runs),
            phases=tuple(self.phases),
            streamed=tuple(self._streamed),
            placed=tuple(self._placed_job(*job) for job in self._placed),
            cycles=cycles,
            formula=f"{' + '.join(terms)} = {cycles}",
        )

    def _placed_job(
        self, pending: PendingJob, shape: Shape, start: int, chain_start: int
    ) -> PlacedJob:
        unit = None
        if shape.chain:
            unit = UnitBusy(False, chain_start, shape.chain, pending.runs[0].job)
        if shape.ladder:
            unit = UnitBusy(True, start + FEED, shape.ladder, pending.runs[0].job)
        late = chain_start - FEED if shape.chain else start
        return PlacedJob(
            name=pending.name,
            op=pending.op,
            start=start,
            length=shape.length,
            job=pending.runs[0].job if pending.target else None,
            loads=tuple((start + t, n) for t, n in zip(shape.loads, shape.counts, strict=True)),
            results=tuple(start + t for t in shape.results),
            writes=tuple(sorted(late + t for t in shape.writes.values())),
            streamed=tuple(start + t for t in shape.streamed),
            unit=unit,
        )

    def _soonest(self, pending: PendingJob, shape: Shape) -> Iterator[int]:
        yield self.now
        for word, t in shape.reads.items():
            if word in self._written:
                yield self._written[word] - t
        if shape.loads:
            yield self._serializer_free - shape.loads[0]
            yield self._result_free - shape.results[0]
        if pending.feed is not None:
            yield max(self._counter_free, self._gated_until - FEED)
            if not self.queued:
                # without the FIFO the chain uses the zero-run flag until it is done
                yield self._chain_free - FEED
        if shape.ladder:
            yield self._ladder_free - FEED
        if shape.streamed:
            yield self._stream_next - shape.streamed[0]

    def _writes(self, shape: Shape, start: int) -> dict[tuple[Key, int], int]:
        """Return the write cycles of the lanes' words for a job that starts at ``start``."""
        if shape.chain:
            start = self._chain_start(shape, start) - FEED
        return {word: start + t for word, t in shape.writes.items()}

    def _chain_start(self, shape: Shape, start: int) -> int:
        """Return the start cycle of the chain for a job that starts at ``start``."""
        return max(start + shape.fed + self._to_chain, self._chain_free)

    def _append(self, pending: PendingJob, start: int) -> None:
        wait, cycles = start - self.now, length(pending.runs)
        terms = formula(pending.runs)
        if wait:
            self.runs.append(RomRun(kind=Kind.WAIT, cycles=wait))
            terms = f"{wait} + {terms}"
        self.runs += pending.runs
        self.phases.append(
            Phase(name=pending.name, start=self.now, length=wait + cycles, formula=terms, wait=wait)
        )
        self.now = start + cycles
