"""Section of a report: the design on FPGAs."""

from __future__ import annotations

from ..measure.synthesis.devices import TARGETS
from ..measure.synthesis.synth_report import (
    NO_CLOCK,
    DeviceReport,
    SynthReport,
    Usage,
    shown_cycles,
)
from .bar_pictures import PartBar, ShareBar, part_picture, share_picture
from .design_section import joined_rows
from .report_source import ReportSource
from .section import Block, CommandLine, DataTable, Paragraph, Picture, Section

KEY, TITLE = "devices", "On FPGAs"
KINDS = ("luts", "ffs", "dsps", "block_rams")
NAMES = {
    "luts": "LUTs",
    "ffs": "flip-flops",
    "dsps": "multipliers",
    "block_rams": "block RAMs",
}
"""Names of the kinds of cells."""


def device_section(source: ReportSource) -> Section:
    """Return the section on devices: what was measured, or how to measure it."""
    report = source.synthesis
    left_out = [(name, why) for name, why in source.not_measured.items() if name in TARGETS]
    if report is None:
        return _not_measured(left_out)
    blocks: list[Block] = [_shares(report)]
    if any(t.routed is not None for t in report.targets):
        blocks.append(_paths(report))
    blocks += [_table(report), *(_memories(t) for t in report.targets)]
    blocks += [Paragraph(text=f"{name} was not measured: {why}.") for name, why in left_out]
    if report.edited:
        blocks.append(Paragraph(text=f"Edited files were synthesized: {', '.join(report.edited)}."))
    return Section(
        key=KEY,
        title=TITLE,
        lead=" ".join(_lead(t) for t in report.targets),
        blocks=tuple(blocks),
        data=report.to_dict(),
    )


def _not_measured(left_out: list[tuple[str, str]]) -> Section:
    texts = [Paragraph(text=f"{name} was not measured: {why}.") for name, why in left_out]
    names = ", ".join(TARGETS)
    return Section(
        key=KEY,
        title=TITLE,
        lead="No device was measured.",
        blocks=(
            *texts,
            Paragraph(text=f"Devices to choose from: {names}."),
            CommandLine(
                purpose="Synthesize, place and route the design, and write this page again",
                command="lmu-hw report . --target ecp5-25k",
            ),
        ),
        data={"not_measured": dict(left_out)},
    )


def _usages(target: DeviceReport) -> dict[str, Usage]:
    return {kind: getattr(target, kind) for kind in KINDS}


def _lead(target: DeviceReport) -> str:
    fullest = max(
        (kind for kind, u in _usages(target).items() if u.available),
        key=lambda kind: _usages(target)[kind].used / _usages(target)[kind].available,
    )
    usage = _usages(target)[fullest]
    text = f"{target.target}: {100 * usage.used / usage.available:.0f} % of the {NAMES[fullest]}"
    if target.routed is None:
        return f"{text}."
    routed = target.routed
    return f"{text}, {routed.fmax_mhz:.1f} MHz, {routed.steps_per_second:,.0f} steps a second."


def _shares(report: SynthReport) -> Picture:
    groups = []
    for target in report.targets:
        bars = [
            ShareBar(
                name=NAMES[kind],
                share=usage.used / usage.available if usage.available else 0.0,
                text=str(usage),
            )
            for kind, usage in _usages(target).items()
        ]
        groups.append((f"{target.target}, {target.device}", bars))
    parts = "; ".join(
        f"{t.target}: " + ", ".join(f"{NAMES[kind]} {usage}" for kind, usage in _usages(t).items())
        for t in report.targets
    )
    return Picture(
        name="device-shares",
        svg=share_picture(groups),
        alt=f"Share of each device that the design takes. {parts}.",
        caption="What the design takes of each device, after synthesis, without the serial harness "
        "of small packages.",
    )


def _paths(report: SynthReport) -> Picture:
    routed = [(t.target, t.routed) for t in report.targets if t.routed is not None]
    bars = [
        PartBar(
            name=name,
            parts=tuple((b.block, b.delay_ns) for b in r.critical_path.blocks),
            text=f"{r.critical_path.delay_ns:.1f} ns",
        )
        for name, r in routed
    ]
    parts = "; ".join(f"{name}: {r.critical_path}" for name, r in routed)
    return Picture(
        name="critical-paths",
        svg=part_picture(bars, "delay [ns]"),
        alt=f"Slowest path between two registers. {parts}.",
        caption="The slowest path between two registers, by the blocks that it crosses. It sets "
        "the clock rate.",
    )


def _table(report: SynthReport) -> DataTable:
    rows = []
    for t in report.targets:
        r = t.routed
        rows.append(
            (
                t.target,
                *(f"{u.used:,}" for u in _usages(t).values()),
                "-" if r is None else f"{r.fmax_mhz:.1f}",
                shown_cycles(report.cycles_per_step),
                "-" if r is None else f"{r.steps_per_second:,.0f}",
            )
        )
    note = "" if all(t.routed for t in report.targets) else f"; -: {NO_CLOCK}"
    return DataTable(
        caption=f"Cells and clock, seed {report.seed} of the placement{note}",
        head=("device", *NAMES.values(), "clock [MHz]", "cycles a step", "steps/s"),
        rows=tuple(rows),
    )


def _memories(target: DeviceReport) -> DataTable:
    memories = [
        (m.name, (f"{m.words:,} x {m.bits}", m.style.value), m.block_rams) for m in target.memories
    ]
    products = [
        (
            p.name,
            (f"{p.bits[0]} x {p.bits[1]} product", "multipliers" if p.dsps else "logic"),
            p.dsps,
        )
        for p in target.products
    ]
    return DataTable(
        caption=f"What takes block RAM ({target.units.block_rams} each) and multipliers "
        f"({target.units.dsps or 'none'} each) of {target.target}",
        head=("instance", "size", "built from", "cells"),
        rows=joined_rows([*products, *memories]),
    )
