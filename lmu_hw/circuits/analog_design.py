"""`AnalogDesign`: a request as a circuit, and what is known of it before it is simulated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .._support.workers import one_blas_thread
from ..errors import SpecError
from .circuit import Circuit
from .dynamic_range import NodeScaling, scale_nodes
from .gm_c_circuit import gm_c_memory
from .nodal import linear_circuit
from .op_amp_circuit import op_amp_memory
from .quantities import quantity_text
from .request import AnalogRequest, CircuitForm, PartSeries
from .scaled_circuit import ScaledCircuit
from .stage_values import capacitor_choices
from .structures import MemoryStructure, structure_of
from .tap_fit import TapFit, fit_taps

MEMORIES: dict[
    CircuitForm, Callable[[AnalogRequest, MemoryStructure, NodeScaling, float], ScaledCircuit]
] = {
    CircuitForm.OP_AMP: op_amp_memory,
    CircuitForm.GM_C: gm_c_memory,
}
"""Function that makes a circuit of each form."""
LARGEST_ERROR = 0.5
"""Largest NRMSE of the taps of a design."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class AnalogDesign:
    """The circuit of a request.

    Attributes
    ----------
    request : AnalogRequest
    structure : MemoryStructure
    memory : ScaledCircuit
        The circuit without taps, and the voltages of its states.
    fit : TapFit
        The circuit with taps, their weights and errors.
    full_scale : float
        Largest magnitude of the input with which every node stays within the limit of the
        amplifiers, whatever the input's shape [V].
    swings : mapping of str to float
        Largest magnitude of every node for inputs up to the full scale [V]; of the circuit as
        built, taps and amplifiers included.
    """

    request: AnalogRequest
    structure: MemoryStructure
    memory: ScaledCircuit
    fit: TapFit
    full_scale: float
    swings: Mapping[str, float]

    @property
    def circuit(self) -> Circuit:
        """The circuit with taps."""
        return self.fit.circuit


def make_design(request: AnalogRequest) -> AnalogDesign:
    """Return the circuit of a request.

    Raises
    ------
    SpecError
        If the bounds of R and C do not allow it, or the taps are off by half; the message says what
        would do.
    UnstableError
        If the amplifiers are too slow for the memory.
    """
    with one_blas_thread():
        structure = structure_of(request.structure, request.order)
        scaling = scale_nodes(structure, request.taps)
        memory, fit = _best(request, structure, scaling)
        linear = linear_circuit(fit.circuit)
        norms = dict(zip(linear.nodes, linear.l1_norms().tolist(), strict=True))
    if fit.total > LARGEST_ERROR:
        raise SpecError(
            f"taps of this circuit are {fit.total:.0%} off up to "
            f"{quantity_text(request.bandwidth, 'Hz')}, no memory: take faster op-amps than "
            f"{request.amplifier.name}, a longer theta, --series E96 or --structure cascade"
        )
    full_scale = request.limit / max(norms.values())
    return AnalogDesign(
        request=request,
        structure=structure,
        memory=memory,
        fit=fit,
        full_scale=full_scale,
        swings={node: full_scale * norm for node, norm in norms.items()},
    )


def _best(
    request: AnalogRequest, structure: MemoryStructure, scaling: NodeScaling
) -> tuple[ScaledCircuit, TapFit]:
    """Return the circuit with the capacitor that leaves the smallest error.

    With each capacitor the poles are elsewhere between the values of the resistors.
    """
    choices = capacitor_choices(request, structure, scaling)
    if request.series is PartSeries.EXACT:
        choices = choices[:1]
    memories = [MEMORIES[request.form](request, structure, scaling, c) for c in choices]
    fits = [fit_taps(request, structure, scaling, memory) for memory in memories]
    best = min(range(len(fits)), key=lambda k: fits[k].total)
    return memories[best], fits[best]
