"""Effect of the residues of integrate-and-fire neurons on the signals of a chain.

What a state sends differs from it by ``e_t = r_{t-1} - r_t``, with a residue r of at most half a
quantum. Let g be the response of a signal to an error of 1 in what the state sends. Summed by
parts, the residues contribute at most half a quantum times ``|g_0| + sum_j |g_{j+1} - g_j|``, the
total variation of g: a slow state has a small one.

A zero-input run discards the residue before it, which adds ``|g_j|`` half quanta for a run that
started j steps ago. Runs start more than a window apart, so each window adds its largest value
only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from .._support.array_types import Words
from .memory_bounds import RowReader
from .response import SIGNALS, Response
from .scaled import ONE, product, root, up

WORTH = 256
"""A tail may be at most 1 / WORTH of its sum."""
MAX_VALUES = 1 << 33
"""Limit of the estimated number of values, over all steps."""
MAX_STATES = 1 << 8
"""Most states whose values are summed in 63 bits."""
GUARD = 16
"""Low bits of a value that are rounded up before it is summed."""
WEIGHT_BITS = 14
"""Bits of the largest weight of a state in a sum."""


@dataclass(frozen=True, kw_only=True)
class StateQuantum:
    """A state of the chain: ``o`` or ``i`` of a section, and half its quantum, `scaled`."""

    section: int
    kind: str
    half: int


@dataclass(frozen=True, kw_only=True)
class ResidueSums:
    """Response of a signal to residues, as `scaled` bounds.

    Attributes
    ----------
    kept : int
        Response to residues of any size up to their limit in every step.
    discarded : tuple of int
        Response to residues that zero-input runs discard, for runs that start at each of the
        lags or earlier.
    """

    kept: int
    discarded: tuple[int, ...]


class Residues:
    """Responses of a chain to an error in what each state sends.

    Parameters
    ----------
    response : Response
    places : sequence of StateQuantum
        All states.
    reader : RowReader
        Rows over the states that are observed too.
    """

    def __init__(
        self, response: Response, places: Sequence[StateQuantum], reader: RowReader
    ) -> None:
        self._response, self._places, self._reader = response, places, reader
        self._column = np.array([p.section for p in places])
        self._scales = [self._scale(p) for p in places]
        sizes = [p.half << scale for p, scale in zip(places, self._scales, strict=True)]
        self._spread, self._sizes = sum(sizes), sizes
        largest = self._largest = max(sizes)
        self._weights = np.array(
            [-(-(x << WEIGHT_BITS) // max(1, largest)) for x in sizes], dtype=np.int64
        )

    def sums(
        self, total: int, n_steps: int, cell: int, per_window: int
    ) -> dict[str, list[ResidueSums]] | None:
        """Return the sums of ``w, f, o, i`` by section, and of ``rows``.

        Parameters
        ----------
        total : int
            Bound of ``sum_k ||A^k||_2``.
        n_steps : int
            Approximate length of the memory's response.
        cell, per_window : int
            Lags in a cell, and cells in a window: lags of the sums are the first two windows'.

        Returns
        -------
        dict of str to list of ResidueSums, or None
            None if the computation would take too long.
        """
        response, d = self._response, len(self._places)
        if d > MAX_STATES or 4 * n_steps * d * len(response.sections) > MAX_VALUES:
            return None
        sums = _Variations(cell, per_window)
        last: dict[str, Words] = {}
        best: dict[str, list[ResidueSums]] = {}
        check = 1
        for n_blocks, values in enumerate(self._blocks(), 1):
            for name, h in values.items():
                before = last.get(name, np.zeros_like(h[:1]))
                steps = np.diff(np.concatenate([before, h]), axis=0)
                sums.add(name, self._weighed(steps), self._weighed(h))
                last[name] = h[-1:]
            sums.n_lags += response.block
            if n_blocks < check and sums.n_lags < n_steps:
                continue
            check += 1 + check // 8
            found, settled = self._bounds(sums, values, total)
            best = {
                name: [*map(_least, best.get(name, column), column)]
                for name, column in found.items()
            }
            if settled or sums.n_lags >= n_steps:
                return best
        return None

    def _bounds(
        self, sums: _Variations, values: dict[str, Words], total: int
    ) -> tuple[dict[str, list[ResidueSums]], bool]:
        """Return bounds after the steps so far, and whether what follows hardly counts."""
        miss, spread = self._miss(sums.n_lags), self._spread
        left, change = (product(x, total) for x in self._left(values, miss))
        out: dict[str, list[ResidueSums]] = {}
        settled = True
        for name, norms in self._norms().items():
            out[name] = []
            unit = self._reader.unit if name == "rows" else self._response.unit
            for m, (norm, off) in enumerate(zip(norms, miss[name], strict=True)):
                seen = self._real(int(sums.variation[name][m]), unit)
                settled &= product(norm, change) * WORTH <= seen
                slack = product(spread, 2 * sums.n_lags * off)
                kept = seen + slack + product(norm, change)
                discarded = tuple(
                    self._real(largest, unit) + product(spread, n_runs * off) + product(norm, left)
                    for largest, n_runs in sums.discarded(name, m)
                )
                out[name].append(ResidueSums(kept=kept, discarded=discarded))
        return out, settled

    def _scale(self, place: StateQuantum) -> int:
        """Return bits by which an error is reduced, so that no value exceeds that of an impulse."""
        section = self._response.sections[place.section]
        weight = section.weight_o if place.kind == "o" else section.weight_i
        assert weight is not None
        # an error in what is sent changes the state by at most twice its norm
        return (root(up(4 * weight)) // ONE + 1).bit_length()

    def _blocks(self) -> Iterator[dict[str, Words]]:
        """Yield the values of the signals, shape (block, d, n), from the step of the error on."""
        response, n, d = self._response, len(self._response.sections), len(self._places)
        sent = {kind: np.zeros((d, n), dtype=np.int64) for kind in ("o", "i")}
        for k, (place, scale) in enumerate(zip(self._places, self._scales, strict=True)):
            sent[place.kind][k, place.section] = 1 << response.frac_bits - scale
        # section m computes a step m - k cycles after section k, that of the error
        behind = np.maximum(0, np.arange(n) - self._column[:, None])
        aligned = np.arange(response.block)[:, None, None] + behind
        rows, columns = np.arange(d)[:, None], np.arange(n)
        record = np.zeros((4, response.block + n - 1, d, n), dtype=np.int64)
        w, o, i = np.zeros((d, n), dtype=np.int64), sent["o"], sent["i"]
        error, done = sent, 0
        while True:
            for row in range(done, response.block + n - 1):
                out, f, o, i = response.step(w, o, i)
                if error:
                    # the state changes by what the sections add to what they read
                    o, i = o - error["o"], i - error["i"]
                    error = {}
                record[:, row] = out, f, o, i
                w = np.zeros_like(out)
                w[:, 1:] = out[:, :-1]
            values = {name: record[k][aligned, rows, columns] for k, name in enumerate(SIGNALS)}
            if self._reader.norms:
                values["rows"] = self._reader.read(values)
            yield values
            done = n - 1
            record[:, :done] = record[:, response.block :]

    def _norms(self) -> dict[str, list[int]]:
        rows = {"rows": self._reader.norms} if self._reader.norms else {}
        return self._response.norms | rows

    def _miss(self, n_steps: int) -> dict[str, list[int]]:
        miss = self._response.miss(n_steps + len(self._response.sections))
        if self._reader.norms:
            miss["rows"] = self._reader.miss(miss)
        return miss

    def _weighed(self, values: Words) -> Words:
        """Return bounds of the magnitudes of all states together, shape (n_steps, n)."""
        return np.asarray(self._weights @ ((np.abs(values) >> GUARD) + 1))

    def _real(self, x: int, unit: int) -> int:
        """Return weighed magnitudes in this unit as a `scaled` bound."""
        return -(-x * (self._largest * unit << GUARD) // (ONE << WEIGHT_BITS))

    def _left(self, values: dict[str, Words], miss: dict[str, list[int]]) -> tuple[int, int]:
        """Return the norms of all states, and of their last change, for the largest residues."""
        left = change = 0
        response = self._response
        for k, size in enumerate(self._sizes):
            squares = [0, 0]
            for m in range(self._column[k], len(response.sections)):
                section = response.sections[m]
                for name, weight in (("o", section.weight_o), ("i", section.weight_i)):
                    if weight is None:
                        continue
                    last, before = int(values[name][-1, k, m]), int(values[name][-2, k, m])
                    for which, x in enumerate((last, last - before)):
                        bound = abs(x) * response.unit + 2 * miss[name][m]
                        squares[which] += product(up(weight), product(bound, bound))
            left += product(size, root(squares[0]))
            change += product(size, root(squares[1]))
        return left, change


class _Variations:
    """Weighed variations of all signals, and their largest values in cells of lags."""

    def __init__(self, cell: int, per_window: int) -> None:
        self._cell, self._per_window = cell, per_window
        self.variation: dict[str, Words] = {}
        self._cells: dict[str, list[list[int]]] = {}
        self.n_lags = 0

    def add(self, name: str, steps: Words, sizes: Words) -> None:
        """Add a block, each of shape (block, n), after ``n_lags`` steps."""
        self.variation[name] = self.variation.get(name, 0) + steps.astype(object).sum(axis=0)
        cells = self._cells.setdefault(name, [])
        for lag, row in enumerate(sizes.tolist(), self.n_lags):
            if lag // self._cell == len(cells):
                cells.append(row)
            else:
                cells[-1] = list(map(max, cells[-1], row))

    def discarded(self, name: str, m: int) -> Iterator[tuple[int, int]]:
        """Yield the largest sum over runs from each cell on, and their number."""
        column, size = [row[m] for row in self._cells[name]], self._per_window
        for first in range(2 * size + 1):
            starts = range(first, len(column), size)
            yield sum(max(column[k : k + size]) for k in starts), len(starts)


def _least(a: ResidueSums, b: ResidueSums) -> ResidueSums:
    """Return the least of two bounds of the same sums."""
    return ResidueSums(kept=min(a.kept, b.kept), discarded=(*map(min, a.discarded, b.discarded),))


def quantum_of(section: int, kind: str, quantum: int, frac_bits: int) -> StateQuantum:
    """Return the place of a state with quanta of ``2**quantum`` words."""
    half = up(Fraction(1 << quantum >> 1) / Fraction(2) ** frac_bits)
    return StateQuantum(section=section, kind=kind, half=half)
