"""Recursions: equal to SciPy's, unit gain, and stable or refused."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import scipy.linalg
from scipy.signal import cont2discrete

from lmu_hw._support.array_types import Array
from lmu_hw.errors import LMUHWError, UnstableError
from lmu_hw.memory.discretize import discretize, expm1, smallest_euler_theta
from lmu_hw.memory.legendre import state_space
from lmu_hw.memory.spec import Discretizer

ORDERS = [1, 2, 3, 6, 16, 48]
EPS = float(np.finfo(np.float64).eps)

methods = pytest.mark.parametrize("method", Discretizer)
orders = pytest.mark.parametrize("order", ORDERS)


def theta_of(order: int, method: Discretizer) -> float:
    """Return a window that is stable for the method."""
    return 8.0 * order if method is not Discretizer.EULER else 2.0 * order**2 + 5


@orders
@methods
def test_recursions_are_those_of_scipy(order: int, method: Discretizer) -> None:
    theta = theta_of(order, method)
    continuous = state_space(order)
    A, B = continuous.A / theta, continuous.B[:, None] / theta
    C, D = np.eye(order), np.zeros((order, 1))
    got = discretize(continuous, theta, method)
    Abar, Bbar, *_ = cont2discrete((A, B, C, D), 1.0, method=method.value)
    # scipy works in Legendre coordinates, whose scaling has condition number 2 order: it loses
    # that much of eps, and as much again in the order^2 terms of its exponential or solve
    scale = 4 * order**2 * EPS
    assert np.allclose(got.A + np.eye(order), Abar, rtol=0, atol=scale * max(1, abs(Abar).max()))
    assert np.allclose(got.B, Bbar[:, 0], rtol=0, atol=scale * max(1, abs(Bbar).max()))


@orders
def test_bilinear_is_tustins_rule(order: int) -> None:
    """(I - X/2) Abar = I + X/2 and (I - X/2) Bbar = B / theta, with X = A / theta."""
    theta = 5.0 * order
    continuous = state_space(order)
    X = continuous.A / theta
    got = discretize(continuous, theta, Discretizer.BILINEAR)
    left = np.eye(order) - X / 2
    # entries of X are below 1; one solve of condition below 2 order
    bound = 16 * order**2 * EPS
    assert np.allclose(left @ (got.A + np.eye(order)), np.eye(order) + X / 2, rtol=0, atol=bound)
    assert np.allclose(left @ got.B, continuous.B / theta, rtol=0, atol=bound)


@orders
@methods
def test_unit_gain(order: int, method: Discretizer) -> None:
    """Bbar = (I - Abar) e_0, exactly in the floats that are stored as Abar - I and Bbar."""
    got = discretize(state_space(order), theta_of(order, method), method)
    # Bbar is scaled by the product of one factor instead of a quotient: two roundings
    assert np.allclose(got.B, -got.A[:, 0], rtol=4 * EPS, atol=0)
    assert np.allclose(np.linalg.solve(got.A, -got.B), np.eye(order)[0], atol=1e-9)


@orders
@methods
def test_the_coordinates_stay(order: int, method: Discretizer) -> None:
    continuous = state_space(order)
    got = discretize(continuous, theta_of(order, method), method)
    assert np.array_equal(got.scale, continuous.scale)
    assert got.order == order


@orders
@methods
def test_stable(order: int, method: Discretizer) -> None:
    got = discretize(state_space(order), theta_of(order, method), method)
    assert np.max(np.abs(np.linalg.eigvals(got.balanced().A + np.eye(order)))) < 1
    if method is not Discretizer.EULER:  # lossless in balanced coordinates, but for rounding
        assert np.linalg.norm(got.balanced().A + np.eye(order), 2) <= 1 + 64 * order * EPS


@pytest.mark.parametrize("theta", [1e4, 1e6])
def test_long_windows_keep_their_digits(theta: float) -> None:
    """Abar - I of the size 1 / theta: against its series, whose third term is below eps there."""
    system = state_space(2)
    X = system.A / theta
    expected = X + X @ X / 2 + X @ X @ X / 6 + X @ X @ X @ X / 24
    got = discretize(system, theta, Discretizer.ZOH)
    assert np.allclose(got.A, expected, rtol=32 * EPS, atol=0)  # a few roundings each


def test_a_constant_fills_the_window() -> None:
    system = discretize(state_space(6), 40.0, Discretizer.ZOH)
    m = np.zeros(6)
    for _ in range(2000):
        m = m + system.A @ m + system.B
    assert np.allclose(m, np.eye(6)[0], atol=1e-12)  # the transient is below 1e-20 by then


# Euler's limit.


@pytest.mark.parametrize(
    ("order", "published"), [(6, 10.6), (16, 59.7), (32, 197.0), (64, 640.0), (128, 2061.0)]
)
def test_smallest_euler_theta_as_published(order: int, published: float) -> None:
    """To the digits that were published; above d = 32 those hold only to half a percent."""
    smallest = smallest_euler_theta(state_space(order))
    if order <= 32:
        assert round(smallest, 1 if order < 32 else 0) == published
    assert abs(smallest / published - 1) < 6e-3


@pytest.mark.parametrize(
    ("order", "exact"),
    [
        (6, 10.64181489),
        (16, 59.7249819),
        (32, 196.8508988),
        (64, 638.6503035),
        (128, 2050.522476),
    ],
)
def test_smallest_euler_theta_is_exact(order: int, exact: float) -> None:
    """Against the roots of the Pade denominator of exp(-s), found with 250 digits."""
    # ten digits were kept; the poles of the balanced matrix lose some more of float64's at 128
    assert abs(smallest_euler_theta(state_space(order)) / exact - 1) < 1e-8


@pytest.mark.parametrize("order", [1, 2, 6, 16, 32])
def test_euler_just_below_is_refused_and_just_above_is_stable(order: int) -> None:
    system = state_space(order)
    smallest = smallest_euler_theta(system)
    below, above = smallest * (1 - 1e-6), smallest * (1 + 1e-6)
    text = (
        rf"euler with d = {order} is stable only for theta > {smallest:.1f} samples, "
        rf"not {below:g}: use theta >= {int(smallest) + 1} or --discretizer zoh\Z"
    )
    with pytest.raises(UnstableError, match=text) as error:
        discretize(system, below, Discretizer.EULER)
    assert isinstance(error.value, LMUHWError)
    assert isinstance(error.value, ArithmeticError)

    def radius(theta: float) -> float:
        Abar = np.eye(order) + system.balanced().A / theta
        return float(np.max(np.abs(np.linalg.eigvals(Abar))))

    got = discretize(system, above, Discretizer.EULER)
    assert np.max(np.abs(np.linalg.eigvals(got.balanced().A + np.eye(order)))) < 1
    assert radius(below) > 1 > radius(above)
    discretize(system, int(smallest) + 1, Discretizer.EULER)  # the remedy works


def test_euler_at_the_limit_is_refused() -> None:
    with pytest.raises(UnstableError):
        discretize(state_space(1), 0.5, Discretizer.EULER)  # Abar = 1 - 1 / theta = -1
    assert smallest_euler_theta(state_space(1)) == 0.5


# The exponential.


def series(X: Array, n_terms: int = 30) -> Array:
    """Return expm(X) - I in exact rational arithmetic, for small X."""
    d = len(X)
    exact = [[Fraction(x) for x in row] for row in X.tolist()]
    term = total = exact
    for k in range(2, n_terms):
        term = [
            [sum(term[i][l] * exact[l][j] for l in range(d)) / k for j in range(d)]  # noqa: E741
            for i in range(d)
        ]
        total = [[total[i][j] + term[i][j] for j in range(d)] for i in range(d)]
    return np.array([[float(x) for x in row] for row in total])


@pytest.mark.parametrize("norm", [1e-12, 1e-6, 1e-3, 0.1, 0.9])
def test_expm1_keeps_all_digits_of_small_arguments(norm: float) -> None:
    X = state_space(3).balanced().A
    X = X * (norm / np.linalg.norm(X, 1))
    exact = series(X)
    # rounding of a few products, relative to the whole; expm(X) - I loses eps / norm instead
    assert np.linalg.norm(expm1(X) - exact) <= 16 * EPS * np.linalg.norm(exact)
    if norm <= 1e-6:
        naive = scipy.linalg.expm(X) - np.eye(3)
        assert np.linalg.norm(naive - exact) > 16 * EPS * np.linalg.norm(exact)


@pytest.mark.parametrize("order", [1, 2, 6, 32])
@pytest.mark.parametrize("theta", [0.05, 1.0, 30.0, 1000.0])
def test_expm1_is_that_of_scipy(order: int, theta: float) -> None:
    X = state_space(order).balanced().A / theta
    # each of log2 |X| squarings doubles the error at worst
    bound = 64 * EPS * max(1.0, np.linalg.norm(X, 1)) * order
    assert np.allclose(expm1(X), scipy.linalg.expm(X) - np.eye(order), rtol=0, atol=bound)


def test_expm1_of_zero_and_of_numbers() -> None:
    assert np.array_equal(expm1(np.zeros((3, 3))), np.zeros((3, 3)))
    for x in (-1e-15, -1e-5, -0.3, -1.0, -5.0, -40.0):
        assert np.allclose(expm1(np.array([[x]])), np.expm1(x), rtol=64 * EPS, atol=0)
