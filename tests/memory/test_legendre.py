"""The continuous memory: equation 2, the decoder, and the delay that they approximate."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from numpy.polynomial import Legendre

from lmu_hw.errors import SpecError
from lmu_hw.memory.legendre import StateSpace, decoder, state_space

ORDERS = [1, 2, 3, 6, 16, 64, 256]
EPS = float(np.finfo(np.float64).eps)


# Equations 1 and 2.


def test_equation_2_written_out() -> None:
    """a_ij = (2i+1) (-1 if i < j else (-1)^(i-j+1)), b_i = (2i+1) (-1)^i."""
    system = state_space(4)
    assert system.A.tolist() == [
        [-1.0, -1.0, -1.0, -1.0],
        [3.0, -3.0, -3.0, -3.0],
        [-5.0, 5.0, -5.0, -5.0],
        [7.0, -7.0, 7.0, -7.0],
    ]
    assert system.B.tolist() == [1.0, -3.0, 5.0, -7.0]
    assert system.scale.tolist() == [1.0, 3.0**0.5, 5.0**0.5, 7.0**0.5]
    assert system.order == 4


def test_equation_2_by_loops() -> None:
    system = state_space(21)
    for i in range(21):
        assert system.B[i] == (2 * i + 1) * (-1) ** i
        for j in range(21):
            assert system.A[i, j] == (2 * i + 1) * (-1 if i < j else (-1) ** (i - j + 1))


@pytest.mark.parametrize("order", ORDERS)
def test_the_memory_holds_a_constant(order: int) -> None:
    """A e_0 = -B, exactly: m = e_0 u is the fixed point of a constant input."""
    system = state_space(order)
    assert np.array_equal(system.A[:, 0], -system.B)


@pytest.mark.parametrize("order", ORDERS)
def test_balanced_coordinates(order: int) -> None:
    """There A + A' = -b b' - c c': energy leaves by the newest and the oldest sample alone."""
    system = state_space(order)
    balanced = system.balanced()
    assert np.array_equal(balanced.scale, np.ones(order))
    b, c = balanced.B, system.scale
    # entries are sums of numbers up to 4 order, each rounded a few times
    lost = balanced.A + balanced.A.T + np.outer(b, b) + np.outer(c, c)
    assert np.allclose(lost, 0, atol=32 * order * EPS)
    # one division and one multiplication there, the same back
    back = balanced.A * np.outer(system.scale, 1 / system.scale)
    assert np.allclose(back, system.A, rtol=8 * EPS)
    assert np.allclose(balanced.B * system.scale, system.B, rtol=4 * EPS)


def test_matrices_are_read_only() -> None:
    system = state_space(3)
    for array in (system.A, system.B, system.scale):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0


@pytest.mark.parametrize(
    ("A", "B", "scale", "text"),
    [
        ((3, 4), 3, 3, r"A has shape \(3, 4\) but should be \(3, 3\)"),
        ((2, 2), 3, 3, r"A has shape \(2, 2\) but should be \(3, 3\)"),
        ((3, 3), 3, 2, r"scale has shape \(2,\) but should be \(3,\)"),
    ],
)
def test_shapes(A: tuple[int, int], B: int, scale: int, text: str) -> None:
    with pytest.raises(SpecError, match=text + r"\Z"):
        StateSpace(A=np.zeros(A), B=np.zeros(B), scale=np.ones(scale))


# Equation 3.


@pytest.mark.parametrize("order", ORDERS)
def test_decoder_at_the_ends(order: int) -> None:
    """P_i(0) = (-1)^i is the newest sample, P_i(1) = 1 the oldest."""
    newest, oldest = decoder(order, [0.0, 1.0])
    # the recurrence of the polynomials keeps its ends but for the rounding of each of its terms
    assert np.allclose(newest, (-1.0) ** np.arange(order), rtol=4 * order * EPS)
    assert np.allclose(oldest, np.ones(order), rtol=4 * order * EPS)


def test_decoder_is_that_of_numpy() -> None:
    r = np.linspace(0, 1, 41)
    C = decoder(40, r)
    assert C.shape == (41, 40)
    for i in range(40):
        expected = Legendre.basis(i, domain=[0, 1])(r)
        # |P_i| <= 1; both recurrences add rounding errors of i terms, each below 2i eps
        assert np.allclose(C[:, i], expected, rtol=0, atol=2 * (i + 1) ** 2 * EPS)


def test_decoder_by_the_papers_sum() -> None:
    """P_i(r) = (-1)^i sum_j C(i, j) C(i + j, j) (-r)^j."""
    r = np.array([0.0, 0.125, 0.3, 0.5, 0.75, 1.0])
    C = decoder(8, r)
    for i in range(8):
        terms = [comb(i, j) * comb(i + j, j) * (-r) ** j for j in range(i + 1)]
        # terms reach C(7, j) C(7 + j, j) <= 17,000, and cancel down to 1
        assert np.allclose(C[:, i], (-1) ** i * np.sum(terms, axis=0), rtol=0, atol=1e-11)


@pytest.mark.parametrize(
    ("order", "cycles", "percent"), [(6, 1.0, 0.703), (21, 5.0, 0.323)], ids=["6", "21"]
)
def test_delay_error_of_the_paper(order: int, cycles: float, percent: float) -> None:
    """|C (s I - A / theta)^-1 B / theta - exp(-s theta)| at theta f = ``cycles``, published."""
    system = state_space(order)
    s = 2j * np.pi * cycles  # theta = 1
    m = np.linalg.solve(s * np.eye(order) - system.A, system.B.astype(complex))
    error = abs(decoder(order, [1.0])[0] @ m - np.exp(-s))
    assert abs(100 * error - percent) < 1e-3  # as many digits as were published


def test_the_delay_of_every_fraction() -> None:
    """A slow sine comes out of the memory at every delay: the decoder and A, B agree on r."""
    order, cycles = 12, 0.5
    system = state_space(order)
    r = np.linspace(0, 1, 11)
    s = 2j * np.pi * cycles
    m = np.linalg.solve(s * np.eye(order) - system.A, system.B.astype(complex))
    # order 12 resolves half a cycle to 1e-7 at the window's ends; solving loses far less
    assert np.allclose(decoder(order, r) @ m, np.exp(-s * r), rtol=0, atol=1e-6)
