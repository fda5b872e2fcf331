"""Pictures of a network: its layers, errors of signals, confusion, differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from .._support.array_types import Array
from .._support.svg_pictures import (
    BLUE,
    BLUE_FILL,
    GREEN_FILL,
    GREY_FILL,
    INK,
    MUTED,
    ORANGE,
    ORANGE_FILL,
    RED,
)
from ..measure.evaluation import SignalQuality
from ..measure.signal_error import SILENT_DB
from ..quantize.network_summary import LayerSummary
from .plotting import WIDTH

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW = 0.3
"""Height of a row of bars [inch]."""
MOST_COUNTED = 20
"""Most classes whose counts are written into the confusion matrix."""
PROVEN, CALIBRATED = "proven", "calibrated on data"


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """Return an empty figure [inch]."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def draw_layers(layers: Sequence[LayerSummary]) -> Figure:
    """Draw the multiplies of each layer in a step: with dense matrices, and as generated."""
    figure = new_figure(0.8 + 0.62 * len(layers))
    axes = figure.subplots()
    y = np.arange(len(layers))
    dense = [layer.multiplies_dense for layer in layers]
    made = [layer.multiplies for layer in layers]
    axes.barh(y, dense, 0.7, color=GREY_FILL, edgecolor=MUTED, lw=0.8, label="dense matrices")
    axes.barh(y, made, 0.38, color=BLUE_FILL, edgecolor=BLUE, hatch="//", label="as generated")
    for k, layer in enumerate(layers):
        text = f"{layer.multiplies:,} of {layer.multiplies_dense:,}"
        beside_bar(axes, max(dense[k], made[k]), k, text)
    axes.set_yticks(y, [f"{layer.name}\n{layer.text()}" for layer in layers], fontsize=8.5)
    axes.invert_yaxis()
    axes.set(xlabel="multiplies a step", xlim=(0, 1.28 * max(1, *dense, *made)))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.grid(visible=False, axis="y")
    figure.legend(loc="outside upper right", ncols=2)
    return figure


def beside_bar(axes: Axes, end: float, row: int, text: str) -> None:
    """Write a text behind the end of a bar."""
    axes.annotate(
        text, (end, row), xytext=(5, 0), textcoords="offset points", va="center", fontsize=8.5
    )


def draw_snr(signals: Mapping[str, SignalQuality]) -> Figure:
    """Draw the SNR of each signal against the float network, and the words that saturated."""
    # a signal without any error has no bar that says how good it is
    ends = [s.snr_db for s in signals.values() if s.snr_db < SILENT_DB]
    longest = max([40.0, *ends])
    texts = []
    for s in signals.values():
        text = "no error" if s.snr_db >= SILENT_DB else f"{s.snr_db:.1f} dB"
        texts.append(text + (f", {100 * s.saturated:.2g} % saturate" if s.saturated else ""))
    values = [max(0.0, min(s.snr_db, longest)) for s in signals.values()]
    proven = [s.proven for s in signals.values()]
    figure, axes = _bars(list(signals), values, proven, texts)
    axes.set(xlabel="signal over error against float64 [dB]", xlim=(0, 1.42 * longest))
    return figure


def _bars(
    names: Sequence[str], values: Sequence[float], proven: Sequence[bool], texts: Sequence[str]
) -> tuple[Figure, Axes]:
    """Draw a bar for each signal, with a text behind it; proven and calibrated ones differ."""
    from matplotlib.patches import Patch

    figure = new_figure(0.9 + ROW * len(names))
    axes = figure.subplots()
    for k, (value, sure, text) in enumerate(zip(values, proven, texts, strict=True)):
        fill, edge, hatch = (GREEN_FILL, MUTED, "") if sure else (ORANGE_FILL, ORANGE, "//")
        axes.barh(k, value, 0.72, color=fill, edgecolor=edge, hatch=hatch, lw=0.8)
        beside_bar(axes, value, k, text)
    axes.set_yticks(range(len(names)), names, family="monospace", fontsize=9)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    keys = [
        Patch(facecolor=GREEN_FILL, edgecolor=MUTED, label=PROVEN),
        Patch(facecolor=ORANGE_FILL, edgecolor=ORANGE, hatch="//", label=CALIBRATED),
    ]
    figure.legend(handles=keys, loc="outside upper right", ncols=2)
    return figure, axes


def draw_confusion(confusion: Sequence[Sequence[int]]) -> Figure:
    """Draw how often each class is computed for each true class: right ones blue, wrong red."""
    counts = np.array(confusion)
    n = len(counts)
    size = float(np.clip(0.36 * n, 2.6, 6.0))
    figure = new_figure(size + 0.7, size + 1.0)
    axes = figure.subplots()
    share = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    from matplotlib.patches import Rectangle

    for (row, column), count in np.ndenumerate(counts):
        if not count:
            continue
        color = BLUE if row == column else RED
        # text in INK stays readable on at most half of a colour
        alpha = 0.08 + 0.42 * float(share[row, column]) ** 0.5
        place = (column - 0.5, row - 0.5)
        axes.add_patch(Rectangle(place, 1, 1, facecolor=color, alpha=alpha, lw=0))
        if n <= MOST_COUNTED:
            axes.text(column, row, f"{count:,}", ha="center", va="center", fontsize=8)
    ticks = np.unique(np.linspace(0, n - 1, min(n, MOST_COUNTED)).round().astype(int))
    axes.set_xticks(ticks)
    axes.set_yticks(ticks)
    axes.set(xlim=(-0.5, n - 0.5), ylim=(n - 0.5, -0.5), aspect="equal")
    axes.set(xlabel="class computed by the integers", ylabel="true class")
    axes.grid(visible=False)
    return figure


def draw_differences(differences: Array) -> Figure:
    """Draw the histogram of integer less float outputs [output unit]."""
    limit = float(np.max(np.abs(differences), initial=0.0)) or 1.0
    figure = new_figure(2.9)
    axes = figure.subplots()
    counts, edges = np.histogram(differences, bins=61, range=(-limit, limit))
    axes.stairs(counts, edges, fill=True, facecolor=BLUE_FILL, edgecolor=BLUE)
    axes.axvline(0.0, color=INK, lw=0.8)
    axes.set(xlabel="integer less float output", ylabel="outputs", xlim=(-limit, limit))
    axes.yaxis.set_major_formatter("{x:,.0f}")
    return figure
