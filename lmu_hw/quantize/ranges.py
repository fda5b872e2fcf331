"""Collect statistics of a network's signals on calibration data or on synthetic noise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from .._support.array_types import Array
from .._support.workers import one_blas_thread
from ..errors import SpecError
from ..models.length_buckets import by_length, stack
from ..program.integer_program import Role
from . import signal_graph as graphs
from .signal_graph import Affine, SignalGraph

NOISE_SEQUENCES = 16
NOISE_STEPS = 256
"""Length of each synthetic sequence, without the memories' windows [steps]."""
BATCH_VALUES = 1 << 22
"""Number of input values in a batch."""
MAX_MOMENTS = 1500
"""Most columns of an affine node for which second moments are collected."""
MOMENT_STEPS = 20_000
"""Approximate number of steps sampled for second moments."""
MOMENT_ROWS = 2048
"""Rows in one matrix product of the second moments."""


@dataclass(frozen=True, eq=False, kw_only=True)
class SignalStatistics:
    """Statistics of a signal on calibration data.

    Attributes
    ----------
    peak : float
        Largest magnitude.
    power : float array, shape (length,)
        Mean square of each element.
    read : float array, shape (n_columns + 1, n_columns + 1), or None
        For the target of an affine node: second moments of the columns that it reads, followed by a
        constant 1.
    """

    peak: float
    power: Array
    read: Array | None = None


def collect_statistics(
    graph: SignalGraph, sequences: Iterable[Array]
) -> dict[str, SignalStatistics]:
    """Run a graph over data and return the statistics of every signal.

    Parameters
    ----------
    graph : SignalGraph
    sequences : iterable of float array, shape (n_steps, n_in)

    Raises
    ------
    SpecError
        If a signal grows beyond the range of floats.
    """
    peaks = dict.fromkeys(graph.signals, 0.0)
    powers = {name: np.zeros(s.length) for name, s in graph.signals.items()}
    moments: dict[str, _SecondMoments] = {}
    data = list(sequences)
    share = min(1.0, MOMENT_STEPS / max(1, sum(map(len, data))))
    count = taken = 0

    def watch_affine(_: int, node: Affine, columns: Array) -> None:
        # sample steps evenly over all sequences, however short
        if columns.shape[1] <= MAX_MOMENTS and taken <= share * count:
            moments.setdefault(node.target, _SecondMoments()).add(columns)

    def watch(_: int, signals: Mapping[str, Array]) -> None:
        nonlocal count, taken
        if taken <= share * count:
            taken += len(signals[source])
        for name, x in signals.items():
            square = x * x
            peaks[name] = max(peaks[name], float(np.sqrt(np.max(square))))
            powers[name] += square.sum(axis=0)
        count += len(x)

    (source,) = graph.names(Role.INPUT)
    with one_blas_thread(), np.errstate(over="ignore", invalid="ignore"):
        for at in by_length(data, BATCH_VALUES):
            graphs.run(graph, stack(data, at), watch, watch_affine)
    for name, peak in peaks.items():
        if not np.isfinite(peak):
            raise SpecError(f"{name} must stay finite on the data but overflows: scale the data")
    reads = {name: moment.mean() for name, moment in moments.items()}
    return {
        name: SignalStatistics(
            peak=peaks[name], power=powers[name] / max(count, 1), read=reads.get(name)
        )
        for name in graph.signals
    }


class _SecondMoments:
    """Accumulates second moments of rows extended by a constant 1, in batches."""

    def __init__(self) -> None:
        self._waiting: list[Array] = []
        self._n_waiting = 0
        self._total: Array | None = None

    def add(self, rows: Array) -> None:
        self._waiting.append(rows)
        self._n_waiting += len(rows)
        if self._n_waiting >= MOMENT_ROWS:
            self._flush()

    def mean(self) -> Array:
        self._flush()
        assert self._total is not None
        return np.asarray(self._total / self._total[-1, -1])

    def _flush(self) -> None:
        if self._waiting:
            rows = np.concatenate(self._waiting)
            rows = np.column_stack([rows, np.ones(len(rows))])
            product = rows.T @ rows
            self._total = product if self._total is None else self._total + product
            self._waiting, self._n_waiting = [], 0


def noise_sequences(
    graph: SignalGraph, peak: float, longest_memory: float, seed: int = 0
) -> list[Array]:
    """Return synthetic input for calibration without data: noise of several bandwidths.

    Parameters
    ----------
    graph : SignalGraph
    peak : float
        Largest magnitude.
    longest_memory : float
        Longest window of a memory [steps]; lengthens the sequences.
    seed : int
    """
    rng = np.random.default_rng(seed)
    (name,) = graph.names(Role.INPUT)
    n_in, n_steps = graph.signals[name].length, int(NOISE_STEPS + 2 * min(longest_memory, 4096))
    sequences = []
    for k in range(NOISE_SEQUENCES):
        x = rng.uniform(-1.0, 1.0, (n_steps, n_in))
        hold = 1 << (k % 8)
        x = np.repeat(x, hold, axis=0)[:n_steps]
        sequences.append(peak * x)
    return sequences
