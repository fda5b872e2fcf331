"""Every node of a structure swings alike, as far as an input can drive it."""

from __future__ import annotations

import numpy as np
import pytest

from lmu_hw.circuits.circuit import INPUT
from lmu_hw.circuits.dynamic_range import scale_nodes
from lmu_hw.circuits.request import CircuitStructure
from lmu_hw.circuits.state_equations import StateEquations
from lmu_hw.circuits.structures import structure_of
from lmu_hw.memory.legendre import decoder, state_space


def norms(A: np.ndarray, B: np.ndarray, rows: np.ndarray, direct: np.ndarray) -> np.ndarray:
    """Return the integral of |impulse response| over a fine grid, by the trapezoidal rule."""
    t = np.linspace(0.0, 12.0, 40_000)
    poles, V = np.linalg.eig(A)
    modes = np.exp(np.outer(t, poles)) * np.linalg.solve(V, B.astype(complex))
    response = np.abs((modes @ V.T).real @ rows.T)
    whole = t[1] * (response.sum(axis=0) - (response[0] + response[-1]) / 2)
    return np.asarray(whole + np.abs(direct))


@pytest.mark.parametrize("kind", CircuitStructure)
@pytest.mark.parametrize("order", [1, 2, 5, 8])
def test_worst_input_of_every_node(kind: CircuitStructure, order: int) -> None:
    structure = structure_of(kind, order)
    scaling = scale_nodes(structure, (0.1, 0.6, 1.0))
    rows, direct = structure.outputs()
    gains = np.array([scaling.gains[stage.name] for stage in structure.stages])
    # the grid of the integral is good to 1e-3
    found = gains * norms(structure.A, structure.B, rows, direct)
    np.testing.assert_allclose(found, scaling.peak, rtol=2e-3)
    assert scaling.gains[INPUT] == 1.0


@pytest.mark.parametrize("kind", CircuitStructure)
def test_the_largest_tap_sets_the_scale(kind: CircuitStructure) -> None:
    m = state_space(8).balanced()
    rows = decoder(8, [0.2, 1.0]) * state_space(8).scale
    wanted = norms(m.A, m.B, rows, np.zeros(2))
    assert scale_nodes(structure_of(kind, 8), (0.2,)).peak == pytest.approx(wanted[0], rel=2e-3)
    found = scale_nodes(structure_of(kind, 8), (0.2, 1.0)).peak
    assert found == pytest.approx(wanted.max(), rel=2e-3)


def test_a_first_order_memory_needs_no_reserve() -> None:
    # a low-pass of gain 1 never exceeds its input
    assert scale_nodes(structure_of(CircuitStructure.CASCADE, 1), (0.5,)).peak == 1.0


def test_no_input_goes_beyond_and_the_worst_one_gets_there() -> None:
    structure = structure_of(CircuitStructure.CASCADE, 6)
    scaling = scale_nodes(structure, (1.0,))
    rows, direct = structure.outputs()
    rows = rows * np.array([[scaling.gains[stage.name]] for stage in structure.stages])
    equations = StateEquations(A=structure.A, B=structure.B, C=rows, D=0.0 * direct)
    dt, n = 1e-3, 4000
    impulse = equations.simulate(np.eye(1, n)[0], dt)
    states = [i for i, stage in enumerate(structure.stages) if stage.integrates]
    # signs of the impulse response, backwards in time
    worst = np.sign(impulse[::-1, states[3]])
    got = np.abs(equations.simulate(worst, dt)[:, states])
    # the norm is known from below, to 1e-4
    assert got.max() <= scaling.peak * (1.0 + 1e-4)
    assert got[-1, 3] == pytest.approx(scaling.peak, rel=0.02)
