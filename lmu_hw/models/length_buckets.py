"""Sequences of many lengths, as batches of one length each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from .._support.array_types import Array


def by_length(
    sequences: Sequence[np.ndarray], n_values: int, n_sequences: int | None = None
) -> Iterator[np.ndarray]:
    """Yield indices of sequences of one length, few enough to be run together.

    Parameters
    ----------
    sequences : sequence of array, shape (n_steps, n_in)
    n_values : int
        Most numbers in a batch of more than one.
    n_sequences : int, optional
        Most sequences in a batch.
    """
    lengths = np.array([len(s) for s in sequences])
    for length in np.unique(lengths):
        group = np.flatnonzero(lengths == length)
        size = max(1, n_values // max(1, sequences[group[0]].size))
        size = min(size, n_sequences or size)
        yield from np.array_split(group, -(-len(group) // size))


def stack(sequences: Sequence[np.ndarray], at: np.ndarray) -> Array:
    """Return sequences of one length as float64, shape (n, n_steps, n_in)."""
    return np.stack([sequences[i] for i in at]).astype(np.float64)
