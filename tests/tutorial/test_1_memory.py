"""Lesson 1: a Legendre memory in floating point remembers a window of its input."""

from __future__ import annotations

import numpy as np
from scipy import signal

import lmu_hw as lh


def equation_2(order: int) -> tuple[np.ndarray, np.ndarray]:
    """Return A and B of the paper: theta m'(t) = A m(t) + B u(t)."""
    i, j = np.meshgrid(np.arange(order), np.arange(order), indexing="ij")
    A = (2 * i + 1) * np.where(i < j, -1.0, (-1.0) ** (i - j + 1))
    k = np.arange(order)[:, None]
    return A, (2 * k + 1) * (-1.0) ** k


def test_a_memory_is_a_linear_system() -> None:
    """`to_ss` gives the matrices of one step, as SciPy discretizes equation 2."""
    A, B = equation_2(order=6)
    theta = 40  # samples that the window spans
    system = A / theta, B / theta, np.eye(6), np.zeros((6, 1))
    expected, _, _, _, _ = signal.cont2discrete(system, dt=1.0, method="zoh")
    step, *_, dt = lh.Memory(6, theta).to_ss()
    assert dt == 1.0
    np.testing.assert_allclose(step, expected, atol=1e-12)  # both are exact but for roundings


def test_simulating_it_is_a_loop_over_those_matrices() -> None:
    u = np.random.default_rng(0).uniform(-1, 1, 200)
    memory = lh.Memory(6, theta=40)
    A, B, *_ = memory.to_ss()
    m, rows = np.zeros(6), []
    for u_t in u:
        m = A @ m + B[:, 0] * u_t
        rows.append(m)
    np.testing.assert_allclose(memory.simulate(u), rows, atol=1e-12)


def test_the_decoder_reads_the_input_of_some_time_ago() -> None:
    """Delays are fractions of theta: 0 is the newest sample, 1 the oldest."""
    u = np.sin(np.arange(500) / 25)
    memory = lh.Memory(12, theta=60)
    newest, middle, oldest = (memory.simulate(u) @ memory.decoder([0, 0.5, 1]).T).T
    for decoded, delay in ((newest, 0), (middle, 30), (oldest, 60)):
        wanted = u[100 - delay : 500 - delay]  # from where the window is full
        assert np.max(np.abs(decoded[100:] - wanted)) < 0.05
