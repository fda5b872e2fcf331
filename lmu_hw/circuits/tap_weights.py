"""Weights of taps, fitted by least squares to what the states of a circuit do."""

from __future__ import annotations

import numpy as np

from .._support.array_types import Array

RIDGE = 0.004
"""Default relative error of a weight [RMS] that the fit expects."""

RANK = 1e-13
"""Singular values below this share of the largest count as zero."""


def tap_weights(states: np.ndarray, target: np.ndarray, ridge: float = RIDGE) -> Array:
    """Return the real weights w with ``states @ w ~ target`` that tolerate errors of the weights.

    For errors of the weights that are independent, of the relative RMS magnitude ``ridge``, the
    expected mean square of ``states @ w - target`` over frequencies is least. Without a ridge
    weights of hundreds may cancel each other.

    Parameters
    ----------
    states : complex array, shape (..., n_f, n_states)
        Responses of the states at frequencies of equal weight; axes on the left are units.
    target : complex array, shape (n_f, n_taps)
        Responses that the taps should have.
    ridge : float
        >= 0.

    Returns
    -------
    float array, shape (..., n_states, n_taps)

    Examples
    --------
    >>> states = np.array([[1.0, 0.0], [1.0, 1.0j]])
    >>> tap_weights(states, states @ np.array([[2.0], [-3.0]]), ridge=0.0).round(12)
    array([[ 2.],
           [-3.]])
    """
    X = np.concatenate([states.real, states.imag], axis=-2)
    y = np.concatenate([target.real, target.imag], axis=-2)
    # columns of norm 1: the penalty of a weight is that of what it adds
    size = np.linalg.norm(X, axis=-2, keepdims=True)
    size = np.where(size > 0.0, size, 1.0)
    U, s, V = np.linalg.svd(X / size, full_matrices=False)
    # rounding makes zeros of what the states do not span
    s = np.where(s > RANK * s[..., :1], s, 0.0)
    kept = np.divide(s, s * s + ridge * ridge, out=np.zeros_like(s), where=s > 0.0)
    fitted = np.swapaxes(V, -1, -2) @ (kept[..., None] * (np.swapaxes(U, -1, -2) @ y))
    return np.asarray(fitted / np.swapaxes(size, -1, -2))
