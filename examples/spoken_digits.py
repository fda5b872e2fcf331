"""Spoken digits from 20 log-mel bands every 10 ms, by an LMU trained with back-propagation.

    python examples/spoken_digits.py [--data FOLDER] [--out build/train]

Free Spoken Digit Dataset (Jackson et al., CC BY-SA 4.0); recordings 0 to 4 of each speaker and
digit are the official test set (300). A ridge readout reaches 92.3 %. `examples/digits.py` takes a
network that is fitted by least squares to Verilog.
"""

from __future__ import annotations

from argparse import Namespace

import numpy as np
import torch

from lmu_hw.train import LMU, Activation, Dense, Model, experiment, lstm_like, script

SOURCE = "https://github.com/Jakobovski/free-spoken-digit-dataset (as log-mel features)"
BANDS, CLASSES = 20, 10
FULL_SCALE = 128.0
N_TEST = 5
ORDER, THETA, HIDDEN = 8, 60.0, 64


def load(options: Namespace) -> tuple[torch.Tensor, ...]:
    """Return recordings of one length and their labels, of the training and the test set.

    Zeros come before a recording, which leave a memory of the input where it began.
    """
    data = np.load(script.find(options, "speech", "fsdd_logmel20_i8.npz", source=SOURCE))
    recordings = np.split(data["feat"], data["offset"][1:-1])
    n_steps = max(map(len, recordings))
    x = np.zeros((len(recordings), n_steps, BANDS), dtype=np.float32)
    for row, recording in zip(x, recordings, strict=True):
        row[n_steps - len(recording) :] = recording / FULL_SCALE
    found = []
    for part in (data["index"] >= N_TEST, data["index"] < N_TEST):
        step = 1 if options.limit is None else max(1, int(part.sum()) // options.limit)
        found.append(torch.tensor(x[part][::step]))
        found.append(torch.tensor(data["label"][part][::step].astype(np.int64)))
    return tuple(found)


def main() -> None:
    """Run the task."""
    options = script.arguments(__doc__, 40, qat_epochs=5, rival_epochs=40).parse_args()
    x, y, test_x, test_y = load(options)
    torch.manual_seed(options.seed)
    lmu = LMU.feed_forward(BANDS, HIDDEN, ORDER, THETA, dropout=0.5)
    model = Model(
        [lmu, Dense(HIDDEN, CLASSES, Activation.SOFTMAX)],
        names=("lmu", "digit"),
        every_step=False,
    )
    task = experiment.Task(
        name="spoken_digits",
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
    experiment.run(task, model, lstm_like(model, BANDS, CLASSES), options)


if __name__ == "__main__":
    script.main(main)
