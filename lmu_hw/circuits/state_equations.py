"""State equations of a linear circuit, and what follows from them in time."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy.linalg

from .._support.array_types import Array
from ..errors import UnstableError

STEP = 0.03
"""Step of an integration of an impulse response, times the fastest rate that has not decayed."""
DECAYED = 40.0
"""A mode has decayed after this many of its time constants: exp(-40) is below float64."""
CHUNK = 20_000
"""Most steps of an integration that are held at once."""
SLOWEST = 3e4
"""Largest ratio of the magnitude of a pole to its distance from the imaginary axis."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class StateEquations:
    """``z' = A z + B w, x = C z + D w`` with states z, one source w and node voltages x.

    Attributes
    ----------
    A, B, C, D : float arrays, shapes (..., r, r), (..., r), (..., n, r) and (..., n)
        Axes on the left are draws; `simulate` and `l1_norms` are of one circuit.
    """

    A: Array
    B: Array
    C: Array
    D: Array

    def simulate(self, u: Array, dt: float) -> Array:
        """Return the node voltages for an input that is linear between its samples, from rest.

        Exact, by the matrix exponential (first-order hold).

        Parameters
        ----------
        u : float array, shape (n_samples,)
            Source at the times 0, dt, 2 dt...
        dt : float
            Distance of samples [s], > 0.

        Returns
        -------
        float array, shape (n_samples, n)
        """
        u = np.asarray(u, dtype=np.float64)
        transition, now, slope = _first_order_hold(self.A, self.B, dt)
        z = np.empty((len(u), len(self.A)))
        z[0] = 0.0
        for k in range(len(u) - 1):
            z[k + 1] = transition @ z[k] + now * u[k] + slope * (u[k + 1] - u[k])
        return np.asarray(z @ self.C.T + u[:, None] * self.D)

    def l1_norms(self) -> Array:
        """Return the largest magnitude of each node for any input of magnitude 1 at most.

        It is the integral of the magnitude of the impulse response, here the total variation of the
        step response on a grid: from below, by less than 1e-4 of it. The grid has
        steps of 0.03 / |pole| of the fastest pole that has not decayed yet.

        Returns
        -------
        float array, shape (n,)

        Raises
        ------
        UnstableError
            If a pole is not in the left half plane, or hardly.
        """
        poles = np.linalg.eigvals(self.A)
        if not np.all(-poles.real * SLOWEST > np.abs(poles)):
            worst = poles[np.argmax(poles.real)]
            raise UnstableError(
                f"the circuit must be stable, but has a pole at {worst:.3g} 1/s; take faster "
                "amplifiers or a longer window"
            )
        ends, speeds = DECAYED / -poles.real, np.abs(poles)
        norms, time = np.abs(self.D), 0.0
        # deviation from the final value of the step response: z = A^-1 B (1 - exp(A t))
        z = np.asarray(np.linalg.solve(self.A, self.B), dtype=np.float64)
        end = float(np.max(ends)) if len(poles) else 0.0
        while time < end:
            dt = STEP / float(np.max(speeds[ends > time]))
            # until the fastest mode has decayed, or the grid may be twice as wide
            until = float(np.max(ends[speeds > STEP / (2.0 * dt)]))
            n = min(max(1, math.ceil((until - time) / dt)), CHUNK)
            track = _powers(np.asarray(scipy.linalg.expm(self.A * dt)), z, n)
            norms = norms + np.sum(np.abs(np.diff(track @ self.C.T, axis=0)), axis=0)
            z, time = track[-1], time + n * dt
        return np.asarray(norms)


def _first_order_hold(A: Array, B: Array, dt: float) -> tuple[Array, Array, Array]:
    """Return the transition matrix, and the gains of u and of its rise over a step."""
    r = len(B)
    block = np.zeros((r + 2, r + 2))
    block[:r, :r], block[:r, r], block[r, r + 1] = A * dt, B * dt, 1.0
    found = scipy.linalg.expm(block)
    return found[:r, :r], found[:r, r], found[:r, r + 1]


def _powers(transition: Array, z: Array, n: int) -> Array:
    """Return ``transition**k z`` for k = 0..n, shape (n + 1, r), by doubling."""
    out = np.empty((n + 1, len(z)))
    out[0], known = z, 1
    while known <= n:
        new = min(known, n + 1 - known)
        out[known : known + new] = out[:new] @ transition.T
        transition, known = transition @ transition, known + new
    return out
