"""Stamps of parts in the matrices of a circuit's equations, for any values of the parts.

The equations are those of `nodal`: a row for each node, E and F sums over parts of a constant times
an admittance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .._support.array_types import Array
from ..errors import SpecError
from .circuit import GROUND, INPUT, Amplifier, Capacitor, Circuit, Resistor, Transconductor


class _Stamps(NamedTuple):
    """Where parts enter a matrix: ``matrix[row, column] += factor * admittance[part]``."""

    row: np.ndarray
    column: np.ndarray
    part: np.ndarray
    factor: Array


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class CircuitStamps:
    """Matrices of a circuit as functions of the values of its parts.

    Attributes
    ----------
    E, F : float arrays, shape (n, n)
        What does not depend on values: rows of the input and of amplifiers.
    G : float array, shape (n,)
        Column of the input.
    driven : dict of str to str
        Output node of each amplifier.
    conductances, capacitances : _Stamps
        Into F and E.
    resistive : bool array, shape (n_parts,)
        Whether a value is a resistance, whose inverse enters.
    """

    E: Array
    F: Array
    G: Array
    driven: dict[str, str]
    conductances: _Stamps
    capacitances: _Stamps
    resistive: np.ndarray

    def matrices(self, values: Array) -> tuple[Array, Array]:
        """Return E and F, shape (..., n, n), for values of shape (..., n_parts)."""
        admittance = np.where(self.resistive, 1.0 / np.where(self.resistive, values, 1.0), values)
        E = _fill(self.E, self.capacitances, admittance)
        return E, _fill(self.F, self.conductances, admittance)


def circuit_stamps(circuit: Circuit) -> CircuitStamps:
    """Return the stamps of a circuit, rows and columns in the order of `Circuit.nodes`.

    Raises
    ------
    SpecError
        If a node has two sources.
    """
    index = {node: i for i, node in enumerate(circuit.nodes)}
    n, driven = len(index), _driven(circuit)
    E, F, G = np.zeros((n, n)), np.zeros((n, n)), np.zeros(n)
    F[index[INPUT], index[INPUT]], G[index[INPUT]] = -1.0, 1.0
    _add_amplifiers(circuit, index, E, F)
    # Kirchhoff's law has no row at a node whose voltage a source fixes
    rows = {node: i for node, i in index.items() if node not in {INPUT, *driven.values()}}
    return CircuitStamps(
        E=E,
        F=F,
        G=G,
        driven=driven,
        conductances=_conductances(circuit, rows, index),
        capacitances=_capacitances(circuit, rows, index),
        resistive=np.array([isinstance(part, Resistor) for part in circuit.parts], dtype=bool),
    )


def part_values(circuit: Circuit) -> Array:
    """Return the value of each of `Circuit.parts`, 0 for amplifiers, shape (n_parts,)."""
    return np.array([0.0 if isinstance(p, Amplifier) else p.value for p in circuit.parts])


def offset_gain(circuit: Circuit) -> float:
    """Return what 1 V in series with the + input of an amplifier adds to the row of its output."""
    model = circuit.amplifier
    return 1.0 if math.isinf(model.gain) else 2.0 * math.pi * model.bandwidth


def _driven(circuit: Circuit) -> dict[str, str]:
    driven: dict[str, str] = {}
    for part in circuit.parts:
        if isinstance(part, Amplifier):
            output = part.nodes[2]
            if output in (GROUND, INPUT) or output in driven.values():
                raise SpecError(f"node {output} of {circuit.title} must have one source, not two")
            driven[part.name] = output
    return driven


def _add_amplifiers(circuit: Circuit, index: dict[str, int], E: Array, F: Array) -> None:
    ideal, rate = math.isinf(circuit.amplifier.gain), offset_gain(circuit)
    for part in circuit.parts:
        if isinstance(part, Amplifier):
            plus, minus, output = part.nodes
            row = index[output]
            for node, sign in ((plus, 1.0), (minus, -1.0)):
                if node != GROUND:
                    F[row, index[node]] += sign * rate
            if not ideal:
                E[row, row] += 1.0
                F[row, row] -= rate / circuit.amplifier.gain


def _conductances(circuit: Circuit, rows: dict[str, int], index: dict[str, int]) -> _Stamps:
    """Return the stamps of resistors and transconductors: currents into nodes."""
    found = []
    for k, part in enumerate(circuit.parts):
        if isinstance(part, Resistor):
            found += _branch(part.nodes, rows, index, k, -1.0)
        elif isinstance(part, Transconductor):
            plus, minus, output = part.nodes
            if output in rows:
                controls = ((plus, 1.0), (minus, -1.0))
                found += [(rows[output], index[c], k, s) for c, s in controls if c != GROUND]
    return _stamps(found)


def _capacitances(circuit: Circuit, rows: dict[str, int], index: dict[str, int]) -> _Stamps:
    found = []
    for k, part in enumerate(circuit.parts):
        if isinstance(part, Capacitor):
            found += _branch(part.nodes, rows, index, k, 1.0)
    return _stamps(found)


def _branch(
    nodes: tuple[str, str], rows: dict[str, int], index: dict[str, int], part: int, sign: float
) -> list[tuple[int, int, int, float]]:
    """Return the stamps of a part between two nodes."""
    found = []
    for here, there in (nodes, nodes[::-1]):
        if here in rows:
            found.append((rows[here], index[here], part, sign))
            if there != GROUND:
                found.append((rows[here], index[there], part, -sign))
    return found


def _stamps(found: list[tuple[int, int, int, float]]) -> _Stamps:
    row, column, part = (np.array([f[i] for f in found], dtype=np.intp) for i in range(3))
    return _Stamps(row, column, part, np.array([f[3] for f in found], dtype=np.float64))


def _fill(start: Array, stamps: _Stamps, admittance: Array) -> Array:
    out: Array = np.broadcast_to(start, (*admittance.shape[:-1], *start.shape)).copy()
    flat = out.reshape(-1, *start.shape)
    added = (stamps.factor * admittance[..., stamps.part]).reshape(len(flat), -1)
    for row, column, values in zip(stamps.row, stamps.column, added.T, strict=True):
        flat[:, row, column] += values
    return out
