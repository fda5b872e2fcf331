"""Pictures of the report of an analog memory, as SVG."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .._support.array_types import Array
from .._support.svg_pictures import (
    BLUE,
    BLUE_FILL,
    DASHES,
    GREY_FILL,
    INK,
    MUTED,
    RED,
    RED_FILL,
    SERIES,
    page_style,
    svg_of,
    themed,
)
from .benches import TRAN_LENGTH
from .circuit import INPUT
from .quantities import spaced_quantity
from .report_data import ReportData, Transient

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_TAPS = 4
"""Most taps that a picture shows."""
FLOOR = 1e-4
"""Errors below this are not drawn [%]."""

NODES: dict[str, dict[str, Any]] = {
    "input": {"facecolor": GREY_FILL, "edgecolor": INK, "lw": 0.8},
    "state": {"facecolor": BLUE_FILL, "edgecolor": BLUE, "hatch": "//", "lw": 0.8},
    "other": {"facecolor": GREY_FILL, "edgecolor": MUTED, "hatch": "..", "lw": 0.8},
    "tap": {"facecolor": RED_FILL, "edgecolor": RED, "hatch": "\\\\", "lw": 0.8},
}
"""Bars of each kind of node."""


def report_pictures(data: ReportData) -> dict[str, bytes]:
    """Return the pictures by file name below ``pictures/``.

    Raises
    ------
    ToolError
        If matplotlib is missing.
    """
    with page_style():
        return {name: themed(svg_of(make(data))) for name, make in pictures_of(data).items()}


def pictures_of(data: ReportData) -> dict[str, Callable[[ReportData], Figure]]:
    """Return the function that draws each picture of a report."""
    makers: dict[str, Callable[[ReportData], Figure]] = {
        "delays.svg": draw_delays,
        "error.svg": draw_error,
        "poles.svg": draw_poles,
        "range.svg": draw_range,
        "noise.svg": draw_noise,
    }
    if data.units is not None and np.any(np.isfinite(data.units.errors)):
        makers["tolerance.svg"] = draw_tolerance
    return makers


def shown_taps(data: ReportData) -> list[int]:
    """Return the indices of the taps that pictures show, evenly chosen if there are many."""
    n = len(data.circuit.taps)
    return sorted({round(k) for k in np.linspace(0, n - 1, min(n, MOST_TAPS))})


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def _delay(data: ReportData, tap: int) -> str:
    request = data.design.request
    return spaced_quantity(request.taps[tap] * request.theta, "s")


def _time_unit(theta: float) -> tuple[float, str]:
    """Return a unit of time for an axis, and its name."""
    for unit, name in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")):
        if theta >= 0.5 * unit:
            return unit, name
    return 1e-9, "ns"


def draw_delays(data: ReportData) -> Figure:
    """Draw the taps over time, of the circuit and of the float memory, and what differs."""
    figure = _figure(9.0, 5.2)
    axes = figure.subplots(2, 2, height_ratios=[2, 1], sharex="col")
    unit, name = _time_unit(data.design.request.theta)
    for column, (title, run) in enumerate(
        (("band-limited input", data.band_limited), ("step to full scale", data.step))
    ):
        above, below = axes[:, column]
        _draw_transient(data, run, above, below, unit)
        above.set(title=title)
        below.set(xlabel=f"time [{name}]")
    # some ten periods of the highest frequency are enough to see
    windows = min(float(TRAN_LENGTH), 1.5 + 12.0 / data.design.request.order)
    axes[0, 0].set(ylabel="voltage [V]", xlim=(0.0, windows * data.design.request.theta / unit))
    axes[1, 0].set(ylabel="circuit − memory\n[% of full scale]")  # noqa: RUF001
    axes[0, 0].plot([], [], color=MUTED, ls="-", lw=4.0, alpha=0.4, label="float memory")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=6)
    return figure


def _draw_transient(data: ReportData, run: Transient, above: Any, below: Any, unit: float) -> None:
    t = run.times / unit
    above.plot(t, run.u, color=INK, lw=0.7, ls=":", label="input")
    for k, tap in enumerate(shown_taps(data)):
        label = f"{data.circuit.taps[tap]}: {_delay(data, tap)}"
        # wide and pale below, thin above: both show where they agree
        color, dashes = SERIES[k], DASHES[k]
        above.plot(t, run.memory[:, tap], color=color, ls="-", lw=4.0, alpha=0.3)
        above.plot(t, run.built[:, tap], color=color, ls=dashes, lw=1.1, label=label)
        wrong = 100.0 * (run.built[:, tap] - run.memory[:, tap]) / data.design.full_scale
        below.plot(t, wrong, color=color, ls=dashes, lw=0.9)
    for ax in (above, below):
        ax.set_xlim(0.0, t[-1])


def draw_error(data: ReportData) -> Figure:
    """Draw the error of each delay over frequency: of the memory, and of the circuit."""
    taps, r = shown_taps(data), data.responses
    columns = 2 if len(taps) == 4 else len(taps)
    rows = len(taps) // columns
    figure = _figure(9.0, 1.0 + 2.9 * rows)
    axes = np.ravel(figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False))
    theta = data.design.request.theta
    periods, edge = r.frequencies * theta, data.design.request.bandwidth * theta
    curves = (
        ("float memory (ideal parts)", r.memory, INK, "--", 1.0),
        ("circuit, taps as fitted", r.fitted, BLUE, DASHES[2], 1.6),
        (f"circuit, taps in {data.design.request.series.value}", r.built, RED, "-", 1.2),
    )
    for ax, tap in zip(axes, taps, strict=False):
        ax.axvspan(0.0, edge, color=GREY_FILL, lw=0, zorder=0, label="the band")
        for label, response, color, style, width in curves:
            error = 100.0 * np.abs(response[:, tap] - r.delays[:, tap])
            ax.semilogy(periods, error, color=color, ls=style, lw=width, label=label)
        ax.set(title=f"{data.circuit.taps[tap]}: delay {_delay(data, tap)}")
        ax.set(xlim=(0.0, periods[-1]), ylim=(FLOOR, 200.0))
        ax.yaxis.set_major_formatter("{x:g}")
    for ax in axes[::columns]:
        ax.set(ylabel="error of the delay [%]")
    for ax in axes[-columns:]:
        ax.set(xlabel="f theta: periods in the window")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return figure


def draw_poles(data: ReportData) -> Figure:
    """Draw the poles of the memory and of the circuit."""
    exact, found = data.poles
    figure = _figure(5.6, 5.0)
    ax = figure.subplots()
    ax.plot(exact.real, exact.imag, "o", mfc="none", mec=MUTED, ls="", ms=11, label="float memory")
    ax.plot(found.real, found.imag, "x", color=RED, ls="", ms=7, mew=1.6, label="circuit")
    ax.axvline(0.0, color=INK, lw=0.8)
    ax.axhline(0.0, color=INK, lw=0.4)
    ax.set(xlabel="Re s theta", ylabel="Im s theta")
    ax.set_aspect("equal", adjustable="datalim")
    ax.legend(loc="upper right")
    return figure


def draw_range(data: ReportData) -> Figure:
    """Draw the largest voltage of each node against the limit of the amplifiers."""
    swings, limit = data.swings, data.design.request.limit
    names = list(swings)
    across = len(names) > 24
    figure = _figure(9.0, 3.6 if not across else 4.0)
    ax = figure.subplots()
    for k, node in enumerate(names):
        ax.bar(k, swings[node], 0.75, **NODES[_kind(data, node)])
    ax.axhline(limit, color=INK, lw=1.2, ls="--")
    ax.text(-0.5, limit * 1.015, f"limit {limit:.3g} V", va="bottom")
    ax.set_xticks(np.arange(len(names)), names, rotation=90, fontsize=6 if across else 9)
    ax.set(ylabel="largest voltage [V]", ylim=(0.0, 1.15 * limit), xlim=(-0.7, len(names) - 0.3))
    for label, look in NODES.items():
        ax.bar([0], [0.0], label=label, **look)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4)
    ax.grid(visible=False, axis="x")
    return figure


def _kind(data: ReportData, node: str) -> str:
    if node in data.circuit.taps:
        return "tap"
    if node in data.circuit.states:
        return "state"
    return "input" if node == INPUT else "other"


def draw_noise(data: ReportData) -> Figure:
    """Draw the noise density of the taps."""
    noise, theta = data.noise, data.design.request.theta
    figure = _figure(6.4, 3.8)
    ax = figure.subplots()
    for k, tap in enumerate(shown_taps(data)):
        label = f"{data.circuit.taps[tap]}: {1e6 * noise.rms[tap]:.3g} uV RMS in the band"
        density = 1e9 * noise.density[:, tap]
        ax.plot(noise.frequencies * theta, density, color=SERIES[k], ls=DASHES[k], label=label)
    ax.set(xlabel="f theta: periods in the window", ylabel="noise density [nV/√Hz]")
    ax.set_ylim(bottom=0.0)
    ax.set_xlim(0.0, float(noise.frequencies[-1] * theta))
    ax.legend()
    return figure


def draw_tolerance(data: ReportData) -> Figure:
    """Draw how the error of units is distributed, with taps as designed and fitted per unit."""
    units = data.units
    assert units is not None
    sets: list[tuple[str, Array, str]] = [("taps as designed", units.errors, RED)]
    if units.calibrated_errors is not None:
        sets.append(("taps fitted for each unit", units.calibrated_errors, BLUE))
    stable = [(label, 100.0 * e[np.isfinite(e)], color) for label, e, color in sets]
    every = np.concatenate([errors for _, errors, _ in stable])
    edges = np.geomspace(0.9 * every.min(), 1.1 * every.max(), 60).tolist()
    figure = _figure(9.0, 3.6)
    ax = figure.subplots()
    for label, errors, color in stable:
        median = float(np.median(errors))
        text = f"{label}: median {median:.2g} %"
        hatch = "//" if color == BLUE else ""
        ax.hist(errors, bins=edges, facecolor=color, ec=color, alpha=0.45, hatch=hatch, label=text)
        ax.axvline(median, color=color, lw=1.5)
    ax.axvline(100.0 * units.drawn_error, color=INK, ls="--", label="nominal parts")
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter("{x:g}")
    ax.set(
        xlabel="error in the band, all taps: NRMSE [%]",
        ylabel=f"units of {units.n_draws}",
        title=f"parts within {100.0 * units.tolerance:g} %",
    )
    ax.grid(visible=False, axis="x")
    ax.legend()
    return figure
