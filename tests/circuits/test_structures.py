"""The structures are the memory, exactly."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from lmu_hw.circuits.request import CircuitStructure
from lmu_hw.circuits.structures import (
    MAX_ANALOG_ORDER,
    STRUCTURES,
    MemoryStructure,
    ladder_structure,
    structure_of,
)
from lmu_hw.errors import SpecError
from lmu_hw.memory.legendre import decoder, state_space

ORDERS = [*range(1, 9), 12, 21, 24, 32, 64, pytest.param(128, marks=pytest.mark.soak)]


def transfer(A: np.ndarray, B: np.ndarray, s: np.ndarray) -> np.ndarray:
    """Return (s - A)^-1 B, shape (n, d)."""
    eye = np.eye(len(B))
    return np.linalg.solve(s[:, None, None] * eye - A, np.tile(B, (len(s), 1))[..., None])[..., 0]


def decoded_error(structure: MemoryStructure, frequency: float) -> float:
    """Return |E_d|, the error of the decoded delay theta for a sine of a frequency [1/theta]."""
    s = np.array([2j * np.pi * frequency])
    decoded = structure.T.T @ decoder(structure.order, [1.0])[0]
    return float(abs(transfer(structure.A, structure.B, s) @ decoded * np.exp(s) - 1.0)[0])


def pade_error(order: int, frequency: float) -> float:
    """Return |E_d| of the Padé approximant [d-1/d] of exp(-s), from its coefficients."""
    s, d = 2j * np.pi * frequency, order
    weights = [math.factorial(2 * d - 1 - j) for j in range(d + 1)]
    above = sum(math.comb(d - 1, j) * weights[j] * (-s) ** j for j in range(d))
    below = sum(math.comb(d, j) * weights[j] * s**j for j in range(d + 1))
    return float(abs(above / below * np.exp(s) - 1.0))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", STRUCTURES)
def test_legendre_coefficients_of_every_frequency(kind: CircuitStructure, order: int) -> None:
    structure = structure_of(kind, order)
    memory = state_space(order).balanced()
    s = 2j * np.pi * np.linspace(0.0, order, 50)
    wanted = transfer(memory.A, memory.B, s)
    got = transfer(structure.A, structure.B, s) @ structure.T.T / state_space(order).scale
    # measured 6e-14 at most
    assert np.abs(got - wanted).max() < 1e-12 * np.abs(wanted).max()


@pytest.mark.parametrize("kind", STRUCTURES)
@pytest.mark.parametrize(("order", "frequency", "error"), [(6, 1.0, 0.703e-2), (21, 5.0, 0.323e-2)])
def test_errors_of_the_paper(
    kind: CircuitStructure, order: int, frequency: float, error: float
) -> None:
    assert decoded_error(structure_of(kind, order), frequency) == pytest.approx(error, abs=1e-5)


@pytest.mark.parametrize("kind", STRUCTURES)
@pytest.mark.parametrize(
    ("order", "frequency"), [(3, 0.5), (3, 1.0), (6, 1.0), (12, 2.0), (21, 5.0)]
)
def test_errors_of_the_pade_approximant(
    kind: CircuitStructure, order: int, frequency: float
) -> None:
    wanted = pade_error(order, frequency)
    assert decoded_error(structure_of(kind, order), frequency) == pytest.approx(wanted, abs=1e-10)


@pytest.mark.parametrize("order", [1, 2, 3, 6, 12])
def test_poles_are_those_of_eigenvalues(order: int) -> None:
    # from float64 matrices they are accurate enough at these orders
    wanted = np.sort_complex(np.linalg.eigvals(state_space(order).balanced().A))
    for kind in STRUCTURES:
        got = np.sort_complex(np.linalg.eigvals(structure_of(kind, order).A))
        np.testing.assert_allclose(got, wanted, rtol=1e-6)


@pytest.mark.parametrize("kind", [CircuitStructure.CASCADE, CircuitStructure.LADDER])
def test_states_are_orthonormal(kind: CircuitStructure) -> None:
    structure = structure_of(kind, 24)
    wanted = -np.outer(structure.B, structure.B)
    np.testing.assert_allclose(structure.A + structure.A.T, wanted, atol=1e-11)


def test_known_ladder() -> None:
    k1, k2 = math.sqrt(88 / 3), math.sqrt(20 / 3)
    np.testing.assert_allclose(ladder_structure(3).A, [[-9, -k1, 0], [k1, 0, -k2], [0, k2, 0]])


def test_sections_of_a_cascade() -> None:
    names = [
        [stage.name for stage in s.stages]
        for s in structure_of(CircuitStructure.CASCADE, 5).sections
    ]
    assert names == [["x1", "x2", "w1"], ["x3", "x4", "w2"], ["x5"]]
    # the highest frequency first
    A = structure_of(CircuitStructure.CASCADE, 5).A
    first, second = (np.linalg.eigvals(A[at : at + 2, at : at + 2]) for at in (0, 2))
    assert abs(first[0].imag) > abs(second[0].imag) > 0


def test_outputs_of_sums_are_all_pass() -> None:
    structure = structure_of(CircuitStructure.CASCADE, 7)
    rows, direct = structure.outputs()
    s = 2j * np.pi * np.array([0.0, 0.3, 2.0, 9.0])
    response = transfer(structure.A, structure.B, s) @ rows.T + direct
    sums = [i for i, stage in enumerate(structure.stages) if not stage.integrates]
    np.testing.assert_allclose(abs(response[:, sums]), 1.0, atol=1e-12)


@pytest.mark.parametrize("order", [0, MAX_ANALOG_ORDER + 1, 2.0, True])
def test_orders_out_of_range(order: Any) -> None:
    with pytest.raises(SpecError, match="whole number from 1 to 128, not"):
        structure_of(CircuitStructure.CASCADE, order)
