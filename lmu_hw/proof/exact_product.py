"""Products of integer matrices in float64 that are exact, up to a part that is left out.

An entry is an integer in units of ``2**-FRAC_BITS``, below 2 in magnitude, and split into three
limbs of 20 bits. A sum of products of limbs is so narrow that float64 represents every partial sum
exactly, whatever its order, and BLAS computes it.
"""

from __future__ import annotations

import numpy as np

from .._support.array_types import Array, Words

FRAC_BITS = 58
"""Fractional bits of an entry."""
MAX_COLUMNS = 1 << 12
"""Most columns of a matrix: with the highest limb of 19 bits, sums stay below ``2**53``."""
LIMB = 20
"""Bits of a limb."""
N_LIMBS = 3


class ExactMatrix:
    """A matrix to multiply columns with.

    Parameters
    ----------
    entries : int64 array, shape (n_rows, n_columns)
        Each within two units of its exact value; the Euclidean norm of a row is 2 at most.

    Attributes
    ----------
    miss : int
        Error bound of a product's entries [units].

    Raises
    ------
    ValueError
        If there are too many columns.
    """

    def __init__(self, entries: Words) -> None:
        n: int = entries.shape[1]
        if n > MAX_COLUMNS:
            raise ValueError(f"must have at most {MAX_COLUMNS} columns, not {n}")
        limbs = _split(entries)
        self._stacks = [np.hstack(limbs[: k + 1]) for k in range(N_LIMBS)]
        # products of low limbs and floors, then errors of the entries, each times up to 2
        self.miss: int = 8 * n + 3 + 4 * n

    def times(self, x: Words) -> Words:
        """Return the product with columns, shape (n_columns, n), each of norm 2 at most."""
        limbs = _split(x)
        total = np.zeros((len(self._stacks[0]), x.shape[1]), dtype=np.int64)
        for k, stack in enumerate(self._stacks):
            # all products of limbs i and j with i + j = k
            part = (stack @ np.vstack(limbs[k::-1])).astype(np.int64)
            up = 2 * LIMB * (N_LIMBS - 1) - LIMB * k - FRAC_BITS
            total += part << up if up >= 0 else part >> -up
        return total


def _split(x: Words) -> list[Array]:
    """Return the limbs, the highest first; all but that are not negative."""
    low = np.int64((1 << LIMB) - 1)
    limbs = [x >> 2 * LIMB, (x >> LIMB) & low, x & low]
    return [limb.astype(np.float64) for limb in limbs]
