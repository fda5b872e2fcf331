"""Resistors and capacitors of the stages of a structure, whatever parts make them."""

from __future__ import annotations

from dataclasses import dataclass

from .dynamic_range import NodeScaling
from .element_values import integrator_capacitors, summing_resistance
from .memory_rounding import Resistors, round_memory
from .request import AnalogRequest
from .structures import MemoryStructure, Stage


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class StageValues:
    """Values of the parts of all stages; 1 / transconductance counts as resistor.

    Attributes
    ----------
    gains : dict of (str, str) to float
        Gain of every stage for every input, by their names, from voltage to voltage; of an
        integrator over theta. None is zero.
    capacitor : float
        Of all integrators [F].
    feedback : dict of str to float
        Feedback resistor of every sum, of the series [ohm].
    exact, rounded : dict of (str, str) to float
        Resistor for every gain [ohm].
    """

    gains: dict[tuple[str, str], float]
    capacitor: float
    feedback: dict[str, float]
    exact: Resistors
    rounded: Resistors

    def inputs(self, stage: Stage) -> list[tuple[str, float, float, float]]:
        """Return the inputs of a stage: node, gain, exact and rounded resistor."""
        keys = [(stage.name, node) for node, gain in stage.inputs if gain]
        return [(key[1], self.gains[key], self.exact[key], self.rounded[key]) for key in keys]


def capacitor_choices(
    request: AnalogRequest, structure: MemoryStructure, scaling: NodeScaling
) -> tuple[float, ...]:
    """Return what the capacitor of all integrators may be [F]; see `integrator_capacitors`.

    Raises
    ------
    SpecError
        If the bounds of the request allow none; the message says what would.
    """
    gains = voltage_gains(structure, scaling)
    integrators = {stage.name for stage in structure.stages if stage.integrates}
    return integrator_capacitors(
        request, (abs(gain) for (stage, _), gain in gains.items() if stage in integrators)
    )


def stage_values(
    request: AnalogRequest, structure: MemoryStructure, scaling: NodeScaling, c: float
) -> StageValues:
    """Return the values of all stages of a scaled structure, with this capacitor [F].

    Raises
    ------
    SpecError
        If the bounds of the request do not allow them; the message says what would.
    """
    gains = voltage_gains(structure, scaling)
    sizes = {
        stage: [abs(gain) for key, gain in gains.items() if key[0] == stage.name]
        for stage in structure.stages
    }
    feedback = {s.name: summing_resistance(request, sizes[s]) for s in sizes if not s.integrates}
    exact = {key: feedback.get(key[0], request.theta / c) / abs(g) for key, g in gains.items()}
    return StageValues(
        gains=gains,
        capacitor=c,
        feedback=feedback,
        exact=exact,
        rounded=round_memory(request, structure, exact),
    )


def voltage_gains(structure: MemoryStructure, scaling: NodeScaling) -> dict[tuple[str, str], float]:
    """Return the gain of every stage for every input, as of `StageValues`."""
    volts = scaling.gains
    return {
        (stage.name, node): gain * volts[stage.name] / volts[node]
        for stage in structure.stages
        for node, gain in stage.inputs
        if gain
    }
