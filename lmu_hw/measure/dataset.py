"""Sequences with labels or targets, from a .npz file.

``x`` holds the input: (N, T, n), or (N, T) of one channel, or one sequence (T, n), or sequences of
different lengths one after the other, (total, n), with ``offset`` (N + 1,): sequence i is
``x[offset[i]:offset[i + 1]]``.
``y`` holds the desired outputs, if known: labels (N,), or one-hot (N, classes); targets of the last
step (N, k); or targets of every step, with the shape of x.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from .._support.array_types import Array
from ..errors import ModelFileError
from ..models.importers.bare_arrays import read_npz
from ..models.length_buckets import by_length, stack
from ..models.network import MAX_VALUE, FloatNetwork
from .signal_files import Samples

MAX_BYTES = 1 << 31
"""Largest size of the arrays of a file, as float64 [bytes]."""
BATCH_VALUES = 1 << 21
"""Most input values of sequences that run together."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Dataset:
    """Sequences with their labels or targets.

    Attributes
    ----------
    sequences : tuple of array, each of shape (n_steps, n_in)
    labels : int64 array, shape (N,), or None
    targets : tuple of array, or None
        For each sequence (n_steps, n_out), or (1, n_out) for its last step.
    notes : tuple of str
        Notes on arrays that were reinterpreted.
    """

    sequences: tuple[np.ndarray, ...]
    labels: np.ndarray | None = None
    targets: tuple[np.ndarray, ...] | None = None
    notes: tuple[str, ...] = ()

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
        """Return batches of sequences, as indices: one length each, few enough to run together.

        Parameters
        ----------
        n_sequences : int, optional
            Most sequences of a batch; `BATCH_VALUES` may set a lower limit.
        """
        return by_length(self.sequences, BATCH_VALUES, n_sequences)

    def stack(self, at: np.ndarray) -> Array:
        """Return sequences of one length as float64, shape (n, n_steps, n_in)."""
        return stack(self.sequences, at)


def load_dataset(path: Path, network: FloatNetwork) -> Dataset:
    """Read a data set for a network.

    Raises
    ------
    ModelFileError
        If the file is damaged, or its shapes are not those described above or of the network.
    """
    return dataset_of(read_npz(path, MAX_BYTES), network, path)


def dataset_of(arrays: dict[str, np.ndarray], network: FloatNetwork, path: object) -> Dataset:
    """Return the data set that arrays x, y and offset hold; ``path`` names them in errors.

    Raises
    ------
    ModelFileError
        If their shapes are not those described above or of the network.
    """
    rows, offset = _inputs(path, arrays, network.n_in, "network reads")
    dataset = Dataset(sequences=tuple(rows[a:b] for a, b in pairwise(offset)))
    if "y" not in arrays:
        return dataset
    y, row_by_row = _numbers(path, "y", arrays["y"]), "offset" in arrays or len(dataset) == 1
    return _with_targets(path, dataset, y, network, row_by_row=row_by_row)


def load_recordings(path: Path, n_in: int, *, raw: bool = False) -> Samples:
    """Read the inputs of a data set and ignore its labels and targets.

    Parameters
    ----------
    path : Path
    n_in : int
        Inputs of the design.
    raw : bool
        The inputs are integer words.

    Raises
    ------
    ModelFileError
        If the file is damaged, x has a wrong shape, or x holds no words.
    """
    arrays = read_npz(path, MAX_BYTES)
    rows, offset = _inputs(path, arrays, n_in, "design takes")
    if raw and (rows.dtype.kind not in "iu" or int(rows.max()) > np.iinfo(np.int64).max):
        raise ModelFileError(
            f"{path}: x must hold integers, as raw words are, not {rows.dtype}; convert it"
        )
    return Samples(
        samples=rows.astype(np.int64 if raw else np.float64),
        offset=tuple(offset.tolist()),
        sample_rate=None,
        kind="raw" if raw else "real",
    )


def _inputs(
    path: object, arrays: dict[str, np.ndarray], n_in: int, reader: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return all steps of x, (total, n_in), and the offsets of its sequences, (N + 1,)."""
    if "x" not in arrays:
        found = ", ".join(sorted(arrays)[:8]) or "nothing"
        raise ModelFileError(
            f"{path} must hold an array x (N, T, n), and y; it holds {found[:200]}"
        )
    x = _numbers(path, "x", arrays["x"])
    for name in sorted(arrays.keys() - {"x", "y", "offset"}):
        if "len" in name.lower() and "offset" not in arrays:
            raise ModelFileError(
                f"{path}: {name[:200]} is not read; sequences of different lengths are x "
                "(total, n) with offset (N + 1,): the first step of each sequence, and the end"
            )
    if "offset" in arrays:
        rows, offset = x[:, None] if x.ndim == 1 else x, _offsets(path, arrays["offset"], x)
    elif x.ndim == 2 and x.shape[1] == n_in:
        rows, offset = x, np.array([0, len(x)])
    elif x.ndim in (2, 3):
        n, n_steps, width = (*x.shape, 1)[:3]
        rows, offset = x.reshape(n * n_steps, width), np.arange(n + 1) * n_steps
    else:
        raise ModelFileError(
            f"{path}: x has shape {x.shape} but should be (N, T, n) or (N, T), or (total, n) "
            "with an array offset (N + 1,)"
        )
    if not len(rows):
        raise ModelFileError(f"{path}: x must hold sequences of at least one step")
    if rows.shape[1] != n_in:
        raise ModelFileError(
            f"{path}: x has {rows.shape[1]} channels but the {reader} {n_in}; "
            "x must be (N, T, n), or (total, n) with offset"
        )
    return rows, offset


def _numbers(path: object, name: str, array: np.ndarray) -> np.ndarray:
    # NaN propagates through max, and every comparison with it is false
    if array.dtype.kind not in "biuf" or not float(np.max(np.abs(array), initial=0)) < MAX_VALUE:
        raise ModelFileError(f"{path}: {name} must hold finite real numbers, below {MAX_VALUE:g}")
    return array


def _offsets(path: object, offset: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the checked offsets of sequences of different lengths."""
    if x.ndim not in (1, 2) or offset.ndim != 1 or offset.dtype.kind not in "iu" or len(offset) < 2:
        raise ModelFileError(
            f"{path}: with offset (N + 1,) of integers x must be (total, n), not {x.shape}"
        )
    offset = offset.astype(np.int64)
    if offset[0] != 0 or offset[-1] != len(x) or np.any(np.diff(offset) < 1):
        raise ModelFileError(f"{path}: offset must rise from 0 to {len(x)}, the length of x")
    return offset


def _with_targets(
    path: object, dataset: Dataset, y: np.ndarray, network: FloatNetwork, *, row_by_row: bool
) -> Dataset:
    """Return a data set with labels or targets y; ``row_by_row``: y may be (total, k), like x."""
    n, n_out, steps = len(dataset), network.n_out, {len(s) for s in dataset.sequences}
    labels = _labels(y, n, n_out)
    if labels is not None:
        if not 0 <= labels.min() <= labels.max() < n_out:
            raise ModelFileError(
                f"{path}: labels y must be from 0 to {n_out - 1}, "
                f"not {labels.min()} to {labels.max()}"
            )
        kind = "a column of labels" if y.shape[-1] == 1 else "one-hot"
        notes = (f"{path}: y {y.shape} is {kind}, taken as labels ({n},)",) * (y.ndim == 2)
        return replace(dataset, labels=labels.astype(np.int64), notes=notes)
    offset = np.cumsum([0, *map(len, dataset.sequences)])
    if row_by_row and y.shape[:1] == (offset[-1],) and y.size == len(y) * n_out:
        rows = y.reshape(len(y), -1)
        return replace(dataset, targets=tuple(rows[a:b] for a, b in pairwise(offset)))
    if y.shape[:2] == (n, *steps) and y.size == n * y.shape[1] * n_out:
        return replace(dataset, targets=tuple(y.reshape(n, y.shape[1], -1)))
    if y.shape == (n, n_out) or (y.shape == (n,) and n_out == 1):
        return replace(dataset, targets=tuple(y.reshape(n, 1, -1)))
    raise ModelFileError(
        f"{path}: y has shape {y.shape} but should be labels ({n},), targets of the last step "
        f"({n}, {n_out}), or of every step, shaped as x with {n_out} at the end"
    )


def _labels(y: np.ndarray, n: int, n_out: int) -> np.ndarray | None:
    """Return y as labels (N,), converted from one-hot or a column; None where it is not labels."""
    if n_out < 2:
        return None
    whole = y.dtype.kind in "biu" or bool(np.all(y == np.floor(y)))
    if y.shape in ((n,), (n, 1)) and whole:
        return y.reshape(n)
    if y.shape == (n, n_out) and np.isin(y, (0, 1)).all() and np.all(y.sum(axis=1) == 1):
        return np.asarray(y.argmax(axis=1))
    return None
