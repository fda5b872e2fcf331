"""Mackey-Glass: a chaotic series (tau = 17), predicted 15 steps ahead at every step.

    python examples/mackey_glass.py [--data FOLDER] [--cell feed-forward|paper] [--out build/train]

The paper reports an NRMSE of 5.87 % for four LSTMs and 4.87 % for four LMUs (n = 49, d = 4) of 18 k
parameters. By default a feed-forward LMU, whose window is learned and whose steps train in
parallel, and two dense layers; ``--cell paper`` trains the paper's four, step by step. All learn
from pieces of the 64 training series and are scored on the 64 whole test series, from the first
step on.
"""

from __future__ import annotations

from argparse import Namespace

import numpy as np
import torch

from lmu_hw.train import (
    LMU,
    Activation,
    Dense,
    LegendreMemory,
    Model,
    experiment,
    lstm_like,
    script,
)

SOURCE = "the paper's repository; any other series differs, as the system is chaotic"
PIECE = 500
"""Steps of a piece to train on."""
SCALE = 4.0
"""What the series is multiplied by, for numbers of about 1."""
ORDER, THETA, HIDDEN = 10, 28.0, 120


def load(options: Namespace) -> tuple[torch.Tensor, ...]:
    """Return pieces of the training series and whole test series, with what comes 15 later."""
    data = np.load(script.find(options, "mackey_glass", "mackey_glass_lmu2019.npz", source=SOURCE))
    ahead, n_train = int(data["predict_length"]), int(data["n_train"])
    series = SCALE * data["series"].astype(np.float32)
    x, y = (torch.tensor(s[:, :, None].copy()) for s in (series[:, :-ahead], series[:, ahead:]))
    pieces = [s[:n_train].unfold(1, PIECE, PIECE).flatten(0, 1).mT.contiguous() for s in (x, y)]
    test = [s[n_train:][: options.limit] for s in (x, y)]
    return pieces[0][: options.limit], pieces[1][: options.limit], *test


def score(y: torch.Tensor, target: torch.Tensor) -> dict[str, float]:
    """Return the RMS error over the RMS of the series, all steps counted [%]."""
    error = torch.mean((y - target).double() ** 2) / torch.mean(target.double() ** 2)
    return {"NRMSE %": 100.0 * float(error) ** 0.5}


def build(cell: str) -> Model:
    """Return a model of about 15 k parameters, or the paper's."""
    if cell == "paper":
        lmus = [LMU.of_paper(1 if k == 0 else 49, 49, 4, 4.0, learn_theta=True) for k in range(4)]
        return Model([*lmus, Dense(49, 1)])
    memory = LegendreMemory(ORDER, THETA, learn_theta=True)
    lmu = LMU(1, memory, Dense(ORDER + 1, HIDDEN, Activation.TANH), encoders=(), reads_input=True)
    return Model([lmu, Dense(HIDDEN, HIDDEN - 10, Activation.TANH), Dense(HIDDEN - 10, 1)])


def main() -> None:
    """Run the task."""
    parser = script.arguments(__doc__, 30, qat_epochs=0, rival_epochs=30)
    parser.add_argument("--cell", choices=("feed-forward", "paper"), default="feed-forward")
    options = parser.parse_args()
    x, y, test_x, test_y = load(options)
    torch.manual_seed(options.seed)
    model = build(options.cell)
    rival = lstm_like(model, 1, 1, num_layers=4, every_step=True)
    task = experiment.Task(
        name="mackey_glass" if options.cell == "feed-forward" else "mackey_glass_paper",
        x=x,
        y=y,
        test_x=test_x,
        test_y=test_y,
        loss=torch.nn.functional.mse_loss,
        score=score,
        batch_size=16,
        lr=6e-3,
        weight_decay=0.0,
    )
    experiment.run(task, model, rival, options)
    for layer in model.layers:
        if isinstance(layer, LMU):
            print(
                "learned windows [steps]:",
                [round(t, 2) for t in layer.memory.theta.detach().tolist()],
            )


if __name__ == "__main__":
    script.main(main)
