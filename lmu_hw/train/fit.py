"""The training loop of the task scripts: AdamW, seeds, progress and checkpoints."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError

import torch
from torch import Tensor, nn

from .._support.build_directory import write_file
from .._support.progress import progress
from ..errors import ModelFileError, reason_of

Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """Result of an epoch.

    Attributes
    ----------
    loss : float
        Mean over the examples, during training.
    seconds : float
        Time of training alone.
    """

    loss: float
    seconds: float


def fit(
    model: nn.Module,
    inputs: tuple[Tensor, ...],
    targets: Tensor,
    loss: Loss,
    *,
    epochs: int,
    batch_size: int,
    lr: float,
    weight_decay: float = 0.0,
    clip: float = 1.0,
    seed: int = 0,
    checkpoint: Path | None = None,
    label: str = "training",
    quiet: bool = False,
    after: Callable[[int, Epoch], object] = lambda k, epoch: None,
) -> list[Epoch]:
    """Train a model; continue from a checkpoint as if training had never stopped.

    Parameters
    ----------
    model : Module
        Called with a batch of every input; the loss takes its output, or the first of several.
    inputs : tuple of tensor, each of shape (n_examples, ...)
    targets : tensor, shape (n_examples, ...)
    loss : callable
        Takes output and targets, returns the mean over the batch.
    epochs, batch_size : int
    lr : float
        Initial learning rate; it falls to zero along a half cosine.
    weight_decay : float
        Weight decay of AdamW.
    clip : float
        Gradients are clipped to this norm.
    seed : int
        Seed of the order of examples and of dropout.
    checkpoint : Path, optional
        File that is read if it exists, and written after every epoch.
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
    ModelFileError
        If the checkpoint is damaged or of another model.
    """
    optimiser = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=weight_decay)
    history: list[Epoch] = []
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    if checkpoint is not None and checkpoint.is_file():
        history = _load(checkpoint, model, optimiser, generator)
    n_batches = -(-len(targets) // batch_size)
    for k in range(len(history), epochs):
        model.train()
        total, start = 0.0, time.perf_counter()
        order = torch.randperm(len(targets), generator=generator)
        with progress(f"{label}, epoch {k + 1} of {epochs}", n_batches, quiet) as advance:
            for j, at in enumerate(order.split(batch_size)):
                share = (k + j / n_batches) / epochs
                for group in optimiser.param_groups:
                    group["lr"] = lr * 0.5 * (1.0 + math.cos(math.pi * share))
                found = model(*(x[at] for x in inputs))
                error = loss(found[0] if isinstance(found, tuple) else found, targets[at])
                optimiser.zero_grad()
                error.backward()
                nn.utils.clip_grad_norm_(model.parameters(), clip)
                optimiser.step()
                total += float(error.detach()) * len(at)
                advance(1)
        history.append(Epoch(loss=total / len(targets), seconds=time.perf_counter() - start))
        if checkpoint is not None:
            _save(checkpoint, model, optimiser, generator, history)
        model.eval()
        after(k, history[-1])
    model.eval()
    return history


def _save(
    path: Path,
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    generator: torch.Generator,
    history: list[Epoch],
) -> None:
    data = {
        "model": model.state_dict(),
        "optimiser": optimiser.state_dict(),
        "order": generator.get_state(),
        "random": torch.get_rng_state(),
        "history": [(epoch.loss, epoch.seconds) for epoch in history],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    # atomic: a run that is stopped here continues from the epoch before
    write_file(path, lambda file: torch.save(data, file))


def _load(
    path: Path, model: nn.Module, optimiser: torch.optim.Optimizer, generator: torch.Generator
) -> list[Epoch]:
    try:
        data = torch.load(path, weights_only=True)
        model.load_state_dict(data["model"])
        optimiser.load_state_dict(data["optimiser"])
        generator.set_state(data["order"])
        torch.set_rng_state(data["random"])
        return [Epoch(loss=loss, seconds=seconds) for loss, seconds in data["history"]]
    except (RuntimeError, KeyError, ValueError, EOFError, OSError, UnpicklingError) as error:
        raise ModelFileError(
            f"{path} is not a checkpoint of this model ({reason_of(error)}); "
            "delete it or name another"
        ) from error


@torch.no_grad()
def predict(model: nn.Module, inputs: tuple[Tensor, ...], batch_size: int = 1000) -> Tensor:
    """Return the outputs of a model in evaluation mode (no dropout)."""
    model.eval()
    parts = []
    for k in range(0, len(inputs[0]), batch_size):
        found = model(*(x[k : k + batch_size] for x in inputs))
        parts.append(found[0] if isinstance(found, tuple) else found)
    return torch.cat(parts)


def n_parameters(model: nn.Module) -> int:
    """Return the number of trained parameters of a model."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
