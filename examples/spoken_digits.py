"""Spoken digits from 20 log-mel bands every 10 ms, by LMUs trained with back-propagation.

    python examples/spoken_digits.py [--data FOLDER] [--network two] [--out build/train]

``two``: two feed-forward LMU layers, a short window and a long one. ``one``: a single window, read
at the last step. ``hybrid``: a memory for each band, read by an LSTM cell. Each trains beside an
LSTM of no more parameters.

Free Spoken Digit Dataset (Jackson et al., CC BY-SA 4.0); recordings 0 to 4 of each speaker and
digit are the official test set (300). A ridge readout reaches 92.3 %. ``--validate`` keeps
recordings 5 to 13 apart, 540 of 2,700, and scores those: settings are chosen so, and the test set
is looked at once. `examples/digits.py` takes a network that is fitted by least squares to Verilog.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from lmu_hw.errors import ModelFileError
from lmu_hw.measure.expected_arrays import ExpectedArray, read_expected
from lmu_hw.train import (
    LMU,
    LSTM,
    Activation,
    Dense,
    LegendreMemory,
    Model,
    experiment,
    lstm_like,
    script,
    seeds,
)

SOURCE = "https://github.com/Jakobovski/free-spoken-digit-dataset (as log-mel features)"
BANDS, CLASSES = 20, 10
ARRAYS = {
    "feat": ExpectedArray(shape=("steps", BANDS), low=-128, high=127),
    "offset": ExpectedArray(shape=(3001,), low=0, high=125_237),
    "label": ExpectedArray(shape=(3000,), low=0, high=CLASSES - 1),
    "index": ExpectedArray(shape=(3000,), low=0, high=49),
}
FULL_SCALE = 128.0
N_TEST, N_VALIDATION = 5, 9
"""Recordings of each speaker and digit: the first are the test set, the next ``--validate``'s."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A network and its data.

    ``steps`` is the number of steps of all sequences: the last ones of a recording. Before a
    shorter one comes the mean of all steps. None: as many as the longest recording, and zeros
    before others, which leave a memory of the input where it began.
    """

    name: str
    build: Callable[[], Model]
    steps: int | None = 80
    epochs: int


def classifier(*layers: LMU) -> Model:
    """Return a model that scores the digits after its last step."""
    names = [f"lmu {k}" for k in range(1, len(layers) + 1)] if len(layers) > 1 else ["lmu"]
    digit = Dense(layers[-1].output_size, CLASSES, Activation.SOFTMAX)
    return Model([*layers, digit], names=[*names, "digit"], every_step=False)


def one() -> Model:
    """Return a network of one window, 600 ms."""
    return classifier(LMU.feed_forward(BANDS, 64, 8, 60.0, dropout=0.5))


def two() -> Model:
    """Return a network of two layers with windows of 80 and 400 ms."""
    short = LMU.feed_forward(BANDS, 40, 3, 8.0, dropout=0.2)
    return classifier(short, LMU.feed_forward(40, 40, 4, 40.0, dropout=0.5))


def hybrid() -> Model:
    """Return windows of 120 ms that an LSTM cell reads."""
    memory = LegendreMemory(3, 12.0, channels=BANDS)
    return classifier(LMU(BANDS, memory, LSTM(3 * BANDS, 30), encoders=()))


RECIPES = {
    "two": Recipe(name="spoken_digits", build=two, epochs=60),
    "one": Recipe(name="spoken_digits_one", build=one, steps=None, epochs=40),
    "hybrid": Recipe(name="spoken_digits_hybrid", build=hybrid, epochs=40),
}


def load(options: Namespace, steps: int | None) -> tuple[torch.Tensor, ...]:
    """Return recordings of one length and their labels, to train on and to score."""
    path = script.find(options, "speech", "fsdd_logmel20_i8.npz", source=SOURCE)
    data = read_expected(path, ARRAYS, source=SOURCE)
    if np.any(np.diff(data["offset"]) < 1):
        raise ModelFileError(f"{path}: offset must rise; download it from {SOURCE}")
    recordings = np.split(data["feat"].astype(np.float32), data["offset"][1:-1])
    labels, index = data["label"].astype(np.int64), data["index"]
    first, last = (N_TEST, N_TEST + N_VALIDATION) if options.validate else (0, N_TEST)
    train, scored = index >= last, (first <= index) & (index < last)
    n_steps, filling = max(map(len, recordings)), np.zeros(BANDS, dtype=np.float32)
    if steps is not None:
        n_steps = steps
        filling = np.concatenate([recordings[i] for i in np.flatnonzero(train)]).mean(axis=0)
    x = np.empty((len(recordings), n_steps, BANDS), dtype=np.float32)
    x[:] = filling
    for row, recording in zip(x, recordings, strict=True):
        row[-min(len(recording), n_steps) :] = recording[-n_steps:]
    found = []
    for part in (train, scored):
        step = 1 if options.limit is None else max(1, int(part.sum()) // options.limit)
        found.append(torch.tensor(x[part][::step] / FULL_SCALE))
        found.append(torch.tensor(labels[part][::step]))
    return tuple(found)


def main() -> None:
    """Run the task."""
    parser = script.arguments(__doc__, 0, qat_epochs=1, rival_epochs=0)
    parser.set_defaults(epochs=None, rival_epochs=None)
    parser.add_argument("--network", choices=tuple(RECIPES), default="two")
    parser.add_argument("--validate", action="store_true", help="score recordings kept apart")
    options = parser.parse_args()
    recipe = RECIPES[options.network]
    if options.epochs is None:
        options.epochs = recipe.epochs
    if options.rival_epochs is None:
        options.rival_epochs = options.epochs
    x, y, test_x, test_y = load(options, recipe.steps)
    task = experiment.Task(
        name=recipe.name + ("_validation" if options.validate else ""),
        x=x,
        y=y,
        test_x=test_x,
        test_y=test_y,
        loss=torch.nn.CrossEntropyLoss(label_smoothing=0.1),
        score=experiment.accuracy,
        batch_size=64,
        lr=4e-3,
        weight_decay=0.05,
    )

    def build() -> tuple[Model, torch.nn.Module]:
        model = recipe.build()
        return model, lstm_like(model, BANDS, CLASSES)

    seeds.run(task, build, options)


if __name__ == "__main__":
    script.main(main)
