"""The paper's cell with random weights, its arrays by several names, and its equations."""

from __future__ import annotations

import numpy as np

from lmu_hw._support.array_types import Array
from lmu_hw.memory.discretize import discretize
from lmu_hw.memory.legendre import state_space
from lmu_hw.memory.spec import Discretizer

N_IN, N, D, THETA = 2, 5, 4, 12.0
Arrays = dict[str, Array]
X = np.random.default_rng(7).standard_normal((40, N_IN))
"""Inputs of 40 steps."""


def maths(seed: int = 1, n_in: int = N_IN, theta: float = THETA) -> Arrays:
    """Return a cell in the letters of the paper."""
    rng = np.random.default_rng(seed)
    system = discretize(state_space(D), theta, Discretizer.ZOH)
    shapes = {
        "e_x": (1, n_in),
        "e_h": (1, N),
        "e_m": (1, D),
        "W_x": (N, n_in),
        "W_h": (N, N),
        "W_m": (N, D),
    }
    cell = {name: rng.uniform(-0.4, 0.4, shape) for name, shape in shapes.items()}
    return cell | {"A": system.A + np.eye(D), "B": system.B[:, None]}


def keras(cell: Arrays) -> Arrays:
    """Return the same cell as the paper's code stores it."""
    names = {
        "input_encoders": cell["e_x"],
        "hidden_encoders": cell["e_h"],
        "memory_encoders": cell["e_m"],
        "input_kernel": cell["W_x"],
        "hidden_kernel": cell["W_h"],
        "memory_kernel": cell["W_m"],
        "AT": cell["A"] - np.eye(D),
        "BT": cell["B"],
    }
    return {name: array.T.copy() for name, array in names.items()}


def prefixed(arrays: Arrays, form: str) -> Arrays:
    return {form.format(name): array for name, array in arrays.items()}


def loop(cell: Arrays, x: Array, b: Array | None = None) -> Array:
    """Return h at every step of equations 7, 4 and 6, for x of shape (steps, n_in)."""
    h, m, out = np.zeros(N), np.zeros(D), []
    for x_t in x:
        u = cell["e_x"] @ x_t + cell["e_h"] @ h + cell["e_m"] @ m
        m = cell["A"] @ m + cell["B"] @ u
        h = np.tanh(cell["W_x"] @ x_t + cell["W_h"] @ h + cell["W_m"] @ m + (0 if b is None else b))
        out.append(h)
    return np.array(out)
