"""Frequency responses of memories against the resolvent, solved point by point."""

from __future__ import annotations

import numpy as np
import pytest

from lmu_hw.memory.discretize import discretize
from lmu_hw.memory.frequency_response import memory_response, state_response
from lmu_hw.memory.legendre import state_space
from lmu_hw.memory.spec import Discretizer

Z = np.exp(1j * np.array([1e-4, 0.02, 0.3, 1.7, np.pi]))


def resolvent(A: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the response of ``x' - x = A x + b u``, b of shape (d, n_points)."""
    eye = np.eye(len(A))
    columns = [np.linalg.solve((z - 1.0) * eye - A, z * b[:, k]) for k, z in enumerate(Z)]
    return np.stack(columns, axis=1)


@pytest.mark.parametrize("order", [1, 2, 7, 24])
def test_state_response(order: int) -> None:
    rng = np.random.default_rng(order)
    A = rng.uniform(-1, 1, (order, order)) / order - 0.5 * np.eye(order)
    b = rng.uniform(-1, 1, order)
    wanted = resolvent(A, np.tile(b[:, None], len(Z)))
    # condition numbers are below 100
    np.testing.assert_allclose(state_response(A, b, Z), wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("order", [1, 2, 7, 24])
@pytest.mark.parametrize(
    ("method", "substeps"),
    [(Discretizer.ZOH, 1), (Discretizer.EULER, 1)]
    + [(Discretizer.BILINEAR, substeps) for substeps in (1, 2, 4, 8)],
)
def test_memory_response(order: int, method: Discretizer, substeps: int) -> None:
    theta = 30.0 * order  # where euler is stable
    system = discretize(state_space(order), theta, method, substeps)
    balanced = system.balanced()
    gain = np.tile(balanced.B[:, None], len(Z)).astype(np.complex128)
    if balanced.B_previous is not None:
        gain += balanced.B_previous[:, None] / Z
    wanted = system.scale[:, None] * resolvent(balanced.A, gain)
    got = memory_response(order, theta, method, substeps, Z)
    # the resolvent loses four digits at the lowest frequency
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-10)
