"""Who speaks a vowel: sequences of 7 to 29 steps with 12 channels, from file to verified C.

    python examples/vowels.py [--data FOLDER] [--out build/train]

Japanese Vowels (Kudo, Toyama, Shimbo 1999; UCI archive, CC BY 4.0), 270 utterances for training and
370 for the test, in the format of timeseriesclassification.com. The model normalizes the channels,
and each utterance ends at its own last step: padded behind or in front, in PyTorch or in C. Each
epoch is scored on a fifth of the training utterances, and the best one stays.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

import lmu_hw as lh
from lmu_hw.errors import MismatchError, ModelFileError
from lmu_hw.train import (
    LMU,
    Dense,
    Model,
    Quantized,
    channels_of,
    experiment,
    lstm_like,
    pad,
    predict,
    script,
    seeds,
)
from lmu_hw.train import load as read

SOURCE = "https://timeseriesclassification.com/description.php?Dataset=JapaneseVowels"
CLASSES, CHANNELS = 9, 12
ORDER, THETA, HIDDEN = 6, 25.0, 48
VALIDATION = 5
"""One in so many training utterances is held out and chooses the epoch."""


def load(path: Path, limit: int | None) -> tuple[list[np.ndarray], np.ndarray]:
    """Return the utterances, each (n_steps, 12), and the number of the speaker, from 0."""
    lines = path.read_text(encoding="utf-8", errors="replace").partition("@data\n")[2].split()
    x, y = [], []
    for k, line in enumerate(lines[:: 1 if limit is None else max(1, len(lines) // limit)]):
        *channels, label = line.split(":")
        try:
            x.append(np.array([channel.split(",") for channel in channels], dtype=np.float32).T)
            y.append(range(CLASSES).index(int(label) - 1))
        except ValueError:
            x.append(np.zeros((0, 0), dtype=np.float32))
        if x[-1].shape[1:] != (CHANNELS,) or not np.isfinite(x[-1]).all():
            raise ModelFileError(
                f"{path}: utterance {k} must be {CHANNELS} channels of as many finite numbers and "
                f"a speaker from 1 to {CLASSES}; download it from {SOURCE}"
            )
    if not x:
        raise ModelFileError(f"{path} has no utterance after @data; download it from {SOURCE}")
    return x, np.array(y)


def build(x: list[np.ndarray]) -> tuple[Model, torch.nn.Module]:
    """Return the networks; both normalize the channels as the training utterances say."""
    channels = channels_of(x, names=[f"cepstrum_{k}" for k in range(1, 13)])
    lmu = LMU.feed_forward(12, HIDDEN, ORDER, THETA, activation="tanh", dropout=0.3)
    model = Model(
        [lmu, Dense(HIDDEN, CLASSES, "softmax")],
        names=("lmu", "speaker"),
        every_step=False,
        inputs=channels,
        normalizes=True,
    )
    return model, lstm_like(model, 12, CLASSES, inputs=channels)


def main() -> None:
    """Train, quantise, train on as integers, write and verify the C."""
    options = script.arguments(__doc__, 60, qat_epochs=5, rival_epochs=60).parse_args()
    parts = {}
    for part in ("TRAIN", "TEST"):
        found = script.find(options, "vowels", f"JapaneseVowels_{part}.ts", source=SOURCE)
        parts[part] = load(found, options.limit)
    (x, y), (test_x, test_y) = parts["TRAIN"], parts["TEST"]
    held = np.arange(len(x)) % VALIDATION == 0
    task = experiment.Task(
        name="vowels",
        x=[x[i] for i in np.flatnonzero(~held)],
        y=torch.tensor(y[~held]),
        test_x=test_x,
        test_y=torch.tensor(test_y),
        loss=torch.nn.functional.cross_entropy,
        score=experiment.accuracy,
        batch_size=32,
        lr=5e-3,
        weight_decay=0.05,
        validation=([x[i] for i in np.flatnonzero(held)], torch.tensor(y[held])),
    )
    seeds.run(task, lambda: build(x), options)
    if not options.qat_epochs or not options.qat_bits:
        return
    out = seeds.directories(options)[0]
    trained = out / f"vowels_qat{options.qat_bits[-1]}.npz"
    for path in (out / "vowels.npz", trained):
        padded(read(path), test_x, test_y)
    compiled(trained, test_x, test_y)


def padded(model: Model | Quantized, x: list[np.ndarray], y: np.ndarray) -> None:
    """Print the accuracy of utterances one by one, padded behind, and padded in front."""
    right, lengths = pad(x)
    left, mask = torch.zeros_like(right), torch.zeros(right.shape[:2], dtype=torch.bool)
    for k, part in enumerate(x):
        left[k, -len(part) :], mask[k, -len(part) :] = torch.tensor(part), True
    found = {
        "list": predict(model, x),
        "right": predict(model, right, lengths=lengths),
        "left": predict(model, left, lengths=mask),
    }
    label = f"{model.widths.weight_bits}-bit weights" if isinstance(model, Quantized) else "float"
    print(f"{label}: " + ", ".join(f"{name} {percent(s, y):.2f} %" for name, s in found.items()))


def percent(scores: torch.Tensor, y: np.ndarray) -> float:
    """Return the share of labels with the highest score [%]."""
    return experiment.accuracy(scores, torch.tensor(y))["accuracy %"]


def compiled(path: Path, x: list[np.ndarray], y: np.ndarray) -> None:
    """Write and verify the C of a model file, and compare every score with that in PyTorch."""
    made, network = read(path), lh.load_model(path)
    design = lh.compile(network, widths=network.widths, name="vowels")
    wanted = predict(made, x).numpy()
    found = np.concatenate([design.predict(design.normalize(part)[None]) for part in x])
    if (found != wanted).any():
        k, j = (int(i[0]) for i in np.nonzero(found != wanted))
        raise MismatchError(
            backend="training",
            step=len(x[k]) - 1,
            signal="y",
            index=j,
            expected=str(wanted[k, j]),
            got=str(found[k, j]),
            fmt="real units",
        )
    print(f"compiled C: {percent(torch.tensor(found), y):.2f} %, every score equal")
    build = design.write(path.parent / "vowels", force=True)
    print(build.verify(backends=["c"]))


if __name__ == "__main__":
    script.main(main)
