"""Batches of training data, from tensors or a loader, where the model is and in its precision."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from ..errors import SpecError
from .training_data import Batch, Examples, check_takes_lengths, examples, loader_batches

Source = Examples | DataLoader[Any]
Augment = Callable[..., Tensor | tuple[Tensor, ...]]


def source(model: nn.Module, inputs: Any, targets: Any, lengths: Any, what: str) -> Source:
    """Return checked examples, or a loader as it is.

    Raises
    ------
    SpecError
        If targets are missing, or do not match.
    """
    if isinstance(inputs, DataLoader):
        if targets is not None or lengths is not None:
            raise SpecError("targets and lengths must be left out: the loader gives them")
        return inputs
    if targets is None:
        raise SpecError("targets must be given with inputs that are no loader")
    return examples(model, inputs, targets, lengths, what)


def digest(data: Source) -> str:
    """Return a digest of data; of a loader's, the size, and the tensors where it has them."""
    if isinstance(data, Examples):
        return data.digest()
    found: Any = data.dataset
    if isinstance(found, TensorDataset):
        *inputs, targets = found.tensors
        return Examples(inputs=tuple(inputs), targets=targets).digest()
    return f"{len(found)} examples" if hasattr(found, "__len__") else type(found).__name__


def n_batches(data: Source, batch_size: int) -> int:
    """Return the number of batches; 0 if unknown."""
    if isinstance(data, Examples):
        return -(-len(data) // batch_size)
    return len(data) if hasattr(data.dataset, "__len__") else 0


def batches(
    data: Source,
    batch_size: int,
    model: nn.Module,
    order: torch.Generator | None = None,
) -> Iterator[Batch]:
    """Yield batches, in random order if a generator is given; a loader has its own order."""
    found = data.batches(batch_size, order) if isinstance(data, Examples) else loader_batches(data)
    for batch in found:
        if batch.lengths is not None:
            check_takes_lengths(model)
        inputs = tuple(like(x, model) for x in batch.inputs)
        lengths = None if batch.lengths is None else like(batch.lengths, model)
        yield Batch(inputs, like(batch.targets, model), lengths)


def augmented(batch: Batch, augment: Augment | None) -> Batch:
    """Return a batch with the inputs that a function returns for its inputs.

    Raises
    ------
    SpecError
        If it returns something else than tensors of as many examples.
    """
    if augment is None:
        return batch
    found = augment(*batch.inputs)
    inputs = found if isinstance(found, tuple) else (found,)
    n = len(batch.targets)
    if not all(isinstance(x, Tensor) and x.ndim and len(x) == n for x in inputs):
        raise SpecError(f"augment must return a tensor of {n} examples, as it is given")
    return batch._replace(inputs=inputs)


def like(x: Tensor, model: nn.Module) -> Tensor:
    """Return a tensor on the model's device, and a float one in its precision."""
    wanted = next(model.parameters(), None)
    if wanted is None:
        return x
    return x.to(wanted.device, wanted.dtype if x.is_floating_point() else x.dtype)
