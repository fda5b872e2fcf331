"""Discretize the memory: zoh, euler or bilinear (equation 5).

Every method gives ``Bbar = (I - Abar) e_0`` exactly, because ``A e_0 = -B``: unit gain at DC.

With K > 1 substeps the bilinear method takes K steps of theta K in every sample, each fed the mean
of the linearly interpolated input at its two ends. Its phase error falls with K, and its delays are
true: K = 1, fed the newest sample alone, is half a sample early, as zoh is.
"""

from __future__ import annotations

import math

import numpy as np

from .._support.array_types import Array
from ..errors import UnstableError
from .legendre import StateSpace
from .spec import Discretizer


def discretize(
    system: StateSpace, theta: float, method: Discretizer, substeps: int = 1
) -> StateSpace:
    """Return the recursion ``m_t = Abar m_{t-1} + Bbar u_t`` as (Abar - I, Bbar).

    Parameters
    ----------
    system : StateSpace
        Continuous Legendre memory for theta = 1.
    theta : float
        Window length [samples], > 0.
    method : Discretizer
    substeps : int
        Steps K in a sample; more than one for bilinear only. The recursion then has a gain of the
        preceding input too, ``B_previous``.

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
    assert substeps == 1 or method is Discretizer.BILINEAR
    balanced = system.balanced()
    step = balanced.A / (theta * substeps)
    if method is Discretizer.ZOH:
        delta: Array = expm1(step)
    elif method is Discretizer.EULER:
        delta = step
    else:
        delta = np.asarray(np.linalg.solve(np.eye(system.order) - step / 2, step))
    scale = system.scale
    gains = _input_gains(delta, -delta[:, 0] / scale[0], substeps)
    for _ in range(substeps.bit_length() - 1):
        delta = 2.0 * delta + delta @ delta
    poles = None if system.poles is None else system.poles / (theta * substeps)
    return StateSpace(
        A=delta * (scale[:, None] / scale[None, :]),
        B=scale * gains[0],
        scale=scale.copy(),
        poles=None if poles is None else _discrete(poles, method, substeps),
        B_previous=scale * gains[1] if substeps > 1 else None,
    )


def interpolation(substeps: int) -> Array:
    """Return the share of the newest input in the input of every substep, shape (substeps,).

    The rest is the preceding input. A substep takes the mean of the interpolated input at its ends;
    a single step takes the newest input alone.
    """
    if substeps == 1:
        return np.ones(1)
    return np.asarray((2.0 * np.arange(substeps) + 1.0) / (2.0 * substeps))


def _input_gains(delta: Array, b: Array, substeps: int) -> tuple[Array, Array]:
    """Return the gains of the newest and of the preceding input over a whole step."""
    newest, preceding = np.zeros_like(b), np.zeros_like(b)
    for share in reversed(interpolation(substeps)):
        newest, preceding = newest + share * b, preceding + (1.0 - share) * b
        b = b + delta @ b
    return newest, preceding


def _discrete(poles: np.ndarray, method: Discretizer, substeps: int) -> np.ndarray:
    """Return the discrete poles minus 1, from continuous poles multiplied by the substep."""
    if method is Discretizer.ZOH:
        return np.asarray(np.expm1(poles))
    if method is Discretizer.EULER:
        return poles
    delta = np.asarray(poles / (1.0 - poles / 2))
    for _ in range(substeps.bit_length() - 1):
        delta = 2.0 * delta + delta**2
    return delta


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
