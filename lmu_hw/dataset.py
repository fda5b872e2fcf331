"""Sequences with labels or targets, from a .npz file.

``x`` holds the input: (N, T, n), or (N, T) of one channel, or one sequence (T, n), or sequences of
different lengths one after the other, (total, n), with ``offset`` (N + 1,): sequence i is
``x[offset[i]:offset[i + 1]]``.
``y`` is what should come out, if known: labels (N,), targets of the last step (N, k), or targets of
every step, shaped as x is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from .batches import by_length, stack
from .errors import ModelFileError
from .importers.arrays import read_npz
from .legendre import Array
from .network import LARGEST, Network

MAX_BYTES = 1 << 31
"""Most that a file may hold, as float64."""
BATCH_VALUES = 1 << 21
"""Input values of sequences that are run together."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Dataset:
    """Sequences and what should come of them.

    Attributes
    ----------
    sequences : tuple of array, each of shape (n_steps, n_in)
    labels : int64 array, shape (N,), or None
    targets : tuple of array, or None
        For each sequence (n_steps, n_out), or (1, n_out) for its last step.
    """

    sequences: tuple[np.ndarray, ...]
    labels: np.ndarray | None = None
    targets: tuple[np.ndarray, ...] | None = None

    def __len__(self) -> int:
        return len(self.sequences)

    @property
    def at_every_step(self) -> bool:
        """Whether there is a target for every step."""
        return self.targets is not None and any(
            len(t) != 1 or len(s) == 1 for t, s in zip(self.targets, self.sequences, strict=True)
        )

    def sample(self, n: int) -> Dataset:
        """Return about ``n`` sequences, spread evenly over all."""
        if n >= len(self):
            return self
        return self.take(np.linspace(0, len(self) - 1, n).round().astype(int))

    def take(self, at: Sequence[int] | np.ndarray) -> Dataset:
        """Return some of the sequences."""
        return replace(
            self,
            sequences=tuple(self.sequences[i] for i in at),
            labels=None if self.labels is None else self.labels[np.asarray(at)],
            targets=None if self.targets is None else tuple(self.targets[i] for i in at),
        )

    def batches(self, n_sequences: int | None = None) -> Iterator[np.ndarray]:
        """Return indices of sequences of one length, few enough to be run together.

        Parameters
        ----------
        n_sequences : int, optional
            Most sequences in a batch, if the values in it do not set a lower limit.
        """
        return by_length(self.sequences, BATCH_VALUES, n_sequences)

    def stack(self, at: np.ndarray) -> Array:
        """Return sequences of one length as float64, shape (n, n_steps, n_in)."""
        return stack(self.sequences, at)


def load_dataset(path: Path, network: Network) -> Dataset:
    """Read a data set for a network.

    Raises
    ------
    ModelFileError
        If the file is damaged, or its shapes are not those of the module text or of the network.
    """
    arrays = read_npz(path, MAX_BYTES)
    if "x" not in arrays:
        found = ", ".join(sorted(arrays)[:8]) or "nothing"
        raise ModelFileError(
            f"{path} must hold an array x (N, T, n), and y; it holds {found[:200]}"
        )
    x = _numbers(path, "x", arrays["x"])
    if x.ndim == 2 and x.shape[1] == network.n_in and "offset" not in arrays:
        arrays = {**arrays, "offset": np.array([0, len(x)])}
    offset = _offsets(path, arrays, x)
    if offset is None:
        sequences = tuple(x[:, :, None] if x.ndim == 2 else x)
    else:
        rows = x[:, None] if x.ndim == 1 else x
        sequences = tuple(rows[a:b] for a, b in pairwise(offset))
    if not sequences or not all(len(s) for s in sequences):
        raise ModelFileError(f"{path}: x must hold sequences of at least one step")
    width = sequences[0].shape[1]
    if width != network.n_in:
        raise ModelFileError(
            f"{path}: x has {width} channels but the network reads {network.n_in}; "
            "x must be (N, T, n), or (total, n) with offset"
        )
    dataset = Dataset(sequences=sequences)
    if "y" not in arrays:
        return dataset
    return _with_answers(path, dataset, _numbers(path, "y", arrays["y"]), offset, network)


def _numbers(path: Path, name: str, array: np.ndarray) -> np.ndarray:
    # NaN is the largest of all, and not less than anything
    if array.dtype.kind not in "biuf" or not float(np.max(np.abs(array), initial=0)) < LARGEST:
        raise ModelFileError(f"{path}: {name} must hold finite real numbers, below {LARGEST:g}")
    return array


def _offsets(path: Path, arrays: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray | None:
    """Return where sequences of different lengths begin and end, or None where all are alike."""
    if "offset" not in arrays:
        if x.ndim not in (2, 3):
            raise ModelFileError(
                f"{path}: x has shape {x.shape} but should be (N, T, n) or (N, T), or (total, n) "
                "with an array offset (N + 1,)"
            )
        return None
    offset = arrays["offset"]
    if x.ndim not in (1, 2) or offset.ndim != 1 or offset.dtype.kind not in "iu" or len(offset) < 2:
        raise ModelFileError(
            f"{path}: with offset (N + 1,) of integers x must be (total, n), not {x.shape}"
        )
    offset = offset.astype(np.int64)
    if offset[0] != 0 or offset[-1] != len(x) or np.any(np.diff(offset) < 1):
        raise ModelFileError(f"{path}: offset must rise from 0 to {len(x)}, the length of x")
    return offset


def _with_answers(
    path: Path, dataset: Dataset, y: np.ndarray, offset: np.ndarray | None, network: Network
) -> Dataset:
    n, steps = len(dataset), {len(s) for s in dataset.sequences}
    integers = y.dtype.kind in "biu" or bool(np.all(y == np.floor(y)))
    if y.shape == (n,) and integers and network.n_out > 1:
        if y.size and not 0 <= y.min() <= y.max() < network.n_out:
            raise ModelFileError(
                f"{path}: labels y must be from 0 to {network.n_out - 1}, "
                f"not {y.min()} to {y.max()}"
            )
        return replace(dataset, labels=y.astype(np.int64))
    if offset is not None and y.shape[:1] == (offset[-1],) and y.size == len(y) * network.n_out:
        rows = y.reshape(len(y), -1)
        return replace(dataset, targets=tuple(rows[a:b] for a, b in pairwise(offset)))
    if offset is None and y.shape[:2] == (n, *steps) and y.size == n * y.shape[1] * network.n_out:
        return replace(dataset, targets=tuple(y.reshape(n, y.shape[1], -1)))
    if y.shape == (n, network.n_out) or (y.shape == (n,) and network.n_out == 1):
        return replace(dataset, targets=tuple(y.reshape(n, 1, -1)))
    raise ModelFileError(
        f"{path}: y has shape {y.shape} but should be labels ({n},), targets of the last step "
        f"({n}, {network.n_out}), or of every step, shaped as x with {network.n_out} at the end"
    )
