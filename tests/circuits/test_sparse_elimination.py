"""Sparse elimination of many systems against dense solutions."""

from __future__ import annotations

import numpy as np
import pytest

from lmu_hw.circuits.sparse_elimination import elimination_plan, solve_all


def systems(seed: int, n: int, m: int) -> tuple[np.ndarray, np.ndarray]:
    """Return m systems of one sparse pattern, (m, n, n), and a right-hand side."""
    rng = np.random.default_rng(seed)
    pattern = (rng.random((n, n)) < 0.25) | np.eye(n, dtype=bool)[rng.permutation(n)]
    values = rng.uniform(0.5, 2.0, (n, n)) * rng.choice([-1.0, 1.0], (n, n))
    phases = np.exp(1j * rng.uniform(-0.2, 0.2, (m, n, n)))
    right = np.where(rng.random(n) < 0.5, rng.standard_normal(n), 0.0)
    right[0] = 1.0
    return pattern * values * phases * rng.uniform(0.9, 1.1, (m, n, n)), right


def solve(matrices: np.ndarray, right: np.ndarray, samples: np.ndarray) -> np.ndarray:
    plan = elimination_plan(samples, right)
    return solve_all(plan, matrices[:, plan.rows, plan.columns].T).T


@pytest.mark.parametrize("seed", range(20))
def test_against_dense_solutions(seed: int) -> None:
    matrices, right = systems(seed, 4 + seed, 30)
    exact = np.linalg.solve(matrices, right[:, None].astype(complex))[..., 0]
    got = solve(matrices, right, matrices[:3])
    np.testing.assert_allclose(got, exact, rtol=1e-6, atol=1e-9 * np.abs(exact).max())


def test_a_plan_is_used() -> None:
    matrices, right = systems(1, 12, 5)
    plan = elimination_plan(matrices, right)
    assert len(plan.steps) == 12
    # far fewer entries than a dense elimination has
    assert plan.n_slots < 12 * 13


def test_a_pivot_that_vanishes_is_found_by_its_residual() -> None:
    samples = np.array([[[1.0, 1.0], [1.0, 0.0]], [[2.0, 1.0], [1.0, 0.0]]])
    # the pivot of the samples is no pivot here: 1 e-18 against 1
    later = np.array([[[1.0, 1.0], [1e-18, 1.0]], [[0.0, 1.0], [1.0, 1.0]]])
    right = np.array([1.0, 2.0])
    exact = np.linalg.solve(later, right[:, None])[..., 0]
    full = np.where(samples == 0.0, 1e-300, samples)
    np.testing.assert_allclose(solve(later, right, full), exact, rtol=1e-12)


def test_without_a_stable_order_all_is_dense() -> None:
    samples = np.array([[[1.0, 1e-6], [1e-6, 1.0]], [[1e-6, 1.0], [1.0, 1e-6]]])
    right = np.array([1.0, 2.0])
    assert elimination_plan(samples, right).steps == ()
    np.testing.assert_allclose(
        solve(samples, right, samples), np.linalg.solve(samples, right[:, None])[..., 0]
    )


def test_no_systems() -> None:
    matrices, right = systems(0, 4, 3)
    assert solve(matrices[:0], right, matrices).shape == (0, 4)
