"""Round the weights of a tap to a series of resistors, the others making up for each.

The resistor with the largest effect is rounded first, then all weights that are left are fitted
again, and so on. That is repeated for several resistors of weight 1, which shift the whole grid of
weights against the series, and the best is kept.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .._support.array_types import Array
from .request import AnalogRequest
from .tap_network import weights_near
from .tap_weights import RIDGE, tap_weights

WORK = 300
"""Most fits in a search: fewer resistors of weight 1 are tried for a higher order."""
ENOUGH = 1.1
"""The search ends with an error of this, relative to that of exact weights."""


def round_weights(
    request: AnalogRequest, states: np.ndarray, target: np.ndarray, units: Sequence[float]
) -> tuple[Array, float]:
    """Return weights that resistors of the series make, and the resistor of weight 1.

    Parameters
    ----------
    request : AnalogRequest
    states : complex array, shape (n_f, d)
        Responses of the states.
    target : complex array, shape (n_f,)
        Response that the tap should have.
    units : sequence of float
        Resistors of weight 1 to try, the preferred one first.

    Returns
    -------
    float array, shape (d,)
    float
    """
    X, y = _reduced(states, target)
    size = np.linalg.norm(X, axis=0)

    def cost(weights: Array) -> float:
        expected = np.sum((RIDGE * weights * size) ** 2)
        return float(np.sqrt(np.sum((X @ weights - y) ** 2) + expected))

    enough = ENOUGH * cost(tap_weights(X, y[:, None])[:, 0])
    best, best_cost, best_unit = np.zeros(X.shape[1]), np.inf, units[0]
    for unit in units[: max(4, WORK // X.shape[1])]:
        weights = _round_in_turn(request, X, y, unit)
        if cost(weights) < best_cost:
            best, best_cost, best_unit = weights, cost(weights), unit
        if best_cost <= enough:
            break
    return best, best_unit


def _reduced(states: np.ndarray, target: np.ndarray) -> tuple[Array, Array]:
    """Return a real least-squares problem of d + 1 rows with the same solutions and errors."""
    both = np.column_stack([states, target])
    R = np.asarray(np.linalg.qr(np.concatenate([both.real, both.imag]), mode="r"))
    return R[:, :-1], R[:, -1]


def _round_in_turn(request: AnalogRequest, X: Array, y: Array, unit: float) -> Array:
    """Return weights rounded one after the other, those left fitted again each time."""
    d = X.shape[1]
    size = np.linalg.norm(X, axis=0)
    weights, left = np.zeros(d), list(range(d))
    while left:
        fitted = tap_weights(X[:, left], (y - X @ weights)[:, None])[:, 0]
        at = int(np.argmax(np.abs(fitted) * size[left]))
        wanted = float(fitted[at])
        near = weights_near(request, unit, wanted)
        weights[left.pop(at)] = min(near, key=lambda w: abs(w - wanted))
    return weights
