"""Identify the Legendre memory that stored matrices belong to, or keep them as trained.

Formats store ``Abar`` or ``Abar - I``, transposed or not, mostly in float32. Every Legendre
recursion satisfies ``Bbar = (I - Abar) e_0``, which tells these four forms apart; a Gauss-Newton
iteration on log(theta) then finds theta.
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
MAX_ENTRY = 1e30
"""Largest magnitude of an entry."""
MAX_STEPS = 12
"""Limit of Gauss-Newton steps; five are usual."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class MemoryFit:
    """The memory identified from stored matrices.

    Parameters
    ----------
    memory : LinearMemory
    trained : bool
        Whether the matrices fit no Legendre memory, so that ``memory`` holds them unchanged.
    error : float
        Largest difference between stored and recomputed A, relative to the largest stored entry; 0
        if ``trained``.
    """

    memory: LinearMemory
    trained: bool
    error: float


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class _Stored:
    """``(Abar - I, Bbar)`` for one of the four storage forms, with tolerances."""

    A: Array
    B: Array
    A_bound: float
    B_bound: float
    transposed: bool

    def misfit(self, system: StateSpace) -> float:
        """Return the largest difference from ``system``, in units of the tolerance."""
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
) -> MemoryFit:
    """Return the memory that stored matrices belong to.

    Parameters
    ----------
    A : float array, shape (d, d)
        Abar or Abar - I, transposed or not.
    B : float array, shape (d,), (d, 1) or (1, d)
    theta : float, optional
        Window length stated by the file or the user [samples], > 0. Default: identified from A and
        B; unknown if A was trained.
    discretizer : Discretizer, optional
        Default: zoh or euler, whichever fits better.
    name : str
        Name of the layer, for error messages.
    transposed, less_identity : bool
        How the format stores A; used only if A was trained.

    Raises
    ------
    ModelFileError
        If a shape is wrong or a number is not finite.
    UnstableError
        If A was trained and is unstable.
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
        return MemoryFit(memory=best[1], trained=False, error=best[2])
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
            f"A of {name} must be stable, but its spectral radius is "
            f"{trained.spectral_radius():.6g}: "
            "train it further with a bound on its eigenvalues, or keep A fixed"
        ) from error
    return MemoryFit(memory=memory, trained=True, error=0.0)


def is_transposed(A: Array, B: Array, name: str) -> bool | None:
    """Return whether a stored A is transposed; None if ``(I - Abar) e_0`` does not decide.

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
        if not np.all(np.abs(array) <= MAX_ENTRY):  # nan is not
            raise ModelFileError(
                f"{letter} of {name} must hold finite numbers up to {MAX_ENTRY:g}; export it again"
            )
    return A, B.reshape(-1)


def _tolerance(order: int) -> float:
    """Return the relative error to allow for matrix exponentials in float32.

    The error grows about in proportion to the order: measured 0.6 EPS32 d (1.8e-5) for Keras's A at
    d = 256 and theta = 784, and up to 1.6 EPS32 d for SciPy's B. The floor for small orders is a
    hundred roundings.
    """
    return EPS32 * max(100.0, 4.0 * order)


def _readings(A: Array, B: Array) -> list[_Stored]:
    """Return the storage forms for which the matrices satisfy ``Bbar = (I - Abar) e_0``."""
    found = []
    tolerance, largest = _tolerance(len(B)), float(np.max(np.abs(A)))
    for delta in (A, A - np.eye(len(B))):
        # float32 rounds entries as stored, and Abar has larger entries than Abar - I
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
    """Return misfit, theta and recursion of a Legendre memory within tolerance, or None."""
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
    """Return misfit, theta and recursion for the best theta, or None if out of tolerance."""
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
        # prefer a whole theta if it fits as well, up to float32 rounding
        if misfit <= 2.0 * best[0] + 0.01:
            return misfit, whole, system
    return best


def _step(
    stored: _Stored, continuous: StateSpace, theta: float, method: Discretizer, at: StateSpace
) -> float:
    """Return the Gauss-Newton step of log(theta), limited to a factor of two in theta."""
    h = 1e-5
    after = discretize(continuous, theta * math.exp(h), method)
    slope_A, slope_B = (after.A - at.A) / h / stored.A_bound, (after.B - at.B) / h / stored.B_bound
    rest_A, rest_B = (stored.A - at.A) / stored.A_bound, (stored.B - at.B) / stored.B_bound
    curvature = float(np.sum(slope_A**2) + np.sum(slope_B**2))
    slope = float(np.sum(slope_A * rest_A) + np.sum(slope_B * rest_B))
    return float(np.clip(slope / curvature, -math.log(2.0), math.log(2.0))) if curvature else 0.0
