"""The memory of operational amplifiers, resistors and capacitors.

Every stage is an inverting amplifier: an integrator with a capacitor, a sum with a resistor as
feedback, an input resistor for each node that it adds. With the signs of the nodes chosen well, few
nodes are needed inverted; an amplifier of gain -1 then follows the stage (node ``x2_inv``).

A pair of poles of the cascade takes two integrators, an inverter and a sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .circuit import INPUT, Circuit
from .dynamic_range import NodeScaling
from .element_values import PartList, summing_resistance
from .request import AnalogRequest
from .scaled_circuit import ScaledCircuit
from .stage_values import stage_values
from .structures import MemoryStructure, Stage
from .tap_network import TapNetwork


def op_amp_memory(
    request: AnalogRequest, structure: MemoryStructure, scaling: NodeScaling, capacitor: float
) -> ScaledCircuit:
    """Return the circuit of a structure, without taps.

    Parameters
    ----------
    request : AnalogRequest
    structure : MemoryStructure
    scaling : NodeScaling
    capacitor : float
        Of all integrators [F].

    Raises
    ------
    SpecError
        If the bounds of the request do not allow it.
    """
    signs, inverted = choose_signs(structure.stages)
    values = stage_values(request, structure, scaling, capacitor)
    parts = PartList(request)
    assert INPUT not in inverted, "no structure needs -u"
    for section in structure.sections:
        parts.begin(section.heading)
        for stage in section.stages:
            total = f"{stage.name}_sum"
            for node, gain, exact, rounded in values.inputs(stage):
                direct = gain * signs[node] * signs[stage.name] < 0
                parts.resistor(node if direct else f"{node}_inv", total, exact, rounded)
            if stage.integrates:
                parts.capacitor(total, stage.name, values.capacitor)
            else:
                parts.resistor(total, stage.name, values.feedback[stage.name])
            parts.amplifier(total, stage.name)
            if stage.name in inverted:
                _inverter(parts, stage.name)
    states = [stage.name for stage in structure.stages if stage.integrates]
    circuit = Circuit(
        title=f"LMU memory, d = {structure.order}, {structure.kind.value} of op-amps",
        sections=parts.tuples(),
        states=tuple(states),
        taps=(),
        amplifier=request.amplifier,
    )
    volts = np.array([signs[name] * scaling.gains[name] for name in states])
    return ScaledCircuit(circuit=circuit, volts=volts)


def op_amp_taps(
    request: AnalogRequest, circuit: Circuit, networks: Sequence[TapNetwork]
) -> Circuit:
    """Return a circuit with its taps: an inverting sum each, positive weights inverted before.

    Parameters
    ----------
    request : AnalogRequest
    circuit : Circuit
        The memory.
    networks : sequence of TapNetwork
        Of every tap of the request.
    """
    parts = PartList(request, circuit)
    for k, network in enumerate(networks):
        parts.begin(f"tap {k + 1}: {request.taps[k]:g} theta", tap=k)
        tap = f"tap{k + 1}"
        total, positive = f"{tap}_sum", f"{tap}_pos"
        for sign, target in ((1.0, f"{positive}_sum"), (-1.0, total)):
            resistors = network.resistors(sign)
            for j, fitted, exact in resistors:
                parts.resistor(circuit.states[j], target, exact, fitted)
            if sign > 0 and resistors:
                parts.resistor(target, positive, network.inner)
                parts.amplifier(target, positive)
                parts.resistor(positive, total, network.inner)
        parts.resistor(total, tap, network.unit)
        parts.amplifier(total, tap)
    taps = tuple(f"tap{k + 1}" for k in range(len(networks)))
    return replace(circuit, sections=parts.tuples(), taps=taps)


def choose_signs(stages: Sequence[Stage]) -> tuple[dict[str, int], set[str]]:
    """Choose the sign of every stage's node, one after the other, for the fewest inverters.

    A stage inverts: it needs a node whose gain, with both signs, is positive, inverted.

    Returns
    -------
    dict of str to int
        Sign of every node: +1 or -1.
    set of str
        Nodes that are needed inverted too.
    """
    signs, inverted = {INPUT: 1}, set[str]()
    terms = [(stage.name, node, gain) for stage in stages for node, gain in stage.inputs if gain]
    for stage in stages:
        near = [term for term in terms if stage.name in term[:2]]
        new = {sign: _inverted(near, {**signs, stage.name: sign}) - inverted for sign in (1, -1)}
        # for a choice of equals the later node: the next one may use it too
        best = min(new, key=lambda sign: (len(new[sign]), len(new[sign] - {stage.name})))
        signs[stage.name] = best
        inverted |= new[best]
    return signs, inverted


def _inverted(terms: list[tuple[str, str, float]], signs: dict[str, int]) -> set[str]:
    """Return the nodes that stages with known signs need inverted."""
    known = [t for t in terms if t[0] in signs and t[1] in signs]
    return {node for stage, node, gain in known if gain * signs[node] * signs[stage] > 0}


def _inverter(parts: PartList, node: str) -> None:
    """Add an amplifier of gain -1."""
    unit, total = summing_resistance(parts.request, [1.0]), f"{node}_inv_sum"
    parts.resistor(node, total, unit)
    parts.resistor(total, f"{node}_inv", unit)
    parts.amplifier(total, f"{node}_inv")
