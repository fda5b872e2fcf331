"""The float ladder: the dense bilinear recursion itself, lossless for any coefficients."""

from __future__ import annotations

import numpy as np
import pytest

from lmu_hw.memory.discretize import discretize, interpolation
from lmu_hw.memory.float_memory import run_memory
from lmu_hw.memory.ladder import WaveErrors, WaveLadder, ladder, wave_scale
from lmu_hw.memory.legendre import StateSpace, state_space
from lmu_hw.memory.spec import SUBSTEPS, Discretizer

SIZES = [
    *((1, 1.0), (1, 1.5), (1, 1e5), (2, 1.0), (2, 16.0), (3, 24.0), (5, 100.0), (6, 1.5)),
    *((6, 48.0), (7, 1e5), (16, 128.0), (64, 1.0), (64, 512.0), (64, 1e5), (255, 2040.0)),
]


def run(exact: WaveLadder, u: np.ndarray, substeps: int) -> np.ndarray:
    """Return the waves of the state after every step from rest."""
    w, previous, out = np.zeros((exact.order, 1)), 0.0, []
    for sample in u:
        for share in interpolation(substeps):
            w = exact.substep(w, np.array([share * sample + (1 - share) * previous])).state
        previous = sample
        out.append(w[:, 0])
    return np.array(out)


def bilinear(order: int, theta: float, substeps: int = 1) -> StateSpace:
    return discretize(state_space(order), theta, Discretizer.BILINEAR, substeps)


@pytest.mark.parametrize("substeps", SUBSTEPS)
@pytest.mark.parametrize(("order", "theta"), SIZES)
def test_the_state_is_the_bilinear_memory(order: int, theta: float, substeps: int) -> None:
    u = np.random.default_rng(order).uniform(-1, 1, 40)
    m = run(ladder(order, theta * substeps), u, substeps) * wave_scale(order, theta * substeps)
    wanted = run_memory(bilinear(order, theta, substeps), u[:, None])[:, 0]
    assert np.abs(m - wanted).max() < 1e-12


@pytest.mark.parametrize(
    "theta", [pytest.param(t, marks=pytest.mark.soak) for t in (1.0, 1.5, 8192.0, 1e5)]
)
def test_the_largest_order(theta: float) -> None:
    u = np.random.default_rng(0).uniform(-1, 1, 12)
    m = run(ladder(1024, theta), u, 1) * wave_scale(1024, theta)
    assert np.abs(m - run_memory(bilinear(1024, theta), u[:, None])[:, 0]).max() < 1e-12


@pytest.mark.parametrize("substeps", SUBSTEPS)
@pytest.mark.parametrize(("order", "theta"), [(1, 8.0), (2, 16.0), (7, 30.0), (16, 128.0)])
def test_the_response_is_that_of_the_recursion(order: int, theta: float, substeps: int) -> None:
    z = np.exp(1j * np.array([0.0, 1e-3, 0.1, 1.0, 3.0, np.pi]))
    system = bilinear(order, theta, substeps).balanced()
    second = np.zeros(order) if system.B_previous is None else system.B_previous
    eye = np.eye(order)
    wanted = [np.linalg.solve(eye - (eye + system.A) / x, system.B + second / x) for x in z]
    scale = wave_scale(order, theta * substeps) / np.sqrt(2.0 * np.arange(order) + 1.0)
    got = scale[:, None] * ladder(order, theta * substeps).response(z, substeps)
    assert np.abs(got - np.array(wanted).T).max() < 1e-12


def test_substeps_are_substeps() -> None:
    """Four substeps in a sample are four samples of an input that is fed four times as fast."""
    u = np.random.default_rng(1).uniform(-1, 1, 30)
    padded = np.concatenate([[0.0], u])
    fast = np.concatenate(
        [padded[t] + (np.arange(4) + 0.5) / 4 * (u[t] - padded[t]) for t in range(30)]
    )
    wanted = run_memory(bilinear(5, 400.0), fast[:, None])[3::4, 0]
    assert np.abs(run_memory(bilinear(5, 100.0, 4), u[:, None])[:, 0] - wanted).max() < 1e-13


@pytest.mark.parametrize("seed", range(5))
def test_any_coefficients_keep_the_energy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    order = int(rng.integers(1, 8))
    any_ladder = WaveLadder(sections=rng.uniform(0.01, 0.99, order), reflection=1.0)
    w = rng.standard_normal((order, 3))
    waves = any_ladder.substep(w, np.zeros(3))
    kept = np.sum((any_ladder.weight[:, None] * waves.state) ** 2, axis=0)
    # with rho = 1 at rest only the matched resistor, R = 1, takes energy
    lost = waves.right[-1] ** 2
    # rho = 1 turns the wave to the source around, with its sign
    before = np.sum((any_ladder.weight[:, None] * w) ** 2, axis=0)
    np.testing.assert_allclose(kept + lost, before, rtol=1e-12)


def test_errors_add_where_they_enter() -> None:
    exact = ladder(4, 32.0)
    rng = np.random.default_rng(2)
    w, u = rng.standard_normal((4, 1)), np.array([0.3])
    none = WaveErrors(*(np.zeros((4, 1)) for _ in range(3)), np.zeros((1, 1)))
    at_state = np.zeros((4, 1))
    at_state[2] = 1e-3
    clean = exact.substep(w, u)
    assert np.array_equal(exact.substep(w, u, none).state, clean.state)
    changed = exact.substep(w, u, none._replace(state=at_state)).state - clean.state
    np.testing.assert_allclose(changed, at_state, atol=1e-15)
    # a wave to the right reaches the sections right of it, within the same substep
    reached = exact.substep(w, u, none._replace(right=at_state)).state - clean.state
    assert np.abs(reached[:3]).max() < 1e-15 < abs(reached[3, 0])
