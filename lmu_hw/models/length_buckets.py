"""Group sequences of different lengths into batches of equal length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from .._support.array_types import Array


def by_length(
    sequences: Sequence[np.ndarray], n_values: int, n_sequences: int | None = None
) -> Iterator[np.ndarray]:
    """Yield batches: indices of sequences of equal length, limited in size.

    Parameters
    ----------
    sequences : sequence of array, shape (n_steps, n_in)
    n_values : int
        Most values in a batch; a longer sequence forms a batch of its own.
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
    """Return sequences of equal length as a float64 array, shape (n, n_steps, n_in)."""
    return np.stack([sequences[i] for i in at]).astype(np.float64)
