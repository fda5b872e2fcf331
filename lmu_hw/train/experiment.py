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
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .._support.array_types import Array
from .._support.build_directory import write_file
from .._support.progress import progress
from ..errors import MismatchError
from ..measure.dataset import Dataset
from ..measure.evaluate import run_integers
from ..quantize.calibration import Calibration
from ..quantize.quantize_network import QuantizedNetwork
from ..quantize.word_lengths import Widths
from .after_memory import AfterMemory, has_fixed_memory, last_states
from .checkpoint import Epoch
from .experiment_picture import draw
from .fit import Loss, fit, n_parameters, predict
from .model import Model, export
from .quantized import Quantized
from .saved_model import save

Sequences = Tensor | list[Array]
Prepare = Callable[[Any], Any]
"""Computes the inputs that a network is trained on from sequences."""
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
    x, test_x : float32 tensor, shape (n, n_steps, n_in), or list of array (n_steps, n_in)
        A list, of sequences of different lengths, for a task of the last step alone.
    y, test_y : tensor, shape (n, ...)
    loss : callable
    score : callable
        Takes outputs and targets, returns figures by name.
    batch_size : int
    lr, weight_decay : float
    qat_batch_size : int, optional
        Of training as integers, where a step costs much and more sequences in it little. Default:
        ``batch_size``.
    compared_steps : int, optional
        First steps in which training as integers is compared with the program. Default: all.
    augment : callable, optional
        Changes a batch of x, where it is a tensor, while networks are trained; see `fit`.
    validation : tuple, optional
        Inputs and targets; each network ends with the weights of its best epoch on them.
    qat_keeps_best : bool
        Training as integers ends with the weights of its best epoch on the sequences that ranges
        are calibrated on, and with the rounded network if that has the least loss on them.
    """

    name: str
    x: Sequences
    y: Tensor
    test_x: Sequences
    test_y: Tensor
    loss: Loss
    score: Score
    batch_size: int = 128
    lr: float = 2e-3
    weight_decay: float = 0.01
    qat_batch_size: int | None = None
    compared_steps: int | None = None
    augment: Callable[[Tensor], Tensor] | None = None
    validation: tuple[Sequences, Tensor] | None = None
    qat_keeps_best: bool = False


def run(
    task: Task,
    model: Model,
    rival: nn.Module | None,
    options: Namespace,
    *,
    act_bits: int = 16,
    input_bits: int = 16,
    qat_lr: float = 5e-4,
    label: str = "LMU",
) -> dict[str, Any]:
    """Train, quantise, score, print a table, and write model, figures and a picture of them.

    ``label`` is the name of the model in the table, and in lower case that of its checkpoint.

    Raises
    ------
    SpecError
        If an option is out of range.
    MismatchError
        If training and the exported program differ in a word.
    """
    torch.set_num_threads(options.threads)
    widths = Widths(act_bits=act_bits, input_bits=input_bits)
    # refused before hours of training, not after them
    qat = [replace(widths, weight_bits=bits) for bits in options.qat_bits]
    experiment = _Experiment(task, options)
    history = experiment.train(model, label.lower(), options.epochs)
    experiment.add(f"{label}, float", predict(model, task.test_x), model, history)
    experiment.save("", model)
    if rival is not None and options.rival_epochs:
        history = experiment.train(rival, "lstm", options.rival_epochs)
        experiment.add("LSTM, float", predict(rival, task.test_x), rival, history)
    sequences = [model.normalized_array(x) for x in experiment.calibration]
    calibration = Calibration(export(model), sequences)
    for bits in PTQ_BITS:
        title = f"{task.name}, {bits}-bit weights"
        design = calibration.design(replace(widths, weight_bits=bits), title=title)
        experiment.add(f"PTQ, {bits}-bit weights", experiment.integers(design, model))
    for narrow in qat if options.qat_epochs else ():
        trained, history = experiment.train_as_integers(model, narrow, qat_lr)
        experiment.compare(trained)
        bits, design, best = narrow.weight_bits, trained.design(), None
        if task.qat_keeps_best:
            rounded = calibration.design(narrow, title=f"{task.name}, {bits}-bit weights")
            best = experiment.best_epoch(history, rounded, model)
            design = design if best else rounded
        y = experiment.integers(design, model)
        experiment.add(f"QAT, {bits}-bit weights", y, history=history, best=best)
        if best != 0:
            experiment.save(f"_qat{bits}", trained)
    print(table(experiment.report))
    experiment.draw()
    return experiment.report


def table(report: Mapping[str, Any]) -> str:
    """Return the figures of an experiment as a text table."""
    return text_table({label: _shown(row) for label, row in report["rows"].items()})


def text_table(rows: Mapping[str, Mapping[str, str]]) -> str:
    """Return rows of figures, by name, as a text table."""
    names = list(dict.fromkeys(n for row in rows.values() for n in row))
    lines = [["", *names]]
    lines += [[label, *(row.get(n, "") for n in names)] for label, row in rows.items()]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])])
        for line in lines
    )


def _shown(row: Mapping[str, float]) -> dict[str, str]:
    return {n: str(v) if isinstance(v, int) else f"{v:.4g}" for n, v in row.items()}


def _as_it_is(x: Sequences) -> Sequences:
    return x


def _prepared(augment: Callable[[Tensor], Tensor], prepare: Prepare, x: Tensor) -> Any:
    return prepare(augment(x))


def _at(x: Sequences, at: np.ndarray) -> Sequences:
    """Return some of the sequences."""
    return x[at] if isinstance(x, Tensor) else [x[i] for i in at]


def _spread(n: int, most: int) -> np.ndarray:
    """Return the indices of at most ``most`` of n examples, evenly spaced."""
    return np.linspace(0, n - 1, min(most, n)).round().astype(int)


class _Experiment:
    def __init__(self, task: Task, options: Namespace) -> None:
        self.task, self.options = task, options
        at = _spread(len(task.x), CALIBRATED)
        self.calibration = [np.asarray(task.x[i], dtype=np.float64) for i in at]
        self.calibrated = _at(task.x, at), task.y[at]
        self.report: dict[str, Any] = {
            "task": task.name,
            "seed": options.seed,
            "rows": {},
            "losses": {},
        }

    def save(self, suffix: str, model: Model | Quantized) -> None:
        """Write a model file."""
        save(model, self.options.out / f"{self.task.name}{suffix}.npz")

    def train(self, model: nn.Module, label: str, epochs: int) -> list[Epoch]:
        task = self.task
        prepare: Prepare = _as_it_is
        if isinstance(task.x, Tensor) and isinstance(model, Model) and has_fixed_memory(model):
            prepare = partial(last_states, model)
            model = AfterMemory(model)
        return self.fit(
            model,
            prepare,
            label,
            epochs,
            lr=task.lr,
            weight_decay=task.weight_decay,
            batch_size=task.batch_size,
        )

    def fit(
        self,
        model: nn.Module,
        prepare: Prepare,
        label: str,
        epochs: int,
        limit: int | None = None,
        validation: tuple[Sequences, Tensor] | None = None,
        **settings: Any,
    ) -> list[Epoch]:
        task, options = self.task, self.options
        x, y = task.x, task.y
        if limit is not None:
            at = _spread(len(x), limit)
            x, y = _at(x, at), y[at]
        augment = None if task.augment is None else partial(_prepared, task.augment, prepare)
        held = validation or task.validation
        history = fit(
            model,
            # what changes in every batch cannot be prepared once
            prepare(x) if augment is None else x,
            y,
            task.loss,
            augment=augment,
            epochs=epochs,
            seed=options.seed,
            validation=None if held is None else (prepare(held[0]), held[1]),
            checkpoint=options.out / f"{task.name}_{label}.pt",
            csv=options.out / f"{task.name}_{label}.csv",
            label=f"{task.name} {label}",
            quiet=options.quiet,
            **settings,
        )
        if history:
            self.report["losses"][label] = [epoch.loss for epoch in history]
        return history

    def train_as_integers(
        self, model: Model, widths: Widths, lr: float
    ) -> tuple[Quantized, list[Epoch]]:
        """Return a copy of the model, trained further as integers."""
        made = Quantized(copy.deepcopy(model), widths, self.calibration)
        from_last = isinstance(self.task.x, Tensor) and made.starts_at_last_step
        history = self.fit(
            made,
            made.before_last if from_last else _as_it_is,
            f"qat{widths.weight_bits}",
            self.options.qat_epochs,
            limit=self.options.qat_limit,
            validation=self.calibrated if self.task.qat_keeps_best else None,
            lr=lr,
            batch_size=self.task.qat_batch_size or self.task.batch_size,
        )
        return made, history

    def best_epoch(self, history: list[Epoch], rounded: QuantizedNetwork, model: Model) -> int:
        """Return the best epoch of training as integers, or 0 if the rounded network is best."""
        x, y = self.calibrated
        found = [e.validation for e in history if e.validation is not None]
        loss = float(self.task.loss(outputs(rounded, model, x), y))
        return found.index(min(found)) + 1 if min(found) < loss else 0

    def integers(self, design: QuantizedNetwork, model: Model) -> Tensor:
        """Return the outputs of a program on the test data."""
        with progress("integers", len(self.task.test_x), self.options.quiet) as advance:
            return outputs(design, model, self.task.test_x, advance)

    def compare(self, trained: Quantized) -> None:
        """Raise `MismatchError` unless training and the program give the same outputs."""
        n, few = self.task.compared_steps, self.task.test_x[:COMPARED]
        few = few[:, :n] if isinstance(few, Tensor) else [x[:n] for x in few]
        y = predict(trained, few)
        wanted = outputs(trained.design(), trained.model, few).reshape(y.shape)
        if not torch.equal(y, wanted):
            at = tuple(int(i) for i in (y != wanted).nonzero()[0])
            raise MismatchError(
                backend="training",
                step=at[1] if len(at) > 2 else len(few[at[0]]) - 1,
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
        best: int | None = None,
    ) -> None:
        """Add a row to the report and write the file: a run that is stopped keeps its figures."""
        row = dict(self.task.score(y, self.task.test_y))
        if model is not None:
            row["parameters"] = n_parameters(model)
        if history:
            row["epochs"] = len(history)
            row["s/epoch"] = float(np.median([epoch.seconds for epoch in history]))
        if best is not None:
            row["best epoch"] = best
        self.report["rows"][label] = row
        text = json.dumps(self.report, indent=1) + "\n"
        path = self.options.out / f"{self.task.name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, lambda file: file.write(text.encode()))
        if not self.options.quiet:
            shown = ", ".join(f"{value} {name}" for name, value in _shown(row).items())
            print(f"{self.task.name}: {label}: {shown}", file=sys.stderr)

    def draw(self) -> None:
        """Draw the figures, if matplotlib is installed."""
        path = self.options.out / f"{self.task.name}.png"
        draw(path, self.task.name, [self.report])


def outputs(
    design: QuantizedNetwork,
    model: Model,
    x: Sequences,
    advance: Callable[[int], object] = lambda _: None,
) -> Tensor:
    """Return the outputs of a model's program: of every step, or of the last."""
    arrays = tuple(np.asarray(model.normalized_array(np.asarray(part))) for part in x)
    found = run_integers(design, Dataset(sequences=arrays), advance=advance).values
    last = slice(None) if design.network.every_step else -1
    return torch.tensor(np.stack([y[last] for y in found]), dtype=torch.float32)


def accuracy(scores: Tensor, labels: Tensor) -> dict[str, float]:
    """Return the share of sequences whose label has the highest score [%]."""
    return {"accuracy %": 100.0 * float((scores.argmax(1) == labels).double().mean())}
