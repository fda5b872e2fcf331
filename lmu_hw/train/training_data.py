"""What `fit` and `predict` take: tensors, arrays, ragged sequences, loaders; checked first."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from ..errors import SpecError
from .ragged import ValidSteps, check_unpadded, pad

SAME_SHAPE = frozenset(
    {"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy"}
    | {"binary_cross_entropy_with_logits"}
)
"""Losses of `torch.nn.functional` that would repeat targets of another shape."""


class Batch(NamedTuple):
    """Examples that run together, as `collate` makes them for a DataLoader.

    Attributes
    ----------
    inputs : tuple of tensor, each of shape (n_examples, ...)
    targets : tensor, shape (n_examples, ...)
    lengths : int tensor, shape (n_examples,), or bool mask (n_examples, n_steps), or None
    """

    inputs: tuple[Tensor, ...]
    targets: Tensor
    lengths: Tensor | None = None


def collate(examples: Sequence[tuple[Any, Any]]) -> Batch:
    """Return pairs of a sequence and its target as a batch: ``DataLoader(collate_fn=collate)``.

    Sequences may differ in length, and so may targets of every step.
    """
    x, lengths = pad([sequence for sequence, _ in examples])
    targets = [torch.as_tensor(np.asarray(target)) for _, target in examples]
    return Batch(
        (x,),
        torch.nn.utils.rnn.pad_sequence(targets, batch_first=True)
        if targets[0].ndim
        else torch.stack(targets),
        lengths,
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class Examples:
    """All inputs of a call, and their targets where there are any.

    Attributes
    ----------
    inputs : tuple of tensor, each of shape (n_examples, ...)
    targets : tensor or None
    lengths : tensor or None
    """

    inputs: tuple[Tensor, ...]
    targets: Tensor | None = None
    lengths: Tensor | None = None

    def __len__(self) -> int:
        return len(self.inputs[0])

    def batch(self, at: Tensor | slice) -> Batch:
        """Return some of the examples."""
        assert self.targets is not None, "checked when made"
        lengths = None if self.lengths is None else self.lengths[at]
        return Batch(tuple(x[at] for x in self.inputs), self.targets[at], lengths)

    def batches(self, batch_size: int, generator: torch.Generator | None = None) -> Iterator[Batch]:
        """Yield all examples in batches, in random order if a generator is given."""
        order = torch.arange(len(self), device="cpu")
        if generator is not None:
            order = torch.randperm(len(self), generator=generator, device="cpu")
        for at in order.split(batch_size):
            yield self.batch(at.to(self.inputs[0].device))

    def digest(self) -> str:
        """Return a digest of all values."""
        found = hashlib.sha256()
        for x in (*self.inputs, self.targets, self.lengths):
            if x is not None:
                found.update(f"{tuple(x.shape)} {x.dtype}".encode())
                found.update(x.detach().cpu().contiguous().view(-1).numpy().tobytes())
        return found.hexdigest()[:16]


def examples(
    model: nn.Module, inputs: Any, targets: Any = None, lengths: Any = None, what: str = "x"
) -> Examples:
    """Return inputs, targets and lengths as tensors, of the model's precision.

    Parameters
    ----------
    model : Module
    inputs : tensor, array, list of arrays (n_steps, n_in), or tuple of tensors
    targets : tensor or array, optional
    lengths : sequence of int or bool mask (n_examples, n_steps), optional
    what : str
        Name of the inputs in errors.

    Raises
    ------
    SpecError
        If there is none, their numbers differ, one is not finite, or padding is not declared.
    """
    dtype = next((p.dtype for p in model.parameters() if p.is_floating_point()), torch.float32)
    if isinstance(inputs, list):
        if lengths is not None:
            raise SpecError("lengths must be left out: a list of sequences holds them")
        padded, lengths = pad(inputs, dtype)
        parts: tuple[Any, ...] = (padded,)
        if bool((lengths == padded.shape[1]).all()):
            lengths = None
    else:
        parts = inputs if isinstance(inputs, tuple) else (inputs,)
    tensors = tuple(_tensor(part, dtype) for part in parts)
    if not tensors or not len(tensors[0]):
        raise SpecError(f"{what} must hold at least one example")
    y = None if targets is None else _tensor(targets, dtype)
    for name, tensor in [(what, x) for x in tensors] + ([] if y is None else [("targets", y)]):
        if len(tensor) != len(tensors[0]):
            raise SpecError(f"{name} has {len(tensor)} examples but {what} has {len(tensors[0])}")
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise SpecError(f"{name} must hold finite numbers, not NaN or infinity")
    if lengths is not None:
        ValidSteps.of(lengths, tensors[0])
        lengths = torch.as_tensor(lengths, device=tensors[0].device)
        check_takes_lengths(model)
    elif not isinstance(inputs, list):
        # what is never exported may take padding for data
        harmless = getattr(model, "ignores_zeros_in_front", None)
        if harmless is not None:
            check_unpadded(tensors[0], zeros_in_front=harmless)
    return Examples(inputs=tensors, targets=y, lengths=lengths)


def check_takes_lengths(model: nn.Module) -> None:
    """Raise `SpecError` unless a module has an argument ``lengths``."""
    if "lengths" not in inspect.signature(model.forward).parameters:
        raise SpecError(
            f"{type(model).__name__}.forward must take lengths= for sequences of different lengths"
        )


def loader_batches(loader: DataLoader[Any]) -> Iterator[Batch]:
    """Yield the batches of a loader: `Batch`, or inputs followed by targets.

    Raises
    ------
    SpecError
        If a batch is neither, or inputs and targets differ in number.
    """
    for found in loader:
        if isinstance(found, Batch):
            batch = found
        elif isinstance(found, tuple | list) and len(found) > 1:
            batch = Batch(tuple(found[:-1]), found[-1])
        else:
            raise SpecError("a loader must give batches of inputs and targets, such as (x, y)")
        if len({len(x) for x in (*batch.inputs, batch.targets)}) > 1:
            raise SpecError(
                f"a batch has {len(batch.inputs[0])} examples but {len(batch.targets)} targets"
            )
        yield batch


def outputs(model: nn.Module, batch: Batch | Examples) -> Tensor:
    """Return the model's output of a batch, the first of several."""
    options = {} if batch.lengths is None else {"lengths": batch.lengths}
    found = model(*batch.inputs, **options)
    y: Tensor = found[0] if isinstance(found, tuple) else found
    return y


def error_of(model: nn.Module, batch: Batch, loss: Any) -> Tensor:
    """Return the loss of a batch; of padded sequences only steps that count, as rows."""
    y, targets = outputs(model, batch), batch.targets
    if getattr(loss, "__name__", "") in SAME_SHAPE and y.shape != targets.shape:
        raise SpecError(
            f"targets have shape {tuple(targets.shape)} but the outputs {tuple(y.shape)}: "
            "the loss would repeat them"
        )
    if batch.lengths is not None and y.ndim == 3 and targets.shape[:2] == y.shape[:2]:
        counts = ValidSteps.of(batch.lengths, batch.inputs[0]).mask()
        y, targets = y[counts], targets[counts]
    try:
        error: Tensor = loss(y, targets)
    except (RuntimeError, IndexError, ValueError, TypeError) as reason:
        raise SpecError(
            f"the loss must take outputs {tuple(y.shape)} and {targets.dtype} targets "
            f"{tuple(targets.shape)}: {str(reason).splitlines()[0][:200]}"
        ) from reason
    return error


def _tensor(values: Any, dtype: torch.dtype) -> Tensor:
    try:
        # as_tensor would move a tensor to the default device
        tensor = values if isinstance(values, Tensor) else torch.as_tensor(values, device="cpu")
    except (TypeError, ValueError, RuntimeError):
        raise SpecError(
            "data must be tensors or arrays of numbers; a list holds sequences (n_steps, n)"
        ) from None
    return tensor.to(dtype) if tensor.is_floating_point() else tensor
