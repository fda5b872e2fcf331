"""What the signals of a network reach: seen on data, or proven."""

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
"""Length of the made-up input where there is no data [steps]."""
BATCH_VALUES = 1 << 22
"""Input values run at a time."""
MAX_MOMENTS = 1500
"""Most columns of rows of which second moments are kept."""
MOMENT_STEPS = 20_000
"""About how many steps they are taken from."""
MOMENT_ROWS = 2048
"""Rows that are multiplied at a time."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Seen:
    """What a signal did on data.

    Attributes
    ----------
    peak : float
        Largest magnitude.
    power : float array, shape (length,)
        Mean square of each word.
    read : float array, shape (n_columns + 1, n_columns + 1), or None
        Second moments of what the rows that make the signal read, a constant 1 at the end.
    """

    peak: float
    power: Array
    read: Array | None = None


def observe(graph: SignalGraph, sequences: Iterable[Array]) -> dict[str, Seen]:
    """Run a graph over data and return what every signal did.

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
    moments: dict[str, _Moment] = {}
    data = list(sequences)
    share = min(1.0, MOMENT_STEPS / max(1, sum(map(len, data))))
    count = taken = 0

    def look(_: int, node: Affine, columns: Array) -> None:
        # evenly among all steps of all sequences, however short they are
        if columns.shape[1] <= MAX_MOMENTS and taken <= share * count:
            moments.setdefault(node.target, _Moment()).add(columns)

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
            graphs.run(graph, stack(data, at), watch, look)
    for name, peak in peaks.items():
        if not np.isfinite(peak):
            raise SpecError(f"{name} grows beyond all numbers on this data: must stay finite")
    reads = {name: moment.mean() for name, moment in moments.items()}
    return {
        name: Seen(peak=peaks[name], power=powers[name] / max(count, 1), read=reads.get(name))
        for name in graph.signals
    }


class _Moment:
    """Second moments of rows and a constant 1, many rows at a time."""

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


def noise(graph: SignalGraph, peak: float, longest_memory: float, seed: int = 0) -> list[Array]:
    """Return input made up for want of data: noise of several bandwidths, within +-``peak``."""
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
