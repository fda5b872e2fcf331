"""Stored matrices: recognised in every form they are stored in, or taken as trained."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg

from lmu_hw._support.array_types import Array
from lmu_hw.errors import ModelFileError, UnstableError
from lmu_hw.memory.discretize import discretize
from lmu_hw.memory.legendre import state_space
from lmu_hw.memory.spec import Discretizer
from lmu_hw.models.importers.memory_matrices import memory_of

ZOH, EULER, BILINEAR = Discretizer.ZOH, Discretizer.EULER, Discretizer.BILINEAR

transposed = pytest.mark.parametrize("transposed", [False, True])
less_identity = pytest.mark.parametrize("less_identity", [False, True])


def stored(
    order: int,
    theta: float,
    method: Discretizer,
    *,
    transposed: bool = False,
    less_identity: bool = False,
) -> tuple[Array, Array]:
    system = discretize(state_space(order), theta, method)
    A = system.A if less_identity else system.A + np.eye(order)
    return np.array(A.T if transposed else A), system.B.copy()


@pytest.mark.parametrize(
    ("order", "theta", "method"),
    [
        (2, 2.0, ZOH),
        (3, 20.0, ZOH),
        (6, 10.37, ZOH),
        (6, 5000.0, ZOH),
        (32, 16.5, ZOH),
        (40, 123.0, ZOH),
        (2, 12.5, EULER),
        (6, 90.0, EULER),
        (16, 1000.0, EULER),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("claimed", [False, True])
@transposed
@less_identity
def test_every_stored_form_is_recognised(
    order: int,
    theta: float,
    method: Discretizer,
    dtype: type,
    claimed: bool,
    transposed: bool,
    less_identity: bool,
) -> None:
    A, B = stored(order, theta, method, transposed=transposed, less_identity=less_identity)
    shape = (1, order) if transposed else (order, 1)
    found = memory_of(A.astype(dtype), B.astype(dtype).reshape(shape), theta if claimed else None)
    assert not found.trained
    assert found.memory.trained is None
    assert found.memory.discretizer is method
    # rounding of the stored matrices leaves theta to float32's eps and a condition of ten
    assert found.memory.theta == pytest.approx(theta, rel=1e-6 if dtype is np.float32 else 1e-9)
    if theta == round(theta):
        assert found.memory.theta == theta
    # a float32 rounding of A, and the like of theta
    assert found.error < 1e-6


def test_one_coefficient_is_the_same_recursion() -> None:
    """zoh and euler are the same of some other theta."""
    for method in (ZOH, EULER):
        A, B = stored(1, 7.3, method)
        found = memory_of(A, B)
        assert not found.trained
        assert np.allclose(found.memory.system().A, A - 1.0, rtol=1e-9, atol=0)


def test_bilinear_is_recognised_when_named() -> None:
    A, B = stored(6, 30.0, BILINEAR)
    found = memory_of(A, B, discretizer=BILINEAR)
    assert (found.memory.discretizer, found.memory.theta) == (BILINEAR, 30.0)
    assert memory_of(A, B).trained


def test_exponentials_in_float32_are_recognised() -> None:
    """keras-lmu exponentiates [A B; 0 0] in float32."""
    order, theta = 128, 500.0
    system = state_space(order)
    block = np.zeros((order + 1, order + 1), np.float32)
    block[:order, :order], block[:order, order] = system.A / theta, system.B / theta
    E = scipy.linalg.expm(block)
    for claim in (None, theta):
        found = memory_of(E[:order, :order].T, E[None, :order, order], claim)
        assert not found.trained
        assert found.memory.theta == theta
        assert 1e-7 < found.error < 1e-4


@transposed
@less_identity
def test_a_trained_a_is_taken_as_it_is(transposed: bool, less_identity: bool) -> None:
    A, B = stored(6, 20.0, ZOH)
    A = A + 1e-2 * np.random.default_rng(3).standard_normal(A.shape)
    given = A - np.eye(6) if less_identity else A
    given = given.T if transposed else given
    found = memory_of(given, B, 20.0, transposed=transposed, less_identity=less_identity)
    assert found.trained
    assert found.error == 0.0
    assert (found.memory.theta, found.memory.order) == (20.0, 6)
    system = found.memory.system()
    assert np.allclose(system.A + np.eye(6), A, rtol=0, atol=1e-15)
    assert np.array_equal(system.B, B)
    assert np.array_equal(system.scale, np.sqrt(2 * np.arange(6) + 1))
    assert memory_of(given, B, transposed=transposed, less_identity=less_identity).trained


def test_a_trained_b_is_taken_as_it_is() -> None:
    A, B = stored(6, 20.0, ZOH)
    found = memory_of(A, 1.01 * B)
    assert found.trained
    assert np.array_equal(found.memory.system().B, 1.01 * B)


def test_a_claim_that_does_not_fit_leaves_the_matrices() -> None:
    A, B = stored(6, 20.0, ZOH)
    found = memory_of(A, B, 21.0)
    assert found.trained
    assert np.array_equal(found.memory.system().A, A - np.eye(6))


def test_a_memory_that_grows_is_refused() -> None:
    A, B = stored(4, 20.0, ZOH)
    with pytest.raises(UnstableError, match=r"A of lmu_1 must be stable.*radius is 1\.\d+: "):
        memory_of(A + 0.5 * np.eye(4), B, name="lmu_1")
    # euler below its smallest theta
    system = state_space(6)
    with pytest.raises(UnstableError, match="spectral radius"):
        memory_of(system.A / 5.0 + np.eye(6), system.B / 5.0)


@pytest.mark.parametrize(
    ("A", "B", "text"),
    [
        (np.eye(3), np.ones((2, 1)), r"A of lmu has shape \(3, 3\) but should be \(2, 2\)"),
        (np.eye(4), np.ones((2, 2)), r"B of lmu has shape \(2, 2\) but should be \(4, 1\)"),
        (np.full((2, 2), np.nan), np.ones(2), "A of lmu must hold finite numbers"),
        (np.eye(2), np.array([1.0, np.inf]), "B of lmu must hold finite numbers"),
        (np.full((2, 2), 1e308), np.ones(2), "A of lmu must hold finite numbers up to 1e.30"),
    ],
)
def test_wrong_matrices_are_named(A: Array, B: Array, text: str) -> None:
    with pytest.raises(ModelFileError, match=text):
        memory_of(A, B, name="lmu")


@pytest.mark.parametrize("A", [np.zeros((3, 3)), np.eye(3), -np.eye(3), 1e29 * np.eye(3)])
@pytest.mark.parametrize("B", [np.zeros(3), np.ones(3), np.full(3, -1e-30), np.full(3, 1e29)])
def test_odd_matrices_are_trained_or_refused(A: Array, B: Array) -> None:
    try:
        trained = memory_of(A, B).trained
    except UnstableError:
        trained = True
    assert trained
