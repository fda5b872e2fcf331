"""Bounds hold, and are attained."""

from __future__ import annotations

import numpy as np
import pytest

from lmu_hw.errors import UnstableError
from lmu_hw.memory.discretize import discretize
from lmu_hw.memory.legendre import state_space
from lmu_hw.memory.spec import Discretizer
from lmu_hw.memory.wave_digital import build_chain, cascade
from lmu_hw.quantize.bounds import Recurrence, frequency_grid, noise_size, norm2_bound


@pytest.fixture(params=[(2, 9.0), (6, 100.0), (16, 40.0)], ids=str)
def recurrence(request: pytest.FixtureRequest) -> Recurrence:
    order, theta = request.param
    chain = cascade(discretize(state_space(order), theta, Discretizer.ZOH)).chain
    return Recurrence(A=chain.A, b=chain.b)


def impulse_response(r: Recurrence, n: int) -> np.ndarray:
    z, out = r.b.copy(), []
    for _ in range(n):
        out.append(z)
        z = z + r.A @ z
    return np.array(out)


def test_peak_is_the_l1_norm_and_is_attained(recurrence: Recurrence) -> None:
    h = impulse_response(recurrence, 4000)
    peak = recurrence.peaks(np.eye(len(recurrence.b)), np.zeros(len(recurrence.b)))
    # the bound adds its own tail, 1e-6 of it at most
    np.testing.assert_allclose(peak, np.abs(h).sum(axis=0), rtol=2e-6)
    assert np.all(peak >= np.abs(h).sum(axis=0) * (1 - 1e-12))
    z = np.zeros(len(recurrence.b))
    for sign in np.sign(h[::-1, 0]):
        z = z + recurrence.A @ z + recurrence.b * sign
    assert z[0] == pytest.approx(peak[0], rel=1e-5)


def test_peak_with_direct_path() -> None:
    r = Recurrence(A=np.array([[-0.5]]), b=np.array([1.0]))
    assert r.peaks(np.array([[3.0]]), np.array([-2.0]))[0] == pytest.approx(2 + 3 * 2, rel=1e-5)


def test_error_sums_bound_every_rounding_error(recurrence: Recurrence) -> None:
    d = len(recurrence.b)
    noise = np.random.default_rng(0).standard_normal((d, 3)) * 1e-3
    exact, V = np.zeros((d, 3)), noise.copy()
    for _ in range(4000):
        exact += np.abs(V)
        V = V + recurrence.A @ V
    sums = recurrence.error_sums(np.eye(d), noise)
    assert np.all(sums >= exact)
    np.testing.assert_allclose(sums.sum(axis=1), exact.sum(axis=1), rtol=0.02)
    bound = noise_size(noise) * recurrence.decay_sums(np.eye(d))
    assert np.all(bound >= exact.sum(axis=1))
    assert np.all(bound <= 15 * exact.sum(axis=1)), "the bound is worthless"


def test_rounding_covariance_is_measured(recurrence: Recurrence) -> None:
    rng = np.random.default_rng(0)
    d, n = len(recurrence.b), 40_000
    z, total = np.zeros(d), np.zeros(d)
    for row in rng.uniform(-0.5, 0.5, (n, d)):
        z = z + recurrence.A @ z + row
        total += z * z
    predicted = np.diag(recurrence.rounding_covariance(np.eye(d)))
    # 40,000 samples, correlated over a window of up to 100: some 10 %
    np.testing.assert_allclose(total / n, predicted, rtol=0.3)


def test_stall_covariance_is_the_dc_gain() -> None:
    r = Recurrence(A=np.array([[-0.125]]), b=np.array([1.0]))
    assert r.stall_covariance(np.array([[3.0]]))[0, 0] == pytest.approx((3 * 8) ** 2 / 12)


def test_response_agrees_with_the_chain(recurrence: Recurrence) -> None:
    points = frequency_grid(0.01)[::97]
    order = len(recurrence.b)
    theta = {2: 9.0, 6: 100.0, 16: 40.0}[order]
    chain = cascade(discretize(state_space(order), theta, Discretizer.ZOH)).chain
    np.testing.assert_allclose(recurrence.response(points), chain.response(points), atol=1e-9)


def test_unstable_recurrence_is_refused() -> None:
    with pytest.raises(UnstableError, match="not stable: use more coefficient bits"):
        _ = Recurrence(A=np.array([[0.01]]), b=np.ones(1)).norm_sum


@pytest.mark.parametrize("shape", [(3, 5), (300, 280), (40, 700)])
def test_norm2_bound(shape: tuple[int, int]) -> None:
    M = np.random.default_rng(0).standard_normal(shape)
    exact = np.linalg.norm(M, 2)
    assert exact <= norm2_bound(M) * (1 + 1e-9)
    assert norm2_bound(M) <= 1.5 * exact
    assert norm2_bound(np.zeros(shape)) == 0.0


def test_grid_reaches_dc_and_nyquist() -> None:
    grid = frequency_grid(1e-6)
    assert grid[0] == 1.0
    assert grid[-1] == pytest.approx(-1.0)
    assert build_chain(((0.5,),)).response(grid).shape == (1, len(grid))
