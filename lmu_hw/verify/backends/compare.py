"""Comparison of the words of compiled C with those of the interpreter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..._support.array_types import Words
from ...program.vectors import Vectors
from .icarus import Divergence


@dataclass(frozen=True, slots=True, kw_only=True)
class CResult:
    """Result of a comparison.

    Attributes
    ----------
    steps, words : int
        Steps of all instances, and number of output words compared.
    mismatches : int
        Number of output and state words that differ.
    first : Divergence or None
        First mismatch; its index counts the output words, then the state words.
    """

    steps: int
    words: int
    mismatches: int
    first: Divergence | None


class Comparison:
    """Counts mismatches block by block."""

    def __init__(self) -> None:
        self._n_steps = self._n_words = self._n_wrong = self._total = 0
        self._first: Divergence | None = None

    def add(self, block: Vectors, outputs: Words, state: Words, due: npt.NDArray[np.int64]) -> None:
        """Compare a block of all instances.

        Parameters
        ----------
        block : Vectors
            Expected words, with an axis of instances before the last axis.
        outputs, state : int64 array
            Words of the C, in the shapes of those of ``block``.
        due : int64 array, shape (n_due,)
            Indices of the steps with an output.
        """
        if self._first is None:
            self._first = _first(block, outputs, state, self._n_steps, due)
        self._n_steps += len(block.inputs)
        self._total += len(block.inputs) * block.inputs.shape[1]
        self._n_words += outputs.size
        self._n_wrong += int(np.count_nonzero(outputs != block.outputs))
        self._n_wrong += int(np.count_nonzero(state != block.state))

    def result(self) -> CResult:
        """Return the result for all blocks."""
        return CResult(
            steps=self._total, words=self._n_words, mismatches=self._n_wrong, first=self._first
        )


def _first(
    block: Vectors, outputs: Words, state: Words, start: int, due: npt.NDArray[np.int64]
) -> Divergence | None:
    """Return the first mismatch of a block; output words come before state words."""
    wrong = np.argwhere(outputs != block.outputs)
    if len(wrong):
        row, stream, index = (int(i) for i in wrong[0])
        step = int(due[row])
        expected, got = block.outputs[row, stream, index], outputs[row, stream, index]
    else:
        wrong = np.argwhere(state != block.state)
        if not len(wrong):
            return None
        stream, word = (int(i) for i in wrong[0])
        step, index = len(block.inputs) - 1, outputs.shape[2] + word
        expected, got = block.state[stream, word], state[stream, word]
    return Divergence(
        step=start + step, index=index, expected=int(expected), got=int(got), stream=stream
    )
