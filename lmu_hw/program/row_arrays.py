"""The integers of a `Linear` as arrays: for weights that change while a program stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .._support.array_types import Words
from .fixedpoint import QFormat
from .operations import Linear, check_sums, row_peaks


@dataclass(frozen=True, eq=False, kw_only=True)
class RowArrays:
    """Fields of a `~lmu_hw.program.integer_program.Linear` as int64 arrays.

    Attributes
    ----------
    rows : int64 array, shape (n, m)
    aligns : int64 array, shape (n_sources,)
    biases, multipliers, shifts : int64 array, shape (n,)
    """

    rows: Words
    aligns: Words
    biases: Words
    multipliers: Words
    shifts: Words

    @classmethod
    def of(cls, op: Linear) -> RowArrays:
        """Return the integers of an operation."""
        return cls(
            rows=np.array(op.rows, dtype=np.int64),
            aligns=np.array(op.aligns, dtype=np.int64),
            biases=np.array(op.biases, dtype=np.int64),
            multipliers=np.array(op.multipliers, dtype=np.int64),
            shifts=np.array(op.shifts, dtype=np.int64),
        )

    def check(self, formats: Sequence[QFormat], widths: Sequence[int]) -> None:
        """Raise `FormatError` unless every intermediate fits, as a `Linear` does when it is made.

        Parameters
        ----------
        formats : sequence of QFormat
            Format of each source.
        widths : sequence of int
            Columns of each source.
        """
        starts = np.cumsum([0, *widths[:-1]])
        sums = np.add.reduceat(np.abs(self.rows), starts, axis=1).tolist()
        peaks = row_peaks(sums, formats, self.aligns.tolist(), self.biases.tolist())
        check_sums(peaks, self.multipliers.tolist(), self.shifts.tolist())
