"""What every unit of a design does in each cycle of a step, read from its schedule.

Cycles count as in the schedule: cycle 0 is the first one after the last input word, so the input
words are taken in cycles -n_in to -1. What the schedule gives by the cycle of issue is moved to the
cycle in which the unit works.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..rtl.schedule import Kind, Listing, Schedule, pipeline_timing, walk
from ..rtl.schedule.timing import PRODUCT
from .lane_work import job_texts, kind_of, label_of, lane_spans, words_text
from .memory_windows import memory_tracks
from .unit_tracks import (
    ARGMAX,
    CONTROL,
    FUNCTION,
    INPUT,
    LANES,
    OUTPUT,
    REQUANTIZER,
    SERIALIZER,
    WRITES,
    Span,
    StepTimeline,
    Track,
    WorkKind,
)


def step_timeline(plan: Schedule, listing: Listing | None = None) -> StepTimeline:
    """Return the timeline of a step.

    Parameters
    ----------
    plan : Schedule
    listing : Listing, optional
        One of the schedule's listings. Default: a step with an output.
    """
    listing = plan.due if listing is None else listing
    inputs = Span(start=-plan.n_in, end=0, kind=WorkKind.MOVE, label=f"{plan.n_in:,}")
    tracks = (
        Track(unit=INPUT, spans=(inputs,), pulses=True),
        Track(unit=CONTROL, spans=tuple(_control(plan, listing))),
        *memory_tracks(plan, listing),
        Track(unit=LANES, spans=tuple(lane_spans(plan, listing))),
        Track(unit=ARGMAX, spans=tuple(_argmax(plan, listing))),
        *_results(plan, listing),
    )
    return StepTimeline(
        n_in=plan.n_in,
        cycles=listing.cycles,
        latency=plan.latency if listing is plan.due else 0,
        tracks=tuple(t for t in tracks if t.spans),
    )


def _control(plan: Schedule, listing: Listing) -> Iterator[Span]:
    """Yield the jobs as the control ROM issues them, and the waits between them."""
    now = 0
    for placed in listing.placed:
        if placed.start > now:
            yield Span(start=now, end=placed.start, kind=WorkKind.WAIT, label="wait")
        now = placed.start + placed.length
        label = label_of(plan, placed)
        yield Span(
            start=placed.start,
            end=now,
            kind=kind_of(plan, placed),
            label=label,
            group=label.rpartition(": ")[2],
        )
    if now < listing.cycles - plan.n_in:
        yield Span(start=now, end=listing.cycles - plan.n_in, kind=WorkKind.WAIT, label="wait")


def _argmax(plan: Schedule, listing: Listing) -> Iterator[Span]:
    """Yield the searches for the largest word."""
    for cycle in walk(listing.runs):
        if cycle.run.kind is Kind.COMPARE and cycle.offset == 0:
            start = cycle.time + PRODUCT - 1
            yield Span(start=start, end=start + cycle.run.cycles, kind=WorkKind.ELEMENTS)


def _results(plan: Schedule, listing: Listing) -> Iterator[Track]:
    """Yield the tracks of the units behind the lanes, and of what leaves them."""
    timing = pipeline_timing(plan.program, plan.lanes, plan.interval)
    plain = timing.result_cycles(function=False)
    shaped = timing.result_cycles(function=True)
    texts = job_texts(plan, listing)
    serializer: list[Span] = []
    requantizer: list[Span] = []
    function: list[Span] = []
    for placed in listing.placed:
        if placed.job is None:
            continue
        results, job = list(placed.results), plan.jobs[placed.job]
        word = job.word
        kind, name = texts[placed.job]
        for load, n in placed.loads:
            first, last = results[0], results[n - 1]
            del results[:n]
            text = words_text(name, word, word + n - 1)
            word += n
            sums = Span(start=load, end=last + 1, kind=kind, label=text, group=name)
            serializer.append(sums)
            # a result is in the pipeline from the cycle after it leaves the serializer to its write
            requantizer.append(replace(sums, start=first + 1, end=last + 1 + plain))
            if job.function is not None:
                function.append(replace(sums, start=first + 1 + plain, end=last + 1 + shaped))
    writes = [
        Span(start=t, end=t + 1, kind=kind_of(plan, p), label=label_of(plan, p))
        for p in listing.placed
        for t in p.writes
    ]
    output = [
        Span(start=t, end=t + 1, kind=WorkKind.MOVE, label=label_of(plan, p))
        for p in listing.placed
        for t in p.streamed
    ]
    yield Track(unit=SERIALIZER, spans=tuple(serializer))
    yield Track(unit=REQUANTIZER, spans=tuple(_overlapped(requantizer)))
    yield Track(unit=FUNCTION, spans=tuple(_overlapped(function)))
    yield Track(unit=WRITES, spans=tuple(sorted(writes, key=lambda s: s.start)), pulses=True)
    yield Track(unit=OUTPUT, spans=tuple(output), pulses=True)


def _overlapped(spans: list[Span]) -> Iterator[Span]:
    """Join the spans of a pipeline that overlap."""
    last: Span | None = None
    for span in sorted(spans, key=lambda s: s.start):
        if last is not None and span.start < last.end and span.kind is last.kind:
            same = last.group == span.group
            group = last.group if same else ""
            last = replace(last, end=max(last.end, span.end), label=group, group=group)
            continue
        if last is not None:
            yield replace(last, end=min(last.end, span.start))
        last = span
    if last is not None:
        yield last
