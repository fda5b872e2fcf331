"""Discretize the memory: zoh, euler or bilinear (equation 5).

Every method gives ``Bbar = (I - Abar) e_0`` exactly, because ``A e_0 = -B``: unit gain at DC.
"""

from __future__ import annotations

import math

import numpy as np

from .._support.array_types import Array
from ..errors import UnstableError
from .legendre import StateSpace
from .spec import Discretizer


def discretize(system: StateSpace, theta: float, method: Discretizer) -> StateSpace:
    """Return the recursion ``m_t = Abar m_{t-1} + Bbar u_t`` as (Abar - I, Bbar).

    Parameters
    ----------
    system : StateSpace
        Continuous Legendre memory for theta = 1.
    theta : float
        Window length [samples], > 0.
    method : Discretizer

    Raises
    ------
    UnstableError
        If the method is euler and theta is too small to be stable; the message names the limit.
    """
    if method is Discretizer.EULER:
        smallest = smallest_euler_theta(system)
        if theta <= smallest:
            raise UnstableError(
                f"euler with d = {system.order} is stable only for theta > {smallest:.1f} samples, "
                f"not {theta:g}: use theta >= {math.floor(smallest) + 1} or --discretizer zoh"
            )
    balanced = system.balanced()
    step = balanced.A / theta
    if method is Discretizer.ZOH:
        delta: Array = expm1(step)
    elif method is Discretizer.EULER:
        delta = step
    else:
        delta = np.asarray(np.linalg.solve(np.eye(system.order) - step / 2, step))
    scale = system.scale
    return StateSpace(
        A=delta * (scale[:, None] / scale[None, :]),
        B=scale * (-delta[:, 0] / scale[0]),
        scale=scale.copy(),
        poles=None if system.poles is None else _discrete(system.poles / theta, method),
    )


def _discrete(poles: np.ndarray, method: Discretizer) -> np.ndarray:
    """Return the discrete poles minus 1, from continuous poles multiplied by the step."""
    if method is Discretizer.ZOH:
        return np.asarray(np.expm1(poles))
    return poles if method is Discretizer.EULER else np.asarray(poles / (1.0 - poles / 2))


def expm1(X: Array) -> Array:
    """Return ``expm(X) - I`` without cancellation for small X.

    Taylor series of X / 2^s, then ``expm1(2 X) = 2 E + E^2``; X must be dissipative (no growth
    while squaring), as every balanced Legendre memory is.
    """
    halvings = max(0, math.ceil(math.log2(max(float(np.linalg.norm(X, 1)), 1e-300))) + 1)
    small = np.ldexp(X, -halvings)
    term = small
    E: Array = small.copy()
    for k in range(2, 20):
        term = term @ small / k
        E += term
        if np.linalg.norm(term) <= 1e-18 * np.linalg.norm(E):
            break
    for _ in range(halvings):
        E = 2.0 * E + E @ E
    return E


def smallest_euler_theta(system: StateSpace) -> float:
    """Return the theta above which euler is stable: max |l|^2 / (-2 Re l) over eig(A)."""
    poles = system.eigenvalues()
    return float(np.max(np.abs(poles) ** 2 / (-2.0 * poles.real)))
