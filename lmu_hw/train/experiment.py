"""A training experiment: an LMU and an LSTM in floats, then the LMU quantized to few bits.

The experiment trains both in floats with the same data, order, epochs and batch size, rounds the
LMU after training (PTQ), trains it further as integers (QAT), and scores each on held-out test
data. Integer scores are those of the exported program, run by compiled C where there is a compiler.
The outputs of training are compared with the program word for word.
"""

from __future__ import annotations

import copy
import json
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .._support.build_directory import write_file
from .._support.progress import progress
from ..errors import MismatchError
from ..measure.dataset import Dataset
from ..measure.evaluate import run_integers
from ..models.importers.model_file import to_bytes
from ..quantize.calibration import Calibration
from ..quantize.quantize_network import QuantizedNetwork
from ..quantize.word_lengths import Widths
from .after_memory import AfterMemory, has_fixed_memory, last_states
from .checkpoint import Epoch
from .experiment_picture import draw
from .fit import Loss, fit, n_parameters, predict
from .model import Model, export
from .quantized import Quantized

Score = Callable[[Tensor, Tensor], Mapping[str, float]]
CALIBRATED = 256
"""Most sequences on which ranges are calibrated."""
COMPARED = 32
"""Test sequences on which training is compared with the program."""
PTQ_BITS = (16, 8, 4)


@dataclass(frozen=True, eq=False, kw_only=True)
class Task:
    """Data, loss and score of a task.

    Parameters
    ----------
    name : str
    x, test_x : float32 tensor, shape (n, n_steps, n_in)
    y, test_y : tensor, shape (n, ...)
    loss : callable
    score : callable
        Takes outputs and targets, returns figures by name.
    batch_size : int
    lr, weight_decay : float
    """

    name: str
    x: Tensor
    y: Tensor
    test_x: Tensor
    test_y: Tensor
    loss: Loss
    score: Score
    batch_size: int = 128
    lr: float = 2e-3
    weight_decay: float = 0.01


def run(
    task: Task,
    model: Model,
    rival: nn.Module | None,
    options: Namespace,
    *,
    act_bits: int = 16,
    qat_lr: float = 5e-4,
) -> dict[str, Any]:
    """Train, quantise, score, print a table, and write model, figures and a picture of them.

    Raises
    ------
    MismatchError
        If training and the exported program differ in a word.
    """
    torch.set_num_threads(options.threads)
    experiment = _Experiment(task, options)
    history = experiment.train(model, "lmu", options.epochs)
    experiment.add("LMU, float", predict(model, (task.test_x,)), model, history)
    experiment.write("", to_bytes(export(model)))
    if rival is not None and options.rival_epochs:
        history = experiment.train(rival, "lstm", options.rival_epochs)
        experiment.add("LSTM, float", predict(rival, (task.test_x,)), rival, history)
    calibration = Calibration(export(model), experiment.calibration)
    for bits in PTQ_BITS:
        widths = Widths(weight_bits=bits, act_bits=act_bits)
        design = calibration.design(widths, title=f"{task.name}, {bits}-bit weights")
        experiment.add(f"PTQ, {bits}-bit weights", experiment.integers(design))
    for bits in options.qat_bits if options.qat_epochs else ():
        widths = Widths(weight_bits=bits, act_bits=act_bits)
        trained, history = experiment.train_as_integers(model, widths, qat_lr)
        design = trained.design()
        experiment.add(f"QAT, {bits}-bit weights", experiment.integers(design), history=history)
        experiment.compare(trained)
        experiment.write(f"_qat{bits}", to_bytes(export(trained.model), trained.ranges))
    print(table(experiment.report))
    experiment.draw()
    return experiment.report


def table(report: Mapping[str, Any]) -> str:
    """Return the figures of an experiment as a text table."""
    rows = report["rows"]
    names = list(dict.fromkeys(n for row in rows.values() for n in row))
    lines = [["", *names]]
    lines += [[label, *(_shown(row.get(n)) for n in names)] for label, row in rows.items()]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])])
        for line in lines
    )


def _shown(value: float | None) -> str:
    return "" if value is None else str(value) if isinstance(value, int) else f"{value:.4g}"


class _Experiment:
    def __init__(self, task: Task, options: Namespace) -> None:
        self.task, self.options = task, options
        at = np.linspace(0, len(task.x) - 1, min(CALIBRATED, len(task.x))).round().astype(int)
        self.calibration = list(task.x[at].double().numpy())
        self.report: dict[str, Any] = {"task": task.name, "seed": options.seed, "rows": {}}
        self.losses: dict[str, list[float]] = {}

    def write(self, suffix: str, content: bytes) -> None:
        """Write a neutral model file."""
        self.options.out.mkdir(parents=True, exist_ok=True)
        path = self.options.out / f"{self.task.name}{suffix}.npz"
        write_file(path, lambda file: file.write(content))

    def train(self, model: nn.Module, label: str, epochs: int) -> list[Epoch]:
        task = self.task
        inputs = task.x
        if isinstance(model, Model) and has_fixed_memory(model):
            inputs = last_states(model, task.x)
            model = AfterMemory(model)
        return self.fit(model, (inputs,), label, epochs, task.lr, task.weight_decay)

    def fit(
        self,
        model: nn.Module,
        inputs: tuple[Tensor, ...],
        label: str,
        epochs: int,
        lr: float,
        weight_decay: float,
    ) -> list[Epoch]:
        task, options = self.task, self.options
        history = fit(
            model,
            inputs,
            task.y,
            task.loss,
            epochs=epochs,
            batch_size=task.batch_size,
            lr=lr,
            weight_decay=weight_decay,
            seed=options.seed,
            checkpoint=options.out / f"{task.name}_{label}.pt",
            label=f"{task.name} {label}",
            quiet=options.quiet,
        )
        if history:
            self.losses[label] = [epoch.loss for epoch in history]
        return history

    def train_as_integers(
        self, model: Model, widths: Widths, lr: float
    ) -> tuple[Quantized, list[Epoch]]:
        """Return a copy of the model, trained further as integers."""
        made = Quantized(copy.deepcopy(model), widths, self.calibration)
        inputs: tuple[Tensor, ...] = (self.task.x,)
        if made.starts_at_last_step:
            inputs = made.before_last(self.task.x)
        label = f"qat{widths.weight_bits}"
        return made, self.fit(made, inputs, label, self.options.qat_epochs, lr, 0.0)

    def integers(self, design: QuantizedNetwork) -> Tensor:
        """Return the outputs of a program on the test data."""
        dataset = Dataset(sequences=tuple(self.task.test_x.numpy()))
        with progress("integers", len(dataset), self.options.quiet) as advance:
            found = run_integers(design, dataset, advance=advance)
        y = torch.tensor(np.stack(found.values), dtype=torch.float32)
        return y if design.network.every_step else y[:, -1]

    def compare(self, trained: Quantized) -> None:
        """Raise `MismatchError` unless training and the program give the same outputs."""
        few = self.task.test_x[:COMPARED]
        y = predict(trained, (few,))
        dataset = Dataset(sequences=tuple(few.numpy()))
        found = run_integers(trained.design(), dataset).values
        wanted = torch.tensor(np.stack(found), dtype=torch.float32).reshape(y.shape)
        if not torch.equal(y, wanted):
            at = tuple(int(i) for i in (y != wanted).nonzero()[0])
            raise MismatchError(
                backend="training",
                step=at[1] if len(at) > 2 else few.shape[1] - 1,
                signal="y",
                index=at[-1],
                expected=str(float(wanted[at])),
                got=str(float(y[at])),
                fmt="real units",
            )

    def add(
        self,
        label: str,
        y: Tensor,
        model: nn.Module | None = None,
        history: list[Epoch] | None = None,
    ) -> None:
        """Add a row to the report and write the file: a run that is stopped keeps its figures."""
        row = dict(self.task.score(y, self.task.test_y))
        if model is not None:
            row["parameters"] = n_parameters(model)
        if history:
            row["epochs"] = len(history)
            row["s/epoch"] = float(np.median([epoch.seconds for epoch in history]))
        self.report["rows"][label] = row
        text = json.dumps(self.report, indent=1) + "\n"
        path = self.options.out / f"{self.task.name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, lambda file: file.write(text.encode()))
        if not self.options.quiet:
            shown = ", ".join(f"{_shown(value)} {name}" for name, value in row.items())
            print(f"{self.task.name}: {label}: {shown}", file=sys.stderr)

    def draw(self) -> None:
        """Draw the figures, if matplotlib is installed."""
        path = self.options.out / f"{self.task.name}.png"
        if draw(path, self.task.name, self.losses, self.report["rows"]):
            print(f"drawn in {path}")
        else:
            print("no picture: python -m pip install 'lmu-hw[plots]'", file=sys.stderr)


def accuracy(scores: Tensor, labels: Tensor) -> dict[str, float]:
    """Return the share of sequences whose label has the highest score [%]."""
    return {"accuracy %": 100.0 * float((scores.argmax(1) == labels).double().mean())}
