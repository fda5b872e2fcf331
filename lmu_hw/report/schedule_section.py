"""Section of a report: a step as a timeline."""

from __future__ import annotations

from ..rtl.schedule import WINDOW, Listing, Schedule
from .section import Block, DataTable, Paragraph, Picture, Section
from .step_timeline import step_timeline
from .timeline_picture import TimeWindow, details, timeline_picture, whole_step
from .unit_tracks import CONTROL, StepTimeline

MOST_JOBS = 60
"""Most jobs of the table; of more, the longest ones."""


def schedule_section(plan: Schedule) -> Section:
    """Return the section with the timeline of a step."""
    timeline = step_timeline(plan)
    blocks: list[Block] = [_whole(timeline, "step", "a step with an output")]
    blocks += [_detail(timeline, *part) for part in details(timeline).items()]
    quiet = None if plan.quiet is plan.due else step_timeline(plan, plan.quiet)
    if quiet is not None:
        blocks.append(_whole(quiet, "quiet-step", "a step without an output"))
    blocks += [_units(timeline), _jobs(plan, plan.due), _formula(plan)]
    return Section(
        key="schedule",
        title="A step, cycle by cycle",
        lead=_lead(timeline, quiet),
        blocks=tuple(blocks),
        data={
            "cycles_per_step": plan.due.cycles,
            "cycles_per_quiet_step": plan.quiet.cycles,
            "latency": plan.latency,
            "formula": plan.cycle_formula,
            "busy_cycles": {t.unit: t.busy for t in timeline.tracks},
            "jobs": [
                {"name": job.name, "start": job.start, "cycles": job.length}
                for job in plan.due.placed
            ],
        },
    )


def _lead(timeline: StepTimeline, quiet: StepTimeline | None) -> str:
    busiest = timeline.busiest
    share = 100 * timeline.share(busiest)
    more = f", {quiet.cycles:,} without an output" if quiet is not None else ""
    return (
        f"A step takes {timeline.cycles:,} clock cycles{more}; the last output word leaves "
        f"{timeline.latency:,} cycles after the last input word. Busiest unit: {busiest.unit}, "
        f"{share:.0f} % of the cycles."
    )


def _whole(timeline: StepTimeline, name: str, what: str) -> Picture:
    parts = ", ".join(f"{t.unit} {t.busy:,} cycles" for t in timeline.tracks if t.unit != CONTROL)
    return Picture(
        name=f"timeline-{name}",
        svg=timeline_picture(timeline, whole_step(timeline)),
        alt=f"Timeline of {what}, {timeline.cycles:,} cycles; busy: {parts}.",
        caption=f"All cycles of {what}. Each row is a unit of the design; names are vectors of the "
        "program with the indices of their words. The row of the lanes is as high as the share of "
        "lanes that work. What lies in the grey area overlaps with the next step. Shares on the "
        "right are of the cycles of a step.",
    )


def _detail(timeline: StepTimeline, name: str, window: TimeWindow) -> Picture:
    return Picture(
        name=f"timeline-{name}",
        svg=timeline_picture(timeline, window),
        alt=f"Cycles {window.start} to {window.end - 1} of the step in detail.",
        caption=f"Cycles {window.start} to {window.end - 1} of the step in detail. A chain takes a "
        f"window of {WINDOW} cycles for a section, a ladder for a product; numbers are sections.",
    )


def _units(timeline: StepTimeline) -> DataTable:
    rows = [
        (
            track.unit,
            f"{min(s.start for s in track.spans):,}",
            f"{max(s.end for s in track.spans) - 1:,}",
            f"{track.busy:,}",
            f"{100 * timeline.share(track):.1f}",
            f"{100 * min(1.0, track.work / timeline.cycles):.1f}",
        )
        for track in timeline.tracks
    ]
    return DataTable(
        caption="Units in a step; used: lanes count by how many of them work",
        head=("unit", "first cycle", "last cycle", "busy [cycles]", "busy [%]", "used [%]"),
        rows=tuple(rows),
    )


def _jobs(plan: Schedule, listing: Listing) -> DataTable:
    waits = {phase.name: phase.wait for phase in listing.phases}
    placed = sorted(listing.placed, key=lambda job: -job.length)[:MOST_JOBS]
    rows = []
    for job in sorted(placed, key=lambda job: job.start):
        results = f"{len(job.results):,}" if job.job is not None else "-"
        end = max([job.start + job.length, *(t + 1 for t in (*job.writes, *job.streamed))])
        rows.append(
            (
                f"`{job.name}`",
                f"{job.start:,}",
                f"{waits.get(job.name, 0):,}",
                f"{job.length:,}",
                results,
                f"{end - 1:,}",
            )
        )
    left_out = len(listing.placed) - len(rows)
    return DataTable(
        caption="Jobs of the control ROM"
        + (f", the {len(rows)} longest of {len(listing.placed)}" if left_out else ""),
        head=("job", "start", "waits [cycles]", "issues [cycles]", "results", "last write"),
        rows=tuple(rows),
    )


def _formula(plan: Schedule) -> Paragraph:
    formula = plan.cycle_formula
    if len(formula) > 300:
        formula = f"{formula[:250]} ... = {plan.due.cycles}"
    return Paragraph(
        text=f"Cycles of a step, as the schedule adds them up, input first: `{formula}`. They are "
        "exact while the source is always valid and the sink always ready."
    )
