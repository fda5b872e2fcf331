"""Who speaks a vowel: sequences of 7 to 29 steps with 12 channels, from file to verified C.

    python examples/vowels.py [--data FOLDER] [--out build/train]

Japanese Vowels (Kudo, Toyama, Shimbo 1999; UCI archive, CC BY 4.0), 270 utterances for training and
370 for the test, in the format of timeseriesclassification.com. The model normalizes the channels,
and each utterance ends at its own last step: padded behind or in front, in PyTorch or in C.
"""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import numpy as np
import torch

import lmu_hw as lh
from lmu_hw.errors import MismatchError
from lmu_hw.train import (
    LMU,
    Dense,
    Model,
    Quantized,
    Widths,
    channels_of,
    fit,
    pad,
    predict,
    save,
    script,
)

SOURCE = "https://timeseriesclassification.com/description.php?Dataset=JapaneseVowels"
CLASSES, ORDER, THETA, HIDDEN = 9, 6, 25.0, 48
VALIDATION = 5
"""One in so many training utterances chooses the epoch."""


def load(path: Path, limit: int | None) -> tuple[list[np.ndarray], np.ndarray]:
    """Return the utterances, each (n_steps, 12), and the number of the speaker, from 0."""
    lines = path.read_text(encoding="utf-8").partition("@data\n")[2].split()
    x, y = [], []
    for line in lines[:: 1 if limit is None else max(1, len(lines) // limit)]:
        *channels, label = line.split(":")
        x.append(np.array([channel.split(",") for channel in channels], dtype=np.float32).T)
        y.append(int(label) - 1)
    return x, np.array(y)


def accuracy(scores: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of labels with the highest score [%]."""
    return 100.0 * float(np.mean(scores.argmax(axis=1) == labels))


def main() -> None:
    """Train, quantise, train on as integers, write and verify the C."""
    options = script.arguments(__doc__, 60, qat_epochs=5, rival_epochs=0).parse_args()
    torch.set_num_threads(options.threads)
    parts = {}
    for part in ("TRAIN", "TEST"):
        found = script.find(options, "vowels", f"JapaneseVowels_{part}.ts", source=SOURCE)
        parts[part] = load(found, options.limit)
    (x, y), (test_x, test_y) = parts["TRAIN"], parts["TEST"]
    torch.manual_seed(options.seed)
    lmu = LMU.feed_forward(12, HIDDEN, ORDER, THETA, activation="tanh", dropout=0.3)
    model = Model(
        [lmu, Dense(HIDDEN, CLASSES, "softmax")],
        names=("lmu", "speaker"),
        every_step=False,
        inputs=channels_of(x, names=[f"cepstrum_{k}" for k in range(1, 13)]),
        normalizes=True,
    )
    held = np.arange(len(x)) % VALIDATION == 0
    keep = [part for part, is_held in zip(x, held, strict=True) if not is_held]
    out = [part for part, is_held in zip(x, held, strict=True) if is_held]
    train(model, "lmu", keep, y[~held], out, y[held], options)
    report(model, "float", test_x, test_y)
    made = Quantized(model, Widths(weight_bits=options.qat_bits[-1]), x)
    train(made, "qat", keep, y[~held], out, y[held], options)
    report(made, f"{options.qat_bits[-1]}-bit weights", test_x, test_y)
    compiled(made, test_x, test_y, options)


def train(
    model: Model | Quantized,
    label: str,
    x: list[np.ndarray],
    y: np.ndarray,
    held_x: list[np.ndarray],
    held_y: np.ndarray,
    options: Namespace,
) -> None:
    """Train; the epoch with the least loss of the held-out utterances stays."""
    fit(
        model,
        x,
        y,
        torch.nn.functional.cross_entropy,
        epochs=options.epochs if label == "lmu" else options.qat_epochs,
        batch_size=32,
        lr=5e-3 if label == "lmu" else 5e-4,
        weight_decay=0.05 if label == "lmu" else 0.0,
        seed=options.seed,
        validation=(held_x, held_y),
        checkpoint=options.out / f"vowels_{label}.pt",
        csv=options.out / f"vowels_{label}.csv",
        label=f"vowels {label}",
        quiet=options.quiet,
    )


def report(model: Model | Quantized, label: str, x: list[np.ndarray], y: np.ndarray) -> None:
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
    shown = ", ".join(f"{name} {accuracy(s.numpy(), y):.2f} %" for name, s in found.items())
    print(f"{label}: {shown}")


def compiled(made: Quantized, x: list[np.ndarray], y: np.ndarray, options: Namespace) -> None:
    """Export, write and verify the C, and compare every score with that in PyTorch."""
    save(made, options.out / "vowels.npz")
    network = lh.load_model(options.out / "vowels.npz")
    design = lh.compile(network, widths=made.widths, name="vowels")
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
    print(f"compiled C: {accuracy(found, y):.2f} %, every score equal")
    build = design.write(options.out / "vowels")
    print(build.verify(backends=["c"]))


if __name__ == "__main__":
    script.main(main)
