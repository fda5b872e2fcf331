"""What the report of an analog memory says: sentences and tables, without a format."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .amplifiers import IDEAL
from .circuit import Amplifier, Circuit
from .monte_carlo import MonteCarloReport
from .quantities import spaced_quantity
from .report_data import ReportData
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


class TextTable(NamedTuple):
    """A table of texts: titles of the columns, and rows."""

    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def headline(data: ReportData) -> str:
    """Return the result in a sentence."""
    request, fit = data.design.request, data.design.fit
    taps = "tap is" if len(request.taps) == 1 else f"{len(request.taps)} taps are"
    return (
        f"The {taps} within {percent_text(fit.total)} of the float memory for input up to "
        f"{spaced_quantity(request.bandwidth, 'Hz')} (NRMSE), {built_with(request)}."
    )


def built_with(request: AnalogRequest) -> str:
    """Return what the circuit is made of, as the end of a sentence."""
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


def summary(data: ReportData) -> list[tuple[str, str]]:
    """Return the other results: what, and the sentence."""
    design, request = data.design, data.design.request
    volts = volts_text(design.full_scale)
    lines = [
        ("Circuit", f"{request.structure.value}, {request.form.value}; {data.bom}."),
        (
            "Full scale",
            f"input up to ±{volts}, whatever its shape; taps have unit gain.",
        ),
    ]
    if data.units is not None:
        lines.append(("Tolerances", f"{tolerance_text(data.units)}."))
    below = float(np.min(data.noise.below(design.full_scale)))
    if np.isfinite(below):
        text = f"at least {below:.0f} dB below a sine of full scale, in the band."
        lines.append(("Noise", text))
    n = len(request.taps)
    worst = float(np.max(data.direct.worst[:n], initial=0.0))
    if worst > 0.0:
        share = percent_text(worst / design.full_scale)
        text = f"direct voltage at a tap up to {volts_text(worst)}, {share} of full scale"
        lines.append(("Offset", text))
    return lines


def tap_table(data: ReportData) -> TextTable:
    """Return a row for each tap."""
    design, request, r = data.design, data.design.request, data.responses
    one = int(np.argmin(np.abs(r.frequencies * request.theta - 1.0)))
    wrong = [np.abs(h - r.delays)[one] for h in (r.memory, r.built)]
    below, worst, rms = data.noise.below(design.full_scale), data.direct.worst, data.direct.rms
    known = has_offsets(request)
    rows = [
        (
            node,
            spaced_quantity(request.taps[k] * request.theta, "s"),
            percent_text(design.fit.fitted_error[k]),
            percent_text(design.fit.error[k]),
            f"{percent_text(wrong[0][k])} / {percent_text(wrong[1][k])}",
            f"-{below[k]:.0f} dB" if np.isfinite(below[k]) else "none",
            f"{volts_text(worst[k])} / {volts_text(rms[k])}" if known else "not known",
        )
        for k, node in enumerate(data.circuit.taps)
    ]
    head = ("tap", "delay", "in the band, fitted", "as built", "at f theta = 1", "noise", "offset")
    return TextTable(head, rows)


def error_text(data: ReportData) -> str:
    """Return why the error is what it is, in the band and beyond."""
    request, fit = data.design.request, data.design.fit
    text = (
        "Beyond the band the memory itself forgets: that is its order d, not its parts. In the "
        "band the circuit sets the floor: weights of the taps are fitted to what its rounded parts "
    )
    text += "and its amplifiers do" if has_amplifiers(data.circuit) else "do"
    if request.series is PartSeries.EXACT:
        return f"{text}: {percent_text(fit.fitted_total)} over all taps."
    return (
        f"{text}, {percent_text(fit.fitted_total)} over all taps, and then rounded to the series, "
        f"{percent_text(fit.total)}."
    )


def pole_text(data: ReportData) -> str:
    """Return how far the poles of the circuit are from those of the memory."""
    exact, found = data.poles
    moves = np.min(np.abs(found[None, :] - exact[:, None]), axis=1) / np.abs(exact)
    text = (
        f"Poles of the circuit are up to {percent_text(float(np.max(moves)))} from those of the "
        "float memory, by rounded parts"
    )
    if not has_amplifiers(data.circuit):
        return f"{text}; the taps make up for it."
    return (
        f"{text} and slow amplifiers; the taps make up for it. Poles of amplifiers are further out."
    )


def tolerance_text(units: MonteCarloReport) -> str:
    """Return the result of drawn units, without a full stop."""
    text = (
        f"{units.n_draws} units with parts within {100 * units.tolerance:g} % have a median error "
        f"of {percent_text(units.median)}"
    )
    if units.calibrated_median is not None:
        text += f", {percent_text(units.calibrated_median)} with taps fitted for each unit"
    return f"{text}; {units.unstable or 'none'} of them {_is(units.unstable)} unstable"


def tolerance_table(units: MonteCarloReport) -> TextTable:
    """Return the spread of the error over units."""
    shares = (0.05, 0.5, 0.95, 1.0)
    rows = [("as designed", *(percent_text(units.quantile(s)) for s in shares))]
    if units.calibrated_errors is not None:
        fitted = (percent_text(units.quantile(s, calibrated=True)) for s in shares)
        rows.append(("fitted for each unit", *fitted))
    return TextTable(("taps", "5 % of units", "median", "95 %", "worst"), rows)


def range_text(data: ReportData) -> str:
    """Return what the largest voltages are, and their limit."""
    request = data.design.request
    text = (
        "Largest magnitude of every output for any input up to full scale, "
        f"±{volts_text(data.design.full_scale)}: the l1 norm of its impulse response, with parts "
        "of exactly the values above. Tolerances and offsets add to it: leave room for them. The "
        f"limit is half the supply of {volts_text(request.supply)}"
    )
    headroom = request.amplifier.headroom
    return f"{text} less a headroom of {volts_text(headroom)}." if headroom else f"{text}."


def noise_text(data: ReportData) -> str:
    """Return what the table of the noise shows."""
    edge = spaced_quantity(data.design.request.bandwidth, "Hz")
    return f"RMS noise from 0 to {edge} at 27 °C, and the parts that make most of it."


def noise_table(data: ReportData) -> TextTable:
    """Return the noise of each tap, and the parts that make it."""
    noise = data.noise
    kinds = [(k, n) for k, n in (("R", "resistors"), ("U", "op-amps"), ("G", "transconductors"))]
    kinds = [(k, n) for k, n in kinds if any(p.startswith(k) for p in noise.parts)]
    rows = [
        (
            tap,
            volts_text(noise.rms[j]),
            *(volts_text(noise.rms_of(kind)[j]) for kind, _ in kinds),
            ", ".join(f"{part} {volts_text(v)}" for part, v in noise.largest(tap)),
        )
        for j, tap in enumerate(noise.taps)
    ]
    return TextTable(("tap", "RMS", *(name for _, name in kinds), "most by"), rows)


def offset_text(data: ReportData) -> str:
    """Return where direct voltages come from."""
    if not has_offsets(data.design.request):
        if not has_amplifiers(data.circuit):
            return (
                "The transconductors are taken to have no offset. `--opamp` with figures, as "
                "GBW=1,SR=1,VOS=1m, of which it takes VOS and HEADROOM, gives direct voltages."
            )
        return (
            "The amplifiers are said to have neither offset nor bias current. `--opamp` with a "
            "part number, or VOS=1m,IB=1n among its keys, gives direct voltages."
        )
    model = data.design.request.amplifier
    has = f"an input offset of up to {volts_text(model.offset)}"
    if has_amplifiers(data.circuit):
        has = f"op-amp has {has} and bias currents of up to {spaced_quantity(model.bias, 'A')}"
    else:
        has = f"transconductor has {has}"
    return (
        f"Without input the taps rest at a direct voltage, as every {has}. Worst case: all at "
        "their largest, with the worst signs."
    )


def offset_table(data: ReportData) -> TextTable:
    """Return the direct voltage of each tap, and the parts that make it."""
    direct, full = data.direct, data.design.full_scale
    rows = [
        (
            node,
            volts_text(direct.worst[k]),
            percent_text(direct.worst[k] / full),
            volts_text(direct.rms[k]),
            ", ".join(f"{name} {volts_text(v)}" for name, v in direct.largest(node)),
        )
        for k, node in enumerate(direct.taps)
    ]
    return TextTable(("tap", "worst case", "of full scale", "RMS", "most by"), rows)


def bom_table(data: ReportData) -> TextTable:
    """Return a row for each kind of part."""
    rows = []
    for part in dict.fromkeys(line.part for line in data.bom.lines):
        lines = [line for line in data.bom.lines if line.part == part]
        values = lines[0].value
        if len(lines) > 1:
            values += f" to {lines[-1].value}, {len(lines)} values"
        count = sum(line.count for line in lines)
        rows.append((str(count), part, values, lines[0].tolerance or " "))
    return TextTable(("count", "part", "value", "tolerance"), rows)


def has_amplifiers(circuit: Circuit) -> bool:
    """Return whether a circuit has op-amps."""
    return any(isinstance(part, Amplifier) for part in circuit.parts)


def has_offsets(request: AnalogRequest) -> bool:
    """Return whether the amplifiers have an offset or a bias current."""
    return request.amplifier.offset > 0.0 or request.amplifier.bias > 0.0


def left_out(circuit: Circuit) -> tuple[str, ...]:
    """Return what is not looked at."""
    more = AMPLIFIERS_LEFT_OUT if has_amplifiers(circuit) else TRANSCONDUCTORS_LEFT_OUT
    return (*LEFT_OUT, more)


def file_contents(circuit: Circuit) -> list[tuple[str, str]]:
    """Return name and content of the files of a build directory."""
    parts = has_amplifiers(circuit)
    return [(n, t) for n, t in FILES.items() if parts or n not in ("amplifiers.lib", "lmu.net")]


def _is(count: int) -> str:
    return "are" if count > 1 else "is"


def percent_text(share: float) -> str:
    """Return a share in percent; infinity is the error of a unit that is not stable."""
    value = 100.0 * float(share)
    if not np.isfinite(value):
        return "unstable"
    if value < SMALLEST:
        return f"< {SMALLEST:g} %"
    return f"{value:.2g} %" if value < 99.5 else f"{value:.0f} %"


def volts_text(value: float) -> str:
    """Return a voltage with a prefix."""
    return spaced_quantity(float(value), "V")
