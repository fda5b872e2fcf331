"""Least squares for the weights of taps."""

from __future__ import annotations

import numpy as np
import pytest

from lmu_hw.circuits.tap_weights import tap_weights


def responses(n_f: int = 30, n: int = 5, units: tuple[int, ...] = ()) -> np.ndarray:
    rng = np.random.default_rng(1)
    shape = (*units, n_f, n)
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


def test_exact_weights_are_found() -> None:
    states, w = responses(), np.random.default_rng(2).standard_normal((5, 3))
    np.testing.assert_allclose(tap_weights(states, states @ w, 0.0), w, rtol=1e-10)


def test_ridge_minimizes_the_expected_error() -> None:
    states = responses()
    # two states that are almost the same, of very different size
    states[:, 1] = 1e-3 * (states[:, 0] + 0.01 * states[:, 1])
    target, ridge = responses(n=1), 0.1
    power = np.mean(np.abs(states) ** 2, axis=0)[:, None]

    def expected(w: np.ndarray) -> float:
        error = np.mean(np.abs(states @ w - target) ** 2)
        return float(error + ridge**2 * np.sum(power * w * w))

    w = tap_weights(states, target, ridge)
    for i in range(len(w)):
        for change in (0.999, 1.001):
            other = w.copy()
            other[i] *= change
            assert expected(other) > expected(w)


def test_units_are_fitted_one_by_one() -> None:
    states, target = responses(units=(3,)), responses(n=2)
    w = tap_weights(states, target)
    assert w.shape == (3, 5, 2)
    for k in range(3):
        np.testing.assert_allclose(w[k], tap_weights(states[k], target), rtol=1e-12)


@pytest.mark.parametrize("ridge", [0.0, 0.004])
def test_a_state_that_does_nothing_gets_no_weight(ridge: float) -> None:
    states = responses()
    states[:, 2] = 0.0
    w = tap_weights(states, responses(n=1), ridge)
    assert np.isfinite(w).all()
    assert abs(w[2, 0]) < 1e-12
