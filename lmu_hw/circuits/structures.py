"""Structures of the continuous memory: sums and integrators that compute it exactly.

``x' = A x + B u`` (theta = 1) with the Legendre coefficients ``m = T x`` (equations 1 and 2):

- *direct*: x is m in orthonormal coordinates, d**2 couplings;
- *ladder*: the Schwarz form, ``x_1' = -d**2 x_1 - k_1 x_2 + sqrt(2) d u`` and ``x_i' = k_(i-1)
  x_(i-1) - k_i x_(i+1)``; k_i**2 are ratios of the first column of the Routh array of the
  denominator. Stable for all positive values;
- *cascade*: a chain of all-pass sections, the highest frequency first. A pair of poles ``-alpha +-
  j beta`` with ``rho**2 = alpha**2 + beta**2`` is ``x_1' = sqrt(4 alpha) w - 2 alpha x_1 - rho
  x_2``, ``x_2' = rho x_1``, and passes ``w' = w - sqrt(4 alpha) x_1`` on. A real pole -p is ``x' =
  sqrt(2 p) w - p x``. Errors of its parts move its poles least: a pole depends on its own section.

Ladder and cascade have orthonormal states: for white input they are uncorrelated with equal power,
``A + A' = -B B'``. Hence T solves a Sylvester equation; no Gramian is inverted.

References
----------
Voelker, Kajić, Eliasmith, NeurIPS 2019. Schwarz, "Ein Verfahren zur Stabilitätsfrage bei
Matrizen-Eigenwertproblemen", ZAMP 7, 1956. Heuberger, Van den Hof, Bosgra, "A generalized
orthonormal basis for linear dynamical systems", IEEE Trans. Autom. Control 40(3), 1995.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import scipy.linalg

from .._support.array_types import Array
from .._support.validation import check_int
from ..memory import pade
from ..memory.legendre import state_space
from .circuit import INPUT
from .request import CircuitStructure

MAX_ANALOG_ORDER = 128
"""Highest order; all structures are exact to 1e-12 there. The ladder's fractions take seconds."""


class Stage(NamedTuple):
    """An integrator or a sum of a structure, with its inputs.

    Attributes
    ----------
    name : str
        Its node: ``x3`` is state 3, ``w1`` a sum.
    inputs : tuple of (str, float)
        Nodes that it adds, each with its gain; `INPUT` is the input of the memory.
    integrates : bool
        Its output is the integral of the sum over t / theta.
    """

    name: str
    inputs: tuple[tuple[str, float], ...]
    integrates: bool = True


class StageSection(NamedTuple):
    """Stages under one heading of the netlist, and the poles that they make, if they alone do."""

    heading: str
    stages: tuple[Stage, ...]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class MemoryStructure:
    """A structure of the continuous memory for theta = 1: ``x' = A x + B u``, ``m = T x``.

    Attributes
    ----------
    kind : CircuitStructure
    sections : tuple of StageSection
        A sum comes after all stages that it adds.
    A, B : float array, shapes (d, d), (d,)
    T : float array, shape (d, d)
        From the states to the Legendre coefficients.
    """

    kind: CircuitStructure
    sections: tuple[StageSection, ...]
    A: Array
    B: Array
    T: Array

    @property
    def order(self) -> int:
        """Number of states d."""
        return len(self.B)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """All stages in order."""
        return tuple(stage for section in self.sections for stage in section.stages)

    def outputs(self) -> tuple[Array, Array]:
        """Return every stage's output as ``rows @ x + direct * u``.

        Returns
        -------
        float arrays, shapes (n_stages, d), (n_stages,)
        """
        found = _outputs(self.stages)
        rows, direct = zip(*(found[stage.name] for stage in self.stages), strict=True)
        return np.array(rows), np.array(direct)


def structure_of(kind: CircuitStructure, order: int) -> MemoryStructure:
    """Return the structure of a kind.

    Parameters
    ----------
    kind : CircuitStructure
    order : int
        Number of Legendre coefficients d, 1 to 128.

    Raises
    ------
    SpecError
        If the order is out of range.
    """
    check_int("d (order) of an analog memory", order, 1, MAX_ANALOG_ORDER)
    return STRUCTURES[kind](order)


def cascade_structure(order: int) -> MemoryStructure:
    """Return the chain of all-pass sections."""
    sections, w, at = [], INPUT, 1
    poles = pade.poles(order)[::-1]
    for k, pole in enumerate(poles, 1):
        rate, x1, x2 = -float(pole.real), f"x{at}", f"x{at + 1}"
        if pole.imag == 0:
            gain = math.sqrt(2.0 * rate)
            stages = [Stage(x1, ((w, gain), (x1, -rate)))]
            what = "real pole"
        else:
            gain, rho = math.sqrt(4.0 * rate), float(abs(pole))
            stages = [
                Stage(x1, ((w, gain), (x1, -2.0 * rate), (x2, -rho))),
                Stage(x2, ((x1, rho),)),
            ]
            what = "pair of poles"
        at += len(stages)
        if k < len(poles):
            stages.append(Stage(f"w{k}", ((w, 1.0), (x1, -gain)), integrates=False))
            w = f"w{k}"
        sections.append(StageSection(f"section {k}: {what}", tuple(stages)))
    return _orthonormal(CircuitStructure.CASCADE, tuple(sections))


def ladder_structure(order: int) -> MemoryStructure:
    """Return the ladder (Schwarz form)."""
    k = np.sqrt([float(square) for square in _schwarz(order)])
    sections = []
    for i in range(order):
        inputs = [(f"x{i}", k[i - 1])] if i else [(INPUT, math.sqrt(2.0) * order)]
        inputs += [("x1", -float(order * order))] if not i else []
        inputs += [(f"x{i + 2}", -k[i])] if i + 1 < order else []
        stage = Stage(f"x{i + 1}", tuple((node, float(gain)) for node, gain in inputs))
        sections.append(StageSection(f"section {i + 1}", (stage,)))
    return _orthonormal(CircuitStructure.LADDER, tuple(sections))


def direct_structure(order: int) -> MemoryStructure:
    """Return equation 1 itself, in orthonormal coordinates: every state feeds every state."""
    system = state_space(order).balanced()
    sections = []
    for i in range(order):
        couplings = ((f"x{j + 1}", float(system.A[i, j])) for j in range(order))
        stage = Stage(f"x{i + 1}", ((INPUT, float(system.B[i])), *couplings))
        sections.append(StageSection(f"section {i + 1}", (stage,)))
    return _read_only(CircuitStructure.DIRECT, tuple(sections), np.diag(state_space(order).scale))


STRUCTURES = {
    CircuitStructure.CASCADE: cascade_structure,
    CircuitStructure.LADDER: ladder_structure,
    CircuitStructure.DIRECT: direct_structure,
}
"""Function of every kind of structure."""


def _schwarz(order: int) -> list[Fraction]:
    """Return k_i**2 of the ladder, by the Routh array of the denominator."""
    coefficients = [Fraction(c) for c in reversed(pade.denominator(order))]
    upper, lower = coefficients[0::2], coefficients[1::2]
    first = [upper[0]]
    while lower:
        first.append(lower[0])
        ratio = upper[0] / lower[0]
        rest = lower[1:] + [Fraction(0)] * (len(upper) - len(lower))
        upper, lower = lower, [a - ratio * b for a, b in zip(upper[1:], rest, strict=True)]
    return [first[i + 2] / first[i] for i in range(order - 1)]


def _outputs(stages: tuple[Stage, ...]) -> dict[str, tuple[Array, float]]:
    """Return the output of every stage, and the input, as a row over the states and a gain of u."""
    states = [stage.name for stage in stages if stage.integrates]
    eye = np.eye(len(states))
    found = {name: (eye[i], 0.0) for i, name in enumerate(states)}
    found[INPUT] = np.zeros(len(states)), 1.0
    for stage in stages:
        if not stage.integrates:
            found[stage.name] = _sum(stage, found)
    return found


def _sum(stage: Stage, outputs: dict[str, tuple[Array, float]]) -> tuple[Array, float]:
    """Return the sum of a stage's inputs as a row over the states and a gain of u."""
    row = np.sum([gain * outputs[node][0] for node, gain in stage.inputs], axis=0)
    return row, float(sum(gain * outputs[node][1] for node, gain in stage.inputs))


def _state_space(sections: tuple[StageSection, ...]) -> tuple[Array, Array]:
    stages = tuple(stage for section in sections for stage in section.stages)
    outputs = _outputs(stages)
    rows, direct = zip(*(_sum(s, outputs) for s in stages if s.integrates), strict=True)
    return np.array(rows), np.array(direct)


def _orthonormal(kind: CircuitStructure, sections: tuple[StageSection, ...]) -> MemoryStructure:
    """Return a structure whose states are orthonormal, with the T that follows."""
    A, B = _state_space(sections)
    system = state_space(len(B)).balanced()
    # T = integral of m(t) x(t)' over the impulse responses
    T = scipy.linalg.solve_sylvester(system.A, A.T, -np.outer(system.B, B))
    return _read_only(kind, sections, state_space(len(B)).scale[:, None] * T)


def _read_only(
    kind: CircuitStructure, sections: tuple[StageSection, ...], T: Array
) -> MemoryStructure:
    A, B = _state_space(sections)
    for array in (A, B, T):
        array.setflags(write=False)
    return MemoryStructure(kind=kind, sections=sections, A=A, B=B, T=T)
