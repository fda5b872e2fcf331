"""What silence adds to rounding errors: silent steps truncate, but only after a window of zeros.

Let a be the lag of the last silent step. Errors of that lag and larger ones may be whole units,
which adds `ErrorSums.more`; but the input was zero from lag a to a + window - 1, and has not made
its part of the worst case there. The lags are looked at in cells.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .response import SIGNALS, Response
from .rounding import ErrorSums
from .scaled import product

PARTS = 16
"""Cells of a window; one more window is looked at."""


class Quiet:
    """The cells of a memory, and what its input makes in them.

    Parameters
    ----------
    response : Response
    window : int
        Zeros before a silent step, or fewer.
    """

    def __init__(self, response: Response, window: int) -> None:
        self._response = response
        self._size = max(1, window // PARTS)
        self._parts = window // self._size
        self.lags = tuple(self._size * k for k in range(2 * self._parts + 1))
        """Where cells begin; the last has no end."""

    def heard(self) -> dict[str, list[list[int]]]:
        """Return what an input of 1 makes of each signal up to each lag, at least, by section."""
        steps = self.lags[-1] + self._size * self._parts
        blocks = []
        for block in self._response.blocks():
            blocks.append(block)
            if len(blocks) * self._response.block >= steps:
                break
        miss = self._response.miss(len(blocks) * self._response.block)
        out: dict[str, list[list[int]]] = {}
        for name in SIGNALS:
            h = np.abs(np.concatenate([block[name] for block in blocks])[:steps])
            # sums of a cell may pass 63 bits
            cells = h.reshape(-1, self._size, h.shape[1]).astype(object).sum(axis=1)
            out[name] = []
            for column, off in zip(cells.T, miss[name], strict=True):
                total, sums = 0, [0]
                for cell in column:
                    total += max(0, int(cell) * self._response.unit - self._size * off)
                    sums.append(total)
                out[name].append(sums)
        return out

    def errors(self, sums: ErrorSums, heard: Sequence[int], least: int) -> int:
        """Return what rounding errors make of a signal, beyond what its input makes.

        Parameters
        ----------
        sums : ErrorSums
            At `lags`.
        heard : sequence of int
            Of the signal.
        least : int
            Size of input that zeros leave out at least.
        """
        more = 0
        for k, units in enumerate(sums.more):
            end = heard[k + self._parts] if k + 1 < len(sums.more) else 0
            missing = max(0, end - heard[k + 1])
            # rounded down
            more = max(more, units - max(0, product(missing, least) - 1))
        return sums.nearest + more
