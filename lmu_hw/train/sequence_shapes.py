"""Checks of shapes: empty batches give empty results, sequences without a step are refused."""

from __future__ import annotations

from torch import Tensor, nn

from ..errors import SpecError


def check_steps(x: Tensor) -> None:
    """Raise `SpecError` unless x is (n_sequences, n_steps, n), with a step or more."""
    if x.ndim != 3 or not x.shape[1]:
        raise SpecError(
            f"x has shape {tuple(x.shape)} but should be (sequences, steps, n), "
            "of at least one step"
        )


def one_more(x: Tensor) -> Tensor:
    """Return a batch with a sequence of zeros appended.

    For code that cannot run on an empty batch: the caller keeps the first 0 results, which have
    the right shapes and gradients.
    """
    return nn.functional.pad(x, (0, 0) * (x.ndim - 1) + (0, 1))
