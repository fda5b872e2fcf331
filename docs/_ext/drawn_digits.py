"""Digits drawn in the fonts that Matplotlib ships, and a network that reads them row by row.

The gallery of reports needs a network with labelled data, and no data set is part of this
repository. These digits are: every run draws the same ones.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

import lmu_hw as lh
from lmu_hw import layers

FONTS = (
    "DejaVuSans",
    "DejaVuSans-Bold",
    "DejaVuSans-Oblique",
    "DejaVuSansMono",
    "DejaVuSansMono-Bold",
    "DejaVuSerif",
    "DejaVuSerif-Bold",
    "DejaVuSerif-Italic",
    "STIXGeneral",
    "STIXGeneralBol",
    "STIXGeneralItalic",
    "cmr10",
    "cmss10",
    "cmtt10",
    "cmb10",
)
"""Files of fonts."""
CELL = 28
"""Pixels of a drawing, in either direction."""
SIZE = 14
"""Pixels of what the network reads: averages of 2 x 2."""
ORDER, HIDDEN, GAIN, RIDGE = 6, 400, 0.8, 0.1
"""Of the memory, the random layer and the readout."""


def drawn_digits(copies: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return digits in every font, each a bit larger, turned and moved at random.

    Returns
    -------
    images : float array, shape (n, CELL, CELL)
        0 to 1, in random order.
    labels : int array, shape (n,)
    """
    rng = np.random.default_rng(seed)
    cases = [(digit, font) for digit in range(10) for font in FONTS for _ in range(copies)]
    columns = 40
    rows = -(-len(cases) // columns)
    fonts = Path(mpl.get_data_path()) / "fonts" / "ttf"
    with mpl.rc_context():
        mpl.rcdefaults()
        figure = Figure(figsize=(columns * CELL / 100, rows * CELL / 100), dpi=100)
        canvas = FigureCanvasAgg(figure)
        for k, (digit, font) in enumerate(cases):
            x, y = (k % columns + 0.5) / columns, 1.0 - (k // columns + 0.5) / rows
            moved = rng.uniform(-0.06, 0.06, 2) / (columns, rows)
            figure.text(
                x + moved[0],
                y + moved[1],
                str(digit),
                fontproperties=FontProperties(fname=str(fonts / f"{font}.ttf")),
                fontsize=rng.uniform(13.0, 17.0),
                rotation=rng.uniform(-15.0, 15.0),
                ha="center",
                va="center",
            )
        canvas.draw()
        ink = 1.0 - np.asarray(canvas.buffer_rgba())[:, :, 0] / 255.0
    cells = ink.reshape(rows, CELL, columns, CELL).swapaxes(1, 2).reshape(-1, CELL, CELL)
    order = rng.permutation(len(cases))
    return cells[: len(cases)][order], np.array([digit for digit, _ in cases])[order]


def rows_of(images: np.ndarray) -> np.ndarray:
    """Return images as sequences of their rows, at half the resolution."""
    return images.reshape(len(images), SIZE, 2, SIZE, 2).mean(axis=(2, 4))


def fit_digits(images: np.ndarray, labels: np.ndarray) -> lh.Network:
    """Return a memory, a random layer and a readout by least squares, as examples/digits.py."""
    rng = np.random.default_rng(0)
    memory = layers.LMULayer(
        memory=layers.LinearMemory(order=ORDER, theta=SIZE, channels=SIZE), n_in=SIZE
    )
    m = lh.Network.from_layers(memory, every_step=False).predict(rows_of(images))
    mean, spread = m.mean(axis=0), m.std(axis=0) + 0.05
    W = GAIN * rng.standard_normal((HIDDEN, m.shape[1])) / np.sqrt(m.shape[1]) / spread
    b = 0.5 * rng.standard_normal(HIDDEN) - W @ mean
    h = np.column_stack([np.tanh(m @ W.T + b), np.ones(len(m))])
    targets = 2.0 * np.eye(10)[labels] - 1.0
    fitted = np.linalg.solve(h.T @ h + RIDGE * np.eye(HIDDEN + 1), h.T @ targets).T
    return lh.Network.from_layers(
        memory,
        layers.DenseLayer(W=W, b=b, activation=layers.Activation.TANH),
        layers.DenseLayer(
            W=fitted[:, :-1].copy(), b=fitted[:, -1].copy(), activation=layers.Activation.SOFTMAX
        ),
        names=("rows", "random layer", "digit"),
        every_step=False,
        name="drawn digits",
    )
