"""The work of the units that update memories: neurons, chain and ladder, window by window."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from ..rtl.schedule import WINDOW, Listing, Schedule
from .unit_tracks import CHAIN, LADDER, NEURONS, Span, Track, WorkKind


def memory_tracks(plan: Schedule, listing: Listing) -> Iterator[Track]:
    """Yield the tracks of the neurons, the chain and the ladder."""
    busy = [placed.unit for placed in listing.placed if placed.unit is not None]
    neurons: list[Span] = []
    chain: list[Span] = []
    ladder: list[Span] = []
    for unit in busy:
        feed = plan.feeds[unit.feed]
        end = unit.start + unit.cycles
        if unit.ladder:
            assert feed.ladder is not None
            ladder += _until(end, ladder_windows(plan, feed.ladder, unit.start))
            continue
        assert feed.chain is not None
        before = plan.chains[feed.chain].before(paired=feed.paired)
        if before:
            neurons.append(
                Span(
                    start=unit.start,
                    end=unit.start + before,
                    kind=WorkKind.MEMORY,
                    label=f"{len(plan.spiking[0].states)} states",
                )
            )
        chain += _until(end, chain_windows(plan, feed.chain, unit.start + before))
    named = ((NEURONS, neurons), (CHAIN, chain), (LADDER, ladder))
    for name, spans in named:
        yield Track(unit=name, spans=tuple(s for s in spans if s.end > s.start))


def _until(end: int, spans: list[Span]) -> list[Span]:
    """Return windows and what follows, until the unit can start again."""
    found = [replace(s, end=min(s.end, end)) for s in spans if s.start < end]
    rest = Span(start=found[-1].end, end=end, kind=WorkKind.MEMORY, label="write")
    return [*found, rest]


def chain_windows(plan: Schedule, chain: int, start: int) -> list[Span]:
    """Return the windows of a chain that starts in a cycle: the input's, then one a section.

    The window of a section starts its outer (or real) adaptor; its inner adaptor starts with the
    second cycle of the next window.
    """
    sections = plan.chains[chain].sections
    source = plan.program.ops[plan.chains[chain].op].reads[0]
    texts = [source, *_numbers(sections)]
    return [
        Span(start=at, end=at + WINDOW, kind=WorkKind.MEMORY, label=text)
        for number, text in enumerate(texts)
        for at in [start + 1 + WINDOW * number]
    ]


def _numbers(sections: Iterable[object]) -> Iterator[str]:
    number = 0
    for section in sections:
        number += bool(section)
        yield str(number) if section else "gap"


def ladder_windows(plan: Schedule, ladder: int, start: int) -> list[Span]:
    """Return the windows of a ladder that starts in a cycle, in the order of its products."""
    k = plan.ladders[ladder]
    odd = [f"{i} ←" for i in reversed(range(1, k.order, 2))]
    even = [f"{i} →" for i in range(0, k.order, 2)]
    source = plan.program.ops[k.op].reads[0]
    texts = ["turn", *[*odd, source, *even, "turn"] * k.substeps]
    return [
        Span(start=at, end=at + WINDOW, kind=WorkKind.MEMORY, label=text)
        for number, text in enumerate(texts)
        for at in [start + WINDOW * number]
    ]
