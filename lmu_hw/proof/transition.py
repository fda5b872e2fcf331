"""Powers of a transition matrix that never increases a norm, in exact integers.

The norm is ``sqrt(sum(g x**2))`` with weights ``1 <= g <= 4``, for columns, or its dual for rows.
States are computed in blocks of B steps: the first block by doubling, each other block by one
product of the block before with the B-th power. All errors are bounded in the same norm, in which
they do not grow from step to step.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isqrt

import numpy as np

from .._support.array_types import Words
from .exact_product import FRAC_BITS, ExactMatrix
from .scaled import ONE, product

UNIT = ONE >> FRAC_BITS
"""Unit of an entry."""


class Transition:
    """A transition matrix with its powers 1, 2, 4, ... up to the number of steps in a block.

    Parameters
    ----------
    entries : int64 array, shape (d, d)
        In units of ``2**-FRAC_BITS``, each within two units of its exact value.
    block : int
        Steps at a time, a power of two.
    """

    def __init__(self, entries: Words, block: int) -> None:
        n, self.block = len(entries), block
        self._powers = [ExactMatrix(entries)]
        # norm of a matrix, and of a column, whose entries are all of this size
        matrix, column = 2 * n * UNIT, 2 * (isqrt(n) + 1) * UNIT
        off = 2 * matrix
        total = off
        for _ in range(block.bit_length() - 1):
            entries = self._powers[-1].times(entries)
            off = 2 * off + product(off, off) + self._powers[-1].miss * matrix
            total += off
            self._powers.append(ExactMatrix(entries))
        # columns have norm 2 at most, and every block is computed by that many products
        self._miss = 3 * total + (len(self._powers) + 1) * self._powers[0].miss * column

    def blocks(self, x: Words) -> Iterator[Words]:
        """Yield blocks of states from the first on, shape (d, block, n) for x of shape (d, n)."""
        states = x[:, None]
        for power in self._powers[:-1]:
            later = power.times(states.reshape(len(x), -1))
            states = np.concatenate([states, later.reshape(states.shape)], axis=1)
        while True:
            yield states
            states = self._powers[-1].times(states.reshape(len(x), -1)).reshape(states.shape)

    def miss(self, n_steps: int) -> int:
        """Return a bound of the norm of the states' errors, as a `scaled` bound."""
        # twice, because the computed powers may grow an error by next to nothing
        return 2 * (n_steps // self.block + 1) * self._miss
