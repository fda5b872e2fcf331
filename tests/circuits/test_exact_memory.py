"""The float memory in continuous time, against equations 1 and 3 in SciPy, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal

from lmu_hw.circuits.exact_memory import band_error, exact_response, exact_transient
from lmu_hw.memory.legendre import decoder, state_space


@pytest.mark.parametrize("order", [1, 2, 5, 12])
def test_response_and_transient_follow_the_equations(order: int) -> None:
    theta, delays = 2e-3, [0.0, 0.3, 1.0]
    system = state_space(order)
    C = decoder(order, delays)
    f = np.array([1.0, 100.0, 700.0])
    t = np.arange(200) * 5e-5
    u = np.random.default_rng(order).uniform(-1.0, 1.0, len(t))
    got = exact_transient(order, theta, delays, u, t[1])
    for k in range(len(delays)):
        exact = exact_response(order, theta, delays, f)[:, k]
        for point, value in zip(f, exact, strict=True):
            s = 2j * np.pi * point * theta * np.eye(order)
            assert value == pytest.approx(C[k] @ np.linalg.solve(s - system.A, system.B), abs=1e-9)
        single = (system.A / theta, system.B[:, None] / theta, C[k : k + 1], [[0.0]])
        # linear between the samples; the input's start is part of both
        _, y, _ = scipy.signal.lsim(single, u, t, X0=np.zeros(order))
        assert np.max(np.abs(got[:, k] - y)) < 1e-9 * max(1.0, np.max(np.abs(y)))


def test_direct_voltage_passes_unchanged() -> None:
    exact = exact_response(8, 1e-3, [0.0, 0.5, 1.0], np.array([1e-3]))
    assert np.max(np.abs(exact - 1.0)) < 1e-5


def test_the_error_in_the_band_is_a_mean_over_frequencies() -> None:
    exact = np.ones((4, 2), dtype=np.complex128)
    wrong = exact + np.array([[0.3, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.4j]])
    # trapezoids from 0 to the fourth frequency: 1.5 of 4 steps the first, 0.5 the last
    each = [np.sqrt(1.5 * 0.09 / 4.0), np.sqrt(0.5 * 0.16 / 4.0)]
    assert band_error(wrong, exact, axis=0) == pytest.approx(each)
    both = np.sqrt(np.mean(np.square(each)))
    assert float(band_error(wrong, exact)) == pytest.approx(both)
    # relative to what it should be
    assert float(band_error(2.0 * wrong, 2.0 * exact)) == pytest.approx(both)
