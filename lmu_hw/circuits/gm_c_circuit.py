"""The memory of transconductors and capacitors to ground, as on a chip.

An integrator is a capacitor that the currents of transconductors charge. A sum is a node loaded by
a transconductor as resistor. A transconductor with its inputs swapped has the other sign, so that
nothing is needed inverted. A transconductance is set by a resistor: its inverse is of the series
and within the bounds of resistances.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .circuit import GROUND, Circuit
from .dynamic_range import NodeScaling
from .element_values import PartList
from .request import AnalogRequest
from .scaled_circuit import ScaledCircuit
from .stage_values import stage_values
from .structures import MemoryStructure
from .tap_network import TapNetwork


def gm_c_memory(
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
    values = stage_values(request, structure, scaling, capacitor)
    parts = PartList(request)
    for section in structure.sections:
        parts.begin(section.heading)
        for stage in section.stages:
            for node, gain, exact, rounded in values.inputs(stage):
                parts.transconductor(node, stage.name, gain, exact, rounded)
            if stage.integrates:
                parts.capacitor(stage.name, GROUND, values.capacitor)
            else:
                parts.transconductor(stage.name, stage.name, -1.0, values.feedback[stage.name])
    states = [stage.name for stage in structure.stages if stage.integrates]
    circuit = Circuit(
        title=f"LMU memory, d = {structure.order}, {structure.kind.value} of transconductors",
        sections=parts.tuples(),
        states=tuple(states),
        taps=(),
        amplifier=request.amplifier,
    )
    return ScaledCircuit(circuit=circuit, volts=np.array([scaling.gains[name] for name in states]))


def gm_c_taps(request: AnalogRequest, circuit: Circuit, networks: Sequence[TapNetwork]) -> Circuit:
    """Return a circuit with its taps: transconductors into a node that one of them loads.

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
        for sign in (1.0, -1.0):
            for j, fitted, exact in network.resistors(sign):
                parts.transconductor(circuit.states[j], tap, sign, exact, fitted)
        parts.transconductor(tap, tap, -1.0, network.unit)
    taps = tuple(f"tap{k + 1}" for k in range(len(networks)))
    return replace(circuit, sections=parts.tuples(), taps=taps)
