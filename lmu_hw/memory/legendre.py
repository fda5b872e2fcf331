"""The continuous LMU memory and its decoder (Voelker, Kajić, Eliasmith, NeurIPS 2019).

With ``theta m'(t) = A m(t) + B u(t)`` (equation 1), ``m`` holds the Legendre coefficients of the
last ``theta`` samples of ``u``; `decoder` reconstructs delayed inputs from m (equation 3).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.linalg
from scipy.special import eval_sh_legendre

from .._support.array_types import Array
from ..errors import SpecError
from . import pade


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class StateSpace:
    """A single-input linear memory: ``dx/dt = A x + B u``, or ``x' - x = A x + B u`` when discrete.

    The discrete form holds ``Abar - I``, which stays accurate for large theta.

    Parameters
    ----------
    A : float array, shape (d, d)
        A, or Abar - I.
    B : float array, shape (d,)
        B, or Bbar.
    scale : float array, shape (d,)
        Scaling that makes the coordinates ``x / scale`` orthonormal; sqrt(2i+1) for Legendre.
    poles : complex array, shape (n,), optional
        Eigenvalues of A, one of each conjugate pair (imag >= 0), if they are known more accurately
        than a float64 A allows.
    B_previous : float array, shape (d,), optional
        Gain of the preceding input, ``x' - x = A x + B u + B_previous u_previous``: of a memory
        that interpolates its input.
    """

    A: Array
    B: Array
    scale: Array
    poles: np.ndarray | None = None
    B_previous: Array | None = None

    def __post_init__(self) -> None:
        d = len(self.B)
        for name, shape in (("A", (d, d)), ("B", (d,)), ("scale", (d,))):
            array = getattr(self, name)
            if array.shape != shape:
                raise SpecError(f"{name} has shape {array.shape} but should be {shape}")
            array.setflags(write=False)

    @property
    def order(self) -> int:
        """Number of states d."""
        return len(self.B)

    def eigenvalues(self) -> np.ndarray:
        """Return the eigenvalues of A, one of each conjugate pair (imag >= 0)."""
        if self.poles is not None:
            return self.poles
        found = scipy.linalg.eigvals(self.balanced().A)
        return np.asarray(found[found.imag >= 0])

    def spectral_radius(self) -> float:
        """Return the largest pole magnitude of a discrete system; it is stable below 1."""
        return float(np.max(np.abs(1.0 + self.eigenvalues())))

    def balanced(self) -> StateSpace:
        """Return the same system in the orthonormal coordinates ``x / scale``."""
        return StateSpace(
            A=self.A * (self.scale[None, :] / self.scale[:, None]),
            B=self.B / self.scale,
            scale=np.ones(self.order),
            poles=self.poles,
            B_previous=None if self.B_previous is None else self.B_previous / self.scale,
        )


def state_space(order: int) -> StateSpace:
    """Return A and B of the continuous memory for ``theta = 1`` (equation 2).

    Parameters
    ----------
    order : int
        Number of Legendre coefficients d, >= 1.
    """
    i = np.arange(order)
    gain = 2.0 * i + 1.0
    sign = np.where(i[:, None] < i[None, :], -1.0, (-1.0) ** (i[:, None] - i[None, :] + 1))
    A, B = np.asarray(gain[:, None] * sign), np.asarray(gain * (-1.0) ** i)
    return StateSpace(A=A, B=B, scale=np.sqrt(gain), poles=pade.poles(order))


def decoder(order: int, delays: npt.ArrayLike) -> Array:
    """Return C with ``u(t - r theta) ~ C m(t)``, a row for each r (equation 3).

    Parameters
    ----------
    order : int
    delays : array_like of float, shape (k,)
        Fractions r of the window, 0 (newest) to 1 (oldest).

    Returns
    -------
    float array, shape (k, order)
    """
    r = np.asarray(delays, dtype=np.float64)
    return np.asarray(eval_sh_legendre(np.arange(order)[None, :], r[:, None]), dtype=np.float64)
