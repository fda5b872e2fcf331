"""Pictures of a step's schedule: one row a unit, cycles from left to right."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from .._support.svg_pictures import (
    BLUE,
    BLUE_FILL,
    GREEN,
    GREEN_FILL,
    GREY_FILL,
    GRID,
    INK,
    MUTED,
    ORANGE,
    ORANGE_FILL,
    PURPLE,
    PURPLE_FILL,
    page_style,
    svg_of,
    themed,
)
from .unit_tracks import CHAIN, CONTROL, LADDER, LANES, NEURONS, Span, StepTimeline, Track, WorkKind

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 9.8
"""Width of a picture [inches]."""
ROW = 0.4
"""Height of a row [inches]."""
LANE_ROWS = 1.6
"""Height of the lanes' row [rows]: it shows how many lanes work."""
LEFT, RIGHT, ABOVE, BELOW = 1.35, 0.65, 0.55, 0.8
"""Margins around the rows [inches]."""
RESOLUTION = 450
"""Most spans of a row: the page shows no more."""
NARROW = 4.0
"""Least width of a span that is drawn beside another one [widths of a line]."""
ZOOM = 72
"""Cycles of the picture of a step's beginning."""
LETTER = 0.078
"""Width of a letter of a label, amply [inches]."""
NAME = 2.6
"""Least distance of two events whose names are at one height [inches]."""
COLOURS = {
    WorkKind.MEMORY: (BLUE_FILL, BLUE),
    WorkKind.MATRIX: (ORANGE_FILL, ORANGE),
    WorkKind.ELEMENTS: (GREEN_FILL, GREEN),
    WorkKind.MOVE: (PURPLE_FILL, PURPLE),
    WorkKind.WAIT: ("none", MUTED),
}
"""Area and edge of each kind."""
HATCHES = {WorkKind.ELEMENTS: "////", WorkKind.MOVE: "||||"}
"""What tells the kinds apart without colours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeWindow:
    """The cycles that a picture shows: ``start`` to ``end``, the last one not included."""

    start: int
    end: int

    @property
    def cycles(self) -> int:
        """Number of cycles."""
        return self.end - self.start


def whole_step(timeline: StepTimeline) -> TimeWindow:
    """Return all cycles of a step, until its last word has left."""
    return TimeWindow(start=-timeline.n_in, end=max(timeline.end, timeline.latency + 1))


def details(timeline: StepTimeline) -> dict[str, TimeWindow]:
    """Return cycles to show in detail, by name; none where the whole step is short.

    ``begin`` has the first ones of the step, or those in which the first memory starts if that is
    later; ``end`` has the last ones.
    """
    whole = whole_step(timeline)
    if whole.cycles <= ZOOM * 3 // 2:
        return {}
    memories = [t for t in timeline.tracks if t.unit in (NEURONS, CHAIN, LADDER)]
    begins = min((t.spans[0].start for t in memories), default=0)
    start = -min(timeline.n_in, ZOOM // 8)
    if begins > ZOOM // 2:
        start = begins - ZOOM // 3
    return {
        "begin": TimeWindow(start=start, end=start + ZOOM),
        "end": TimeWindow(start=whole.end - ZOOM, end=whole.end),
    }


def timeline_picture(timeline: StepTimeline, window: TimeWindow) -> bytes:
    """Return the picture of a part of a step, as SVG in both themes."""
    from matplotlib import rcParams
    from matplotlib.figure import Figure

    tracks = [t for t in timeline.tracks if _shown(t, window)]
    rows = sum(map(_height, tracks))
    height = ABOVE + BELOW + ROW * rows
    with page_style():
        rcParams["hatch.linewidth"] = 0.4
        figure = Figure(figsize=(WIDTH, height))
        size = (1 - (LEFT + RIGHT) / WIDTH, ROW * rows / height)
        ax = figure.add_axes((LEFT / WIDTH, BELOW / height, *size))
        _axes(ax, timeline, window, rows)
        top = rows
        names = []
        for track in tracks:
            top -= _height(track)
            _draw(ax, track, window, top)
            names.append(top + 0.46 * _height(track))
            share = f"{100 * timeline.share(track):.0f} %"
            ax.annotate(
                share if track.unit != CONTROL else f"{100 * track.busy / timeline.cycles:.0f} %",
                (window.end, names[-1]),
                (8, 0),
                textcoords="offset points",
                va="center",
                color=MUTED,
                fontsize=9,
            )
        ax.set_yticks(names, [t.unit for t in tracks], color=INK, fontsize=9.5)
        _events(ax, timeline, window, rows)
        _legend(figure, tracks, window)
        return themed(svg_of(figure))


def _shown(track: Track, window: TimeWindow) -> bool:
    return any(s.end > window.start and s.start < window.end for s in track.spans)


def _height(track: Track) -> float:
    return LANE_ROWS if track.unit == LANES else 1.0


def _axes(ax: Axes, timeline: StepTimeline, window: TimeWindow, rows: float) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.set(xlim=(window.start, window.end), ylim=(0, rows))
    ax.grid(visible=False, axis="y")
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    if window.cycles <= 2 * ZOOM:
        ax.set_xticks(range(-(-window.start // 8) * 8, window.end, 8))
        ax.set_xticks(range(-(-window.start // 4) * 4, window.end, 4), minor=True)
        ax.grid(visible=True, which="minor", axis="x", linewidth=0.4)
    else:
        ax.xaxis.set_major_locator(MaxNLocator(12, integer=True))
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    ax.set_xlabel("clock cycle, 0 after the last input word", fontsize=9.5)
    ax.annotate(
        "busy", (1, 1), (8, 3), xycoords="axes fraction", textcoords="offset points",
        color=MUTED, fontsize=9,
    )  # fmt: skip
    if timeline.next_step < window.end:
        ax.axvspan(timeline.next_step, window.end, color=GREY_FILL, lw=0, zorder=0)


def _events(ax: Axes, timeline: StepTimeline, window: TimeWindow, rows: float) -> None:
    """Mark the start of the step, of the next one, and the last output word."""
    events = [(0, "start", "left"), (timeline.next_step, "next step", "left")]
    if timeline.latency:
        events.append((timeline.latency, "last word out", "left"))
    taken: list[float] = []
    for cycle, text, align in sorted(events):
        if not window.start <= cycle <= window.end:
            continue
        style = (0, (4, 2)) if text != "start" else "-"
        ax.axvline(cycle, color=INK, lw=1.0, ls=style, zorder=4)
        where = (cycle - window.start) / window.cycles * (WIDTH - LEFT - RIGHT)
        near = any(abs(where - other) < NAME for other in taken)
        ax.annotate(
            f"{text} {cycle:,}" if cycle else text,
            (cycle, rows),
            (0, 15 if near else 4),
            textcoords="offset points",
            ha="right" if where > WIDTH - LEFT - RIGHT - 1.0 else align,
            fontsize=8.5,
            color=INK,
            annotation_clip=False,
        )
        taken.append(where)


def _draw(ax: Axes, track: Track, window: TimeWindow, bottom: float) -> None:
    spans = _cut(track.spans, window)
    inch = (WIDTH - LEFT - RIGHT) / window.cycles
    full = 0.78 if track.unit != LANES else LANE_ROWS - 0.3
    ax.axhline(bottom, color=GRID, lw=0.7, zorder=0)
    if track.unit == LANES:
        # the outline of all lanes at work
        ax.axhline(bottom + full + 0.08, color=GRID, lw=0.7, ls=(0, (1, 2)), zorder=0)
    shown = _thinned(spans, window.cycles / RESOLUTION)
    for span in shown:
        _draw_span(ax, span, bottom + 0.08, full * max(span.level, 0.04), inch)
    if track.unit == CONTROL:
        _name_beside(ax, shown, bottom + 0.08 + full / 2, inch)


def _name_beside(ax: Axes, spans: list[Span], middle: float, inch: float) -> None:
    """Name the jobs that are too short for their names in the waits behind them."""
    for span, wait in pairwise(spans):
        room = (wait.end - wait.start) * inch / LETTER
        if wait.kind is not WorkKind.WAIT or span.kind is WorkKind.WAIT:
            continue
        inside = (span.end - span.start) * inch / LETTER
        texts = (span.label, span.group)
        name = next((t for t in texts if t and inside < len(t) < room - 2), "")
        if name and all(inside < len(t) for t in texts):
            ax.text(
                span.end, middle + 0.03, f" {name}", fontsize=8, color=INK, va="bottom", zorder=3
            )


def _draw_span(ax: Axes, span: Span, bottom: float, height: float, inch: float) -> None:
    from matplotlib.patches import Rectangle

    fill, edge = COLOURS[span.kind]
    cycles = span.end - span.start
    wait, room = span.kind is WorkKind.WAIT, cycles * inch / LETTER
    box = Rectangle(
        (span.start, bottom if not wait else bottom + height * 0.42),
        cycles,
        height if not wait else 0.0,
        facecolor=fill,
        edgecolor=edge,
        linewidth=0.7 if cycles * inch > 0.03 else 0.25,
        linestyle=(0, (2, 2)) if wait else "-",
        hatch=HATCHES.get(span.kind),
        zorder=2,
    )
    ax.add_patch(box)
    # the words alone, where the vector's name does not fit
    texts = (span.label, span.label.rpartition(" ")[2], span.group)
    text = next((t for t in texts if t and len(t) <= room), "")
    if not text or wait or height < 0.5:
        return
    ax.text(
        span.start + cycles / 2,
        bottom + height / 2,
        text,
        ha="center",
        va="center_baseline",
        fontsize=8,
        color=INK,
        clip_on=True,
        zorder=3,
    )


def _cut(spans: tuple[Span, ...], window: TimeWindow) -> list[Span]:
    shown = (s for s in spans if s.end > window.start and s.start < window.end)
    return [replace(s, start=max(s.start, window.start), end=min(s.end, window.end)) for s in shown]


def _thinned(spans: list[Span], gap: float) -> list[Span]:
    """Join spans of one kind that are in a row and alike, or closer than the page shows."""
    found: list[Span] = []
    for span in spans:
        last = found[-1] if found else None
        if last is None or last.kind is not span.kind or not _joins(last, span, gap):
            found.append(span)
            continue
        cycles = (last.end - last.start, span.end - span.start)
        group = _common(last.group or last.label, span.group or span.label)
        found[-1] = replace(
            last,
            end=max(last.end, span.end),
            label=_common(last.label, span.label) or group,
            group=group,
            level=(last.level * cycles[0] + span.level * cycles[1]) / sum(cycles),
        )
    return found


def _joins(last: Span, span: Span, gap: float) -> bool:
    if (last.end, last.label, last.level) == (span.start, span.label, span.level):
        return True
    narrow = min(last.end - last.start, span.end - span.start) < NARROW * gap
    return narrow and span.start - last.end < 2 * gap


def _common(a: str, b: str) -> str:
    return a if a == b else ""


def _legend(figure: Any, tracks: list[Track], window: TimeWindow) -> None:
    from matplotlib.patches import Patch

    kinds = {s.kind for t in tracks for s in _cut(t.spans, window)}
    patches = [
        Patch(
            facecolor=COLOURS[kind][0],
            edgecolor=COLOURS[kind][1],
            linewidth=0.8,
            linestyle=(0, (2, 2)) if kind is WorkKind.WAIT else "-",
            hatch=HATCHES.get(kind),
            label=kind.value,
        )
        for kind in WorkKind
        if kind in kinds
    ]
    figure.legend(
        handles=patches,
        loc="lower left",
        bbox_to_anchor=(LEFT / WIDTH, 0.0),
        ncols=len(patches),
        fontsize=8.5,
        handlelength=1.4,
        borderaxespad=0.2,
    )
