"""Stored memory matrices: which Legendre memory they are, or that they were trained.

Formats store ``Abar`` or ``Abar - I``, transposed or not, mostly in float32. Every Legendre
recursion has ``Bbar = (I - Abar) e_0``, which tells these four forms apart at once; theta is then
found by Gauss-Newton steps on its logarithm.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..._support.array_types import Array
from ..._support.validation import check_int, check_positive
from ...errors import ModelFileError, UnstableError
from ...memory.discretize import discretize
from ...memory.legendre import StateSpace, state_space
from ...memory.spec import MAX_ORDER, MAX_THETA, Discretizer
from ..network import LinearMemory

EPS32 = 2.0**-23
LARGEST = 1e30
"""Largest entry that is taken for one."""
MAX_STEPS = 12
"""Gauss-Newton steps; five are usual."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class FoundMemory:
    """What stored matrices turned out to be.

    Parameters
    ----------
    memory : LinearMemory
    trained : bool
        They are those of no Legendre memory, and were taken as they are.
    error : float
        Largest difference between stored and recomputed A, over the largest stored entry; 0 where
        the matrices were taken as they are.
    """

    memory: LinearMemory
    trained: bool
    error: float


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class _Stored:
    """``(Abar - I, Bbar)`` under one reading of the stored form, and their tolerances."""

    A: Array
    B: Array
    A_bound: float
    B_bound: float
    transposed: bool

    def misfit(self, system: StateSpace) -> float:
        """Return the largest difference, in units of the tolerance."""
        A_error = np.max(np.abs(system.A - self.A)) / self.A_bound
        B_error = np.max(np.abs(system.B - self.B)) / self.B_bound
        return float(max(A_error, B_error))


def memory_of(
    A: Array,
    B: Array,
    theta: float | None = None,
    discretizer: Discretizer | None = None,
    *,
    name: str = "memory",
    transposed: bool = False,
    less_identity: bool = False,
) -> FoundMemory:
    """Return the memory that stored matrices belong to.

    Parameters
    ----------
    A : float array, shape (d, d)
        Abar or Abar - I, transposed or not.
    B : float array, shape (d,), (d, 1) or (1, d)
    theta : float, optional
        The window that the file or the user claims [samples], > 0. Default: found from A and B, and
        unknown where A was trained.
    discretizer : Discretizer, optional
        Default: zoh or euler, whichever fits better.
    name : str
        Of the layer, for error texts.
    transposed, less_identity : bool
        How the format stores A; used only where A was trained.

    Raises
    ------
    ModelFileError
        If the shapes are wrong or a number is not finite.
    UnstableError
        If A was trained and does not decay.
    """
    A, B = _checked(A, B, name)
    if theta is not None:
        check_positive("theta", theta)
    methods = (Discretizer.ZOH, Discretizer.EULER) if discretizer is None else (discretizer,)
    continuous = state_space(len(B))
    best: tuple[float, LinearMemory, float] | None = None
    for stored in _readings(A, B):
        for method in methods:
            fit = _fit(stored, continuous, theta, method)
            if fit is not None and (best is None or fit[0] < best[0]):
                memory = LinearMemory(order=len(B), theta=fit[1], discretizer=method)
                error = float(np.max(np.abs(fit[2].A - stored.A)) / np.max(np.abs(A)))
                best = fit[0], memory, error
    if best is not None:
        return FoundMemory(memory=best[1], trained=False, error=best[2])
    delta = A.T if transposed else A
    trained = StateSpace(
        A=delta.copy() if less_identity else delta - np.eye(len(B)),
        B=B.copy(),
        scale=continuous.scale.copy(),
    )
    try:
        memory = LinearMemory(
            order=len(B),
            theta=None if theta is None else float(theta),
            discretizer=discretizer or Discretizer.ZOH,
            trained=trained,
        )
    except UnstableError as error:
        raise UnstableError(
            f"A of {name} must decay, but its spectral radius is {trained.spectral_radius():.6g}: "
            "train it further with a bound on its eigenvalues, or keep A fixed"
        ) from error
    return FoundMemory(memory=memory, trained=True, error=0.0)


def stands_transposed(A: Array, B: Array, name: str) -> bool | None:
    """Return whether a stored A stands transposed; None where ``(I - Abar) e_0`` does not say.

    Raises
    ------
    ModelFileError
        As `memory_of` does.
    """
    ways = {reading.transposed for reading in _readings(*_checked(A, B, name))}
    return ways.pop() if len(ways) == 1 else None


def _checked(A: Array, B: Array, name: str) -> tuple[Array, Array]:
    """Return A and B as float64, B as a vector."""
    A, B = np.asarray(A, dtype=np.float64), np.asarray(B, dtype=np.float64)
    order = B.size
    check_int(f"order of {name}", order, 1, MAX_ORDER)
    if B.shape not in ((order,), (order, 1), (1, order)):
        raise ModelFileError(f"B of {name} has shape {B.shape} but should be ({order}, 1)")
    if A.shape != (order, order):
        raise ModelFileError(f"A of {name} has shape {A.shape} but should be {(order, order)}")
    for letter, array in (("A", A), ("B", B)):
        if not np.all(np.abs(array) <= LARGEST):  # nan is not
            raise ModelFileError(
                f"{letter} of {name} must hold finite numbers up to {LARGEST:g}; export it again"
            )
    return A, B.reshape(-1)


def _tolerance(order: int) -> float:
    """Return the relative difference that float32 exponentials leave.

    Theirs grow about as the order: 0.6 EPS32 d (1.8e-5) was measured on keras's A at d = 256 and
    theta = 784, up to 1.6 EPS32 d on SciPy's B. The floor is a hundred roundings, for small orders.
    """
    return EPS32 * max(100.0, 4.0 * order)


def _readings(A: Array, B: Array) -> list[_Stored]:
    """Return the readings of stored matrices under which ``Bbar = (I - Abar) e_0``."""
    found = []
    tolerance, largest = _tolerance(len(B)), float(np.max(np.abs(A)))
    for delta in (A, A - np.eye(len(B))):
        # float32 rounds the entries as stored: those of Abar by more than those of Abar - I
        A_bound = tolerance * float(np.max(np.abs(delta))) + EPS32 * largest
        B_bound = tolerance * float(np.max(np.abs(B)))
        if not A_bound or not B_bound:
            continue
        for transposed, oriented in ((False, delta), (True, delta.T)):
            if np.max(np.abs(oriented[:, 0] + B)) <= A_bound + B_bound:
                reading = _Stored(
                    A=oriented, B=B, A_bound=A_bound, B_bound=B_bound, transposed=transposed
                )
                found.append(reading)
    return found


def _fit(
    stored: _Stored, continuous: StateSpace, theta: float | None, method: Discretizer
) -> tuple[float, float, StateSpace] | None:
    """Return misfit, theta and recursion of a Legendre memory within tolerance, if there is one."""
    try:
        if theta is None:
            return _search(stored, continuous, method)
        system = discretize(continuous, theta, method)
    except UnstableError:
        return None
    misfit = stored.misfit(system)
    return (misfit, float(theta), system) if misfit <= 1.0 else None


def _search(
    stored: _Stored, continuous: StateSpace, method: Discretizer
) -> tuple[float, float, StateSpace] | None:
    """Return misfit, theta and recursion of the best theta, if it is within tolerance."""
    # m_0 is the mean of the window: exactly so with euler, nearly with the others
    if not 0.5 / MAX_THETA < stored.B[0] < 2.0:
        return None
    theta = 1.0 / float(stored.B[0])
    best: tuple[float, float, StateSpace] | None = None
    for _ in range(MAX_STEPS):
        system = discretize(continuous, theta, method)
        misfit = stored.misfit(system)
        if best is not None and misfit >= best[0]:
            break
        best = misfit, theta, system
        theta = min(theta * math.exp(_step(stored, continuous, theta, method, system)), MAX_THETA)
    if best is None or best[0] > 1.0:
        return None
    if (whole := float(round(best[1]))) > 0 and whole != best[1]:
        system = discretize(continuous, whole, method)
        misfit = stored.misfit(system)
        # as good but for float32's rounding, a hundredth of the tolerance
        if misfit <= 2.0 * best[0] + 0.01:
            return misfit, whole, system
    return best


def _step(
    stored: _Stored, continuous: StateSpace, theta: float, method: Discretizer, at: StateSpace
) -> float:
    """Return the Gauss-Newton step of log(theta), at most a factor of two."""
    h = 1e-5
    after = discretize(continuous, theta * math.exp(h), method)
    slope_A, slope_B = (after.A - at.A) / h / stored.A_bound, (after.B - at.B) / h / stored.B_bound
    rest_A, rest_B = (stored.A - at.A) / stored.A_bound, (stored.B - at.B) / stored.B_bound
    curvature = float(np.sum(slope_A**2) + np.sum(slope_B**2))
    slope = float(np.sum(slope_A * rest_A) + np.sum(slope_B * rest_B))
    return float(np.clip(slope / curvature, -math.log(2.0), math.log(2.0))) if curvature else 0.0
