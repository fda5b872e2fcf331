"""Mackey-Glass: a chaotic series (tau = 17), predicted 15 steps ahead at every step.

    python examples/mackey_glass.py [--data FOLDER] [--model small|lmu|lstm|hybrid|all]
    python examples/mackey_glass.py --file MODEL [--scale 1] [--data FOLDER]

``small``, the default: a feed-forward LMU, whose steps train in parallel, and two dense layers,
beside an LSTM. ``lmu``, ``lstm`` and ``hybrid``: the paper's networks of four layers and 18 k
parameters; ``all`` trains the three and draws them together. The paper reports an NRMSE of 4.87 %
for LMUs (n = 49, d = 4, theta = 4), 5.87 % for LSTMs, 4.47 % for both in turns.

All learn from pieces of the 64 training series and are scored on the 64 whole test series, from the
first step on. ``--validate`` keeps 16 training series apart and scores those. ``--file`` trains
nothing: it scores a model in any format that lmu-hw reads, such as Keras files of the paper's code,
in floats and in integers.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lmu_hw.errors import ModelFileError, SpecError
from lmu_hw.measure.dataset import Dataset
from lmu_hw.measure.evaluate import Outputs, run_floats, run_integers
from lmu_hw.measure.expected_arrays import ExpectedArray, read_expected
from lmu_hw.models.importers import load as load_model
from lmu_hw.quantize.calibration import Calibration
from lmu_hw.train import (
    LMU,
    LSTM,
    Activation,
    Dense,
    LegendreMemory,
    Model,
    Widths,
    experiment,
    lstm_like,
    script,
    seeds,
)
from lmu_hw.train.experiment_picture import draw

SOURCE = "the paper's repository; any other series differs, as the system is chaotic"
VALIDATION = 16
"""Training series, the last ones, that ``--validate`` keeps apart."""
ARRAYS = {
    "series": ExpectedArray(shape=("n", "t")),
    "predict_length": ExpectedArray(shape=(), low=1, high=10_000),
    "n_train": ExpectedArray(shape=(), low=VALIDATION + 1, high=1_000_000),
}
"""What the file holds: series, steps to look ahead, and how many of them are to train on."""
SCALE = 4.0
"""What the series is multiplied by, for numbers of about 1."""
ORDER, THETA, HIDDEN = 10, 28.0, 120


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a network is trained, where the command line does not say otherwise.

    ``piece`` is the number of steps of a piece to train on.
    """

    label: str
    build: Callable[[], Model]
    piece: int = 250
    batch_size: int = 32
    qat_batch_size: int = 32
    lr: float = 8e-3
    qat_lr: float = 1e-4
    epochs: int = 15
    compared_steps: int | None = 500


def small() -> Model:
    """Return a feed-forward LMU of about 15 k parameters."""
    memory = LegendreMemory(ORDER, THETA)
    lmu = LMU(1, memory, Dense(ORDER + 1, HIDDEN, Activation.TANH), encoders=(), reads_input=True)
    return Model([lmu, Dense(HIDDEN, HIDDEN - 10, Activation.TANH), Dense(HIDDEN - 10, 1)])


def paper_lmu(n_in: int, n: int) -> LMU:
    """Return the paper's cell with its memory for this task: order 4, a window of 4 steps."""
    return LMU.of_paper(n_in, n, 4, 4.0)


def lmus() -> Model:
    """Return four LMU layers."""
    return Model([*(paper_lmu(n_in, 49) for n_in in (1, 49, 49, 49)), Dense(49, 1)])


def lstms() -> Model:
    """Return four LSTM layers."""
    return Model([*(LSTM(n_in, 25) for n_in in (1, 25, 25, 25)), Dense(25, 1)])


def hybrid() -> Model:
    """Return LMU and LSTM layers in turns."""
    layers = (paper_lmu(1, 40), LSTM(40, 25), paper_lmu(25, 40), LSTM(40, 25))
    return Model([*layers, Dense(25, 1)])


RECIPES = {
    "small": Recipe(
        label="LMU",
        build=small,
        piece=500,
        batch_size=16,
        qat_batch_size=16,
        lr=6e-3,
        qat_lr=5e-4,
        epochs=30,
        compared_steps=None,
    ),
    "lmu": Recipe(label="LMU", build=lmus),
    "lstm": Recipe(label="LSTM", build=lstms),
    "hybrid": Recipe(label="Hybrid", build=hybrid),
}
PAPER = ("lmu", "lstm", "hybrid")


def series(options: Namespace, scale: float = SCALE) -> tuple[torch.Tensor, ...]:
    """Return whole series to train on, with what comes 15 steps later, then those to score."""
    path = script.find(options, "mackey_glass", "mackey_glass_lmu2019.npz", source=SOURCE)
    data = read_expected(path, ARRAYS, source=SOURCE)
    ahead, n_train = int(data["predict_length"]), int(data["n_train"])
    values = scale * data["series"].astype(np.float32)
    n_total = len(values)
    if n_train >= n_total or ahead >= values.shape[1]:
        raise ModelFileError(
            f"{path}: no series to score, or none longer than {ahead} steps; download it from "
            f"{SOURCE}"
        )
    if options.validate:
        n_train, n_total = n_train - VALIDATION, n_train
    both = [
        torch.tensor(s[:n_total, :, None].copy()) for s in (values[:, :-ahead], values[:, ahead:])
    ]
    return *(s[:n_train] for s in both), *(s[n_train:][: options.limit] for s in both)


def pieces(whole: torch.Tensor, length: int) -> torch.Tensor:
    """Return series (n, n_steps, 1) cut into pieces, shape (n_pieces, length, 1)."""
    return whole.unfold(1, length, length).flatten(0, 1).mT.contiguous()


def score(y: torch.Tensor, target: torch.Tensor) -> dict[str, float]:
    """Return the RMS error over the RMS of the series, all steps counted [%]."""
    error = torch.mean((y - target).double() ** 2) / torch.mean(target.double() ** 2)
    return {"NRMSE %": 100.0 * float(error) ** 0.5}


def train(kind: str, options: Namespace) -> list[dict[str, Any]]:
    """Train a network with every seed, and return the reports."""
    recipe = RECIPES[kind]
    *whole, test_x, test_y = series(options)
    x, y = (pieces(s, recipe.piece)[: options.limit] for s in whole)
    name = "mackey_glass" if kind == "small" else f"mackey_glass_{kind}"
    task = experiment.Task(
        name=name + ("_validation" if options.validate else ""),
        x=x,
        y=y,
        test_x=test_x,
        test_y=test_y,
        loss=torch.nn.functional.mse_loss,
        score=score,
        batch_size=recipe.batch_size,
        lr=recipe.lr if options.lr is None else options.lr,
        weight_decay=0.0,
        qat_batch_size=recipe.qat_batch_size,
        compared_steps=recipe.compared_steps,
        qat_keeps_best=True,
    )
    given = {"epochs": recipe.epochs, "rival_epochs": recipe.epochs}
    own = vars(options) | {k: v for k, v in given.items() if getattr(options, k) is None}

    def build() -> tuple[Model, torch.nn.Module | None]:
        model = recipe.build()
        if kind != "small":
            return model, None
        return model, lstm_like(model, 1, 1, num_layers=4, every_step=True)

    qat_lr = recipe.qat_lr if options.qat_lr is None else options.qat_lr
    return seeds.run(task, build, Namespace(**own), label=recipe.label, qat_lr=qat_lr)


def together(reports: Mapping[str, Sequence[dict[str, Any]]], options: Namespace) -> None:
    """Print the figures of several networks as one table, and draw them in one picture."""
    joined = []
    for each in zip(*reports.values(), strict=True):
        rows, losses = {}, {}
        for kind, report in zip(reports, each, strict=True):
            label = RECIPES[kind].label
            for name, row in report["rows"].items():
                rows[name if name.startswith(label) else f"{label}, {name}"] = row
            losses[label] = report["losses"][label.lower()]
        joined.append({"rows": rows, "losses": losses})
    print(f"four layers, {len(joined)} seed{'s' * (len(joined) > 1)}")
    print(seeds.table(joined) if len(joined) > 1 else experiment.table(joined[0]))
    draw(options.out / "mackey_glass_all.png", "Mackey-Glass, four layers", joined)


def evaluate(path: Path, options: Namespace) -> None:
    """Score a model file on the test series, in floats and in integers."""
    network = load_model(path, note=print)
    if (network.n_in, network.n_out, network.every_step) != (1, 1, True):
        raise SpecError(
            f"{path} must hold a network of one input and one output at every step, not "
            f"{network.n_in} and {network.n_out}{'' if network.every_step else ' at the last'}"
        )
    x, _, test_x, test_y = series(options, options.scale)
    test = Dataset(sequences=tuple(test_x.numpy()), targets=tuple(test_y.numpy()))
    step = max(1, len(x) // 16)
    calibration = Calibration(network, list(x[::step, :2000].double().numpy()))

    def row(found: Outputs) -> dict[str, str]:
        y = torch.tensor(np.stack(found.values))
        words = "" if found.checked is None else f"{found.checked.words:,}"
        return {"NRMSE %": f"{score(y, test_y)['NRMSE %']:.4g}", "words compared": words}

    rows: dict[str, dict[str, str]] = {}
    for bits in experiment.PTQ_BITS:
        design = calibration.design(Widths(weight_bits=bits, act_bits=16), title=path.name)
        if not rows:
            rows["float"] = row(run_floats(design, test))
        rows[f"{bits}-bit weights"] = row(run_integers(design, test))
    print(experiment.text_table(rows))


def main() -> None:
    """Run the task."""
    parser = script.arguments(__doc__, 0, qat_epochs=0, rival_epochs=0)
    parser.set_defaults(epochs=None, rival_epochs=None)
    parser.add_argument("--model", choices=(*RECIPES, "all"), default="small")
    parser.add_argument("--lr", type=float, help="learning rate, instead of the model's own")
    parser.add_argument("--qat-lr", type=float, help="learning rate of training as integers")
    parser.add_argument("--validate", action="store_true", help="score training series kept apart")
    parser.add_argument("--file", type=Path, help="score this model, and train nothing")
    parser.add_argument(
        "--scale", type=float, default=1.0, help="what the model of --file reads the series times"
    )
    options = parser.parse_args()
    if options.file is not None:
        evaluate(options.file, options)
        return
    kinds = PAPER if options.model == "all" else (options.model,)
    reports = {kind: train(kind, options) for kind in kinds}
    if len(kinds) > 1:
        together(reports, options)


if __name__ == "__main__":
    script.main(main)
