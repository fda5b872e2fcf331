"""The picture of a training experiment: losses over epochs, and the score of every row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from .._support.build_directory import write_file

Rows = Mapping[str, Mapping[str, float]]
NOT_SCORES = ("parameters", "epochs", "s/epoch")


def draw(path: Path, title: str, losses: Mapping[str, Sequence[float]], rows: Rows) -> bool:
    """Draw an experiment as PNG; return False, and draw nothing, without matplotlib.

    Parameters
    ----------
    path : Path
    title : str
    losses : mapping of str to sequence of float
        Mean loss of every epoch, for each network that was trained.
    rows : mapping of str to mapping of str to float
        Figures by name, for each row of the table; the first score is drawn.
    """
    try:
        import matplotlib
    except ImportError:
        return False
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    score = next(name for row in rows.values() for name in row if name not in NOT_SCORES)
    labels = list(rows)[::-1]
    values = [rows[label][score] for label in labels]
    figure, (left, right) = plt.subplots(1, 2, figsize=(10.0, 4.0), layout="constrained")
    for label, trained in losses.items():
        left.plot(range(1, len(trained) + 1), trained, ".-", label=label)
    left.set(title=title, xlabel="epoch", ylabel="training loss", yscale="log")
    left.grid(visible=True, which="both", alpha=0.3)
    if losses:
        left.legend(frameon=False)
    else:
        left.text(0.5, 0.5, "not trained in this run", ha="center", transform=left.transAxes)
    right.bar_label(right.barh(labels, values), fmt="%.4g", padding=3)
    right.set(title=score)
    right.margins(x=0.15)
    write_file(path, lambda file: figure.savefig(file, format="png", metadata={"Software": None}))
    plt.close(figure)
    return True
