"""Calibration of units: the taps of each piece fitted to what that piece does.

As on a bench: the responses of a unit's states and taps are measured, and the weights of its taps
are fitted so that states times weights make up for the difference from the target. The part of a
tap is set to the new weight, and the taps are measured again.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from .._support.array_types import Array
from .circuit import GROUND, Circuit, Resistor, Transconductor
from .circuit_stamps import part_values
from .nodal import linear_circuit
from .tap_weights import RIDGE, tap_weights

PASSES = 3
"""Measurements and fits of a unit. The gain of a tap is off by up to some tolerances, and each pass
leaves that share of what the last one left."""


class TapWeightParts(NamedTuple):
    """Parts that weigh states in the taps of a circuit.

    Attributes
    ----------
    part, tap, state : int arrays, shape (n,)
        Index of the part, of the tap, and of the state that it weighs.
    weight : float array, shape (n,)
        Voltage of the tap for 1 V of the state, with the circuit's values and ideal amplifiers.
    """

    part: np.ndarray
    tap: np.ndarray
    state: np.ndarray
    weight: Array


def tap_weight_parts(circuit: Circuit) -> TapWeightParts:
    """Return the parts of the taps that are joined to a state, with their weights."""
    ideal = replace(circuit.amplifier, gain=math.inf)
    model = linear_circuit(circuit.with_amplifier(ideal))
    found, columns = [], []
    for k, part in enumerate(circuit.parts):
        if not isinstance(part, Resistor | Transconductor) or part.tap < 0:
            continue
        if isinstance(part, Resistor):
            # the current of 1 V of the state into the other node
            ends = [(part.nodes[i], part.nodes[1 - i], 1.0 / part.value) for i in (0, 1)]
        else:
            plus, minus, out = part.nodes
            ends = [(plus, out, part.value), (minus, out, -part.value)]
        for source, target, admittance in ends:
            if source in circuit.states:
                found.append((k, part.tap, circuit.states.index(source)))
                columns.append(admittance * model.current(GROUND, target))
    part_at, tap, state = np.array(found, dtype=np.intp).reshape(-1, 3).T
    sources = np.array(columns).reshape(-1, len(model.nodes)).T
    gains = model.transfers(np.zeros(1), sources, circuit.taps)[0].real
    return TapWeightParts(part_at, tap, state, gains[tap, np.arange(len(tap))])


def calibrate_units(
    circuit: Circuit,
    values: Array,
    frequencies: Array,
    target: np.ndarray,
    ridge: float = RIDGE,
) -> Array:
    """Return the values of parts with the taps of each unit fitted to it.

    Parameters
    ----------
    circuit : Circuit
    values : float array, shape (n_units, n_parts)
        Values of the parts of units, as of `nodal.linear_circuit`.
    frequencies : float array, shape (n_f,)
        Of the fit [Hz], of equal weight.
    target : complex array, shape (n_f, n_taps)
        Responses that the taps should have.
    ridge : float
        Relative RMS error of a weight that the fit expects.

    Returns
    -------
    float array, shape (n_units, n_parts)
        Those of tap parts changed. A resistance or transconductance below zero stands for a part at
        the other input of the tap's sum.
    """
    parts, drawn = tap_weight_parts(circuit), np.array(values, dtype=np.float64)
    nominal = part_values(circuit)[parts.part]
    resistive = np.array([isinstance(circuit.parts[k], Resistor) for k in parts.part], dtype=bool)
    d, n_taps = len(circuit.states), len(circuit.taps)
    model = linear_circuit(circuit)
    for _ in range(PASSES):
        measured = model.draws(drawn).response(frequencies, circuit.states + circuit.taps)
        states, taps = measured[..., :d], measured[..., d:]
        ratio = drawn[:, parts.part] / nominal
        now = parts.weight * np.where(resistive, 1.0 / ratio, ratio)
        for tap in range(n_taps):
            own = np.flatnonzero(parts.tap == tap)
            used = states[..., parts.state[own]]
            made = np.einsum("nfj,nj->nf", used, now[:, own])
            # what the amplifiers of the tap do beside its weights is taken from the target
            aim = (target[:, tap] - taps[..., tap] + made)[..., None]
            share = tap_weights(used, aim, ridge)[..., 0] / parts.weight[own]
            drawn[:, parts.part[own]] = nominal[own] * np.where(resistive[own], 1.0 / share, share)
    return drawn
