"""The report of an analog memory in Markdown: the result first, then why."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from .._support.templates import environment
from .._support.workers import one_blas_thread
from .pictures import check_drawing
from .quantities import spaced_quantity
from .report_data import ReportData
from .report_pictures import report_pictures
from .report_texts import (
    bom_table,
    built_with,
    error_text,
    file_contents,
    has_amplifiers,
    has_offsets,
    headline,
    left_out,
    noise_table,
    noise_text,
    offset_table,
    offset_text,
    pole_text,
    range_text,
    summary,
    tap_table,
    tolerance_table,
    tolerance_text,
)


def report_files(data: ReportData) -> dict[str, bytes]:
    """Return ``report.md`` and its pictures by file name.

    Raises
    ------
    ToolError
        If matplotlib or schemdraw is missing.
    """
    check_drawing()
    # many small systems: threads of BLAS wait for each other
    with one_blas_thread():
        pictures = report_pictures(data)
        page = report_page(data, pictures).encode()
    return {"report.md": page, **{f"pictures/{name}": svg for name, svg in pictures.items()}}


def report_page(data: ReportData, pictures: Collection[str]) -> str:
    """Return the report in Markdown.

    Parameters
    ----------
    data : ReportData
    pictures : collection of str
        Names of the pictures that there are.
    """
    request, amplifiers = data.design.request, has_amplifiers(data.circuit)
    theta = spaced_quantity(request.theta, "s")
    offsets = has_offsets(request)
    return (
        environment()
        .get_template("analog/report.md.j2")
        .render(
            title=f"Analog memory: d = {request.order}, theta = {theta}",
            headline=headline(data),
            summary=[_summary_line(name, text) for name, text in summary(data)],
            tap_table=markdown_table(*tap_table(data)),
            band=spaced_quantity(request.bandwidth, "Hz"),
            built_with=built_with(request),
            amplifier_text=" with the amplifiers' gain and bandwidth" if amplifiers else "",
            limit_text=", slew rate and output limits included" if amplifiers else "",
            error_text=error_text(data),
            pole_text=pole_text(data),
            tolerance_text=None if data.units is None else f"{tolerance_text(data.units)}.",
            tolerance_table=None
            if data.units is None
            else markdown_table(*tolerance_table(data.units)),
            range_text=range_text(data),
            noise_text=noise_text(data),
            noise_table=markdown_table(*noise_table(data)),
            offset_text=offset_text(data),
            offset_table=markdown_table(*offset_table(data)) if offsets else None,
            advice=data.direct.advice() if offsets else (),
            bom_text=f"{data.bom.count} parts: {data.bom}. `bom.csv` lists the references.",
            bom_table=markdown_table(*bom_table(data)),
            pictures=pictures,
            left_out=left_out(data.circuit),
            files=file_contents(data.circuit),
        )
    )


def _summary_line(name: str, text: str) -> str:
    more = "; see [what to do](#offsets)." if name == "Offset" else ""
    return f"*{name}*: {text}{more}"


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
