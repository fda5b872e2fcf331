"""Checkpoints of `fit`: all that a stopped run needs to go on as if it had not stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor, nn, optim

from .._support.build_directory import write_file
from ..errors import ModelFileError, reason_of
from .window_update import WindowUpdate


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """Result of an epoch.

    Attributes
    ----------
    loss : float
        Mean over the examples, during training.
    seconds : float
        Time of training alone.
    validation : float or None
        Loss of the validation data after the epoch.
    lr : float
        Learning rate of the last batch.
    theta : tuple of float
        Windows that are learned [samples], after the epoch.
    """

    loss: float
    seconds: float
    validation: float | None = None
    lr: float = 0.0
    theta: tuple[float, ...] = ()


@dataclass(eq=False, kw_only=True)
class TrainingRun:
    """A run of `fit` between two epochs.

    Attributes
    ----------
    model : Module
    optimiser : Optimizer
    order : Generator
        Gives the order of examples.
    settings : mapping of str to str
        Options and data; a checkpoint of others is refused.
    windows : WindowUpdate
    history : list of Epoch
    best : dict of str to tensor, optional
        Weights of the epoch with the least validation loss.
    """

    model: nn.Module
    optimiser: optim.Optimizer
    order: torch.Generator
    settings: Mapping[str, str]
    windows: WindowUpdate
    history: list[Epoch]
    best: dict[str, Tensor] | None = None

    def save(self, path: Path) -> None:
        """Write the checkpoint, whole or not at all."""
        data = {
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "order": self.order.get_state(),
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
            "windows": self.windows.trained_for,
            "settings": dict(self.settings),
            "history": [asdict(epoch) for epoch in self.history],
            "best": self.best,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        # atomic: a run that is stopped here continues from the epoch before
        write_file(path, lambda file: torch.save(data, file))

    def load(self, path: Path) -> None:
        """Continue from a checkpoint.

        Raises
        ------
        ModelFileError
            If it is damaged, or of another model, other data or other options.
        """
        try:
            data = torch.load(path, weights_only=True)
            found = data["settings"]
            if self.model.state_dict().keys() == data["model"].keys():
                self._check(path, found)
            self.model.load_state_dict(data["model"])
            self.optimiser.load_state_dict(data["optimiser"])
            self.order.set_state(data["order"])
            torch.set_rng_state(data["random"])
            if len(data["random_cuda"]) == torch.cuda.device_count() > 0:
                torch.cuda.set_rng_state_all(data["random_cuda"])
            self.windows.trained_for = data["windows"]
            self.history[:] = [Epoch(**_epoch(epoch)) for epoch in data["history"]]
            self.best = data["best"]
        except ModelFileError:
            raise
        except (RuntimeError, LookupError, ValueError, TypeError, AttributeError) as error:
            raise _refused(path, error) from error
        except (EOFError, OSError, UnpicklingError) as error:
            raise _refused(path, error) from error

    def _check(self, path: Path, found: Mapping[str, str]) -> None:
        differing = [
            f"{name} {found.get(name, 'none')}, not {wanted}"
            for name, wanted in self.settings.items()
            if found.get(name) != wanted
        ]
        if differing:
            raise ModelFileError(
                f"{path} is a checkpoint of another run ({'; '.join(differing)}); "
                "delete it or name another"
            )


def name_of(function: object) -> str:
    """Return a name for a function of a run, with what `functools.partial` gives it."""
    if not isinstance(function, partial):
        return str(getattr(function, "__qualname__", type(function).__name__))
    given = [_shown(value) for value in function.args]
    given += [f"{key}={_shown(value)}" for key, value in function.keywords.items()]
    return f"{name_of(function.func)}({', '.join(given)})"


def _shown(value: object) -> str:
    return repr(value) if isinstance(value, (int, float, str)) else name_of(value)


def _epoch(stored: dict[str, Any]) -> dict[str, Any]:
    return stored | {"theta": tuple(stored["theta"])}


def _refused(path: Path, error: Exception) -> ModelFileError:
    return ModelFileError(
        f"{path} is not a checkpoint of this model ({reason_of(error)}); delete it or name another"
    )
