"""The poles of the continuous memory, against what is known of them exactly."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from lmu_hw.memory import pade
from lmu_hw.memory.legendre import state_space

ORDERS = [1, 2, 3, 4, 5, 8, 9, 10, 17, 31, 64, 101, 256]


def everywhere(order: int) -> np.ndarray:
    p = pade.poles(order)
    return np.concatenate([p, p[p.imag > 0].conj()])


def test_first_orders_in_closed_form() -> None:
    assert pade.poles(1).tolist() == [-1.0]
    assert np.allclose(pade.poles(2), [-2 + 1j * math.sqrt(2)], rtol=2**-52, atol=0)


@pytest.mark.parametrize("order", [2, 3, 6, 10])
def test_eigenvalues_of_the_matrix(order: int) -> None:
    """While eigenvalues can be had from a float matrix: their condition grows as 4^d."""
    exact = np.sort_complex(everywhere(order))
    found = np.sort_complex(np.linalg.eigvals(state_space(order).balanced().A))
    assert np.allclose(found, exact, rtol=4.0**order * 2.0**-50)


@pytest.mark.parametrize("order", ORDERS)
def test_symmetric_functions(order: int) -> None:
    """Trace, product and sum of inverses, which integers give exactly."""
    p = everywhere(order)
    assert len(p) == len(set(p)) == order
    assert np.all(p.real < 0)
    # sums and products of d terms, each good to a float
    tolerance = 4 * order * 2.0**-53
    assert abs(np.sum(p) / -(order**2) - 1) < tolerance
    log_product = math.lgamma(2 * order) - math.lgamma(order)
    assert abs(np.sum(np.log(np.abs(p))) / max(log_product, 1) - (order > 1)) < 2e-14
    # D'(0) / D(0): -sum 1/s is the mean delay of the poles, d / (2d - 1)
    assert abs(np.sum(1 / p).real / -(order / (2 * order - 1)) - 1) < tolerance


@pytest.mark.parametrize("order", [7, 64])
def test_a_zero_of_the_denominator(order: int) -> None:
    """D at the pole rounded to float64 is below what moving the pole by one ulp makes of it."""
    coefficients = [
        Fraction(math.factorial(2 * order - 1 - j) * math.comb(order, j), math.factorial(order - 1))
        for j in range(order + 1)
    ]

    def value(x: Fraction, y: Fraction) -> float:
        re, im = Fraction(0), Fraction(0)
        for c in reversed(coefficients):
            re, im = re * x - im * y + c, re * y + im * x
        return math.hypot(float(re / coefficients[0]), float(im / coefficients[0]))

    for pole in pade.poles(order)[[0, -1]]:
        x, y = Fraction(pole.real), Fraction(pole.imag)
        ulp = Fraction(float(np.spacing(abs(pole))))
        assert value(x, y) <= 1.5 * value(x + ulp, y)
        assert value(x, y) < 0.01 * value(x + 1000 * ulp, y)


@pytest.mark.soak
def test_the_largest_order() -> None:
    p = everywhere(1024)
    assert len(set(p)) == 1024
    assert abs(np.sum(p) / -(1024**2) - 1) < 1e-12
    # neighbours on a smooth curve: no pole was found twice, none was missed
    upper = np.sort_complex(1j * pade.poles(1024))
    gaps = np.abs(np.diff(upper))
    assert np.all(gaps[1:] < gaps[:-1])
    assert np.all(gaps[:-1] < 1.3 * gaps[1:])
