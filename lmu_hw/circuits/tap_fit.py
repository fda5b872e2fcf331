"""Taps fitted to what the circuit does, its rounded parts and its amplifiers included.

The weights of a tap are fitted to the responses of the states, so that the tap has the response of
the exact memory. In the band of the request alone, weights of a poor structure would cancel each
other there and peak beyond it, at the cost of the full scale; hence frequencies beyond count too, a
little. What the amplifiers of the tap do beside is measured and taken from the target. Then the
weights are rounded to resistors of the series.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .._support.array_types import Array
from ..memory.legendre import decoder
from .circuit import Circuit
from .dynamic_range import NodeScaling
from .exact_memory import band_error, exact_response
from .gm_c_circuit import gm_c_taps
from .nodal import linear_circuit
from .op_amp_circuit import op_amp_taps
from .request import AnalogRequest, CircuitForm, PartSeries
from .scaled_circuit import ScaledCircuit
from .state_equations import StateEquations
from .structures import MemoryStructure
from .tap_network import TapNetwork, inner_resistor, unit_resistors
from .tap_rounding import round_weights
from .tap_weights import tap_weights

BAND_POINTS = 100
"""Frequencies in the band, at which taps are fitted and errors computed."""
BEYOND = 6.0
"""Highest frequency that counts in a fit, over the bandwidth."""
BEYOND_WEIGHT = 0.01
"""Weight of an error beyond the band over that of one in the band."""

TAPS: dict[CircuitForm, Callable[[AnalogRequest, Circuit, Sequence[TapNetwork]], Circuit]] = {
    CircuitForm.OP_AMP: op_amp_taps,
    CircuitForm.GM_C: gm_c_taps,
}
"""Function that adds taps to a circuit of each form."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class TapFit:
    """A circuit with its taps.

    Attributes
    ----------
    circuit : Circuit
    networks : tuple of TapNetwork
        Of every tap.
    fitted_error, error : float arrays, shape (n_taps,)
        NRMSE of every tap in the band of the request: with the weights as fitted, and with those of
        the series. Input with a flat spectrum, against the exact memory.
    fitted_total, total : float
        The same over all taps.
    """

    circuit: Circuit
    networks: tuple[TapNetwork, ...]
    fitted_error: Array
    error: Array
    fitted_total: float
    total: float


def band_frequencies(request: AnalogRequest) -> Array:
    """Return the frequencies of fits and errors, in equal steps up to the bandwidth [Hz]."""
    return request.bandwidth * np.arange(1, BAND_POINTS + 1) / BAND_POINTS


def fit_taps(
    request: AnalogRequest,
    structure: MemoryStructure,
    scaling: NodeScaling,
    memory: ScaledCircuit,
) -> TapFit:
    """Return the circuit of a memory with the taps of the request.

    Parameters
    ----------
    request : AnalogRequest
    structure : MemoryStructure
    scaling : NodeScaling
    memory : ScaledCircuit
        Circuit of the structure without taps.
    """
    fit = _Fit(request, structure, scaling, memory)
    weights = fit.ideal_weights() if fit.is_ideal else fit.weights(fit.target)
    got = fit.response(fit.circuit(fit.networks(weights)))
    if not fit.is_ideal:
        weights = fit.weights(fit.target - (got - fit.states @ weights))
        got = fit.response(fit.circuit(fit.networks(weights)))
    networks = fit.networks(weights)
    target = fit.target - (got - fit.states @ weights)
    rounded = tuple(fit.rounded(n, target[:, k], k) for k, n in enumerate(networks))
    circuit = TAPS[request.form](request, memory.circuit, rounded)
    errors = [(got, fit.target), (fit.response(circuit), fit.target)]
    return TapFit(
        circuit=circuit,
        networks=rounded,
        fitted_error=band_error(*errors[0], axis=0),
        error=band_error(*errors[1], axis=0),
        fitted_total=float(band_error(*errors[0])),
        total=float(band_error(*errors[1])),
    )


class _Fit:
    """What all steps of a fit need."""

    def __init__(
        self,
        request: AnalogRequest,
        structure: MemoryStructure,
        scaling: NodeScaling,
        memory: ScaledCircuit,
    ) -> None:
        self.request, self.structure = request, structure
        self.scaling, self.memory = scaling, memory
        self.f = band_frequencies(request)
        beyond = request.bandwidth * np.linspace(1.0, BEYOND, BAND_POINTS + 1)[1:]
        every = np.concatenate([self.f, beyond])
        responses = linear_circuit(memory.circuit).response(every, memory.circuit.states)
        targets = exact_response(request.order, request.theta, request.taps, every)
        self.states, self.target = responses[:BAND_POINTS], targets[:BAND_POINTS]
        self.beyond = BEYOND_WEIGHT * responses[BAND_POINTS:]
        self.target_beyond = BEYOND_WEIGHT * targets[BAND_POINTS:]

    @property
    def is_ideal(self) -> bool:
        """Whether nothing is there to be fitted: exact parts and ideal amplifiers, or none."""
        no_amplifiers = self.request.form is CircuitForm.GM_C
        ideal = no_amplifiers or np.isinf(self.request.amplifier.gain)
        return bool(self.request.series is PartSeries.EXACT and ideal)

    def ideal_weights(self) -> Array:
        """Return the weights of the exact circuit, shape (d, n_taps)."""
        rows = decoder(self.request.order, self.request.taps) @ self.structure.T
        return np.asarray((rows / self.memory.volts).T)

    def weights(self, target: np.ndarray) -> Array:
        """Return the weights that give a target in the band best, shape (d, n_taps)."""
        states = np.concatenate([self.states, self.beyond])
        return tap_weights(states, np.concatenate([target, self.target_beyond]))

    def networks(self, weights: Array) -> tuple[TapNetwork, ...]:
        """Return networks of exact weights, shape (d, n_taps)."""
        out = []
        for column, swing in zip(weights.T, self.swings(weights), strict=True):
            unit = unit_resistors(self.request, column, swing)[0]
            inner = inner_resistor(self.request, unit, swing)
            out.append(TapNetwork(weights=column, exact=column, unit=unit, inner=inner))
        return tuple(out)

    def swings(self, weights: Array) -> list[float]:
        """Return the swing of the sum of positive weights of each tap over that of all nodes."""
        rows = np.maximum(weights.T, 0.0) * self.memory.volts
        s = self.structure
        equations = StateEquations(A=s.A, B=s.B, C=rows, D=np.zeros(len(rows)))
        return [float(norm / self.scaling.peak) for norm in equations.l1_norms()]

    def circuit(self, networks: Sequence[TapNetwork]) -> Circuit:
        """Return the circuit with resistors of the taps that are not rounded."""
        exact = replace(self.request, series=PartSeries.EXACT)
        return TAPS[self.request.form](exact, self.memory.circuit, networks)

    def response(self, circuit: Circuit) -> np.ndarray:
        """Return the responses of all taps, shape (n_f, n_taps)."""
        return linear_circuit(circuit).response(self.f, circuit.taps)

    def rounded(self, network: TapNetwork, target: np.ndarray, tap: int) -> TapNetwork:
        """Return the network of a tap with weights of the series."""
        if self.request.series is PartSeries.EXACT:
            return network
        swing = self.swings(network.exact[:, None])[0]
        weights, unit = round_weights(
            self.request,
            np.concatenate([self.states, self.beyond]),
            np.concatenate([target, self.target_beyond[:, tap]]),
            unit_resistors(self.request, network.exact, swing),
        )
        inner = inner_resistor(self.request, unit, swing)
        return replace(network, weights=weights, unit=unit, inner=inner)
