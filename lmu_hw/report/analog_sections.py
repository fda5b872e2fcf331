"""Sections of the report of an analog memory: those of ``report.md``, with its pictures."""

from __future__ import annotations

import re
import shlex
from dataclasses import fields
from pathlib import Path

import numpy as np

from .._support.svg_pictures import page_style, svg_of, themed
from .._support.workers import one_blas_thread
from ..circuits.amplifiers import amplifier_text
from ..circuits.analog_design import make_design
from ..circuits.analog_manifest import AnalogOptions, analog_manifest, load_analog, options_of
from ..circuits.pictures import check_drawing
from ..circuits.quantities import spaced_quantity
from ..circuits.report_data import ReportData, draw_units
from ..circuits.report_pictures import pictures_of
from ..circuits.report_texts import (
    TextTable,
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
    percent_text,
    pole_text,
    range_text,
    tap_table,
    tolerance_table,
    tolerance_text,
    volts_text,
)
from ..circuits.request import make_request
from ..circuits.schematic import narrow_sheet
from ..program.codec import to_data
from .command_sections import PLACE
from .headline import KeyFigure
from .plotting import picture
from .section import Block, CommandLine, DataTable, Paragraph, Picture, Section

LARGER = 1.25
"""Of the schematic against its size on paper: texts are read on a screen."""
MOST_PARTS = 300
"""Most parts of a schematic in the page: each takes 3 kB."""
MEANINGS = {
    "order": "number of Legendre coefficients d",
    "theta": "window",
    "taps": "delays, in fractions of the window",
    "structure": "coordinates of the integrators",
    "form": "parts of an integrator",
    "series": "values of the resistors or transconductances",
    "tolerance": "of every part, as a share",
    "supply": "between the rails",
    "opamp": "amplifier",
    "r_min": "smallest resistance",
    "r_max": "largest resistance",
    "c_min": "smallest capacitance",
    "c_max": "largest capacitance",
}
UNITS = {"theta": "s", "supply": "V", "r_min": "ohm", "r_max": "ohm", "c_min": "F", "c_max": "F"}


def analog_data(build_dir: Path) -> ReportData:
    """Return what is known of the circuit of a build directory: its request says all.

    Raises
    ------
    ModelFileError
        If the manifest is missing or damaged.
    ToolError
        If matplotlib or schemdraw is missing.
    """
    check_drawing()
    _, request = load_analog(build_dir)
    # many small systems: threads of BLAS wait for each other
    with one_blas_thread():
        design = make_design(request)
        return ReportData(design=design, units=draw_units(design))


def analog_figures(data: ReportData) -> tuple[KeyFigure, ...]:
    """Return the figures at the top of the report of an analog memory."""
    design, request = data.design, data.design.request
    band = spaced_quantity(request.bandwidth, "Hz")
    found = [
        KeyFigure(
            name="Error of the taps",
            value=percent_text(design.fit.total),
            note=f"NRMSE up to {band}, nominal parts",
        )
    ]
    if data.units is not None:
        share = f"{100 * data.units.tolerance:g} %"
        found.append(
            KeyFigure(
                name=f"With parts of {share}",
                value=percent_text(data.units.median),
                note=f"median of {data.units.n_draws} units"
                + (
                    f"; {percent_text(data.units.calibrated_median)} with taps fitted to each"
                    if data.units.calibrated_median is not None
                    else ""
                ),
            )
        )
    found.append(
        KeyFigure(
            name="Full scale",
            value=f"±{volts_text(design.full_scale)}",
            note="no node reaches its limit, whatever the input",
        )
    )
    below = float(np.min(data.noise.below(design.full_scale)))
    if np.isfinite(below):
        found.append(
            KeyFigure(name="Noise", value=f"-{below:.0f} dB", note="below a sine of full scale")
        )
    found.append(KeyFigure(name="Parts", value=f"{data.bom.count:,}", note=str(data.bom)))
    return tuple(found)


def analog_sections(data: ReportData) -> tuple[Section, ...]:
    """Return the sections of the report of an analog memory."""
    with one_blas_thread(), page_style():
        return (
            _request(data),
            _delays(data),
            _errors(data),
            *_tolerances(data),
            _range(data),
            _noise(data),
            _offsets(data),
            _parts(data),
            _commands(data),
        )


def analog_command(options: AnalogOptions) -> str:
    """Return the command that writes an analog memory again, to ``lmu_analog``."""
    given = options_of(make_request(options.order, options.theta, options.taps))
    words = ["lmu-hw", "analog", "--d", str(options.order), "--theta", f"{options.theta!r}"]
    if options.taps != (1.0,):
        words += ["--taps", ",".join(repr(tap) for tap in options.taps)]
    for name in (f.name for f in fields(options)):
        value = getattr(options, name)
        if name not in ("order", "theta", "taps") and value != getattr(given, name):
            words += [f"--{name.replace('_', '-')}", str(value)]
    return shlex.join([*words, "-o", "lmu_analog"])


def _request(data: ReportData) -> Section:
    request, options = data.design.request, options_of(data.design.request)
    rows = []
    for name, meaning in MEANINGS.items():
        value = getattr(options, name)
        if name == "taps":
            text = ", ".join(f"{tap:g}" for tap in value)
        elif name in UNITS:
            text = spaced_quantity(value, UNITS[name])
        elif name == "tolerance":
            text = f"{100 * value:g} %"
        else:
            text = str(value)
        rows.append(("d" if name == "order" else name.replace("_", "-"), text, meaning))
    command = analog_command(options)
    return Section(
        key="request",
        title="Request",
        lead=headline(data),
        blocks=(
            DataTable(
                caption="Options, with the defaults filled in",
                head=("option", "value", "meaning"),
                rows=tuple(rows),
                sortable=False,
            ),
            CommandLine(purpose="Write this circuit again", command=command),
        ),
        data={
            "options": to_data(options),
            "command": command,
            "summary": to_data(analog_manifest(data.design, {}).analog),
            "amplifier": amplifier_text(request.amplifier),
        },
    )


def _delays(data: ReportData) -> Section:
    design, request = data.design, data.design.request
    taps, theta = data.circuit.taps, spaced_quantity(request.theta, "s")
    worst = int(np.argmax(design.fit.error))
    text = (
        "Left, the input of `tran.cir`, with all frequencies of the band. Right, a step: its "
        "frequencies beyond the band are not delayed but ring before and after, in the float "
        "memory too."
    )
    return Section(
        key="delays",
        title="Delays over time",
        lead=f"{len(taps)} delayed {'copy' if len(taps) == 1 else 'copies'} of the input within a "
        f"window of {theta}. The worst, {taps[worst]}, is {percent_text(design.fit.error[worst])} "
        "off the float memory.",
        blocks=(
            _picture(
                data,
                "delays",
                "Taps of the circuit over time lie on those of the float memory, for a "
                "band-limited input and for a step; below, the differences in % of full scale.",
                text,
            ),
            _table("Taps", tap_table(data)),
            Paragraph(
                text="In the band: NRMSE against the float memory of input with a flat spectrum "
                f"from 0 to {spaced_quantity(request.bandwidth, 'Hz')} (d/6 periods in the "
                f"window), with parts of the taps as fitted, and {built_with(request)}. At f theta "
                "= 1: error of the delay itself, of the float memory and of the circuit. Noise: "
                "below a sine of full scale. Offset: direct voltage without input, worst case and "
                "RMS over units."
            ),
        ),
        data={
            "taps": [
                {
                    "node": node,
                    "delay": request.taps[k],
                    "fitted": float(design.fit.fitted_error[k]),
                    "built": float(design.fit.error[k]),
                }
                for k, node in enumerate(taps)
            ]
        },
    )


def _errors(data: ReportData) -> Section:
    request, fit = data.design.request, data.design.fit
    exact, found = data.poles
    return Section(
        key="errors",
        title="Error over frequency, and poles",
        lead=error_text(data),
        blocks=(
            _picture(
                data,
                "error",
                f"Error of each delay over frequency, to {data.responses.frequencies[-1]:.3g} Hz: "
                "in the band the circuit is above the float memory, beyond it both are equal.",
                "Error of the delay, of the float memory and of the circuit. In the shaded band "
                "the parts of the circuit set the error, beyond it the order d.",
            ),
            _picture(
                data,
                "poles",
                f"{len(exact)} poles of the float memory, and those of the circuit close to each.",
                pole_text(data),
            ),
        ),
        data={
            "bandwidth_hz": request.bandwidth,
            "fitted": float(fit.fitted_total),
            "built": float(fit.total),
            "poles": [[float(p.real), float(p.imag)] for p in found],
        },
    )


def _tolerances(data: ReportData) -> tuple[Section, ...]:
    units = data.units
    if units is None:
        return ()
    blocks: list[Block] = []
    if "tolerance.svg" in pictures_of(data):
        blocks.append(
            _picture(
                data,
                "tolerance",
                f"Histogram of the error of {units.n_draws} units: {tolerance_text(units)}.",
                "Errors of units with drawn parts. Taps that are fitted for each unit, by other "
                "resistors or in software, make up for most of the tolerance.",
            )
        )
    blocks += [
        _table("Error of units, NRMSE in the band", tolerance_table(units)),
        CommandLine(
            purpose="Draw more units, some of them in ngspice too",
            command=f"lmu-hw verify {PLACE} --monte-carlo 1000 --calibrate",
        ),
    ]
    return (
        Section(
            key="tolerances",
            title="Tolerances",
            lead=f"{tolerance_text(units)}.",
            blocks=tuple(blocks),
            data={
                "units": units.n_draws,
                "tolerance": units.tolerance,
                "median": units.median,
                "calibrated_median": units.calibrated_median,
                "unstable": units.unstable,
            },
        ),
    )


def _range(data: ReportData) -> Section:
    request, swings = data.design.request, data.swings
    highest = max(swings, key=lambda node: swings[node])
    return Section(
        key="range",
        title="Dynamic range",
        lead=f"Input up to ±{volts_text(data.design.full_scale)} keeps every output within "
        f"±{volts_text(request.limit)}.",
        blocks=(
            _picture(
                data,
                "range",
                f"Largest voltage of each of {len(swings)} nodes, for any input up to full scale. "
                f"The highest is {highest} with {volts_text(swings[highest])}; the limit is "
                f"{volts_text(request.limit)}.",
                range_text(data),
            ),
        ),
        data={
            "full_scale": data.design.full_scale,
            "limit": request.limit,
            "largest": dict(swings),
        },
    )


def _noise(data: ReportData) -> Section:
    noise = data.noise
    below = noise.below(data.design.full_scale)
    worst = int(np.argmin(below))
    lead = (
        f"{data.circuit.taps[worst]} has the most noise, {volts_text(noise.rms[worst])} RMS in the "
        f"band, {below[worst]:.0f} dB below a sine of full scale."
        if np.isfinite(below[worst])
        else "These parts are said to make no noise."
    )
    return Section(
        key="noise",
        title="Noise",
        lead=lead,
        blocks=(
            _picture(
                data,
                "noise",
                "Noise density of the taps over frequency. RMS in the band: "
                + ", ".join(
                    f"{tap} {volts_text(v)}" for tap, v in zip(noise.taps, noise.rms, strict=False)
                )
                + ".",
                "Density of the noise at each tap, over the band.",
            ),
            _table(noise_text(data), noise_table(data)),
        ),
        data={"rms": [float(v) for v in noise.rms[: len(noise.taps)]]},
    )


def _offsets(data: ReportData) -> Section:
    given = has_offsets(data.design.request)
    blocks: list[Block] = []
    if given:
        blocks.append(_table("Direct voltage without input", offset_table(data)))
        blocks += [Paragraph(text=f"{k}. {t}") for k, t in enumerate(data.direct.advice(), 1)]
    n = len(data.circuit.taps)
    return Section(
        key="offsets",
        title="Offsets",
        lead=offset_text(data),
        blocks=tuple(blocks),
        data={"worst": [float(v) for v in data.direct.worst[:n]] if given else []},
    )


def _parts(data: ReportData) -> Section:
    sections = list(data.circuit.sections)
    return Section(
        key="parts",
        title="Schematic and parts",
        lead=f"{data.bom.count} parts: {data.bom}. `bom.csv` lists the references.",
        blocks=(
            schematic_block(data),
            _table("Bill of materials, by kind of part", bom_table(data)),
        ),
        data={"parts": data.bom.count, "sections": sections},
    )


def schematic_block(data: ReportData) -> Picture | Paragraph:
    """Return the schematic, or where it is if it is too large for the page."""
    others = "`schematic.pdf` has it on A3 sheets"
    others += ", `lmu.net` for a board editor." if has_amplifiers(data.circuit) else "."
    if len(data.circuit.parts) > MOST_PARTS:
        return Paragraph(
            text=f"The schematic of {data.bom.count} parts is too large for this page: "
            f"`schematic.svg` beside it has it on one sheet, {others}"
        )
    return Picture(
        name="schematic",
        svg=_enlarged(themed(svg_of(narrow_sheet(data.circuit)))),
        alt=f"Schematic of {data.bom.count} parts, a drawing for each of: "
        f"{', '.join(data.circuit.sections)}.",
        caption=f"The whole circuit. {others}",
    )


def _commands(data: ReportData) -> Section:
    commands = (
        (
            "Compare netlist and test benches in ngspice with the float memory",
            f"lmu-hw verify {PLACE}",
        ),
        ("Run a bench by hand: frequency responses of the taps", "ngspice -b ac.cir"),
        ("The same over time, for band-limited input", "ngspice -b tran.cir"),
    )
    return Section(
        key="commands",
        title="Verify, simulate, build",
        lead="What to do next, ready to copy.",
        blocks=(
            Paragraph(text="Run these in the build directory, the one that holds this page."),
            *(CommandLine(purpose=purpose, command=command) for purpose, command in commands),
            DataTable(
                caption="Files of the build directory",
                head=("file", "content"),
                rows=tuple((f"`{name}`", text) for name, text in file_contents(data.circuit)),
                sortable=False,
            ),
            Paragraph(text="Not looked at:"),
            *(Paragraph(text=text) for text in left_out(data.circuit)),
        ),
        data={"commands": [command for _, command in commands]},
    )


def _picture(data: ReportData, name: str, alt: str, caption: str) -> Picture:
    return picture(name, pictures_of(data)[f"{name}.svg"](data), alt=alt, caption=caption)


def _table(caption: str, table: TextTable) -> DataTable:
    return DataTable(caption=caption, head=table.head, rows=tuple(table.rows))


def _enlarged(svg: bytes) -> bytes:
    """Return an SVG with a larger natural size: the view box stays."""
    return re.sub(
        rb'\b(width|height)="([\d.]+)pt"',
        lambda m: b'%s="%.2fpt"' % (m[1], LARGER * float(m[2])),
        svg,
        count=2,
    )
