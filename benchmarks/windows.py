"""A window trained with the weights that read it: docs/results/windows.md.

    PYTHONPATH=. python benchmarks/windows.py

The task: give back a slow signal 10, 20, 30, 40 and 50 samples late, through a memory of order 6. A
window under 50 samples does not hold the last delay, a long one holds all of them coarsely. The
best window is found by training with fixed windows; then windows are trained from far too short and
far too long ones, by `lmu_hw.train.fit` and by AdamW with one rate for everything.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.results_file import with_section
from lmu_hw.train import LMU, Dense, Epoch, Model, fit

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "results" / "windows.md"
PICTURE = ROOT / "docs" / "images" / "windows.svg"
TITLE = "One window"
DELAYS = (10, 20, 30, 40, 50)
ORDER, UNITS, STEPS, EXAMPLES = 6, 32, 150, 128
FIXED = (14.0, 30.0, 40.0, 45.0, 50.0, 55.0, 60.0, 70.0, 110.0, 220.0)
STARTS = (12.5, 50.0, 200.0, 3000.0)
EPOCHS, LR, SEEDS = 40, 0.01, (0, 1, 2)
EVALUATED = slice(60, None)
"""Steps of the loss: those whose delayed samples are in the sequence."""


def data(n_examples: int = EXAMPLES) -> tuple[Tensor, Tensor]:
    """Return a signal of up to 0.03 cycles a sample, and its delayed copies."""
    n_steps = STEPS + 100
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal((n_examples, n_steps)), axis=1)
    signal = np.fft.irfft(spectrum * (np.fft.rfftfreq(n_steps) < 0.03), n_steps, axis=1)
    signal /= 2.5 * signal.std()
    late = np.stack([np.roll(signal, k, axis=1) for k in DELAYS], axis=2)
    x, y = signal[:, 100:, None], late[:, 100:]
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)


def model_of(theta: float, seed: int = 0, *, learned: bool = True) -> Model:
    """Return a model with one memory."""
    torch.manual_seed(seed)
    lmu = LMU.feed_forward(1, UNITS, ORDER, theta, activation="tanh", learn_theta=learned)
    return Model([lmu, Dense(UNITS, len(DELAYS))])


def loss(y: Tensor, target: Tensor) -> Tensor:
    """Return the mean square error of the steps that count."""
    return ((y - target)[:, EVALUATED] ** 2).mean()


def trained(
    model: Model, x: Tensor, y: Tensor, *, epochs: int = EPOCHS, lr: float = LR, seed: int = 0
) -> list[Epoch]:
    """Train by `fit`; return its epochs."""
    options = {"epochs": epochs, "lr": lr, "seed": seed}
    return fit(model, x, y, loss, batch_size=16, quiet=True, **options)  # type: ignore[arg-type]


def one_rate(model: Model, x: Tensor, y: Tensor, seed: int = 0) -> list[float]:
    """Train with AdamW as it is, windows and weights alike; return the window of every epoch."""
    optimiser = torch.optim.AdamW(model.parameters(), lr=LR)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, EPOCHS)
    order, found = torch.Generator().manual_seed(seed), []
    for _ in range(EPOCHS):
        for at in torch.randperm(len(x), generator=order).split(16):
            optimiser.zero_grad()
            loss(model(x[at])[0], y[at]).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
        schedule.step()
        found.append(float(model.layers[0].memory.theta.detach()[0]))  # type: ignore[union-attr]
    return found


def draw(curves: dict[str, dict[float, list[float]]], best: float) -> None:
    """Draw window against epoch, for every start."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    matplotlib.rcParams["svg.hashsalt"] = "lmu-hw"
    figure, axes = pyplot.subplots(1, len(curves), figsize=(8, 3.2), sharey=True)
    for axis, (title, by_start) in zip(axes, curves.items(), strict=True):
        axis.axhspan(0.8 * best, 1.2 * best, color="0.9")
        for start, curve in by_start.items():
            axis.semilogy(range(len(curve) + 1), [start, *curve], label=f"from {start:g}")
        axis.set(title=title, xlabel="epoch")
    axes[0].set_ylabel("window [samples]")
    axes[0].legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(PICTURE, metadata={"Date": None})
    pyplot.close(figure)


def main() -> None:
    """Run everything; write the section and the picture."""
    torch.set_num_threads(1)
    x, y = data()
    errors = {t: trained(model_of(t, learned=False), x, y)[-1].loss for t in FIXED}
    best = min(errors, key=lambda t: errors[t])
    print({t: f"{e:.5f}" for t, e in errors.items()}, flush=True)
    ours: dict[float, list[list[float]]] = {}
    plain: dict[float, list[float]] = {}
    for start in STARTS:
        ours[start] = []
        for seed in SEEDS:
            epochs = trained(model_of(start, seed), x, y, seed=seed)
            ours[start].append([epoch.theta[0] for epoch in epochs])
        plain[start] = one_rate(model_of(start), x, y)
        print(start, [f"{c[-1]:.1f}" for c in ours[start]], f"{plain[start][-1]:.1f}", flush=True)
    curves = {
        "one rate for all": plain,
        "lmu_hw.train.fit": {s: c[0] for s, c in ours.items()},
    }
    draw(curves, best)
    text = section(errors, best, ours, plain)
    PAGE.write_text(with_section(PAGE.read_text(), TITLE, text))


def section(
    errors: dict[float, float],
    best: float,
    ours: dict[float, list[list[float]]],
    plain: dict[float, list[float]],
) -> str:
    """Return the section with the figures."""
    rows = "\n".join(
        f"| {start:g} | {plain[start][-1]:.0f} | "
        + " | ".join(f"{curve[-1]:.1f}" for curve in ours[start])
        + " |"
        for start in STARTS
    )
    fixed = "\n".join(f"| {t:g} | {1000 * e:.2f} |" for t, e in errors.items())
    return f"""The task: a signal of up to 0.03 cycles a sample, given back {", ".join(map(str, DELAYS))} samples late through a
memory of order {ORDER} and {UNITS} tanh units; {EXAMPLES} sequences of {STEPS} steps, {EPOCHS} epochs of {EXAMPLES // 16} steps, learning rate {LR:g}. Repeat:
`PYTHONPATH=. python benchmarks/windows.py`.

With a fixed window the training error is least at {best:g} samples:

| fixed window | mean square error / 1000 |
|---|---|
{fixed}

Window after training, from a start of:

| start | AdamW, one rate for all | `fit`, seed 0 | seed 1 | seed 2 |
|---|---|---|---|---|
{rows}

![Window against epoch](../images/windows.svg)

Grey: within 20 % of the best. `fit` does three things that one rate for all does not:

- Windows have a rate of their own, `theta_lr`, relative because their logarithm is trained, and a shorter memory of past
  gradients (Adam's beta2 is 0.99).
- They are never decayed.
- Where a window gets shorter, the weights that read it are changed to keep their impulse response, as far as the shorter
  window holds it. Otherwise they hold the window where it is, at any rate of its own.

It is a local search: it stops where neither a little more past nor a little less helps the weights. Compare a few starts
where the window matters.
"""  # noqa: E501


if __name__ == "__main__":
    main()
