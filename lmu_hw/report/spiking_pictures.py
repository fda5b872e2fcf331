"""Pictures of a memory on neurons: raster, rates, and error against the number of neurons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .._support.array_types import Words
from .._support.svg_pictures import (
    BLUE,
    BLUE_FILL,
    DASHES,
    GRID,
    INK,
    MUTED,
    ORANGE,
    ORANGE_FILL,
    RED,
)
from ..memory.delay_error import percent
from ..memory.neurons import NeuronModel
from .example_pictures import draw_pixels
from .network_pictures import new_figure
from .spiking_run import PopulationError, SpikingRun

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_DASHES = 3000
"""Most spikes that are drawn one by one; more are drawn as an image."""
PIXELS = (480, 240)
"""Most columns and rows of that image."""
SHOWN_STEPS = (48, 256)
"""Fewest and most steps of a raster."""


def raster_steps(run: SpikingRun, theta: float) -> tuple[int, int]:
    """Return the first step of a raster, and the one after the last: a window, if it is short."""
    n = int(min(run.recorded, np.clip(theta, *SHOWN_STEPS)))
    return run.recorded - n, run.recorded


def draw_raster(run: SpikingRun, theta: float) -> Figure:
    """Draw which neurons of the first channel fire when, and the spikes of each step."""
    first, end = raster_steps(run, theta)
    _, n_states, signs, population = run.shape
    rows = n_states * signs * population
    # the neurons of the first channel have the first addresses
    shown = (run.time >= first) & (run.address < rows)
    time, address = run.time[shown], run.address[shown]
    figure = new_figure(5.2)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3.2, 1])
    if len(time) <= MOST_DASHES:
        # a dash is as wide as a step and as high as its neuron, but never too thin to see
        above.plot(time, address, "|", color=BLUE, ms=3.0, mew=0.9, ls="")
    else:
        _draw_shares(above, time - first, address, (end - first, rows), first)
    for k in range(1, n_states):
        above.axhline(k * signs * population - 0.5, color=MUTED, lw=0.6)
    middles = (np.arange(n_states) + 0.5) * signs * population - 0.5
    above.set_yticks(middles, [f"{k}" for k in range(n_states)])
    above.set(ylabel=f"state, {signs * population:,} neurons each", ylim=(-0.5, rows - 0.5))
    above.grid(visible=False)
    counts = run.spikes[first:end]
    steps = np.arange(first, end)
    below.stairs(counts, np.arange(first, end + 1) - 0.5, fill=True, color=BLUE_FILL)
    below.stairs(counts, np.arange(first, end + 1) - 0.5, color=BLUE, lw=0.9)
    below.axhline(run.mean_spikes, color=ORANGE, ls=DASHES[1], label="mean of all inputs")
    below.set(xlabel="step", ylabel="spikes a step", xlim=(steps[0] - 0.5, end - 0.5))
    below.set_ylim(bottom=0)
    figure.legend(*below.get_legend_handles_labels(), loc="outside upper right")
    return figure


def _draw_shares(
    axes: Axes, time: Words, address: Words, size: tuple[int, int], first: int
) -> None:
    """Draw the share of neurons and steps that fire in each cell."""
    n_steps, n_neurons = size
    columns, rows = min(PIXELS[0], n_steps), min(PIXELS[1], n_neurons)
    counts, _, _ = np.histogram2d(
        address, time, bins=(rows, columns), range=((-0.5, n_neurons - 0.5), (-0.5, n_steps - 0.5))
    )
    extent = (first - 0.5, first + n_steps - 0.5, -0.5, n_neurons - 0.5)
    # few spikes among many must be seen too
    draw_pixels(axes, np.sqrt(counts), extent)


def draw_rates(run: SpikingRun) -> Figure:
    """Draw the mean spikes of a step of each state, of either sign."""
    rates = run.rates
    figure = new_figure(2.9)
    axes = figure.subplots()
    states = np.arange(len(rates))
    axes.bar(states, rates[:, 0], 0.7, color=BLUE_FILL, edgecolor=BLUE, label="positive")
    axes.bar(
        states,
        -rates[:, 1],
        0.7,
        color=ORANGE_FILL,
        edgecolor=ORANGE,
        hatch="//",
        label="negative",
    )
    axes.axhline(0.0, color=INK, lw=0.8)
    ticks = states if len(states) <= 32 else states[:: -(-len(states) // 32)]
    axes.set_xticks(ticks)
    axes.yaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
    axes.set(xlabel="state, in the order of the sections", ylabel="spikes a step")
    axes.grid(visible=False, axis="x")
    figure.legend(loc="outside upper right", ncols=2)
    return figure


def draw_sizes(sizes: Sequence[PopulationError], neurons: int, model: NeuronModel) -> Figure:
    """Draw the error of m against the number of neurons, of the design and of others."""
    m = np.array([size.neurons for size in sizes], dtype=np.float64)
    predicted = np.array([size.predicted for size in sizes])
    figure = new_figure(3.6)
    axes = figure.subplots()
    axes.loglog(m, 100 * predicted, color=INK, lw=1.2, ls="-", marker=".", label="predicted")
    exponent = -1.0 if model is NeuronModel.INTEGRATE_FIRE else -0.5
    own = next(size for size in sizes if size.neurons == neurons)
    slope = 100 * own.predicted * (m / neurons) ** exponent
    name = "1/m" if exponent == -1.0 else "1/√m"
    axes.loglog(m, slope, color=MUTED, lw=0.9, ls=DASHES[2], label=f"slope of {name}")
    tried = [size for size in sizes if size.measured is not None]
    axes.loglog(
        [size.neurons for size in tried],
        [100 * size.measured for size in tried if size.measured is not None],
        "s",
        color=BLUE,
        mfc="none",
        ms=7,
        label="measured",
    )
    if own.measured is not None:
        axes.loglog(neurons, 100 * own.measured, "o", color=RED, ms=7, label="this design")
        axes.annotate(
            f"{percent(own.measured)} with {neurons:,} neurons",
            (neurons, 100 * own.measured),
            xytext=(8, 8),
            textcoords="offset points",
        )
    axes.set(xlabel="neurons m of a channel", ylabel="NRMSE of the memory [%]")
    axes.set_xticks(m, [f"{int(value):,}" for value in m], fontsize=8.5)
    axes.minorticks_off()
    axes.yaxis.set_major_formatter("{x:g}")
    axes.grid(visible=True, which="major", color=GRID)
    axes.legend()
    return figure
