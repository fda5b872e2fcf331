"""Errors that spiking neurons add to a memory: their noise gains, RMS errors and worst cases.

A spike count sends a state with an error e. In orthonormal coordinates of the rounded chain

    z' - z = A (z + e) + b u

so that e enters the state by the columns of A, which are small for slow states. Poisson neurons
have a white e with the variance of a binomial count. Integrate-and-fire neurons keep the residue r
of what they have sent, ``e_t = r_{t-1} - r_t``, at most half a quantum: the error falls with 1/m,
not with 1/sqrt(m). Summed by parts, r_t enters by -A A.
"""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np

from .._support.array_types import Array
from ..memory.neurons import NeuronModel
from ..memory.wave_digital import stein
from .rounded_memory import RoundedMemory

RMS = 0.3
"""RMS of the input that errors are predicted for: flat noise up to a bandwidth."""
MAX_MULTIPLIES = 1e10
"""Effort up to which worst cases are summed term by term [multiplications]."""
ROUNDS = 30
"""Iterations for the variance of Poisson counts, which depends on that of the states."""


class NeuronNoise:
    """Errors of a memory on neurons, for flat noise of RMS `RMS` up to a bandwidth.

    Parameters
    ----------
    memory : RoundedMemory
        A cascade.
    bandwidth : float
        Highest frequency of the input [cycles/sample].

    Attributes
    ----------
    weight : float array, shape (d,)
        z of each state divided by its real value, in the order of the sections.
    owner : tuple of str
        State vector of each state.
    signal : float array, shape (d,)
        Power of z without errors.
    """

    def __init__(self, memory: RoundedMemory, bandwidth: float) -> None:
        self.recurrence = memory.recurrence
        self.weight = 1.0 / np.vstack(list(memory.states.values())).sum(axis=0)
        self.owner = tuple(
            next(name for name, rows in memory.states.items() if rows[:, k].any())
            for k in range(len(self.weight))
        )
        n = max(2000, 200 * len(self.weight))
        frequencies = bandwidth * (np.arange(n) + 0.5) / n
        response = memory.response(np.exp(2j * np.pi * frequencies))
        self.signal = RMS**2 * np.mean(np.abs(response) ** 2, axis=1)
        # m in orthonormal coordinates: its norm is that of the window
        degree = np.arange(len(self.weight))
        self._legendre = memory.readout / np.sqrt(2.0 * degree + 1.0)[:, None]
        self._power = RMS**2 * float(np.mean(np.abs(self._legendre @ response) ** 2, axis=1).sum())

    @cached_property
    def sent(self) -> Array:
        """Effect on z of an error of 1 in what each state sends, shape (d, d)."""
        return np.asarray(self.recurrence.A * self.weight)

    def covariance(self, model: NeuronModel, full_scale: Array, population: int) -> Array:
        """Return the covariance of the errors of z.

        Parameters
        ----------
        model : NeuronModel
        full_scale : float array, shape (d,)
            Real value of each state at which all its neurons fire in every step.
        population : int
            H, the neurons of each sign of a state.
        """
        quantum = full_scale / population
        if model is NeuronModel.INTEGRATE_FIRE:
            # a residue is spread evenly over one quantum
            last = self.sent * quantum
            before = self.recurrence.rounding_covariance(self.recurrence.A @ last)
            return np.asarray(before + last @ last.T / 12.0)
        errors = np.zeros((len(quantum),) * 2)
        for _ in range(ROUNDS):
            power = (self.signal + np.diag(errors)) / self.weight**2
            magnitude = np.minimum(np.sqrt(power * 2.0 / math.pi), full_scale)
            # binomial: H p (1 - p) spikes, p = magnitude / full_scale
            variance = np.maximum(quantum * magnitude - power / population, 0.0)
            noise = self.sent * np.sqrt(variance)
            squarings = self.recurrence.squarings
            before, errors = errors, stein(squarings, noise @ noise.T, squarings)
            if np.trace(np.abs(errors - before)) <= 1e-6 * np.trace(errors):
                break
        return errors

    def nrmse(self, covariance: Array) -> float:
        """Return the RMS error of m over the RMS of m, of Legendre polynomials of unit norm."""
        error = np.trace(self._legendre @ covariance @ self._legendre.T)
        return math.sqrt(float(error) / self._power)

    def spikes(self, covariance: Array, full_scale: Array, population: int) -> float:
        """Return the mean number of spikes of a step."""
        power = (self.signal + np.diag(covariance)) / self.weight**2
        rate = np.minimum(np.sqrt(power * 2.0 / math.pi) / full_scale, 1.0)
        return float(population * rate.sum())

    def residue_gains(self, rows: Array, window: int) -> Array:
        """Return bounds on ``rows @ z`` from residues of up to 1 at all times.

        Includes residues that zero-input runs of at least ``window`` steps discard.

        Parameters
        ----------
        rows : float array, shape (n, d)
        window : int

        Returns
        -------
        float array, shape (n, d)
            For the residue of each state.
        """
        recurrence, d = self.recurrence, len(self.weight)
        again = recurrence.A @ self.sent
        if d**3 * 2.0 ** len(recurrence.squarings) <= MAX_MULTIPLIES:
            total = recurrence.error_sums(rows, again)
        else:
            total = recurrence.decay_sums(rows)[:, None] * np.linalg.norm(again, axis=0)
        # one residue a window is discarded; all before the horizon have decayed to `kept`
        horizon, kept = 1 << recurrence.horizon, recurrence.norms[recurrence.horizon]
        discarded = math.ceil(horizon / window) / (1.0 - kept) if kept < 1.0 else math.inf
        ends = np.linalg.norm(rows, axis=1)[:, None] * np.linalg.norm(self.sent, axis=0)
        return np.asarray(total + np.abs(rows @ self.sent) + ends * discarded)
