"""Permuted sequential MNIST: a digit from its pixels in a fixed random order, one a step.

    python examples/psmnist.py [--data FOLDER] [--cell feed-forward|paper|small] [--out build/train]

``feed-forward``: a fixed memory of all 784 steps, whose last state is one product of matrices, and
two dense layers (Chilkuri, Eliasmith, ICML 2021). It learns from digits that are turned, shifted
and scaled at random before the pixels are permuted. ``paper``: the recurrent LMU of the paper
(n = 212, d = 256), hours an epoch on a CPU; ``--weights shipped`` starts from
``models/psmnist_lmu2019.npz`` and, without ``--epochs`` and ``--qat-epochs``, only evaluates it.
``small``: images of 14 by 14 pixels, a recurrent LMU of 9,099 parameters and its LSTM, minutes on a
CPU.

``--validate`` keeps 10,000 of the training digits apart and scores those: settings are chosen so,
and the test digits are looked at once. MNIST: LeCun, Cortes, Burges, CC BY-SA 3.0.
"""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from lmu_hw.errors import ModelFileError, SpecError
from lmu_hw.measure.expected_arrays import ExpectedArray, read_expected
from lmu_hw.models.importers.model_file import read_model
from lmu_hw.train import (
    LMU,
    Activation,
    Dense,
    Model,
    experiment,
    lstm_like,
    model_of,
    script,
    seeds,
)

SOURCE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
MODELS = Path(__file__).resolve().parent / "models"
SIZE, CLASSES = 28, 10
VALIDATION = 10_000
"""Training digits, the last ones, that ``--validate`` keeps apart."""
MNIST = {
    name: expected
    for part in ("train", "test")
    for name, expected in (
        (f"x_{part}", ExpectedArray(shape=(f"n_{part}", SIZE, SIZE), low=0, high=255)),
        (f"y_{part}", ExpectedArray(shape=(f"n_{part}",), low=0, high=CLASSES - 1)),
    )
}
HIDDEN, DROPOUT = 346, 0.2
TURN, SHIFT, SCALE = 10.0, 1.5, 0.1
"""Most that a training digit is changed by: degrees, pixels, and share of its size."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a cell is trained, where the command line does not say otherwise."""

    name: str
    size: int = SIZE
    epochs: int
    rival_epochs: int = 0
    qat_epochs: int = 0
    batch_size: int = 100
    lr: float = 1e-3
    smoothing: float = 0.0
    qat_lr: float = 2e-4
    warped: bool = False


RECIPES = {
    "feed-forward": Recipe(
        name="psmnist",
        epochs=30,
        qat_epochs=1,
        batch_size=256,
        lr=4e-3,
        smoothing=0.1,
        warped=True,
    ),
    "paper": Recipe(name="psmnist_paper", epochs=9),
    "small": Recipe(name="psmnist_small", size=14, epochs=4, rival_epochs=4, lr=2e-3),
}
SHIPPED = Recipe(name="psmnist_lmu2019", epochs=0, lr=1e-4, qat_lr=2e-5)


def pixel_order(options: Namespace, size: int) -> np.ndarray:
    """Return the order of the pixels: that of the paper for whole images."""
    n = size * size
    if size < SIZE:
        return np.random.default_rng(0).permutation(n)
    source, name = "the paper's repository (key nru_paper)", "psmnist_permutations.npz"
    path = script.find(options, "mnist", name, source=source)
    expected = {"nru_paper": ExpectedArray(shape=(n,), low=0, high=n - 1)}
    order = read_expected(path, expected, source=source)["nru_paper"]
    if len(np.unique(order)) < n:
        raise ModelFileError(
            f"{path}: nru_paper must hold each pixel once; download it from {source}"
        )
    return order.astype(np.int64)


def sequences(images: np.ndarray, order: np.ndarray) -> torch.Tensor:
    """Return images as sequences in 0..1, shape (n, len(order), 1); small ones are averages."""
    size = round(len(order) ** 0.5)
    k = SIZE // size
    pixels = images.reshape(-1, size, k, size, k).mean(axis=(2, 4)) / 255.0
    ordered = pixels.reshape(-1, size * size)[:, order, None]
    return torch.tensor(ordered, dtype=torch.float32)


def warped(x: torch.Tensor, order: torch.Tensor) -> torch.Tensor:
    """Return sequences of digits that are turned, shifted and scaled, each at random."""
    n = len(x)
    turn, scale_x, scale_y, shift_x, shift_y = 2.0 * torch.rand(5, n, device=x.device) - 1.0
    turn = torch.deg2rad(TURN * turn)
    cos, sin = torch.cos(turn), torch.sin(turn)
    # grid_sample counts the width of an image as 2
    rows = (
        torch.stack([cos * (1.0 + SCALE * scale_x), -sin, shift_x * SHIFT * 2.0 / SIZE], dim=1),
        torch.stack([sin, cos * (1.0 + SCALE * scale_y), shift_y * SHIFT * 2.0 / SIZE], dim=1),
    )
    images = torch.empty_like(x[:, :, 0])
    images[:, order] = x[:, :, 0]
    grid = torch.nn.functional.affine_grid(
        torch.stack(rows, dim=1), [n, 1, SIZE, SIZE], align_corners=False
    )
    images = torch.nn.functional.grid_sample(
        images.view(n, 1, SIZE, SIZE), grid, align_corners=False
    )
    return images.view(n, -1)[:, order, None]


def load(options: Namespace, order: np.ndarray) -> tuple[torch.Tensor, ...]:
    """Return sequences and labels to train on, then those to score."""
    path = script.find(options, "mnist", "mnist.npz", source=SOURCE)
    data = read_expected(path, MNIST, source=SOURCE)
    train, test = ((data[f"x_{part}"], data[f"y_{part}"]) for part in ("train", "test"))
    if options.validate:
        train, test = (
            tuple(a[:-VALIDATION] for a in train),
            tuple(a[-VALIDATION:] for a in train),
        )
    found = []
    for images, labels in (train, test):
        found.append(sequences(images[: options.limit], order))
        found.append(torch.tensor(labels[: options.limit].astype(np.int64)))
    return tuple(found)


def build(options: Namespace, size: int) -> Model:
    """Return the model, with first weights or those that are shipped."""
    if options.weights == "shipped":
        return model_of(read_model(MODELS / "psmnist_lmu2019.npz"))
    steps = size * size
    if options.cell == "paper":
        lmu = LMU.of_paper(1, 212, 256, steps)
    elif options.cell == "small":
        lmu = LMU.of_paper(1, 64, 64, steps)
    else:
        lmu = LMU.feed_forward(1, HIDDEN, options.order, steps, dropout=DROPOUT)
    return Model(
        [lmu, Dense(lmu.output_size, CLASSES, Activation.SOFTMAX)],
        names=("lmu", "digit"),
        every_step=False,
    )


def networks(options: Namespace, size: int) -> tuple[Model, torch.nn.Module]:
    """Return the model and an LSTM of no more parameters."""
    model = build(options, size)
    return model, lstm_like(model, 1, CLASSES)


def main() -> None:
    """Run the task."""
    parser = script.arguments(__doc__, 0, qat_epochs=0, rival_epochs=0)
    parser.set_defaults(epochs=None, qat_epochs=None, rival_epochs=None)
    parser.add_argument("--cell", choices=tuple(RECIPES), default="feed-forward")
    parser.add_argument("--weights", choices=("new", "shipped"), default="new")
    parser.add_argument("--order", type=int, default=468, help="of the feed-forward memory")
    parser.add_argument("--act-bits", type=int, default=16, help="width of activations")
    parser.add_argument("--input-bits", type=int, default=16, help="width of the input")
    parser.add_argument("--qat-lr", type=float, help="learning rate of training as integers")
    parser.add_argument("--validate", action="store_true", help="score training digits kept apart")
    options = parser.parse_args()
    if options.weights == "shipped" and options.cell != "paper":
        raise SpecError("--weights shipped must come with --cell paper: it is that cell's network")
    recipe = SHIPPED if options.weights == "shipped" else RECIPES[options.cell]
    for name in ("epochs", "qat_epochs", "rival_epochs", "qat_lr"):
        if getattr(options, name) is None:
            setattr(options, name, getattr(recipe, name))
    order = pixel_order(options, recipe.size)
    x, y, test_x, test_y = load(options, order)
    loss = partial(torch.nn.functional.cross_entropy, label_smoothing=recipe.smoothing)
    task = experiment.Task(
        name=recipe.name + ("_validation" if options.validate else ""),
        x=x,
        y=y,
        test_x=test_x,
        test_y=test_y,
        loss=loss,
        score=experiment.accuracy,
        batch_size=recipe.batch_size,
        lr=recipe.lr,
        augment=partial(warped, order=torch.tensor(order)) if recipe.warped else None,
    )
    seeds.run(
        task,
        lambda: networks(options, recipe.size),
        options,
        act_bits=options.act_bits,
        input_bits=options.input_bits,
        qat_lr=options.qat_lr,
    )


if __name__ == "__main__":
    script.main(main)
