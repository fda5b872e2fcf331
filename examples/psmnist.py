"""Permuted sequential MNIST: a digit from 784 pixels in a fixed random order, one a step.

    python examples/psmnist.py [--data FOLDER] [--cell feed-forward|paper] [--out build/train]

By default the feed-forward LMU: a fixed memory of all 784 steps, whose last state is one product of
matrices, and two dense layers (Chilkuri, Eliasmith, ICML 2021). ``--cell paper`` trains the
recurrent LMU of the paper (n = 212, d = 256; hours on a CPU). MNIST: LeCun, Cortes, Burges,
CC BY-SA 3.0.
"""

from __future__ import annotations

from argparse import Namespace

import numpy as np
import torch

from lmu_hw.train import LMU, Activation, Dense, Model, experiment, lstm_like, script

SOURCE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
STEPS, CLASSES = 784, 10
HIDDEN, DROPOUT = 346, 0.5


def load(options: Namespace) -> tuple[torch.Tensor, ...]:
    """Return training and test images as sequences in 0..1, and labels."""
    data = np.load(script.find(options, "mnist", "mnist.npz", source=SOURCE))
    orders = "psmnist_permutations.npz"
    order = np.load(
        script.find(options, "mnist", orders, source="the paper's repository (key nru_paper)")
    )["nru_paper"]
    found = []
    for part in ("train", "test"):
        pixels = data[f"x_{part}"].reshape(-1, STEPS)[: options.limit, order]
        found.append(torch.tensor(pixels[:, :, None] / 255.0, dtype=torch.float32))
        found.append(torch.tensor(data[f"y_{part}"][: options.limit].astype(np.int64)))
    return tuple(found)


def build(cell: str, order: int) -> Model:
    """Return the model."""
    if cell == "paper":
        lmu = LMU.of_paper(1, 212, 256, STEPS)
    else:
        lmu = LMU.feed_forward(1, HIDDEN, order, STEPS, dropout=DROPOUT)
    return Model(
        [lmu, Dense(lmu.output_size, CLASSES, Activation.SOFTMAX)],
        names=("lmu", "digit"),
        every_step=False,
    )


def main() -> None:
    """Run the task."""
    parser = script.arguments(__doc__, 30, qat_epochs=2, rival_epochs=0)
    parser.add_argument("--cell", choices=("feed-forward", "paper"), default="feed-forward")
    parser.add_argument("--order", type=int, default=468, help="of the feed-forward memory")
    options = parser.parse_args()
    x, y, test_x, test_y = load(options)
    torch.manual_seed(options.seed)
    model = build(options.cell, options.order)
    task = experiment.Task(
        name="psmnist" if options.cell == "feed-forward" else "psmnist_paper",
        x=x,
        y=y,
        test_x=test_x,
        test_y=test_y,
        loss=torch.nn.functional.cross_entropy,
        score=experiment.accuracy,
    )
    experiment.run(task, model, lstm_like(model, 1, CLASSES), options, qat_lr=2e-4)


if __name__ == "__main__":
    script.main(main)
