"""The picture of a training experiment: losses over epochs, and the score of every row."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from .._support.build_directory import write_file

NOT_SCORES = ("parameters", "epochs", "s/epoch")
COLOURS = tuple(f"C{k}" for k in range(10))
ROW_HEIGHT = 0.36
"""Height of a score with its number above it [inches]."""


def draw(path: Path, title: str, reports: Sequence[Mapping[str, Any]]) -> None:
    """Draw the runs of an experiment as PNG and say so; without matplotlib say what is missing.

    Parameters
    ----------
    path : Path
    title : str
    reports : sequence of mapping
        Reports of `~lmu_hw.train.experiment.run`, one for each seed. Of every row the first score
        is drawn: its mean, and a dot for each seed where there are several.
    """
    try:
        import matplotlib
    except ImportError:
        print("no picture: python -m pip install 'lmu-hw[plots]'", file=sys.stderr)
        return
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    height = max(4.0, ROW_HEIGHT * len(reports[0]["rows"]))
    figure, (left, right) = plt.subplots(1, 2, figsize=(10.0, height), layout="constrained")
    _losses(left, reports)
    left.set(title=title)
    _scores(right, reports)
    write_file(path, lambda file: figure.savefig(file, format="png", metadata={"Software": None}))
    plt.close(figure)
    print(f"drawn in {path}")


def _losses(axes: Any, reports: Sequence[Mapping[str, Any]]) -> None:
    trained = list(dict.fromkeys(label for report in reports for label in report["losses"]))
    for label, colour in zip(trained, itertools.cycle(COLOURS), strict=False):
        curves = [report["losses"][label] for report in reports if label in report["losses"]]
        for k, losses in enumerate(curves):
            name = label if k == 0 else None
            axes.plot(range(1, len(losses) + 1), losses, ".-", color=colour, label=name)
    axes.set(xlabel="epoch", ylabel="training loss", yscale="log")
    axes.grid(visible=True, which="both", alpha=0.3)
    if trained:
        axes.legend(frameon=False)
    else:
        axes.text(0.5, 0.5, "not trained in this run", ha="center", transform=axes.transAxes)


def _scores(axes: Any, reports: Sequence[Mapping[str, Any]]) -> None:
    rows = [report["rows"] for report in reports]
    score = next(name for row in rows[0].values() for name in row if name not in NOT_SCORES)
    labels = list(rows[0])[::-1]
    values = [[row[label][score] for row in rows if label in row] for label in labels]
    means = [fmean(found) for found in values]
    if len(reports) == 1:
        axes.bar_label(axes.barh(labels, means), fmt="%.4g", padding=3)
        axes.set(title=score)
        axes.margins(x=0.15)
        return
    # no bars from zero: seeds lie too close together to be told apart beside them
    for label, mean, found in zip(labels, means, values, strict=True):
        axes.plot(found, [label] * len(found), "o", color="C0", markersize=4)
        axes.plot([mean], [label], "|", color="black", markersize=16)
        place = {"xytext": (0, 9), "textcoords": "offset points", "ha": "center", "fontsize": 8}
        axes.annotate(f"{mean:.4g}", (mean, label), **place)
    axes.set(title=f"{score}: {len(reports)} seeds and their mean")
    axes.grid(axis="x", alpha=0.3)
    axes.margins(x=0.1, y=0.12)
