"""Frequency responses of discrete memories, from u to every state after the step."""

from __future__ import annotations

import numpy as np
import scipy.linalg

from .._support.array_types import Array
from .discretize import discretize
from .ladder import ladder, wave_scale
from .legendre import state_space
from .spec import Discretizer


def state_response(A: Array, b: Array, z: np.ndarray) -> np.ndarray:
    """Return the transfer functions from u to x, with ``x' - x = A x + b u``.

    Parameters
    ----------
    A : float array, shape (d, d)
        Transition matrix minus I.
    b : float array, shape (d,)
    z : complex array, shape (n,)
        Points on the unit circle.

    Returns
    -------
    complex array, shape (d, n)
        Of x', the state after the step.
    """
    T, Q = scipy.linalg.schur(A.astype(np.complex128), output="complex")
    rhs = np.outer(Q.conj().T @ b, z)
    x = np.empty_like(rhs)
    for i in range(len(b) - 1, -1, -1):
        x[i] = (rhs[i] + T[i, i + 1 :] @ x[i + 1 :]) / (z - 1.0 - T[i, i])
    return np.asarray(Q @ x)


def memory_response(
    order: int, theta: float, method: Discretizer, substeps: int, z: np.ndarray
) -> np.ndarray:
    """Return the transfer functions from u to the Legendre coefficients m.

    Of a bilinear memory in O(d) a point, by its ladder.

    Parameters
    ----------
    order : int
    theta : float
        Window length [samples], > 0.
    method : Discretizer
    substeps : int
        Steps in a sample; more than one for bilinear only.
    z : complex array, shape (n,)
        Points on the unit circle.

    Returns
    -------
    complex array, shape (d, n)

    Raises
    ------
    UnstableError
        If the method is euler and theta is too small to be stable.
    """
    if method is Discretizer.BILINEAR:
        waves = ladder(order, theta * substeps).response(z, substeps)
        return np.asarray(wave_scale(order, theta * substeps)[:, None] * waves)
    system = discretize(state_space(order), theta, method, substeps)
    # in orthonormal coordinates, where float64 is best conditioned
    balanced = system.balanced()
    return np.asarray(system.scale[:, None] * state_response(balanced.A, balanced.B, z))
