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
    # run in orthonormal coordinates, where float64 is best conditioned; return Legendre coordinates
    balanced = system.balanced()
    read = system.scale[:, None] * np.eye(system.order) if rows is None else rows * system.scale
    m = np.zeros((system.order, inputs.shape[1]))
    previous = np.zeros(inputs.shape[1])
    out = np.empty((*inputs.shape, len(read)))
    for t, row in enumerate(inputs):
        change = balanced.A @ m + np.outer(balanced.B, row)
        if balanced.B_previous is not None:
            change += np.outer(balanced.B_previous, previous)
        m, previous = m + change, row
        out[t] = (read @ m).T
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
