"""Two windows learned by one layer, from two time scales mixed: docs/results/windows.md.

    PYTHONPATH=. python benchmarks/window_channels.py [--out build/window_channels]

The input is the sum of a fast and a slow signal. Each is to be given back late: the fast one by 2
to 10 samples, the slow one by 20 to 100. A layer reads the input into two memories of order 6, each
with a window of its own. The network that comes out is compiled to integers and to C. A run that is
stopped goes on where it was.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import lmu_hw as lh
from benchmarks.results_file import Results, Row, arguments, with_section
from lmu_hw.measure.dataset import Dataset
from lmu_hw.measure.evaluate import run_integers
from lmu_hw.measure.evaluation import Evaluation
from lmu_hw.train import LMU, Dense, LegendreMemory, Model, export, fit, script

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "results" / "windows.md"
PICTURE = ROOT / "docs" / "images" / "window_channels.svg"
TITLE = "A window for each channel"
FAST, SLOW = (2, 4, 6, 8, 10), (20, 40, 60, 80, 100)
FAST_BAND, SLOW_BAND = (0.05, 0.15), (0.0, 0.015)
"""Frequencies of the two signals [cycles/sample]."""
ORDER, UNITS, STEPS, EXAMPLES = 6, 32, 200, 128
EVALUATED = slice(100, None)
"""Steps of the loss: those whose delayed samples are in the sequence."""
BEST = (10.0, 100.0)
CROSS = ((10.0, 100.0), (8.0, 100.0), (12.5, 100.0), (10.0, 80.0), (10.0, 125.0))
"""Fixed windows: the longest delays, and a quarter more and less of each."""
STARTS = ((2.5, 25.0), (5.0, 50.0), (30.0, 30.0), (40.0, 400.0), (300.0, 300.0))
EPOCHS, BATCH, LR, SEEDS = 100, 16, 0.01, (0, 1, 2)
WIDTHS = {"weight_bits": 8}


def data(seed: int = 0, n: int = EXAMPLES) -> tuple[Tensor, Tensor]:
    """Return the mixed signal (n, n_steps, 1), and the ten delayed signals."""
    rng, n_steps = np.random.default_rng(seed), STEPS + SLOW[-1]
    fast, slow = (_noise(rng, n, n_steps, band) / 4.0 for band in (FAST_BAND, SLOW_BAND))
    late = [np.roll(signal, k, axis=1) for signal, ks in ((fast, FAST), (slow, SLOW)) for k in ks]
    x, y = (fast + slow)[:, SLOW[-1] :, None], np.stack(late, axis=2)[:, SLOW[-1] :]
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)


def _noise(rng: np.random.Generator, n: int, n_steps: int, band: tuple[float, float]) -> np.ndarray:
    """Return noise of RMS 1 between two frequencies [cycles/sample]."""
    f = np.fft.rfftfreq(n_steps)
    spectrum = np.fft.rfft(rng.standard_normal((n, n_steps)), axis=1)
    found = np.fft.irfft(spectrum * ((f >= band[0]) & (f < band[1])), n_steps, axis=1)
    return np.asarray(found / found.std())


def model_of(windows: Sequence[float], seed: int = 0, *, learned: bool = True) -> Model:
    """Return a model of one memory for each window; a single one gets the order of two."""
    torch.manual_seed(seed)
    order = 2 * ORDER // len(windows)
    memory = LegendreMemory(order, windows, learn_theta=learned)
    lmu = LMU(1, memory, Dense(2 * ORDER, UNITS, "tanh"), encoders=("e_x",))
    return Model([lmu, Dense(UNITS, len(FAST + SLOW))])


def loss(y: Tensor, target: Tensor) -> Tensor:
    """Return the mean square error of the steps that count."""
    return ((y - target)[:, EVALUATED] ** 2).mean()


def train(model: Model, seed: int = 0, *, epochs: int = EPOCHS, path: Path | None = None) -> Row:
    """Train by `fit`; return the last loss, and the windows after every epoch."""
    x, y = data()
    options: Row = {"epochs": epochs, "batch_size": BATCH, "lr": LR, "seed": seed}
    history = fit(model, x, y, loss, checkpoint=path, quiet=True, **options)
    return {"loss": history[-1].loss, "theta": [epoch.theta for epoch in history]}


def late_error(y: np.ndarray, target: np.ndarray) -> float:
    """Return the NRMSE of the steps that count."""
    error, wanted = (y - target)[:, EVALUATED], target[:, EVALUATED]
    return float(np.sqrt(np.sum(error**2) / np.sum(wanted**2)))


def compiled(model: Model, n: int = EXAMPLES) -> tuple[lh.Design, Evaluation]:
    """Return the integer program of a model, and its evaluation on other signals."""
    design = lh.compile(lh.Network(export(model)), widths=WIDTHS, calibration=data(n=n)[0].numpy())
    x, y = (part.numpy() for part in data(seed=1, n=n))
    return design, design.evaluate(x, y)


def run(options: Namespace, results: Results) -> None:
    """Measure what is not known yet."""

    def trained(name: str, windows: Sequence[float], seed: int, learned: bool) -> None:
        path = options.out / f"{name}.pt"
        model = model_of(windows, seed, learned=learned)
        results.add(name, lambda: train(model, seed, path=path))

    for windows in CROSS:
        trained(f"fixed {windows}", windows, 0, False)
    for seed in SEEDS:
        trained(f"one window, seed {seed}", (30.0,), seed, True)
        for start in STARTS:
            trained(f"from {start}, seed {seed}", start, seed, True)
    results.add("integers", lambda: integers(options.out))


def integers(out: Path) -> Row:
    """Compile the network of one start; verify the C of its build directory."""
    model = model_of(STARTS[-2])
    train(model, path=out / f"from {STARTS[-2]}, seed 0.pt")
    design, evaluation = compiled(model)
    report = design.write(out / "build", force=True).verify(backends=["c"])
    x, y = (part.numpy() for part in data(seed=1))
    words = run_integers(design.network, Dataset(sequences=tuple(x)))
    return {
        "windows": [layer.memory.theta for layer in design.network.network.layers[:2]],  # type: ignore[union-attr]
        "floats": late_error(lh.Network(export(model)).predict(x), y),
        "integers": late_error(np.stack(words.values), y),
        "engine": str(evaluation.engine),
        "verify": str(report),
    }


def draw(results: Results) -> None:
    """Draw both windows against the epoch, for every start."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    matplotlib.rcParams["svg.hashsalt"] = "lmu-hw"
    figure, axes = pyplot.subplots(1, len(STARTS), figsize=(10, 3), sharey=True)
    for axis, start in zip(axes, STARTS, strict=True):
        for best in BEST:
            axis.axhspan(0.8 * best, 1.2 * best, color="0.9")
        for seed in SEEDS:
            curves = np.array([start, *results.rows[f"from {start}, seed {seed}"]["theta"]])
            for curve in curves.T:
                axis.semilogy(curve, color=f"C{seed}", linewidth=1)
        axis.set(title="from {:g} and {:g}".format(*start), xlabel="epoch")
        axis.title.set_fontsize("small")
    axes[0].set_ylabel("windows [samples]")
    figure.tight_layout()
    figure.savefig(PICTURE, metadata={"Date": None})
    pyplot.close(figure)


def section(results: Results) -> str:
    """Return the section with the figures."""
    rows = results.rows
    fixed = "\n".join(
        f"| {a:g}, {b:g} | {1000 * rows[f'fixed {(a, b)}']['loss']:.2f} |" for a, b in CROSS
    )
    lines = []
    for start in STARTS:
        found = [rows[f"from {start}, seed {seed}"] for seed in SEEDS]
        ends = ["{:.1f}, {:.1f}".format(*sorted(row["theta"][-1])) for row in found]
        losses = ", ".join(f"{1000 * row['loss']:.2f}" for row in found)
        lines.append(f"| {start[0]:g}, {start[1]:g} | {' | '.join(ends)} | {losses} |")
    single = [rows[f"one window, seed {seed}"] for seed in SEEDS]
    alone = ", ".join(f"{row['theta'][-1][0]:.0f}" for row in single)
    losses = ", ".join(f"{1000 * row['loss']:.2f}" for row in single)
    ints = rows["integers"]
    windows = " and ".join(f"{t:.1f}" for t in ints["windows"])
    return f"""Two time scales in one input: the sum of noise at {FAST_BAND[0]:g} to {FAST_BAND[1]:g} cycles a sample and of noise up to
{SLOW_BAND[1]:g}. The fast signal is to be given back {", ".join(map(str, FAST))} samples late, the slow one {", ".join(map(str, SLOW))}.
A layer reads the input into two memories of order {ORDER}, each with a window of its own, and {UNITS} tanh units read both;
{EXAMPLES} sequences of {STEPS} steps, {EPOCHS} epochs of {EXAMPLES // BATCH} steps. Repeat: `PYTHONPATH=. python benchmarks/window_channels.py`.

<!-- requires: python:torch -->

```python
from lmu_hw.train import LMU, Dense, LegendreMemory

memory = LegendreMemory(6, (30.0, 30.0), learn_theta=True)  # two channels, two windows
layer = LMU(1, memory, Dense(12, 32, "tanh"), encoders=("e_x",))
```

Windows after training, and the mean square error / 1000 that they reach:

| both windows from | seed 0 | seed 1 | seed 2 | error, seeds 0, 1, 2 |
|---|---|---|---|---|
{chr(10).join(lines)}

![Windows against epoch](../images/window_channels.svg)

Grey: within 20 % of the longest delays, 10 and 100. From two equal windows one becomes short and the other long. A long
window is hardest to find from one that is far too short: from a quarter of both, two of three seeds are still on their
way after {EPOCHS} epochs. Errors with fixed windows:

| fixed windows | mean square error / 1000 |
|---|---|
{fixed}

One memory of order {2 * ORDER} instead, as many coefficients, its window learned from 30: it ends at {alone} samples, with
errors of {losses}.

In integers: the network from {STARTS[-2][0]:g} and {STARTS[-2][1]:g}, seed 0, with windows {windows} and 8-bit weights, has an
NRMSE of {100 * ints["integers"]:.2f} % on other signals, {100 * ints["floats"]:.2f} % in float64. Verified: {ints["verify"].splitlines()[0].removeprefix("c").strip()}.

A layer whose channels have windows of their own is exported as a chain of layers, one for each channel, that pass on what
those before them hold. It needs a cell that reads it, and no feedback (e_h, e_m); several windows in a recurrent
cell need several layers.
"""  # noqa: E501


def main() -> None:
    """Measure what is not known yet; write the section and the picture."""
    options = arguments(__doc__, "window_channels").parse_args()
    torch.set_num_threads(1)
    results = Results(options.out / "results.json")
    run(options, results)
    draw(results)
    PAGE.write_text(with_section(PAGE.read_text(), TITLE, section(results)))


if __name__ == "__main__":
    script.main(main)
