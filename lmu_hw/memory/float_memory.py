"""Run the memory in float64 as the reference for integer programs; make band-limited noise."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .._support.array_types import Array
from .legendre import StateSpace


def run_memory(system: StateSpace, u: npt.ArrayLike, rows: Array | None = None) -> Array:
    """Run the recursion ``m' = m + A m + B u`` in float64 from the zero state.

    Parameters
    ----------
    system : StateSpace
        Discrete system, with the gain of the preceding input if it has one.
    u : array_like of float, shape (n_steps, n_streams)
    rows : float array, shape (k, d), optional
        Return ``rows @ m`` instead of m.

    Returns
    -------
    float array, shape (n_steps, n_streams, d or k)
    """
    inputs = np.asarray(u, dtype=np.float64)
    return SteppedMemory(system, inputs.shape[1], rows).run(inputs)


class SteppedMemory:
    """A memory in float64 that is run in pieces; it starts from the zero state.

    Parameters
    ----------
    system : StateSpace
    n_streams : int
        Independent inputs, >= 1.
    rows : float array, shape (k, d), optional
        `run` returns ``rows @ m`` instead of m.
    """

    def __init__(self, system: StateSpace, n_streams: int, rows: Array | None = None) -> None:
        # orthonormal coordinates, where float64 is best conditioned; `run` returns Legendre ones
        self._system = system.balanced()
        own = system.scale[:, None] * np.eye(system.order)
        self._read = own if rows is None else rows * system.scale
        self._m = np.zeros((system.order, n_streams))
        self._previous = np.zeros(n_streams)

    def run(self, u: Array) -> Array:
        """Continue with ``u``, shape (n_steps, n_streams).

        Returns
        -------
        float array, shape (n_steps, n_streams, d or k)
        """
        system, read, m, previous = self._system, self._read, self._m, self._previous
        out = np.empty((*u.shape, len(read)))
        for t, row in enumerate(u):
            change = system.A @ m + np.outer(system.B, row)
            if system.B_previous is not None:
                change += np.outer(system.B_previous, previous)
            m, previous = m + change, row
            out[t] = (read @ m).T
        self._m, self._previous = m, previous
        return out


def band_limited_noise(n: int, highest: float, rng: np.random.Generator) -> Array:
    """Return noise with a flat spectrum up to a frequency and random phases, peak 1.

    Parameters
    ----------
    n : int
        Length and period of the noise [samples].
    highest : float
        Highest frequency [cycles/sample].
    rng : numpy.random.Generator

    References
    ----------
    Voelker, Kajić, Eliasmith, NeurIPS 2019, section 3.1 (the capacity task's input).
    """
    spectrum = np.zeros(n // 2 + 1, dtype=np.complex128)
    k = np.arange(1, int(highest * n) + 1)
    spectrum[k] = np.exp(2j * np.pi * rng.random(len(k)))
    noise = np.fft.irfft(spectrum, n)
    return np.asarray(noise / np.max(np.abs(noise)))
