"""Ventricular beats (V) against all others, from 84 samples of an ECG around each beat.

    python examples/ecg_beats.py [--data FOLDER] [--out build/train]

MIT-BIH Arrhythmia Database (Moody, Mark 2001; Goldberger et al. 2000), 100 k beats at 120 Hz. The
records of DS1 train and those of DS2 test (de Chazal et al. 2004): no patient is in both. A second
input holds the time since the beat before. A linear classifier of the samples reaches a sensitivity
of .872 at a specificity of .921.
"""

from __future__ import annotations

from argparse import Namespace

import numpy as np
import torch

from lmu_hw.measure.expected_arrays import ExpectedArray, read_expected
from lmu_hw.train import LMU, Activation, Dense, Model, experiment, lstm_like, script, seeds

SOURCE = "https://physionet.org/content/mitdb (beats cut from all records)"
CLASSES, SAMPLES = 5, 84
BEATS = {
    name: expected
    for part in ("ds1", "ds2")
    for name, expected in (
        (f"{part}_x", ExpectedArray(shape=(f"n_{part}", SAMPLES), low=-(2**15), high=2**15 - 1)),
        (f"{part}_y", ExpectedArray(shape=(f"n_{part}",), low=0, high=CLASSES - 1)),
        (f"{part}_rr", ExpectedArray(shape=(f"n_{part}",), low=0, high=2**15 - 1)),
    )
}
VENTRICULAR = 2
FULL_SCALE = 512.0
"""What stands for 1 [units of the converter]."""
RR_RATE, RR_USUAL, RR_MOST = 360.0, 0.8, 2.0
"""Samples in a second, what is taken off an interval, and the longest that is told apart [s]."""
ORDER, THETA, HIDDEN, DROPOUT = 24, 84.0, 32, 0.5
WEIGHT = 4.0
"""Of a ventricular beat in the loss; one in 14 is one."""


def load(options: Namespace) -> tuple[torch.Tensor, ...]:
    """Return the beats of DS1 and DS2 and whether they are ventricular."""
    path = script.find(options, "ecg", "mitbih_beats_120hz_i16.npz", source=SOURCE)
    data, found = read_expected(path, BEATS, source=SOURCE), []
    for part in ("ds1", "ds2"):
        step = 1 if options.limit is None else max(1, len(data[f"{part}_y"]) // options.limit)
        x = data[f"{part}_x"][::step].astype(np.float32) / FULL_SCALE
        rr = np.minimum(data[f"{part}_rr"][::step].astype(np.float32) / RR_RATE, RR_MOST)
        held = np.broadcast_to((rr - RR_USUAL)[:, None], x.shape)
        found.append(torch.tensor(np.stack([x, held], axis=2)))
        found.append(torch.tensor((data[f"{part}_y"][::step] == VENTRICULAR).astype(np.int64)))
    return tuple(found)


def score(scores: torch.Tensor, labels: torch.Tensor) -> dict[str, float]:
    """Return the share of ventricular beats found, and of others not taken for one."""
    said = scores.argmax(1)
    return {
        "sensitivity": float((said[labels == 1] == 1).double().mean()),
        "specificity": float((said[labels == 0] == 0).double().mean()),
    }


def build() -> tuple[Model, torch.nn.Module]:
    """Return the networks."""
    lmu = LMU.feed_forward(2, HIDDEN, ORDER, THETA, dropout=DROPOUT)
    model = Model(
        [lmu, Dense(HIDDEN, HIDDEN, Activation.RELU), Dense(HIDDEN, 2, Activation.SOFTMAX)],
        names=("lmu", "hidden", "ventricular"),
        every_step=False,
    )
    return model, lstm_like(model, 2, 2)


def main() -> None:
    """Run the task."""
    options = script.arguments(__doc__, 12, qat_epochs=2, rival_epochs=12).parse_args()
    x, y, test_x, test_y = load(options)
    weights = torch.tensor([1.0, WEIGHT])
    task = experiment.Task(
        name="ecg_beats",
        x=x,
        y=y,
        test_x=test_x,
        test_y=test_y,
        loss=torch.nn.CrossEntropyLoss(weights),
        score=score,
        batch_size=256,
        lr=3e-3,
        weight_decay=0.1,
    )
    seeds.run(task, build, options)


if __name__ == "__main__":
    script.main(main)
