"""Realize the bilinear memory as a wave digital ladder, whose state is m itself: d + 1 multiplies.

The Legendre memory (equations 1 and 2) is ``theta m_i' = -(2i+1) V_(i-1)`` with auxiliary V_i
that obey ``V_(i-2) - V_i = 2 m_i``, and at the ends ``V_(-2) = V_(-1) + 2u`` and ``V_(d-1) =
-V_(d-2)``. These are the equations of an LC ladder between two unit resistors, driven by the
voltage 2u: V_i is a voltage for even i and minus a current for odd i, 2 m_i the voltage of a series
capacitor for even i and minus the current of a shunt inductor for odd i; section i has the
capacitance or inductance ``theta / (2 (2i+1))``.

The bilinear discretization is the trapezoidal rule, hence the ladder is a wave digital filter: each
part with the two ports of its branch is an adaptor with one reflection-free port, which takes one
multiply, and a step is a sweep from right to left and one back (`lmu_hw.program.integer_program`
has the sums). With ``r_i = (2i + 1) / (2 theta)`` and R = 1 at the right end:

- section i even (series): ``R_left = R_right + 2 r_i``, ``e_i = 2 r_i / R_left``;
- section i odd (parallel): ``1/R_left = 1/R_right + 2 r_i``, ``e_i = 2 r_i R_left``;
- source: ``rho = (R_0 - 1) / (R_0 + 1)``.

The state of section i is the wave ``w_i = m_i / s_i``, with ``s_i = 1/2`` in series and ``r_i`` in
parallel branches.

References
----------
Fettweis, "Wave digital filters: theory and practice", Proc. IEEE 74(2), 1986 (adaptors,
reflection-free ports, passivity under rounding). Voelker, Kajić, Eliasmith, NeurIPS 2019
(equations 1, 2, 5).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from .._support.array_types import Array
from .discretize import interpolation


class Waves(NamedTuple):
    """Waves of a substep, each of shape (d, n) for n independent ladders.

    Attributes
    ----------
    state : float array
        The new state.
    left, right : float array
        The wave that each section sent to its left and right neighbour.
    """

    state: Array
    left: Array
    right: Array


class WaveErrors(NamedTuple):
    """Errors that enter a substep, each of shape (d, n), and (1, n) for the source.

    Attributes
    ----------
    left, right, state : float array
        Added to the waves that the sections send.
    source : float array
        Added to the wave that the source sends.
    """

    left: Array
    right: Array
    state: Array
    source: Array


@dataclass(frozen=True, eq=False, kw_only=True)
class WaveLadder:
    """A ladder of adaptors with exact or rounded coefficients: lossless whatever they are.

    Attributes
    ----------
    sections : float array, shape (d,)
        Coefficient e of every section, 0 < e < 1.
    reflection : float
        Reflection coefficient rho of the source, -1 < rho < 1.
    """

    sections: Array
    reflection: float

    @property
    def order(self) -> int:
        """Number of states d."""
        return len(self.sections)

    @cached_property
    def weight(self) -> Array:
        """Square root of the conductance at every state: the energy is ``sum (weight w)**2``."""
        R, conductance = 1.0, np.empty(self.order)
        for i in reversed(range(self.order)):
            e = self.sections[i]
            R = R * (1.0 - e) if i % 2 else R / (1.0 - e)
            conductance[i] = e / R if i % 2 else 1.0 / (e * R)
        return np.sqrt(conductance)

    def substep(self, w: Array, u: Array, errors: WaveErrors | None = None) -> Waves:
        """Return the waves of a substep.

        Parameters
        ----------
        w : float array, shape (d, n)
            States of n independent ladders.
        u : float array, shape (n,)
            Input of each.
        errors : WaveErrors, optional
            Rounding errors of the waves.
        """
        d, e = self.order, self.sections
        state, left, right = np.empty_like(w), np.empty_like(w), np.empty_like(w)
        from_right = np.zeros((d + 1, w.shape[1]))
        for i in reversed(range(d)):
            a = from_right[i + 1]
            left[i] = a + (e[i] * (w[i] - a) if i % 2 else w[i])
            if errors is not None:
                left[i] += errors.left[i]
            from_right[i] = left[i]
        x = 2.0 * u
        wave = x + self.reflection * (x - from_right[0])
        if errors is not None:
            wave = wave + errors.source[0]
        for i in range(d):
            a = from_right[i + 1]
            if i % 2:
                right[i] = wave + e[i] * (w[i] - a)
                state[i] = w[i] - a - right[i]
            else:
                state[i] = w[i] - e[i] * (left[i] - wave)
                right[i] = wave - state[i]
            if errors is not None:
                right[i] += errors.right[i]
                state[i] += errors.state[i]
            wave = right[i]
        return Waves(state, left, right)

    def response(self, z: np.ndarray, substeps: int = 1) -> np.ndarray:
        """Return the transfer functions from u to w after a step of ``substeps`` substeps.

        The response of the ladder at each substep follows from the reflections of its sections, in
        O(d). Over K substeps, ``sum_q (A^K / z)^q A^r`` is the mean of ``s^r (1 - A / s)^-1`` over
        the K roots s of z.

        Parameters
        ----------
        z : complex array, shape (n,)
            Points on the unit circle.
        substeps : int

        Returns
        -------
        complex array, shape (d, n)
        """
        share = interpolation(substeps)[::-1, None]
        r = np.arange(substeps)[:, None]
        out = np.zeros((self.order, len(z)), dtype=np.complex128)
        root = np.exp(1j * np.angle(z) / substeps)
        for k in range(substeps):
            s = root * np.exp(2j * np.pi * k / substeps)
            gain = np.sum(s**r * (share + (1.0 - share) / z), axis=0)
            out += self._response(s) * gain / substeps
        return out

    def _response(self, z: np.ndarray) -> np.ndarray:
        """Return the transfer functions from the input of a substep to w after it."""
        d, e = self.order, self.sections
        reflected = np.zeros((d + 1, len(z)), dtype=np.complex128)
        # with l the wave from the left: the wave to the right and the new state, both per l
        right, state = np.empty_like(reflected[:d]), np.empty_like(reflected[:d])
        for i in reversed(range(d)):
            G, s = reflected[i + 1], 1.0 / z
            if i % 2:
                below = (1.0 - s) * (1.0 + e[i] * G) + e[i] * s * (1.0 + G)
                reflected[i] = (1.0 + G) * (1.0 - s) / below - 1.0
                right[i], state[i] = (1.0 - s) / below, -(1.0 + G) / below
            else:
                below = (1.0 - s) * (1.0 - e[i] * G) + e[i] * s * (1.0 - G)
                reflected[i] = ((1.0 - e[i]) * G * (1.0 - s) + e[i] * s * (1.0 - G)) / below
                right[i], state[i] = (1.0 - e[i]) * (1.0 - s) / below, e[i] * (1.0 - G) / below
        wave = 2.0 * (1.0 + self.reflection) / (1.0 + self.reflection * reflected[0])
        for i in range(d):
            state[i] *= wave
            wave = wave * right[i]
        return state


def ladder(order: int, theta: float) -> WaveLadder:
    """Return the exact ladder of a memory.

    Parameters
    ----------
    order : int
    theta : float
        Window length [substeps], > 0.
    """
    r = half_steps(order, theta)
    R, sections = 1.0, np.empty(order)
    for i in reversed(range(order)):
        left = 1.0 / (1.0 / R + 2.0 * r[i]) if i % 2 else R + 2.0 * r[i]
        sections[i] = 2.0 * r[i] * left if i % 2 else 2.0 * r[i] / left
        R = left
    return WaveLadder(sections=sections, reflection=(R - 1.0) / (R + 1.0))


def half_steps(order: int, theta: float) -> Array:
    """Return ``r_i = (2i + 1) / (2 theta)``, shape (order,)."""
    return np.asarray((2.0 * np.arange(order) + 1.0) / (2.0 * theta))


def wave_scale(order: int, theta: float) -> Array:
    """Return s with ``m_i = s_i w_i``: 1/2 in series and r_i in parallel branches."""
    scale = half_steps(order, theta)
    scale[::2] = 0.5
    return scale
