"""The work of the lanes, cycle by cycle, and what the jobs of a schedule are called."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from ..program.integer_program import MemoryUpdate
from ..rtl.schedule import Kind, Listing, PlacedJob, RomRun, Schedule, walk
from ..rtl.schedule.plan import ACCUMULATES
from ..rtl.schedule.timing import PRODUCT
from .unit_tracks import Span, WorkKind


def kind_of(plan: Schedule, placed: PlacedJob) -> WorkKind:
    """Return what kind of work a job is."""
    number = placed.op
    if number is None:
        return WorkKind.MOVE
    op = plan.program.ops[number]
    if isinstance(op, MemoryUpdate):
        return WorkKind.MEMORY
    return WorkKind.MATRIX if op.kind == "linear" else WorkKind.ELEMENTS


def label_of(plan: Schedule, placed: PlacedJob) -> str:
    """Return what a job computes, by the vectors of its operation."""
    number = placed.op
    if number is None:
        return placed.name.replace("emit_", "send ")
    op, kind = plan.program.ops[number], placed.name.partition("_")[0]
    if isinstance(op, MemoryUpdate) and placed.unit is not None:
        return f"{kind}: {op.reads[0]}"
    return f"{kind}: {placed.name if not op.writes else op.writes[-1]}"


def job_texts(plan: Schedule, listing: Listing) -> dict[int, tuple[WorkKind, str]]:
    """Return the kind of each job with results, and the vector that it writes."""
    found = {}
    for placed in listing.placed:
        if placed.job is not None:
            target = plan.jobs[placed.job].target
            found[placed.job] = kind_of(plan, placed), target[0] if target else ""
    return found


@dataclass(frozen=True, slots=True)
class LaneCycle:
    """A cycle in which the lanes multiply or add.

    Attributes
    ----------
    time : int
        Cycle of the product.
    run : RomRun
    lanes : int
        Number of lanes that work.
    first, last : int
        First and last result of the job that the cycle adds to.
    """

    time: int
    run: RomRun
    lanes: int
    first: int
    last: int


def lane_spans(plan: Schedule, listing: Listing) -> Iterator[Span]:
    """Yield the sums of the lanes; two groups of rows in turn are one span."""
    texts = job_texts(plan, listing)
    cycles = sorted(lane_cycles(plan, listing), key=lambda c: c.time)

    def alike(c: LaneCycle) -> tuple[int, int, int]:
        run = c.run
        return run.job, -1 if run.dual_group else c.first, c.lanes if run.dual_group else 0

    for _, group in itertools.groupby(cycles, alike):
        for part in _in_a_row(list(group)):
            kind, text = texts[part[0].run.job]
            first, last = min(c.first for c in part), max(c.last for c in part)
            yield Span(
                start=part[0].time,
                end=part[-1].time + 1,
                kind=kind,
                label=words_text(text, first, last),
                group=text,
                level=sum(c.lanes for c in part) / len(part) / plan.lanes,
            )


def _in_a_row(cycles: list[LaneCycle]) -> Iterator[list[LaneCycle]]:
    start = 0
    for k in range(1, len(cycles) + 1):
        if k == len(cycles) or cycles[k].time != cycles[k - 1].time + 1:
            yield cycles[start:k]
            start = k


def words_text(text: str, first: int, last: int) -> str:
    """Return the words of a vector that a job computes."""
    return f"{text} {first}" if first == last else f"{text} {first}–{last}"  # noqa: RUF001


def lane_cycles(plan: Schedule, listing: Listing) -> Iterator[LaneCycle]:
    """Yield the cycles in which lanes work, sum by sum."""
    waiting: list[tuple[int, RomRun, int]] = []
    # of two groups of rows in turn, those of the second one wait for its own sum
    second: list[tuple[int, RomRun, int]] = []
    done: dict[int, int] = {}
    for cycle in walk(listing.runs):
        run = cycle.run
        if run.kind is Kind.SECOND:
            waiting, second = second, []
        elif run.kind in ACCUMULATES:
            present = sum(w < _length(plan, run) for w in cycle.words(plan.lanes))
            product = (cycle.time + PRODUCT, run, present)
            (second if run.dual_group and cycle.offset % 2 else waiting).append(product)
        if run.last and cycle.offset == run.cycles - 1:
            first = done.setdefault(run.job, plan.jobs[run.job].word)
            done[run.job] = first + run.results
            for time, r, present in waiting:
                lanes = present if r.kind is Kind.COLUMNS else run.results
                yield LaneCycle(time, r, lanes, first, first + run.results - 1)
            waiting = []


def _length(plan: Schedule, run: RomRun) -> int:
    """Return the number of words of the vector that a run reads, at least 1."""
    name = "" if run.source is None else run.source[0]
    lengths = {v.name: v.length for v in plan.program.vectors}
    return lengths.get(name, plan.lanes)
