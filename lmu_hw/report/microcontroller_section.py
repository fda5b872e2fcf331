"""Section of a report: the design on microcontrollers."""

from __future__ import annotations

from ..firmware.boards.microcontrollers import TARGETS
from ..measure.footprint.board_report import BoardReport, FootprintReport, InstructionCounts
from .bar_pictures import PartBar, part_picture
from .report_source import ReportSource
from .section import Block, CommandLine, DataTable, Paragraph, Picture, Section

KEY, TITLE = "microcontrollers", "On microcontrollers"


def microcontroller_section(source: ReportSource) -> Section:
    """Return the section on microcontrollers: what was measured, or how to measure it."""
    report = source.footprint
    missing = {**source.not_measured, **(report.not_measured if report else {})}
    left_out = [(name, why) for name, why in missing.items() if name in TARGETS]
    texts = [Paragraph(text=f"{name} was not measured: {why}.") for name, why in left_out]
    if report is None:
        return Section(
            key=KEY,
            title=TITLE,
            lead="No microcontroller was measured.",
            blocks=(
                *texts,
                Paragraph(text=f"Targets to choose from: {', '.join(TARGETS)}."),
                CommandLine(
                    purpose="Compile the C, count its instructions, and write this page again",
                    command="lmu-hw report . --target c-m4",
                ),
            ),
            data={"not_measured": dict(left_out)},
        )
    blocks: list[Block] = [
        _bytes(report, "flash"),
        _bytes(report, "ram"),
        _instructions(report),
        _table(report),
        *texts,
    ]
    if report.edited:
        blocks.append(Paragraph(text=f"Edited files were compiled: {', '.join(report.edited)}."))
    return Section(
        key=KEY,
        title=TITLE,
        lead=" ".join(_lead(t) for t in report.targets),
        blocks=tuple(blocks),
        data=report.to_dict(),
    )


def _counts(target: BoardReport) -> InstructionCounts:
    """Return the instructions of the longest kind of step."""
    found = target.instructions.with_output or target.instructions.without_output
    assert found is not None
    return found


def _lead(target: BoardReport) -> str:
    return (
        f"{target.target}: {target.flash.total:,} bytes of flash, {target.ram.total:,} of RAM, "
        f"{_counts(target).mean:,.0f} instructions a step."
    )


def _parts(target: BoardReport, kind: str) -> tuple[tuple[str, int], ...]:
    if kind == "flash":
        flash = target.flash
        return (
            ("code", flash.code),
            ("tables", flash.tables),
            ("library", flash.library),
            ("initial data", flash.data),
        )
    ram = target.ram
    return ("state", ram.state), ("globals", ram.data + ram.bss), ("stack", ram.stack)


def _bytes(report: FootprintReport, kind: str) -> Picture:
    name = {"flash": "Flash", "ram": "RAM"}[kind]
    bars = [
        PartBar(
            name=t.target,
            parts=_parts(t, kind),
            text=f"{sum(n for _, n in _parts(t, kind)):,} bytes",
        )
        for t in report.targets
    ]
    texts = "; ".join(
        f"{t.target}: " + ", ".join(f"{part} {n:,}" for part, n in _parts(t, kind) if n)
        for t in report.targets
    )
    what = {
        "flash": "Flash: generated code, constant tables, and library functions that it calls.",
        "ram": "RAM: one instance of the design, and the deepest stack of a call.",
    }[kind]
    return Picture(
        name=f"{kind}-bytes",
        svg=part_picture(bars, f"{name} [bytes]"),
        alt=f"{name} in bytes. {texts}.",
        caption=what,
    )


def _instructions(report: FootprintReport) -> DataTable:
    rows = []
    for t in report.targets:
        both = (
            ("with an output", t.instructions.with_output),
            ("without", t.instructions.without_output),
        )
        for kind, counts in both:
            if counts is None:
                continue
            rows.append(
                (
                    t.target,
                    kind,
                    f"{counts.mean:,.1f}",
                    f"{counts.min:,}",
                    f"{counts.max:,}",
                    f"{counts.worst.reached:,}",
                    "-" if counts.worst.bound is None else f"{counts.worst.bound:,}",
                    "-" if counts.per_mac is None else f"{counts.per_mac:.2f}",
                )
            )
    return DataTable(
        caption=f"Instructions of a step, over {report.steps:,} steps of noise; worst: of these "
        f"and {report.searched:,} steps of other inputs; bound: all branches the longer way",
        head=("target", "step", "mean", "least", "most", "worst", "bound", "mean per multiply"),
        rows=tuple(rows),
    )


def _table(report: FootprintReport) -> DataTable:
    rows = [
        (
            t.target,
            t.core,
            f"{t.flash.total:,}",
            f"{t.ram.total:,}",
            f"{t.stack.step:,}",
            f"{t.compiler} {' '.join(t.options)}",
        )
        for t in report.targets
    ]
    return DataTable(
        caption="Bytes in all, and what compiled it",
        head=("target", "core", "flash [bytes]", "RAM [bytes]", "stack of a step", "compiler"),
        rows=tuple(rows),
    )
