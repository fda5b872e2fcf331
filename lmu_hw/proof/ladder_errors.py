"""Effect of rounding errors on the waves of a ladder.

The rounded words of a step are the states, the waves to the left of odd sections, the wave of the
source and the waves to the right. Each has an error of at most one unit: half a unit where it is
rounded to nearest, below one where it is truncated. The errors of a section come from one remainder
and are not independent; the bounds do not use that.

`LadderErrors.by_norm` bounds the norm that the errors of a step add to the state.
`LadderErrors.by_place` follows the error of every word to a signal separately, which is tighter by
an order of magnitude, and slower.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from .._support.array_types import Words
from .exact_product import FRAC_BITS, ExactMatrix
from .ladder_gains import LadderGains, shifted_up, state_norm
from .ladder_step import LadderStep
from .scaled import ONE, product, root
from .transition import UNIT, Transition

WORTH = 64
"""A tail may be at most 1 / WORTH of its sum."""
LONGEST = 8
"""Limit of the steps, in lengths of the impulse response."""
MAX_PRODUCTS = 1 << 33
"""Limit of the estimated number of products, over all steps."""
GUARD = 14
"""Low bits of a value that are rounded up before it is summed."""
SQUARINGS = 2
"""Squarings of a Gram matrix before its norm is taken from its row sums."""
MANY = 1 << 10
"""Largest size of a Gram matrix that is squared."""


class LadderErrors:
    """Responses of a ladder's signals to rounding errors of a unit in every rounded word.

    Parameters
    ----------
    gains : LadderGains
    """

    def __init__(self, gains: LadderGains) -> None:
        self._gains, self._step = gains, gains.response.step
        d = self._order = gains.response.order
        # even sections send a + w exactly
        exact = range(d, 2 * d, 2)
        self._columns = [j for j in range(len(self._step.exponents)) if j not in exact]
        self._scales = [self._step.exponents[j] for j in self._columns]

    def by_norm(self) -> list[int]:
        """Return the largest response of each signal, as a `scaled` bound."""
        step, same = self._step, [0] * len(self._gains.of)
        for row, scale in enumerate(step.exponents[self._order :], self._order):
            # waves of the same step, their own errors included
            same[row] = sum(
                shifted_up((abs(int(x)) + 2) * UNIT, scale - s)
                for x, s in zip(step.errors[row, self._columns], self._scales, strict=True)
            )
        return [product(g.decay, self._size) + x for g, x in zip(self._gains.of, same, strict=True)]

    def by_place(self, signals: Sequence[int]) -> list[int] | None:
        """Return what `by_norm` does for some signals, but tighter; None if it takes too long."""
        response, step, d = self._gains.response, self._step, self._order
        if self.products(len(signals)) > MAX_PRODUCTS:
            return None
        # a row over the state, one step later in every round
        identity = np.eye(d, dtype=np.int64) << FRAC_BITS
        rows = np.vstack([identity, response.observed])[signals].T
        advance = Transition(np.ascontiguousarray(step.states[:d].T), response.block)
        effect = ExactMatrix(np.ascontiguousarray(step.errors[:d, self._columns].T))
        total, check = self._same_step(signals), 1
        for n_blocks, states in enumerate(advance.blocks(rows), 1):
            values = np.abs(effect.times(states.reshape(d, -1))) >> GUARD
            total += values.reshape(len(values), -1, len(signals)).sum(axis=1) + response.block
            if n_blocks < check:
                continue
            n_steps = n_blocks * response.block
            # of an entry of a row, and of its product with an error of energy 4 at most
            miss = 2 * advance.miss(n_steps) + effect.miss * UNIT
            scales = [response.exponents[k] for k in signals]
            found = [
                sum(
                    shifted_up((int(x) * UNIT << GUARD) + n_steps * miss, scale - s)
                    for x, s in zip(column, self._scales, strict=True)
                )
                for scale, column in zip(scales, total.T, strict=True)
            ]
            norms = (_row_norm(step, row, miss) for row in states[:, -1].T)
            tails = [
                shifted_up(product(product(norm, self._gains.total), self._size), scale)
                for norm, scale in zip(norms, scales, strict=True)
            ]
            if max(tails) * WORTH <= max(found):
                return [a + b for a, b in zip(found, tails, strict=True)]
            if n_steps > LONGEST * self._gains.n_steps:
                return None
            check += 1 + check // 8
        return None

    def products(self, n_signals: int) -> int:
        """Return the estimated number of products that `by_place` takes for some signals."""
        return self._gains.n_steps * n_signals * (self._order + len(self._columns)) * self._order

    def _same_step(self, signals: Sequence[int]) -> Words:
        """Return the responses of waves in the step of the error, their own errors included."""
        total = np.zeros((len(self._columns), len(signals)), dtype=object)
        for k, signal in enumerate(signals):
            if self._order <= signal < len(self._step.exponents):
                sizes = np.abs(self._step.errors[signal, self._columns]).astype(object)
                total[:, k] = (sizes + 2 >> GUARD) + 1
        return total

    @cached_property
    def _size(self) -> int:
        """Bound c of the errors' effect on the state: ``sum_j |r G_j| <= c ||r||``.

        By Cauchy-Schwarz ``sum_j size_j |r H_j| <= ||size|| ||H|| ||r||`` for ``G_j = size_j H_j``.
        """
        step, d = self._step, self._order
        effect = step.errors[:d, self._columns]
        sizes = [state_norm(step, np.abs(column), 2 * UNIT) for column in effect.T]
        # columns of norm 1, weighted by a quarter of the energies, which are 4 at most
        unit = np.array(
            [
                [int(x) * UNIT * (1 << FRAC_BITS) // size for x in column]
                for column, size in zip(effect.T, sizes, strict=True)
            ],
            dtype=object,
        )
        quarter = unit * np.array(step.energies, dtype=object) // (4 * ONE)
        gram = ExactMatrix(quarter.astype(np.int64))
        squarings = SQUARINGS if len(sizes) <= MANY else 0
        norm = 4 * _norm(gram.times(unit.T.astype(np.int64)), gram.miss, squarings)
        real = [shifted_up(size, -s) for size, s in zip(sizes, self._scales, strict=True)]
        # what the columns lack, each entry up to two units
        lacking = state_norm(step, np.zeros(d, dtype=np.int64), 2 * UNIT)
        rest = sum(shifted_up(lacking, -s) for s in self._scales)
        return product(root(sum(product(x, x) for x in real)), root(norm)) + rest


def _row_norm(step: LadderStep, row: Words, miss: int) -> int:
    """Return a bound of ``||r||`` for a row over the state, in units of its exponent."""
    squares = (product(abs(int(x)) * UNIT + miss, abs(int(x)) * UNIT + miss) for x in row)
    # the inverse of a state's energy, rounded up
    return root(sum(x * ONE // (w - 1) + 1 for x, w in zip(squares, step.energies, strict=True)))


def _norm(matrix: Words, miss: int, squarings: int) -> int:
    """Return a bound of the spectral norm of a symmetric matrix, each entry within ``miss``."""
    largest: int = max(sum(map(abs, row)) for row in matrix.tolist()) + len(matrix) * miss
    if not squarings:
        return largest * UNIT
    drop = max(0, largest.bit_length() - FRAC_BITS)
    mean = (matrix + matrix.T) >> (1 + drop)
    exact = ExactMatrix(mean)
    square = _norm(exact.times(mean), exact.miss, squarings - 1)
    return (root(square) << drop) + len(matrix) * (miss + (1 << drop)) * UNIT
