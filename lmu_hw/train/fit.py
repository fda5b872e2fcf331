"""The training loop: AdamW, validation, early stopping, progress, logs and checkpoints."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from .._support.progress import progress
from .._support.validation import check_int, check_positive
from ..errors import SpecError, UnstableError
from .checkpoint import Epoch, TrainingRun, name_of
from .parameter_groups import THETA_LR, Optimiser, memories, optimiser_of
from .training_batches import Augment, Source, augmented, batches, digest, like, n_batches, source
from .training_data import Batch, Examples, error_of, examples, outputs
from .training_log import logs
from .window_update import WindowUpdate

Loss = Callable[[Tensor, Tensor], Tensor]
MOST = 2**31
"""Most epochs, and most examples in a batch."""


def fit(
    model: nn.Module,
    inputs: Any,
    targets: Any = None,
    loss: Loss | None = None,
    *,
    epochs: int,
    batch_size: int = 32,
    lr: float | None = None,
    weight_decay: float = 0.0,
    theta_lr: float = THETA_LR,
    optimiser: Optimiser | None = None,
    clip: float = 1.0,
    seed: int = 0,
    lengths: Any = None,
    augment: Augment | None = None,
    validation: Any = None,
    patience: int | None = None,
    checkpoint: str | Path | None = None,
    csv: str | Path | None = None,
    tensorboard: str | Path | None = None,
    label: str = "training",
    quiet: bool = False,
    after: Callable[[int, Epoch], object] = lambda k, epoch: None,
) -> list[Epoch]:
    """Train a model; continue from a checkpoint as if training had never stopped.

    Parameters
    ----------
    model : Module
        Called with a batch of every input; the loss takes its output, or the first of several.
    inputs : tensor, array, list, tuple or DataLoader
        A tensor or array (n_examples, ...); a list of sequences (n_steps, n_in) of different
        lengths; a tuple of tensors for a model of several inputs; or a loader whose batches are
        ``(x, y)``, or made by `collate`.
    targets : tensor or array, shape (n_examples, ...)
        Not with a loader.
    loss : callable
        Takes output and targets, returns the mean over the batch. Of padded sequences with an
        output at every step it takes the steps that count, as rows.
    epochs, batch_size : int
    lr : float
        Initial learning rate; every rate falls to zero along a half cosine.
    weight_decay : float
        Weight decay of AdamW. It never touches theta, A and B.
    theta_lr : float
        Learning rate of windows that are learned: AdamW changes them by up to this share a step.
    optimiser : Optimizer or callable, optional
        Instead of AdamW: an optimiser, which has its own rates, or a function that makes one of
        parameter groups, such as ``lambda groups: torch.optim.SGD(groups, momentum=0.9)``.
    clip : float
        Gradients are clipped to this norm, those of windows apart.
    seed : int
        Seed of the order of examples and of dropout.
    lengths : sequence of int or bool mask (n_examples, n_steps), optional
        Steps of every sequence in padded inputs; a mask also where they are padded in front.
    augment : callable, optional
        Called with the inputs of every training batch, returns what the model gets instead, such as
        shifted images: a tensor, or a tuple where the model takes several. Draws from torch's
        generator are repeated by the same seed, and continued from a checkpoint.
    validation : tuple or DataLoader, optional
        ``(inputs, targets)`` or ``(inputs, targets, lengths)``. The model ends with the weights of
        the epoch with the least validation loss.
    patience : int, optional
        Stop after so many epochs without a smaller validation loss.
    checkpoint : str or Path, optional
        File that is read if it exists, and written after every epoch.
    csv : str or Path, optional
        File that gets a line for every epoch.
    tensorboard : str or Path, optional
        Directory for events of TensorBoard.
    label : str
        Text of the progress bar.
    quiet : bool
    after : callable
        Called after each new epoch with its number, from 0.

    Returns
    -------
    list of Epoch
        All epochs, those of the checkpoint included.

    Raises
    ------
    SpecError
        If an option is out of range, or data and targets do not match.
    UnstableError
        If the loss is not finite; the model keeps the weights before that batch.
    ModelFileError
        If the checkpoint is damaged, or of another model, other data or other options.
    ToolError
        If TensorBoard is asked for and is not installed.
    """
    check_int("epochs", epochs, 0, MOST)
    check_int("batch_size", batch_size, 1, MOST)
    check_positive("clip", clip)
    if loss is None:
        raise SpecError("loss must be given, such as torch.nn.functional.cross_entropy")
    if patience is not None:
        check_int("patience", patience, 1, MOST)
        if validation is None:
            raise SpecError("validation data must be given for patience")
    data = source(model, inputs, targets, lengths, "x")
    held_out = None
    if validation is not None:
        parts = (validation,) if isinstance(validation, DataLoader) else validation
        if not isinstance(parts, tuple) or not len(parts) <= 3:
            raise SpecError("validation must be (inputs, targets), with lengths, or a loader")
        x, y, held_lengths = (*parts, None, None)[:3]
        held_out = source(model, x, y, held_lengths, "validation x")
    made = optimiser_of(model, optimiser, lr, weight_decay, theta_lr)
    rates = [group["lr"] for group in made.param_groups]
    settings = {
        "epochs": str(epochs),
        "batch_size": str(batch_size),
        "optimiser": type(made).__name__,
        "rates": ", ".join(f"{rate:g}" for rate in rates),
        "weight_decay": ", ".join(f"{g.get('weight_decay', 0):g}" for g in made.param_groups),
        "clip": f"{clip:g}",
        "seed": str(seed),
        "loss": name_of(loss),
        "data": digest(data),
        "augment": "none" if augment is None else name_of(augment),
        "validation": "none" if held_out is None else digest(held_out),
    }
    torch.manual_seed(seed)
    order = torch.Generator().manual_seed(seed)
    run = TrainingRun(
        model=model,
        optimiser=made,
        order=order,
        settings=settings,
        windows=WindowUpdate(model),
        history=[],
    )
    stored, table, events = (None if p is None else Path(p) for p in (checkpoint, csv, tensorboard))
    if stored is not None and stored.is_file():
        run.load(stored)
    write_logs = logs(table, events)
    for k in range(len(run.history), epochs):
        if _is_over(run.history, patience):
            break
        train = _Pass(run, loss, augment, rates, clip, k, epochs)
        total, seconds = train.run(data, batch_size, f"{label}, epoch {k + 1} of {epochs}", quiet)
        model.eval()
        held = None if held_out is None else _mean_loss(model, held_out, loss, batch_size)
        best = min((e.validation for e in run.history if e.validation is not None), default=None)
        if held is not None and (best is None or held < best):
            run.best = {name: x.detach().clone() for name, x in model.state_dict().items()}
        run.history.append(
            Epoch(
                loss=total,
                seconds=seconds,
                validation=held,
                lr=made.param_groups[0]["lr"],
                theta=windows(model),
            )
        )
        if stored is not None:
            run.save(stored)
        for log in write_logs:
            log(run.history)
        after(k, run.history[-1])
    if run.best is not None:
        model.load_state_dict(run.best)
    model.eval()
    return run.history


class _Pass:
    """One pass over the training data."""

    def __init__(
        self,
        run: TrainingRun,
        loss: Loss,
        augment: Augment | None,
        rates: list[float],
        clip: float,
        k: int,
        epochs: int,
    ) -> None:
        self.model, self.optimiser, self.order = run.model, run.optimiser, run.order
        self.loss, self.augment, self.rates, self.clip = loss, augment, rates, clip
        self.k, self.epochs = k, epochs
        self.update = run.windows
        apart = {id(m.log_theta) for m in memories(run.model) if m.learns_theta}
        parameters = [p for p in run.model.parameters() if p.requires_grad]
        self.clipped = [
            [p for p in parameters if (id(p) in apart) is learned] for learned in (False, True)
        ]

    def run(self, data: Source, batch_size: int, label: str, quiet: bool) -> tuple[float, float]:
        """Return the mean loss and the seconds."""
        self.model.train()
        n = n_batches(data, batch_size)
        total, count, start = 0.0, 0, time.perf_counter()
        with progress(label, n, quiet) as advance:
            for j, batch in enumerate(batches(data, batch_size, self.model, self.order)):
                share = (self.k + j / max(n, j + 1)) / self.epochs
                for group, rate in zip(self.optimiser.param_groups, self.rates, strict=True):
                    group["lr"] = rate * 0.5 * (1.0 + math.cos(math.pi * share))
                total += self._step(augmented(batch, self.augment)) * len(batch.targets)
                count += len(batch.targets)
                advance(1)
        return total / _some(count), time.perf_counter() - start

    def _step(self, batch: Batch) -> float:
        error = error_of(self.model, batch, self.loss)
        self.optimiser.zero_grad()
        error.backward()
        norms = [nn.utils.clip_grad_norm_(part, self.clip) for part in self.clipped if part]
        found, *sizes = torch.stack([x.detach().to(error) for x in (error, *norms)]).tolist()
        if not all(map(math.isfinite, (found, *sizes))):
            what = "loss" if not math.isfinite(found) else "gradient"
            raise UnstableError(
                f"the {what} is {found if what == 'loss' else sum(sizes)} in epoch {self.k + 1}: "
                "lower lr or clip, or normalize the inputs; the weights are those before this batch"
            )
        self.optimiser.step()
        self.update.follow()
        return float(found)


def _is_over(history: list[Epoch], patience: int | None) -> bool:
    """Return whether the last ``patience`` epochs were no better than one before them."""
    found = [e.validation for e in history if e.validation is not None]
    return (
        patience is not None and len(found) - found.index(min(found)) > patience if found else False
    )


@torch.no_grad()
def _mean_loss(model: nn.Module, data: Source, loss: Loss, batch_size: int) -> float:
    total, count = 0.0, 0
    for batch in batches(data, batch_size, model):
        total += float(error_of(model, batch, loss)) * len(batch.targets)
        count += len(batch.targets)
    return total / _some(count)


def _some(count: int) -> int:
    """Return a number of examples, of which there must be one."""
    if not count:
        raise SpecError("the loader must give at least one batch")
    return count


def windows(model: nn.Module) -> tuple[float, ...]:
    """Return the windows of a model that are learned [samples]."""
    return tuple(t for m in memories(model) if m.learns_theta for t in m.theta.tolist())


@torch.no_grad()
def predict(
    model: nn.Module, inputs: Any, batch_size: int = 1000, *, lengths: Any = None
) -> Tensor:
    """Return the outputs of a model in evaluation mode (no dropout).

    Parameters
    ----------
    model : Module
    inputs : tensor, array, list of sequences (n_steps, n_in), or tuple of tensors
    batch_size : int
    lengths : sequence of int or bool mask (n_examples, n_steps), optional
        Of padded inputs. Outputs of steps that do not count are zero.

    Raises
    ------
    SpecError
        If there is no example, inputs and lengths do not match, or padding is not declared.
    """
    check_int("batch_size", batch_size, 1, MOST)
    model.eval()
    data, parts = examples(model, inputs, None, lengths), []
    for k in range(0, len(data), batch_size):
        at = slice(k, k + batch_size)
        part = Examples(
            inputs=tuple(like(x[at], model) for x in data.inputs),
            lengths=None if data.lengths is None else like(data.lengths[at], model),
        )
        parts.append(outputs(model, part))
    return torch.cat(parts)


def n_parameters(model: nn.Module) -> int:
    """Return the number of trained parameters of a model."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
