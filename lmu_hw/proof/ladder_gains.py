"""Worst cases of a ladder's waves: l1 norms of impulse responses, and effect of rounding errors.

A step without rounding is orthogonal in coordinates of unit energy, see `lossless_ladder`. So with
the transition A of the states, the input b of the source and the input c of the resistor at the
right end, ``A A' + b b' + c c' = I``. For a row r of a wave then::

    ||r A^k||**2 = sum_{j >= k} (r A^j b)**2 + (r A^j c)**2

The two impulse responses, of the source and of the resistor, give all norms that the bounds need;
`memory_bounds` does the same for a chain, where one is enough. The bounds hold as long as no wave
saturates; by induction, none does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from .._support.array_types import Words
from .exact_product import FRAC_BITS, ExactMatrix
from .ladder_step import LadderStep, exponent, step_of
from .lossless_ladder import LosslessLadder
from .memory_bounds import QUIET, SETTLED, Gains
from .response import squares
from .scaled import ONE, product, root, up
from .transition import UNIT, Transition

MOST_AT_A_TIME = 1 << 10
"""Most steps of a block."""
MAX_ORDER = 1 << 8
"""Most sections; limits the time of the products of matrices, minutes above."""
MAX_STEPS = 1 << 22
"""Limit of the steps for a ladder that has not settled."""
GUARD = 8
"""Low bits of a value that are rounded up before it is summed."""


class LadderResponse:
    """The responses of a ladder's waves to a unit impulse of the source, and of the resistor.

    Parameters
    ----------
    ladder : LosslessLadder
    block : int
        Steps at a time, a power of two.
    rows : sequence of sequence of int
        Rows of weights over the state words, whose sums are observed too.

    Attributes
    ----------
    step : LadderStep
    exponents : tuple of int
        Exponent of each observed signal: states, waves to the left, of the source and to the
        right as in `LadderStep`, then rows.
    observed : int64 array
        Rows over the states: waves of the next step, and rows of this one.
    norms : list of int
        Squared norm of each signal over all waves, as a `scaled` bound.

    Raises
    ------
    ValueError
        If there are too many sections.
    """

    def __init__(
        self, ladder: LosslessLadder, block: int, rows: Sequence[Sequence[int]] = ()
    ) -> None:
        self.block = block
        self.step = step_of(ladder)
        d = self.order = self.step.order
        energies = [sum(x * x * R for x, R in zip(row, ladder.states, strict=True)) for row in rows]
        scales = [exponent(Fraction(x)) if x else 0 for x in energies]
        weights = np.zeros((len(rows), d), dtype=np.int64)
        for k, (row, scale) in enumerate(zip(rows, scales, strict=True)):
            weights[k] = [
                _shifted(x, s - scale + FRAC_BITS)
                for x, s in zip(row, self.step.exponents, strict=False)
            ]
        self._transition = Transition(self.step.states[:d], block)
        self._waves, self._read = ExactMatrix(self.step.states[d:]), ExactMatrix(weights)
        self.observed = np.vstack([self.step.states[d:], weights])
        self.exponents = (*self.step.exponents, *scales)
        squared = [*self.step.resistances, *map(Fraction, energies)]
        self.norms = [
            up(R / Fraction(4) ** s) for R, s in zip(squared, self.exponents, strict=True)
        ]

    def miss(self, n_steps: int) -> int:
        """Return an error bound of the values of the first steps."""
        return self._transition.miss(n_steps) + self._waves.miss * UNIT

    def blocks(self) -> Iterator[Words]:
        """Yield the values, shape (block, 2, n_signals), from the impulses on."""
        d, waves = self.order, self.step.inputs[self.order :]
        for states in self._transition.blocks(self.step.inputs[:d]):
            flat = states.reshape(d, -1)
            after = self._waves.times(flat)
            shown = np.vstack([flat, np.hstack([waves, after[:, :-2]]), self._read.times(flat)])
            waves = after[:, -2:]
            yield shown.reshape(len(shown), -1, 2).transpose(1, 2, 0)


@dataclass(frozen=True, kw_only=True)
class LadderGains:
    """Gains to the signals of a ladder.

    Attributes
    ----------
    of : list of Gains
        For the signals of `LadderResponse`, real: `Gains.decay` is for errors of energy 1.
    response : LadderResponse
    total : int
        Bound of ``sum_k ||A^k||_2``.
    n_steps : int
        Steps of the impulse responses that were computed.
    """

    of: list[Gains]
    response: LadderResponse
    total: int
    n_steps: int


class _Columns:
    """Running sums over the steps of every signal."""

    def __init__(self, response: LadderResponse) -> None:
        self.norms = response.norms
        # energies of impulses whose input has unit energy
        self._weights = (up(response.step.normal), ONE)
        n = len(self.norms)
        self.l1, self.signed, self.n_steps = [0] * n, [0] * n, 0
        self._seen = [[0] * n, [0] * n]
        self._sizes = [[0] * n, [0] * n]

    def add(self, h: Words) -> None:
        """Add a block of steps, shape (block, 2, n_signals)."""
        self.n_steps += len(h)
        sizes = ((np.abs(h) >> GUARD).sum(axis=0) + len(h)).tolist()
        signed = (h[:, 0] >> GUARD).sum(axis=0).tolist()
        self.l1 = [a + b for a, b in zip(self.l1, sizes[0], strict=True)]
        self.signed = [a + b for a, b in zip(self.signed, signed, strict=True)]
        for which in (0, 1):
            energies, bits = squares(h[:, which])
            for k, (energy, size) in enumerate(zip(energies.tolist(), sizes[which], strict=True)):
                self._seen[which][k] += energy << bits
                self._sizes[which][k] += size

    def tails(self, miss: int) -> list[int]:
        """Return bounds of the energies of the remaining responses."""
        out = []
        for k, norm in enumerate(self.norms):
            left = norm
            for seen, sizes, weight in zip(self._seen, self._sizes, self._weights, strict=True):
                low = seen[k] * UNIT * UNIT // ONE - 2 * product(miss, sizes[k] * UNIT << GUARD)
                left -= max(0, low) * (weight - 1) // ONE
            out.append(max(0, left))
        return out


def ladder_gains(
    ladder: LosslessLadder, window: int, rows: Sequence[Sequence[int]] = ()
) -> LadderGains | None:
    """Return the gains of every wave of a ladder, and of rows over its states.

    Parameters
    ----------
    ladder : LosslessLadder
    window : int
        Approximate length of the memory [steps of the ladder].
    rows : sequence of sequence of int

    Returns
    -------
    LadderGains or None
        None if the ladder has not settled.

    Raises
    ------
    ValueError
        If there are too many sections.
    """
    if len(ladder.sections) > MAX_ORDER:
        raise ValueError(f"must have at most {MAX_ORDER} rows, not {len(ladder.sections)}")
    block = 1 << max(4, min(MOST_AT_A_TIME, window // 16).bit_length() - 1)
    response = LadderResponse(ladder, block, rows)
    sums = _Columns(response)
    d, steps, tails = response.order, 0, response.norms
    none = np.zeros(d, dtype=np.int64)
    decay = [0] * len(tails)
    for h in response.blocks():
        steps += block * min(ONE, _transition(response.step, tails))
        decay = [x + block * root(tail) for x, tail in zip(decay, tails, strict=True)]
        sums.add(h)
        miss = response.miss(sums.n_steps)
        tails = sums.tails(miss)
        left = _transition(response.step, tails)
        size = state_norm(response.step, np.abs(h[-1, 0, :d]), miss)
        if left <= SETTLED and size <= max(QUIET, 2 * state_norm(response.step, none, miss)):
            break
        if sums.n_steps >= MAX_STEPS:
            return None
    total = steps * ONE // (ONE - left) + 1
    rest, missed = product(size, total), sums.n_steps * miss
    found = []
    for k, (tail, norm) in enumerate(zip(tails, response.norms, strict=True)):
        scale = response.exponents[k] - response.step.source
        more = missed + product(root(norm), rest)
        constant = ((abs(sums.signed[k]) + sums.n_steps) * UNIT << GUARD) + more
        found.append(
            Gains(
                l1=shifted_up((sums.l1[k] * UNIT << GUARD) + more, scale),
                constant=shifted_up(constant, scale),
                decay=shifted_up(decay[k] + product(root(tail), total), response.exponents[k]),
            )
        )
    return LadderGains(of=found, response=response, total=total, n_steps=sums.n_steps)


def _transition(step: LadderStep, tails: Sequence[int]) -> int:
    """Return a bound of ``||A^K||_F`` from the remaining energies of the states' responses."""
    return root(sum(product(w, tail) for w, tail in zip(step.energies, tails, strict=False)))


def state_norm(step: LadderStep, state: Words, miss: int) -> int:
    """Return a bound of the norm of a state whose words have these magnitudes, give or take."""
    sizes = [int(x) * UNIT + miss for x in state]
    return root(sum(product(w, product(x, x)) for w, x in zip(step.energies, sizes, strict=True)))


def _shifted(x: int, s: int) -> int:
    return x << s if s >= 0 else x >> -s


def shifted_up(x: int, s: int) -> int:
    """Return a bound times ``2**s``."""
    return x << s if s >= 0 else -(-x >> -s)
