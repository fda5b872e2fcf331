"""Time of training as integers against training in floats: docs/results/quantized_training.md.

    PYTHONPATH=. python benchmarks/quantized_training.py [--data FOLDER] [--rounds 5] [--batches 6]
        [--only TEXT]

The networks and data of examples/, 4-bit weights. A round trains a few batches in floats, as
integers, and as integers the plain way: a program made for every batch, and run by the interpreter
step by step; and a batch of the LSTM that the example compares itself with. The parts of a round
follow each other, so that the load of the machine affects all alike; the table gives the median of
the ratios within a round. After every round the program is exported, compiled to C and run on some
sequences from their first step: its words must be those of training.

It measures the parts of `lmu_hw.train.Quantized`, so it imports them.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from copy import deepcopy
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from examples import ecg_beats, mackey_glass, psmnist, spoken_digits
from lmu_hw._support.workers import one_blas_thread
from lmu_hw.measure.dataset import Dataset
from lmu_hw.measure.evaluate import run_integers
from lmu_hw.program.fixedpoint import from_real
from lmu_hw.program.integer_program import Role
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.quantize.quantize_network import QuantizedNetwork, quantize_network
from lmu_hw.quantize.ranges import SignalStatistics
from lmu_hw.train import Model, Quantized, Widths, export, fit, lstm_like, predict
from lmu_hw.train.signal_values import OUTPUT, SignalValues
from lmu_hw.train.straight_through import StraightThrough

TABLE = Path(__file__).parent.parent / "docs" / "results" / "quantized_training.md"
WIDTHS = Widths(weight_bits=4, act_bits=16)
CALIBRATED, COMPARED = 64, 32
"""Sequences on which ranges are calibrated, and whose words are compared after a round."""
DIGITS = 4000
"""Images of psMNIST that are loaded: a round uses a few batches."""


class Task(NamedTuple):
    """Training data, a network and its LSTM, the loss and the batch size."""

    x: Tensor
    y: Tensor
    model: Model
    rival: nn.Module
    loss: Callable[[Tensor, Tensor], Tensor]
    batch_size: int


class Times(NamedTuple):
    """Seconds for a batch, in a round."""

    floats: float
    integers: float
    plain: float
    lstm: float


class Plain(Quantized):
    """Training as integers the plain way."""

    def made_afresh(self) -> QuantizedNetwork:
        """Return the program of the current weights."""
        return quantize_network(
            export(self.model),
            self.widths,
            {n: SignalStatistics(peak=p, power=power) for n, (p, power) in self.ranges.items()},
            title="plain",
            calibration="",
            output_every=1 if self.model.every_step else 0,
        )

    def forward(self, x: Tensor, words: Tensor | None = None) -> tuple[Tensor, Any]:
        """Return outputs with the gradients of the model."""
        design, steps = self.made_afresh(), []
        (source,) = design.program.with_role(Role.INPUT)
        interpreter = Interpreter(design.program, len(x))
        if words is not None:
            interpreter.load(words.numpy().astype(np.int64))
        inputs, _ = from_real(x.numpy(), source.fmt)
        interpreter.run(inputs.transpose(1, 0, 2), watch=lambda found: steps.append(dict(found)))
        found = {name: np.stack([step[name] for step in steps], axis=1) for name in steps[0]}
        signals = SignalValues(design, found, x)
        y, after = self.model(x, estimator=StraightThrough(signals=signals))
        at = slice(None) if self.model.every_step else -1
        return StraightThrough(signals=signals, steps=at)(OUTPUT, y), after


def tasks(options: argparse.Namespace) -> dict[str, Callable[[], Task]]:
    """Return what makes each task."""
    cross_entropy, given = nn.functional.cross_entropy, vars(options) | {"validate": False}
    every = argparse.Namespace(**given)
    few = argparse.Namespace(
        **given | {"limit": DIGITS, "cell": "feed-forward", "weights": "new", "order": 468}
    )

    def digits() -> Task:
        x, y, *_ = psmnist.load(few, psmnist.pixel_order(few, psmnist.SIZE))
        model = psmnist.build(few, psmnist.SIZE)
        return Task(x, y, model, lstm_like(model, 1, 10), cross_entropy, 128)

    def beats() -> Task:
        x, y, *_ = ecg_beats.load(every)
        return Task(x, y, *ecg_beats.build(), cross_entropy, 256)

    def spoken(network: str) -> Task:
        recipe = spoken_digits.RECIPES[network]
        x, y, *_ = spoken_digits.load(every, recipe.steps)
        model = recipe.build()
        rival = lstm_like(model, spoken_digits.BANDS, spoken_digits.CLASSES)
        return Task(x, y, model, rival, cross_entropy, 64)

    def series(network: str) -> Task:
        recipe = mackey_glass.RECIPES[network]
        x, y = (mackey_glass.pieces(s, recipe.piece) for s in mackey_glass.series(every)[:2])
        model = recipe.build()
        rival = lstm_like(model, 1, 1, num_layers=4, every_step=True)
        return Task(x, y, model, rival, nn.functional.mse_loss, recipe.batch_size)

    return {
        "psMNIST, feed-forward": digits,
        "ECG beats": beats,
        "spoken digits, one window": partial(spoken, "one"),
        "spoken digits, two layers": partial(spoken, "two"),
        "Mackey-Glass, learned window": partial(series, "small"),
        "Mackey-Glass, the paper's LMUs": partial(series, "lmu"),
        "Mackey-Glass, the paper's LSTMs": partial(series, "lstm"),
        "Mackey-Glass, the paper's hybrid": partial(series, "hybrid"),
    }


def measure(task: Task, rounds: int, batches: int) -> tuple[list[Times], int]:
    """Return the times of every round and the number of words compared."""
    at = np.linspace(0, len(task.x) - 1, CALIBRATED).round().astype(int)
    data = list(task.x[at].double().numpy())
    trained = Quantized(deepcopy(task.model), WIDTHS, data)
    plain = Plain(deepcopy(task.model), WIDTHS, data)
    # what takes long trains on fewer batches
    runs = [(deepcopy(task.model), 1), (trained, 1), (plain, 3), (task.rival, 6)]
    found, compared = [], 0
    for k in range(-1, rounds):
        seconds = []
        for model, share in runs:
            n = max(1, batches // share)
            part = torch.arange(n * task.batch_size) + max(k, 0) * batches * task.batch_size
            part = part % len(task.x)
            inputs: tuple[Tensor, ...] = (task.x[part],)
            if isinstance(model, Quantized) and model.starts_at_last_step:
                inputs = trained.before_last(task.x[part])
            epoch = fit(
                model, inputs, task.y[part], task.loss, epochs=1, batch_size=task.batch_size,
                lr=1e-3, quiet=True,
            )[0]  # fmt: skip
            seconds.append(epoch.seconds / n)
        # the round before the first only loads and compiles
        if k >= 0:
            found.append(Times(*seconds))
            compared += compare(trained, task.x[:COMPARED])
    return found, compared


def compare(trained: Quantized, x: Tensor) -> int:
    """Return the number of words that training and the exported program have in common: all.

    Raises
    ------
    SystemExit
        If a word differs.
    """
    y = predict(trained, (x,))
    found = run_integers(trained.design(), Dataset(sequences=tuple(x.numpy()))).values
    wanted = torch.tensor(np.stack(found), dtype=torch.float32)
    if not trained.model.every_step:
        wanted = wanted[:, -1]
    if differ := int(torch.count_nonzero(y != wanted.reshape(y.shape))):
        raise SystemExit(f"{differ} of {y.numel()} words differ")
    return y.numel()


def line(name: str, times: list[Times], words: int) -> str:
    """Return the row of a task."""
    shown = [_shown(ratio(times, part)) for part in ("integers", "plain", "lstm")]
    return f"| {name} | {shown[0]} | {shown[1]} | {words:,} | 0 | {shown[2]} |"


def written() -> dict[str, str]:
    """Return the rows of the page as it is, by task."""
    found = [row.split(" | ")[0][2:] for row in TABLE.read_text().splitlines()]
    return dict(zip(found, TABLE.read_text().splitlines(), strict=True))


def table(lines: list[str]) -> str:
    """Return the text of the page."""
    return f"""# Training as integers

What an epoch of quantisation-aware training ([From PyTorch](../tutorial/from_pytorch.md)) costs:
the time of a batch, relative to a batch of the same network in floats. 4-bit weights, which take
the longest to round, and 16-bit activations; medians over rounds of one run, on one thread.
Compiling the memories, and running fixed memories up to the last step, happens once before training
and is not counted.

- **As integers**: `lmu_hw.train.Quantized`. While memories stay, only the integers of the weights
  are made for every batch. All steps of an operation run at once where none waits for the one
  before; loops run in compiled C that takes the weights as arguments, and their gradients follow
  from the words of all steps.
- **Plain**: a program made for every batch, run by the interpreter one step after the other.
- **LSTM**: the `torch.nn.LSTM` of as many parameters that the task compares itself with, in floats.

After every round the program was exported, compiled to C and run on {COMPARED} sequences from their
first step; two columns count the words of its outputs, and those that differ from training.

Repeat: `python benchmarks/quantized_training.py`, with `LMU_HW_DATA` naming the directory of the
data sets.

| task | as integers | plain | words compared | differ | LSTM |
|---|---|---|---|---|---|
{chr(10).join(lines)}
"""


def _shown(value: float) -> str:
    return f"{value:.0f}" if value >= 10.0 else f"{value:.1f}"


def ratio(times: list[Times], part: str) -> float:
    """Return the median ratio of a part to training in floats."""
    return median(getattr(t, part) / t.floats for t in times)


def main() -> None:
    """Measure all tasks and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, help="directory of the data; default: LMU_HW_DATA")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batches", type=int, default=6, help="in a round")
    parser.add_argument("--only", default="", help="tasks with this in their name; others stay")
    parser.add_argument("--limit", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    lines = []
    for name, make in tasks(options).items():
        if options.only not in name:
            lines += [row] if (row := written().get(name)) else []
            continue
        torch.manual_seed(0)
        start = time.perf_counter()
        with one_blas_thread():
            times, words = measure(make(), options.rounds, options.batches)
        lines.append(line(name, times, words))
        print(
            f"{name}: floats {1e3 * median(t.floats for t in times):.1f} ms a batch, as integers "
            f"x {ratio(times, 'integers'):.1f}, plain x {ratio(times, 'plain'):.1f}, {words} words "
            f"equal, LSTM x {ratio(times, 'lstm'):.1f}, {time.perf_counter() - start:.0f} s"
        )
    TABLE.write_text(table(lines))


if __name__ == "__main__":
    main()
