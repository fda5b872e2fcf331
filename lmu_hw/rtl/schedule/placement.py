"""Every job gets its time: the soonest at which nothing that it needs is missing or busy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from .lowering import PendingJob
from .plan import BankPlace, ChainPlan, Key, Kind, Listing, Phase, RomRun
from .timing import BESIDE, COUNT, DRAIN, FEED, INNER, QUEUE, Pace, chain_cycles, chain_writes
from .walk import formula, length, reads, sums

EMIT = 4
"""Cycles from the issue of a word to the output stream."""


@dataclass(slots=True)
class Shape:
    """A draft's events, counted from its first cycle.

    Attributes
    ----------
    length : int
    reads : dict
        First cycle in which each word is read.
    loads : list of int
        When sums move to the drain.
    results : list of int
        When the drain hands a result over.
    writes : dict
        When each word that lanes can read is written.
    streamed : list of int
        When words go to the output stream.
    chain : int
        Cycles for which a chain is busy.
    fed : int
        When the last word for it, or for a silence counter, is issued.
    """

    length: int
    reads: dict[tuple[Key, int], int]
    loads: list[int] = field(default_factory=list)
    results: list[int] = field(default_factory=list)
    writes: dict[tuple[Key, int], int] = field(default_factory=dict)
    streamed: list[int] = field(default_factory=list)
    chain: int = 0
    fed: int = 0


def shape(
    draft: PendingJob,
    pace: Pace,
    lengths: dict[Key, int],
    places: dict[Key, BankPlace],
    chains: Sequence[ChainPlan],
) -> Shape:
    """Return the events of a draft."""
    found = Shape(length=length(draft.runs), reads=reads(draft.runs, pace.lanes, lengths))
    for s in sums(draft.runs):
        load = s.time + DRAIN
        found.loads.append(load)
        first = load + pace.sum_cycles(one_row=s.one_row)
        found.results += [first + i * pace.interval for i in range(s.results)]
    tail = pace.result_cycles(function=draft.function)
    if draft.target in places:
        assert draft.target is not None
        for i, time in enumerate(found.results):
            found.writes[draft.target, draft.word + i] = time + tail
    if draft.to_stream:
        found.streamed = [time + tail for time in found.results]
        if draft.runs[0].kind is Kind.EMIT:
            found.streamed = [EMIT + i for i in range(found.length)]
    found.fed = found.length - 1 if draft.feed is not None else 0
    if draft.feed is not None and draft.feed.chain is not None:
        _add_chain(found, draft, chains[draft.feed.chain], places)
    return found


def _add_chain(
    found: Shape, draft: PendingJob, chain: ChainPlan, places: dict[Key, BankPlace]
) -> None:
    feed = draft.feed
    assert feed is not None
    pairs = sum(len(s) == 2 for s in chain.sections)
    states = sum(len(s) > 0 for s in chain.sections)
    found.chain = chain_cycles(chain.sections, paired=feed.paired)
    for write in chain_writes(chain.sections):
        mirror = chain.mirrors[write.port]
        if mirror is not None and mirror.target in places:
            part = states if write.port == INNER else pairs
            for beside in range(1 + feed.paired):
                word = (feed.channel + beside) * part + write.index
                found.writes[mirror.target, word] = write.cycle + BESIDE * beside


class Placement:
    """A step under construction.

    Parameters
    ----------
    pace : Pace
    n_in : int
        Input words, each a cycle before the first.
    queued : bool
        Inputs queue for the chain.
    inputs : set of str
        Vectors that the next step writes from its first cycle on.
    """

    def __init__(self, pace: Pace, n_in: int, *, queued: bool, inputs: set[str]) -> None:
        self.inputs = inputs
        self._inputs_read = 0
        self.pace, self.n_in, self.queued = pace, n_in, queued
        self._to_chain = FEED + (QUEUE if queued else 0)
        self.now = 0
        self.runs: list[RomRun] = []
        self.phases: list[Phase] = []
        self._written: dict[tuple[Key, int], int] = {}
        self._port: set[int] = set()
        self._drain_free = self._result_free = self._counter_free = self._chain_free = 0
        self._stream_next = 0
        self._streamed: list[int] = []
        self._gated_until = 0

    def add(self, draft: PendingJob, shape: Shape, *, gated: bool) -> None:
        """Place a draft as soon as may be."""
        start = max(self._soonest(draft, shape))
        while self._port & set(self._writes(shape, start).values()):
            start += 1
        self._append(draft, start)
        written = self._writes(shape, start)
        self._written |= written
        self._port |= set(written.values())
        if shape.loads:
            self._drain_free = max(start + shape.results[-1] + 1, start + shape.loads[-1] + 1)
            self._result_free = start + shape.results[-1] + self.pace.interval
        if draft.feed is not None:
            self._counter_free = start + shape.fed + COUNT
        if any(name in self.inputs for (name, _), _ in shape.reads):
            # a word is read one cycle after its issue
            self._inputs_read = self.now + 1
        if shape.chain:
            self._chain_free = self._chain_start(shape, start) + shape.chain
        if shape.streamed:
            self._stream_next = start + shape.streamed[-1] + 1
            self._streamed += [start + time for time in shape.streamed]
        if gated:
            self._gated_until = max(written.values(), default=0)

    def finish(self) -> Listing:
        """Return the listing: a step ends when the next one can begin."""
        soonest = [
            1,
            self.now,
            max(self._port, default=0) + 1,
            self._drain_free - DRAIN,
            self._result_free - DRAIN,
            self._counter_free,
            self._inputs_read,
            self._chain_free - self._to_chain,
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
            cycles=cycles,
            formula=f"{' + '.join(terms)} = {cycles}",
        )

    def _soonest(self, draft: PendingJob, shape: Shape) -> Iterator[int]:
        yield self.now
        for word, t in shape.reads.items():
            if word in self._written:
                yield self._written[word] - t
        if shape.loads:
            yield self._drain_free - shape.loads[0]
            yield self._result_free - shape.results[0]
        if draft.feed is not None:
            yield max(self._counter_free, self._gated_until - FEED)
            if not self.queued:
                # a chain looks at the silence of its input until it is done
                yield self._chain_free - FEED
        if shape.streamed:
            yield self._stream_next - shape.streamed[0]

    def _writes(self, shape: Shape, start: int) -> dict[tuple[Key, int], int]:
        """Return when each word that lanes can read is written by a draft that starts then."""
        if shape.chain:
            start = self._chain_start(shape, start) - FEED
        return {word: start + t for word, t in shape.writes.items()}

    def _chain_start(self, shape: Shape, start: int) -> int:
        """Return when a chain gets its words from a draft that starts then."""
        return max(start + shape.fed + self._to_chain, self._chain_free)

    def _append(self, draft: PendingJob, start: int) -> None:
        wait, cycles = start - self.now, length(draft.runs)
        terms = formula(draft.runs)
        if wait:
            self.runs.append(RomRun(kind=Kind.WAIT, cycles=wait))
            terms = f"{wait} + {terms}"
        self.runs += draft.runs
        self.phases.append(
            Phase(name=draft.name, start=self.now, length=wait + cycles, formula=terms, wait=wait)
        )
        self.now = start + cycles
