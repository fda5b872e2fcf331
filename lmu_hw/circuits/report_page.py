"""The report of an analog memory in Markdown: the result first, then why."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from .._support.templates import environment
from .._support.workers import one_blas_thread
from .amplifiers import IDEAL
from .circuit import Amplifier, Circuit
from .monte_carlo import MonteCarloReport
from .pictures import check_drawing
from .quantities import spaced_quantity
from .report_data import ReportData
from .report_pictures import report_pictures
from .request import AnalogRequest, CircuitForm, PartSeries

SMALLEST = 1e-3
"""Errors below this are not told apart [%]."""
FILES = {
    "lmu.cir": "netlist of the memory, a subcircuit with its sections in comments",
    "amplifiers.lib": "model of the op-amps: gain, bandwidth, slew rate, output limits, noise",
    "ac.cir": "bench for ngspice: frequency responses of the taps",
    "tran.cir": "bench: taps over time for band-limited input",
    "step.cir": "bench: taps for a step to full scale",
    "square.cir": "bench: every node for a square wave at full scale",
    "noise.cir": "bench: noise density at each tap",
    "schematic.svg": "schematic on one sheet",
    "schematic.pdf": "schematic on A3 sheets",
    "bom.csv": "bill of materials",
    "lmu.net": "netlist for KiCad's board editor, with footprints",
    "manifest.json": "the request, the results and the digest of every file",
}
"""Content of the files of a build directory."""
LEFT_OUT = (
    "Supply: its rails and its middle are taken as fixed and quiet; what makes the middle is not "
    "designed. A change of the supply changes the limits only, as far as the amplifiers reject it.",
    "Temperature: drift of resistors and capacitors moves the poles as their tolerance does; that "
    "of offsets is above with a usual figure, not that of the part.",
    "Parasitics: capacitance of the board and of the amplifiers' inputs, leakage, layout.",
    "Matched parts: tolerances are drawn independently; parts of one reel or network match better.",
    "Capacitors: change with voltage, dielectric absorption; hence C0G or film.",
)
"""What is not looked at, for every form."""
AMPLIFIERS_LEFT_OUT = (
    "Amplifiers: spread of gain and bandwidth, output resistance and largest current, distortion "
    "below the limits, 1/f noise, current noise, stability with a capacitive load."
)
TRANSCONDUCTORS_LEFT_OUT = (
    "Transconductors: ideal. Output resistance, range of the linear input, bandwidth and bias are "
    "those of a technology; their largest voltage is half the supply, less any HEADROOM that "
    "`--opamp` gives."
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
    request = data.design.request
    files = [(name, text) for name, text in FILES.items() if _is_there(name, data.circuit)]
    amplifiers = _has_amplifiers(data.circuit)
    left_out = AMPLIFIERS_LEFT_OUT if amplifiers else TRANSCONDUCTORS_LEFT_OUT
    theta = spaced_quantity(request.theta, "s")
    offsets = request.amplifier.offset > 0.0 or request.amplifier.bias > 0.0
    return (
        environment()
        .get_template("analog/report.md.j2")
        .render(
            title=f"Analog memory: d = {request.order}, theta = {theta}",
            headline=headline(data),
            summary=_summary(data),
            tap_table=_tap_table(data, offsets=offsets),
            band=spaced_quantity(request.bandwidth, "Hz"),
            built_with=_built_with(request),
            amplifier_text=" with the amplifiers' gain and bandwidth" if amplifiers else "",
            limit_text=", slew rate and output limits included" if amplifiers else "",
            error_text=_error_text(data),
            pole_text=_pole_text(data),
            tolerance_text=None if data.units is None else f"{_tolerance_text(data.units)}.",
            tolerance_table=None if data.units is None else _tolerance_table(data.units),
            range_text=_range_text(data),
            noise_text=_noise_text(data),
            noise_table=_noise_table(data),
            offset_text=_offset_text(data, offsets=offsets),
            offset_table=_offset_table(data) if offsets else None,
            advice=data.direct.advice() if offsets else (),
            bom_text=f"{data.bom.count} parts: {data.bom}. `bom.csv` lists the references.",
            bom_table=_bom_table(data),
            pictures=pictures,
            left_out=(*LEFT_OUT, left_out),
            files=files,
        )
    )


def headline(data: ReportData) -> str:
    """Return the result in a sentence."""
    request, fit = data.design.request, data.design.fit
    taps = "tap is" if len(request.taps) == 1 else f"{len(request.taps)} taps are"
    return (
        f"The {taps} within {_percent(fit.total)} of the float memory for input up to "
        f"{spaced_quantity(request.bandwidth, 'Hz')} (NRMSE), {_built_with(request)}."
    )


def _built_with(request: AnalogRequest) -> str:
    parts = "transconductances" if request.form is CircuitForm.GM_C else "resistors"
    series = (
        f"with exact {parts}"
        if request.series is PartSeries.EXACT
        else f"with {parts} of {request.series.value}"
    )
    if request.form is CircuitForm.GM_C:
        return series
    amplifier = request.amplifier
    if amplifier.name == IDEAL.name:
        return f"{series} and ideal op-amps"
    return f"{series} and op-amps {amplifier.name} of {spaced_quantity(amplifier.bandwidth, 'Hz')}"


def _summary(data: ReportData) -> list[str]:
    """Return the other results, a line each."""
    design, request = data.design, data.design.request
    lines = [
        f"*Circuit*: {request.structure.value}, {request.form.value}; {data.bom}.",
        f"*Full scale*: input up to ±{_volts(design.full_scale)}, whatever its shape; taps have "
        "unit gain.",
    ]
    if data.units is not None:
        lines.append(f"*Tolerances*: {_tolerance_text(data.units)}.")
    below = float(np.min(data.noise.below(design.full_scale)))
    if np.isfinite(below):
        lines.append(f"*Noise*: at least {below:.0f} dB below a sine of full scale, in the band.")
    n = len(request.taps)
    worst = float(np.max(data.direct.worst[:n], initial=0.0))
    if worst > 0.0:
        lines.append(
            f"*Offset*: direct voltage at a tap up to {_volts(worst)}, "
            f"{_percent(worst / design.full_scale)} of full scale; see [what to do](#offsets)."
        )
    return lines


def _tap_table(data: ReportData, *, offsets: bool) -> str:
    """Return a row for each tap."""
    design, request, r = data.design, data.design.request, data.responses
    one = int(np.argmin(np.abs(r.frequencies * request.theta - 1.0)))
    wrong = [np.abs(h - r.delays)[one] for h in (r.memory, r.built)]
    below, worst, rms = data.noise.below(design.full_scale), data.direct.worst, data.direct.rms
    rows = [
        (
            node,
            spaced_quantity(request.taps[k] * request.theta, "s"),
            _percent(design.fit.fitted_error[k]),
            _percent(design.fit.error[k]),
            f"{_percent(wrong[0][k])} / {_percent(wrong[1][k])}",
            f"-{below[k]:.0f} dB" if np.isfinite(below[k]) else "none",
            f"{_volts(worst[k])} / {_volts(rms[k])}" if offsets else "not known",
        )
        for k, node in enumerate(data.circuit.taps)
    ]
    head = ("tap", "delay", "in the band, fitted", "as built", "at f theta = 1", "noise", "offset")
    return markdown_table(head, rows)


def _error_text(data: ReportData) -> str:
    request, fit = data.design.request, data.design.fit
    text = (
        "Beyond the band the memory itself forgets: that is its order d, not its parts. In the "
        "band the circuit sets the floor: weights of the taps are fitted to what its rounded parts "
    )
    text += "and its amplifiers do" if _has_amplifiers(data.circuit) else "do"
    if request.series is PartSeries.EXACT:
        return f"{text}: {_percent(fit.fitted_total)} over all taps."
    return (
        f"{text}, {_percent(fit.fitted_total)} over all taps, and then rounded to the series, "
        f"{_percent(fit.total)}."
    )


def _pole_text(data: ReportData) -> str:
    exact, found = data.poles
    moves = np.min(np.abs(found[None, :] - exact[:, None]), axis=1) / np.abs(exact)
    text = (
        f"Poles of the circuit are up to {_percent(float(np.max(moves)))} from those of the float "
        "memory, by rounded parts"
    )
    if not _has_amplifiers(data.circuit):
        return f"{text}; the taps make up for it."
    return (
        f"{text} and slow amplifiers; the taps make up for it. Poles of amplifiers are further out."
    )


def _tolerance_text(units: MonteCarloReport) -> str:
    text = (
        f"{units.n_draws} units with parts within {100 * units.tolerance:g} % have a median error "
        f"of {_percent(units.median)}"
    )
    if units.calibrated_median is not None:
        text += f", {_percent(units.calibrated_median)} with taps fitted for each unit"
    return f"{text}; {units.unstable or 'none'} of them {_is(units.unstable)} unstable"


def _tolerance_table(units: MonteCarloReport) -> str:
    shares = (0.05, 0.5, 0.95, 1.0)
    rows = [("as designed", *(_percent(units.quantile(s)) for s in shares))]
    if units.calibrated_errors is not None:
        fitted = (_percent(units.quantile(s, calibrated=True)) for s in shares)
        rows.append(("fitted for each unit", *fitted))
    return markdown_table(("taps", "5 % of units", "median", "95 %", "worst"), rows)


def _range_text(data: ReportData) -> str:
    request = data.design.request
    text = (
        "Largest magnitude of every output for any input up to full scale, "
        f"±{_volts(data.design.full_scale)}: the l1 norm of its impulse response, with parts of "
        "exactly the values above. Tolerances and offsets add to it: leave room for them. The "
        f"limit is half the supply of {_volts(request.supply)}"
    )
    headroom = request.amplifier.headroom
    return f"{text} less a headroom of {_volts(headroom)}." if headroom else f"{text}."


def _noise_text(data: ReportData) -> str:
    edge = spaced_quantity(data.design.request.bandwidth, "Hz")
    return f"RMS noise from 0 to {edge} at 27 °C, and the parts that make most of it."


def _noise_table(data: ReportData) -> str:
    noise = data.noise
    kinds = [(k, n) for k, n in (("R", "resistors"), ("U", "op-amps"), ("G", "transconductors"))]
    kinds = [(k, n) for k, n in kinds if any(p.startswith(k) for p in noise.parts)]
    rows = [
        (
            tap,
            _volts(noise.rms[j]),
            *(_volts(noise.rms_of(kind)[j]) for kind, _ in kinds),
            ", ".join(f"{part} {_volts(v)}" for part, v in noise.largest(tap)),
        )
        for j, tap in enumerate(noise.taps)
    ]
    return markdown_table(("tap", "RMS", *(name for _, name in kinds), "most by"), rows)


def _offset_text(data: ReportData, *, offsets: bool) -> str:
    if not offsets:
        if not _has_amplifiers(data.circuit):
            return (
                "The transconductors are taken to have no offset. `--opamp` with figures, as "
                "GBW=1,SR=1,VOS=1m, of which it takes VOS and HEADROOM, gives direct voltages."
            )
        return (
            "The amplifiers are said to have neither offset nor bias current. `--opamp` with a "
            "part number, or VOS=1m,IB=1n among its keys, gives direct voltages."
        )
    model = data.design.request.amplifier
    has = f"an input offset of up to {_volts(model.offset)}"
    if _has_amplifiers(data.circuit):
        has = f"op-amp has {has} and bias currents of up to {spaced_quantity(model.bias, 'A')}"
    else:
        has = f"transconductor has {has}"
    return (
        f"Without input the taps rest at a direct voltage, as every {has}. Worst case: all at "
        "their largest, with the worst signs."
    )


def _offset_table(data: ReportData) -> str:
    direct, full = data.direct, data.design.full_scale
    rows = [
        (
            node,
            _volts(direct.worst[k]),
            _percent(direct.worst[k] / full),
            _volts(direct.rms[k]),
            ", ".join(f"{name} {_volts(v)}" for name, v in direct.largest(node)),
        )
        for k, node in enumerate(direct.taps)
    ]
    return markdown_table(("tap", "worst case", "of full scale", "RMS", "most by"), rows)


def _bom_table(data: ReportData) -> str:
    """Return a row for each kind of part."""
    rows = []
    for part in dict.fromkeys(line.part for line in data.bom.lines):
        lines = [line for line in data.bom.lines if line.part == part]
        values = lines[0].value
        if len(lines) > 1:
            values += f" to {lines[-1].value}, {len(lines)} values"
        count = sum(line.count for line in lines)
        rows.append((str(count), part, values, lines[0].tolerance or " "))
    return markdown_table(("count", "part", "value", "tolerance"), rows)


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _has_amplifiers(circuit: Circuit) -> bool:
    return any(isinstance(part, Amplifier) for part in circuit.parts)


def _is_there(name: str, circuit: Circuit) -> bool:
    return _has_amplifiers(circuit) or name not in ("amplifiers.lib", "lmu.net")


def _is(count: int) -> str:
    return "are" if count > 1 else "is"


def _percent(share: float) -> str:
    """Return a share in percent; infinity is the error of a unit that is not stable."""
    value = 100.0 * float(share)
    if not np.isfinite(value):
        return "unstable"
    if value < SMALLEST:
        return f"< {SMALLEST:g} %"
    return f"{value:.2g} %" if value < 99.5 else f"{value:.0f} %"


def _volts(value: float) -> str:
    return spaced_quantity(float(value), "V")
