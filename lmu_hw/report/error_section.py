"""Section of a report: error of a memory's outputs, predicted and measured."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._support.array_types import Array
from .._support.svg_pictures import BLUE, DASHES, INK, MUTED, ORANGE, RED, SERIES, page_style
from ..manifest import MemoryManifest
from ..quantize.error_spectrum import OUTPUT_ROUNDING
from .memory_run import MAX_PREDICTED, MemoryRun, memory_run
from .plotting import canvas, picture, short
from .report_source import ReportSource
from .section import DataTable, Paragraph, Picture, Section

SEGMENTS = 8
"""Parts of a run that a measured spectrum averages, for each stream."""
FREQUENCIES, POINTS = 90, 5
"""Most frequencies of a spectrum, and points around each that a prediction averages."""
BINS = 120
"""Bars of the histogram."""


def error_sections(source: ReportSource) -> tuple[Section, ...]:
    """Return the section on the error of a memory."""
    design, run = source.manifest.design, memory_run(source)
    if run is None or not isinstance(design, MemoryManifest):
        return ()
    error = run.error
    if error is None:
        return ()
    rms = np.sqrt(np.mean(error**2, axis=(0, 1)))
    largest = np.max(np.abs(error), axis=(0, 1))
    predicted = None if run.prediction is None else run.prediction.total_rms(run.input_rms)
    with page_style():
        pictures = (
            _spectrum_picture(run, error),
            _spread_picture(run, error, rms, largest, predicted, design),
        )
    worst = int(np.argmax(rms))
    return (
        Section(
            key="error",
            title="Error",
            lead=_lead(run, rms, largest, predicted, worst),
            blocks=(
                Paragraph(text=_explanation(run, design)),
                *pictures,
                _table(run, rms, largest, predicted, worst),
            ),
            data=_data(run, rms, largest, predicted, design),
        ),
    )


def _lead(run: MemoryRun, rms: Array, largest: Array, predicted: Array | None, worst: int) -> str:
    text = (
        f"The worst output word, {run.names[worst]}, is {rms[worst]:,.2f} LSB RMS off the float64 "
    )
    text += "memory" if predicted is None else f"memory, {predicted[worst]:,.2f} predicted"
    samples = (len(run.u) - run.start) * run.u.shape[1]
    return f"{text}. In {samples:,} samples no word was more than {np.max(largest):,.2f} LSB off."


def _explanation(run: MemoryRun, design: MemoryManifest) -> str:
    reference = (
        "the rounded chain in float64, which defines what the state means"
        if run.prediction is not None and run.prediction.of_chain
        else "the float64 memory"
    )
    error = design.error_lsb
    text = (
        f"Program and reference, {reference}, run on the same input words: noise of RMS "
        f"{run.input_rms:.2f}, flat up to {run.bandwidth:.3g} cycles/sample, from reset; the first "
        f"{run.start:,} of {len(run.u):,} steps are left out."
    )
    if error.neurons is None:
        text += (
            f" For any input within full scale, also a constant one, {error.predicted:.2f} LSB RMS "
            f"are predicted; the error budget is {error.budget:g} LSB."
        )
    if run.prediction is None:
        text += f" Spectra are predicted up to d = {MAX_PREDICTED}."
    return text


def _spectrum_picture(run: MemoryRun, error: Array) -> Picture:
    words = run.chosen_words
    figure, axes = canvas(3.3, 1, len(words), sharey=True)
    known = False
    for ax, word in zip(axes[0], words, strict=True):
        f, measured, expected = _spectra(run, error, word)
        ax.plot(f, _decibel(measured), color=BLUE, ls="-", lw=1.0, label="measured")
        if expected is not None:
            known = True
            ax.plot(f, _decibel(expected), color=ORANGE, ls=DASHES[1], lw=1.9, label="predicted")
        ax.axhline(_decibel(2.0 * OUTPUT_ROUNDING), color=MUTED, ls=DASHES[2], lw=1.0)
        ax.axvline(run.bandwidth, color=MUTED, ls="-", lw=0.8)
        ax.set(xscale="log", title=run.names[word], xlabel="frequency [cycles/sample]")
    axes[0, 0].set(ylabel="error density\n[dB re LSB² samples/cycle]")
    low, high = axes[0, 0].get_ylim()
    axes[0, 0].set_ylim(min(low, -20.0), max(high, 0.0) + 3.0)
    axes[0, 0].legend(loc="upper left", ncols=2)
    caption = (
        "Spectrum of the error. Dotted: rounding of the output alone, 1/12 LSB² spread evenly over "
        "all frequencies. The vertical line is the edge of the input's band."
    )
    if known:
        caption += (
            " Power above the dotted line is roundoff in the recursion and, within the band, that "
            "of rounded coefficients. In a word that changes by less than an LSB a step the "
            "rounding of the output follows the signal, and is not spread evenly."
        )
    return picture(
        "error-spectrum",
        figure,
        alt=f"Spectrum of the error of {', '.join(run.names[w] for w in words)}, "
        f"{'measured and predicted' if known else 'measured'}.",
        caption=caption,
    )


def _spectra(run: MemoryRun, error: Array, word: int) -> tuple[Array, Array, Array | None]:
    """Return frequencies, and the measured and predicted power density of a word's error."""
    from scipy.signal import welch

    length = min(len(error), 1 << max(6, (len(error) // SEGMENTS).bit_length() - 1))
    f, density = welch(error[:, :, word], nperseg=length, axis=0, detrend=False)
    kept = np.unique(np.round(np.geomspace(1, len(f) - 2, FREQUENCIES)).astype(int))
    measured = np.mean(density, axis=1)
    # neighbours that the drawing leaves out count too
    ends = np.append(kept[1:], len(f) - 1)
    bands = [measured[a : max(b, a + 1)].mean() for a, b in zip(kept, ends, strict=True)]
    centres = [f[a : max(b, a + 1)].mean() for a, b in zip(kept, ends, strict=True)]
    frequencies, expected = np.array(centres), None
    if run.prediction is not None:
        # as wide as what the analysis resolves
        around = frequencies[:, None] + np.linspace(-1.0, 1.0, POINTS) * f[1]
        around = np.clip(around, f[1] / 2.0, 0.5 - f[1] / 2.0)
        found = run.prediction.spectrum(word, around.ravel(), run.input_rms)
        expected = None if found is None else found.reshape(around.shape).mean(axis=1)
    return frequencies, np.array(bands), expected


def _decibel(x: Any) -> Any:
    return 10.0 * np.log10(np.maximum(x, 1e-30))


def _spread_picture(
    run: MemoryRun,
    error: Array,
    rms: Array,
    largest: Array,
    predicted: Array | None,
    design: MemoryManifest,
) -> Picture:
    figure, axes = canvas(3.4, 1, 2)
    left, right = axes[0]
    reach = max(1.0, float(np.quantile(np.abs(error[:, :, list(run.chosen_words)]), 0.9999)) * 1.1)
    edges = np.linspace(-reach, reach, BINS + 1)
    for k, word in enumerate(run.chosen_words):
        density, _ = np.histogram(error[:, :, word], bins=edges, density=True)
        left.stairs(density, edges, color=SERIES[k], ls=DASHES[k], lw=1.3, label=run.names[word])
    left.set(
        title="histogram", xlabel="error [LSB]", ylabel="density [1/LSB]", xlim=(-reach, reach)
    )
    left.set_ylim(0.0, left.get_ylim()[1] * 1.25)
    left.legend(loc="upper right")

    index, few = np.arange(len(rms)), len(rms) <= 24
    right.plot(
        index, largest, color=MUTED, ls="none", marker="^", ms=3.5, label="largest, measured"
    )
    right.plot(
        index, rms, color=BLUE, ls="none", marker="o", ms=4 if few else 2.5, label="RMS, measured"
    )
    if predicted is not None:
        right.plot(
            index,
            predicted,
            color=ORANGE,
            ls="none" if few else "-",
            lw=5.0,
            alpha=0.55,
            marker="_" if few else "",
            ms=13,
            mew=3.0,
            zorder=1.5,
            label="RMS, predicted",
        )
    top = max(1.2, float(np.max(largest)))
    if design.error_lsb.neurons is None:
        right.axhline(
            design.error_lsb.budget, color=RED, ls=DASHES[3], lw=1.1, label="budget of RMS"
        )
    right.set(
        title="by output word", xlabel="output word", ylabel="error [LSB]", ylim=(0.0, top * 1.45)
    )
    right.locator_params(axis="x", integer=True)
    right.legend(loc="upper left", ncols=2, labelcolor=INK)
    return picture(
        "error-spread",
        figure,
        alt=f"Left, histogram of the error of {len(run.chosen_words)} words in LSB. Right, error "
        f"of each of {len(rms)} output words: RMS from {rms.min():.2f} to {rms.max():.2f} LSB, "
        f"largest {largest.max():.2f} LSB.",
        caption="Histogram of the error, and its size for every output word. Rounding of the "
        "output alone spreads evenly over ±0.5 LSB, 0.29 LSB RMS.",
    )


def _table(
    run: MemoryRun, rms: Array, largest: Array, predicted: Array | None, worst: int
) -> DataTable:
    words = sorted({*run.chosen_words, worst}) if len(rms) > 16 else range(len(rms))
    return DataTable(
        caption="Error by output word" + (", some of them" if len(rms) > 16 else ""),
        head=("word", "RMS [LSB]", "predicted [LSB]", "largest [LSB]", "LSB"),
        rows=tuple(
            (
                run.names[k],
                f"{rms[k]:,.3f}",
                "-" if predicted is None else f"{predicted[k]:,.3f}",
                f"{largest[k]:,.2f}",
                f"2^{round(np.log2(run.lsb[k]))}".replace("-", "\u2212"),
            )
            for k in words
        ),
    )


def _data(
    run: MemoryRun,
    rms: Array,
    largest: Array,
    predicted: Array | None,
    design: MemoryManifest,
) -> dict[str, Any]:
    return {
        "input": {
            "rms": short(run.input_rms),
            "bandwidth": short(run.bandwidth),
            "steps": len(run.u),
            "streams": run.u.shape[1],
            "left_out": run.start,
        },
        "budget_lsb": design.error_lsb.budget,
        "any_input_predicted_lsb": design.error_lsb.predicted,
        "words": list(run.names),
        "rms_lsb": [short(x) for x in rms],
        "predicted_rms_lsb": None if predicted is None else [short(x) for x in predicted],
        "largest_lsb": [short(x) for x in largest],
    }
