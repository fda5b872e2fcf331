"""Worst-case bounds of a recurrence: peak values, rounding errors, transfer functions.

All bounds are for ``z' = (I + A) z + b u`` in orthonormal coordinates. There the transition matrix
does not increase a norm, except by its coefficient rounding, which makes the bounds tight.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .._support.array_types import Array
from ..errors import UnstableError
from ..memory.frequency_response import state_response
from ..memory.wave_digital import squarings, stein

BLOCK_LOG2 = 8
"""Base-2 logarithm of the number of impulse-response columns computed at a time."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Recurrence:
    """A stable linear recursion ``z' - z = A z + b u``.

    Attributes
    ----------
    A : float array, shape (d, d)
        Transition matrix minus I.
    b : float array, shape (d,)
    """

    A: Array
    b: Array

    @cached_property
    def squarings(self) -> list[Array]:
        """I + A, (I + A)^2, (I + A)^4, ...; see `lmu_hw.memory.wave_digital.squarings`."""
        out = squarings(self.A)
        if not np.linalg.norm(out[-1]) < 1.0:
            raise UnstableError("the rounded memory is not stable: use more coefficient bits")
        return out

    @cached_property
    def norm_sum(self) -> float:
        """Upper bound of ``sum_k ||(I + A)^k||_2``."""
        return 1.0 + sum(norm * 2.0**i for i, norm in enumerate(self.norms))

    @cached_property
    def norms(self) -> tuple[float, ...]:
        """Upper bounds of the spectral norms of the squarings."""
        return tuple(norm2_bound(P) for P in self.squarings)

    @cached_property
    def horizon(self) -> int:
        """Base-2 logarithm of the number of steps after which the norm is below 0.1."""
        return next((i for i, norm in enumerate(self.norms) if norm < 0.1), len(self.norms) - 1)

    @cached_property
    def norm(self) -> float:
        """The spectral norm of I + A."""
        P = self.squarings[0]
        return float(np.sqrt(np.linalg.eigvalsh(P @ P.T)[-1]))

    def peaks(self, rows: Array, direct: Array) -> Array:
        """Return the peak of each signal ``rows @ z + direct * u`` for inputs |u| <= 1.

        The peak is the l1 norm of the impulse response; some input attains it.

        Parameters
        ----------
        rows : float array, shape (n, d)
        direct : float array, shape (n,)
            Direct gain from u; if nonzero, the row applies to z before the step.
        """
        block = self.b[:, None]
        for P in self.squarings[:BLOCK_LOG2]:
            block = np.hstack([block, P @ block])
        # the squarings end once the response has decayed
        decayed = len(self.squarings) <= BLOCK_LOG2
        step = np.zeros_like(self.A) if decayed else self.squarings[BLOCK_LOG2]
        total = np.abs(direct)
        row_norm = np.linalg.norm(rows, axis=1)
        while True:
            total = total + np.abs(rows @ block).sum(axis=1)
            block = step @ block
            tail = row_norm * (np.linalg.norm(block[:, 0]) * self.norm_sum)
            if np.all(tail <= 1e-6 * total):
                return np.asarray(total + tail)

    def error_sums(self, rows: Array, noise: Array) -> Array:
        """Return ``sum_k |r (I + A)^k N_s|`` for each row r and source s, term by term.

        This bounds the accumulated effect of errors up to one LSB from a source at every step. Its
        time is proportional to the memory's length; `decay_sums` with `noise_size` is faster and
        looser.

        Parameters
        ----------
        rows : float array, shape (n, d)
        noise : float array, shape (d, n_sources)
            Column N_s is the effect on z of an error of one LSB at source s.

        Returns
        -------
        float array, shape (n, n_sources)
        """
        row_norm = np.linalg.norm(rows, axis=1)
        total, V = np.zeros((len(rows), noise.shape[1])), noise
        while True:
            total += np.abs(rows @ V)
            V = self.squarings[0] @ V
            tail = row_norm[:, None] * np.linalg.norm(V, axis=0) * self.norm_sum
            if np.all(tail.sum(axis=1) <= 1e-2 * total.sum(axis=1)):
                return np.asarray(total + tail)

    def decay_sums(self, rows: Array) -> Array:
        """Return an upper bound of ``sum_k ||r (I + A)^k||_2`` for each row r.

        The sum is evaluated with a stride: as the transition does not increase a norm, each term
        bounds those after it.
        """
        # a finer stride gives a tighter sum and takes longer
        fineness = 4 if len(self.b) <= 256 else 3
        stride = max(0, self.horizon - fineness)
        V, total = rows, np.zeros(len(rows))
        for _ in range(3 << fineness):
            total += np.linalg.norm(V, axis=1) * 2.0**stride
            V = V @ self.squarings[stride]
        total += np.linalg.norm(V, axis=1) * self.norm_sum
        # rounded coefficients may give the transition a norm slightly above 1
        return np.asarray(total * max(1.0, self.norm) ** (1 << stride))

    def rounding_covariance(self, noise: Array) -> Array:
        """Return the covariance of z from white rounding errors, uniform over one LSB.

        Parameters
        ----------
        noise : float array, shape (d, n_sources)
            Effect on z of an error of one LSB at each source.
        """
        return stein(self.squarings, noise @ noise.T / 12.0, self.squarings)

    def stall_covariance(self, noise: Array) -> Array:
        """Return the covariance of z from constant rounding errors.

        With a constant input the recursion settles at a grid point, where its rounding errors are
        constant; slow poles amplify them far more than white errors of the same size.
        """
        stall = np.linalg.solve(-self.A, noise)
        return np.asarray(stall @ stall.T / 12.0)

    def response(self, z: np.ndarray) -> np.ndarray:
        """Return the transfer functions from u to z (after the step) at points of the unit circle.

        Parameters
        ----------
        z : complex array, shape (n,)

        Returns
        -------
        complex array, shape (d, n)
        """
        return state_response(self.A, self.b, z)


def noise_size(noise: Array) -> float:
    """Return c with ``sum_s |r P N_s| <= c ||r P||_2`` for every row r and matrix P.

    Derived by Cauchy-Schwarz over the sources, each split into size and direction. Together with
    `Recurrence.decay_sums` it gives a fast upper bound of `Recurrence.error_sums`.
    """
    size = np.linalg.norm(noise, axis=0)
    directions = noise[:, size > 0] / size[size > 0]
    return float(np.linalg.norm(size)) * norm2_bound(directions)


def norm2_bound(M: Array) -> float:
    """Return an upper bound of the spectral norm, computed from the smaller Gram matrix."""
    gram = M @ M.T if M.shape[0] <= M.shape[1] else M.T @ M
    if len(gram) <= 256:
        return float(np.sqrt(max(np.linalg.eigvalsh(gram)[-1], 0.0)) * (1.0 + 1e-12))
    # ||G||_2 <= ||G^4||_F^(1/4): too large by at most a factor of d^(1/16)
    scale = float(np.linalg.norm(gram))
    if scale == 0.0:
        return 0.0
    square = gram / scale
    for _ in range(2):
        square = square @ square
    return float(np.sqrt(scale * np.linalg.norm(square) ** 0.25))


def frequency_grid(slowest: float) -> np.ndarray:
    """Return points of the upper unit circle, dense near the slowest poles.

    Parameters
    ----------
    slowest : float
        Smallest distance of a pole from the unit circle [rad/sample].
    """
    low = np.log10(np.clip(slowest, 1e-12, 1.0)) - 2.0
    omega = np.concatenate(
        [[0.0], np.logspace(low, np.log10(np.pi), 1500), np.linspace(0, np.pi, 1001)]
    )
    return np.exp(1j * np.unique(omega))
