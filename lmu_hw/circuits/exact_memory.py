"""The float memory in continuous time: what an analog memory is to do.

With ``theta m' = A m + B u`` and ``y_r = C(r) m`` (equations 1 and 3), in orthonormal coordinates.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .._support.array_types import Array
from ..memory.legendre import decoder, state_space
from .state_equations import StateEquations


def exact_response(
    order: int, theta: float, delays: Sequence[float], frequencies: Array
) -> np.ndarray:
    """Return the frequency responses from the input to decoded delays.

    Parameters
    ----------
    order : int
    theta : float
        Window length [s].
    delays : sequence of float
        Fractions of theta, 0 to 1.
    frequencies : float array, shape (n,)
        [Hz].

    Returns
    -------
    complex array, shape (n, k)

    Examples
    --------
    The error of the whole delay at ``theta f = 1`` is 0.70 % for order 6:

    >>> H = exact_response(6, 1e-3, [1.0], np.array([1000.0]))
    >>> f"{100 * abs(H[0, 0] - 1):.2f} %"
    '0.70 %'
    """
    system = state_space(order)
    balanced = system.balanced()
    s = 2j * np.pi * theta * np.asarray(frequencies)
    pencils = s[:, None, None] * np.eye(order) - balanced.A
    inputs = np.broadcast_to(balanced.B[:, None], (len(s), order, 1))
    m = np.linalg.solve(pencils, inputs)[..., 0]
    return np.asarray(m @ (decoder(order, delays) * system.scale).T)


def exact_transient(
    order: int, theta: float, delays: Sequence[float], u: Array, dt: float
) -> Array:
    """Return decoded delays of an input that is linear between its samples, from the zero state.

    Parameters
    ----------
    order : int
    theta : float
        Window length [s].
    delays : sequence of float
        Fractions of theta, 0 to 1.
    u : float array, shape (n,)
        Samples of the input [V].
    dt : float
        Their distance [s].

    Returns
    -------
    float array, shape (n, k)
        At the samples; exact but for rounding.
    """
    system = state_space(order)
    balanced = system.balanced()
    equations = StateEquations(
        A=balanced.A / theta,
        B=balanced.B / theta,
        C=decoder(order, delays) * system.scale,
        D=np.zeros(len(delays)),
    )
    return equations.simulate(u, dt)


def band_error(measured: np.ndarray, exact: np.ndarray, axis: int | None = None) -> np.ndarray:
    """Return the NRMSE of input whose spectrum is flat over the frequencies.

    Parameters
    ----------
    measured, exact : complex array, shape (n, k)
        Responses of k taps at n frequencies in equal steps, from one step above 0.
    axis : int, optional
        0: one for each tap. Default: one of all taps together.

    Returns
    -------
    float array, shape () or (k,)
        Root of the mean of ``|measured - exact|^2`` over that of ``|exact|^2``, by the trapezoidal
        rule; the value at frequency 0 is taken to be that of the first frequency.
    """
    weights = np.ones((len(exact), 1))
    weights[0], weights[-1] = 1.5, 0.5
    error = np.sum(weights * np.abs(measured - exact) ** 2, axis=axis)
    return np.asarray(np.sqrt(error / np.sum(weights * np.abs(exact) ** 2, axis=axis)))
