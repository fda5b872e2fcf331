"""Pictures of the sequences on which the integers of a network differ most from its floats."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._support.array_types import Array
from .._support.svg_pictures import (
    BLUE,
    DASHES,
    GREY_FILL,
    INK,
    MUTED,
    ORANGE,
    PIXEL_BLUE,
    SERIES,
)
from .network_pictures import new_figure
from .network_run import NetworkRun, WorstExample

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_LINES = 3
"""Most inputs that are drawn as lines; more are drawn as an image."""
MOST_STEPS = 800
"""Most steps that are drawn: those around the largest difference."""
MOST_SCORES = 20
"""Most scores that are drawn as bars: the highest."""


def draw_examples(run: NetworkRun) -> Figure:
    """Draw the input of each of the worst sequences, and its outputs in floats and integers."""
    n = len(run.worst)
    figure = new_figure(0.3 + 2.3 * n)
    every = figure.subplots(n, 2, squeeze=False, width_ratios=(1.15, 1.0))
    for (left, right), example in zip(every, run.worst, strict=True):
        _draw_input(left, run, example)
        if run.classes:
            _draw_scores(right, run, example)
        else:
            _draw_outputs(right, run, example)
    every[-1, 0].set(xlabel="step")
    every[-1, 1].set(xlabel="class" if run.classes else "step")
    handles, labels = every[0, 1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=4)
    return figure


def _shown(n_steps: int, at: int) -> slice:
    """Return the steps that are drawn."""
    first = min(max(0, at - MOST_STEPS // 2), max(0, n_steps - MOST_STEPS))
    return slice(first, min(n_steps, first + MOST_STEPS))


def _draw_input(axes: Axes, run: NetworkRun, example: WorstExample) -> None:
    x = np.asarray(run.dataset.sequences[example.sequence], dtype=np.float64)
    part = _shown(len(x), example.step)
    steps, x = np.arange(part.start, part.stop), x[part]
    if x.shape[1] > MOST_LINES:
        draw_pixels(axes, x.T, (steps[0] - 0.5, steps[-1] + 0.5, -0.5, x.shape[1] - 0.5))
        axes.set(ylabel="input")
    else:
        for k, column in enumerate(x.T):
            axes.plot(steps, column, color=SERIES[k], ls=DASHES[k], lw=1.0, label=f"input {k}")
        axes.set(ylabel="input", xlim=(steps[0], max(steps[-1], steps[0] + 1)))
    axes.set_title(example.text, fontsize=8.5)


def draw_pixels(axes: Axes, rows: Array, extent: tuple[float, float, float, float]) -> None:
    """Draw an array as an image, stronger where values are larger, on whatever page it lies.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    rows : float array, shape (height, width)
        The first row is at the bottom.
    extent : tuple of float
        Left, right, bottom and top.
    """
    from matplotlib.colors import to_rgb

    low, high = float(rows.min()), float(rows.max())
    strength = (rows - low) / (high - low) if high > low else np.zeros(rows.shape)
    pixels = np.empty((*rows.shape, 4))
    pixels[..., :3] = to_rgb(PIXEL_BLUE)
    # few levels: the file is half as large
    pixels[..., 3] = np.round(31.0 * strength) / 31.0
    axes.imshow(pixels, origin="lower", aspect="auto", interpolation="nearest", extent=extent)
    axes.grid(visible=False)


def _draw_scores(axes: Axes, run: NetworkRun, example: WorstExample) -> None:
    floats = run.floats.values[example.sequence][-1]
    integers = run.integers.values[example.sequence][-1]
    n = len(floats)
    best = np.argsort(-np.maximum(floats, integers), kind="stable")[:MOST_SCORES]
    shown = np.sort(best)
    places = np.arange(len(shown))
    axes.bar(places - 0.2, floats[shown], 0.4, color=GREY_FILL, edgecolor=MUTED, label="float64")
    axes.bar(
        places + 0.2,
        integers[shown],
        0.4,
        color="none",
        edgecolor=BLUE,
        hatch="////",
        label="integers",
    )
    axes.axhline(0.0, color=INK, lw=0.7)
    for value, mark, color, label in (
        (example.truth, "v", INK, "label"),
        (example.integer_class, "o", BLUE, "integers' class"),
    ):
        if value is not None and value in shown:
            at = int(np.searchsorted(shown, value))
            top = max(0.0, floats[value], integers[value])
            height = 0.06 if mark == "v" else 0.16
            span = float(np.ptp(np.concatenate([floats, integers, [0.0]]))) or 1.0
            axes.plot(at, top + height * span, mark, color=color, ms=5, ls="", label=label)
    axes.set_xticks(places, [str(k) for k in shown], fontsize=8 if n > 10 else 9)
    axes.set(ylabel="score")
    axes.margins(y=0.15)


def _draw_outputs(axes: Axes, run: NetworkRun, example: WorstExample) -> None:
    floats = run.floats.values[example.sequence]
    integers = run.integers.values[example.sequence]
    # the output that differs most
    row = 0 if len(floats) == 1 else example.step
    word = int(np.argmax(np.abs(integers[row] - floats[row])))
    part = _shown(len(floats), row)
    steps = np.arange(len(floats))[part] if len(floats) > 1 else np.array([example.step])
    mark = "" if len(steps) > 1 else "o"
    targets = run.dataset.targets
    if targets is not None and len(targets[example.sequence]) == len(floats):
        wanted = np.asarray(targets[example.sequence])[part, word]
        axes.plot(steps, wanted, color=MUTED, lw=1.0, ls=DASHES[2], marker=mark, label="target")
    axes.plot(steps, floats[part, word], color=ORANGE, lw=2.4, ls="-", marker=mark, label="float64")
    axes.plot(
        steps, integers[part, word], color=BLUE, lw=1.0, ls=DASHES[1], marker=mark, label="integers"
    )
    axes.set(ylabel=f"output {word}")
