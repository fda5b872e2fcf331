"""Effect of truncation in zero-input runs, which begins after a window of zero inputs.

Let a be the lag of the last step that truncates. Errors of lag a and larger may be whole units,
which adds `ErrorSums.more`. But the input was zero from lag a to a + window - 1 and does not
contribute to the worst case there. The lags are grouped in cells.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .response import SIGNALS, Response
from .rounding import ErrorSums
from .scaled import product

PARTS = 16
"""Cells per window; two windows are considered."""


class Quiet:
    """Responses of a memory's signals to the input, cell by cell.

    Parameters
    ----------
    response : Response
    window : int
        Number of zero inputs before truncation, or fewer.

    Attributes
    ----------
    cell : int
        Lags in a cell.
    parts : int
        Cells in a window.
    """

    def __init__(self, response: Response, window: int) -> None:
        self._response = response
        self.cell = max(1, window // PARTS)
        self.parts = window // self.cell
        self.lags = tuple(self.cell * k for k in range(2 * self.parts + 1))
        """First lags of the cells; the last cell has no end."""

    def input_response(self) -> dict[str, list[list[int]]]:
        """Return lower bounds of the response to an input of 1 up to each lag, by section."""
        steps = self.lags[-1] + self.cell * self.parts
        blocks = []
        for block in self._response.blocks():
            blocks.append(block)
            if len(blocks) * self._response.block >= steps:
                break
        miss = self._response.miss(len(blocks) * self._response.block)
        out: dict[str, list[list[int]]] = {}
        for name in SIGNALS:
            h = np.abs(np.concatenate([block[name] for block in blocks])[:steps])
            # sums of a cell may exceed 63 bits
            cells = h.reshape(-1, self.cell, h.shape[1]).astype(object).sum(axis=1)
            out[name] = []
            for column, off in zip(cells.T, miss[name], strict=True):
                total, sums = 0, [0]
                for cell in column:
                    total += max(0, int(cell) * self._response.unit - self.cell * off)
                    sums.append(total)
                out[name].append(sums)
        return out

    def errors(self, sums: ErrorSums, response: Sequence[int], least: int) -> int:
        """Return the response to rounding errors beyond the worst-case response to the input.

        Parameters
        ----------
        sums : ErrorSums
            Responses at `lags`.
        response : sequence of int
            Result of `input_response` for the signal.
        least : int
            Smallest magnitude of the worst-case input, which zero inputs leave out.
        """
        more = 0
        for k, units in enumerate(sums.more):
            end = response[k + self.parts] if k + 1 < len(sums.more) else 0
            missing = max(0, end - response[k + 1])
            # rounded down
            more = max(more, units - max(0, product(missing, least) - 1))
        return sums.nearest + more
