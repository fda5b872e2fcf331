"""What the report of an analog memory shows: responses, signals over time, poles, swings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from .._support.array_types import Array
from ..memory import pade
from .analog_design import AnalogDesign
from .benches import STEP_LENGTH, TRAN_LENGTH, BenchSetup, bench_setup
from .bill_of_materials import BillOfMaterials, bill_of_materials
from .circuit import INPUT, Amplifier, Circuit, Transconductor
from .direct_voltages import DirectVoltages, direct_voltages
from .exact_memory import exact_response, exact_transient
from .monte_carlo import MonteCarloReport, monte_carlo
from .nodal import LinearCircuit, linear_circuit
from .noise_voltages import NoiseVoltages, noise_voltages
from .request import PartSeries
from .tap_fit import TAPS, band_frequencies

POLES_WITHIN = 4.0
"""Poles of the memory are within this times d / theta; those of amplifiers beyond."""
UNITS = 200
"""Units that the report draws."""
NOISE_POINTS = 60
"""Frequencies of the noise density."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Responses:
    """Frequency responses from the input to the taps, each of shape (n_f, n_taps).

    Attributes
    ----------
    frequencies : float array, shape (n_f,)
        To twice the band [Hz].
    delays : complex array
        Of ideal delays.
    memory : complex array
        Of the float memory, which any structure computes with exact parts and ideal amplifiers.
    fitted, built : complex array
        Of the circuit with resistors of the taps as fitted, and with those of the series.
    """

    frequencies: Array
    delays: np.ndarray
    memory: np.ndarray
    fitted: np.ndarray
    built: np.ndarray


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Transient:
    """An input over time, and the taps of the float memory and of the circuit.

    Attributes
    ----------
    times, u : float arrays, shape (n,)
        [s], [V].
    memory, built : float arrays, shape (n, n_taps)
        [V].
    """

    times: Array
    u: Array
    memory: Array
    built: Array


@dataclass(frozen=True, eq=False, kw_only=True)
class ReportData:
    """What is known of a design, computed when it is first asked for.

    Parameters
    ----------
    design : AnalogDesign
    units : MonteCarloReport, optional
        Errors of units with drawn parts.
    """

    design: AnalogDesign
    units: MonteCarloReport | None = None

    @property
    def circuit(self) -> Circuit:
        """The circuit with taps."""
        return self.design.circuit

    @property
    def setup(self) -> BenchSetup:
        """The setup of the test benches, which give the signals over time too."""
        return bench_setup(self.design)

    @cached_property
    def linear(self) -> LinearCircuit:
        """The linear model of the circuit."""
        return linear_circuit(self.circuit)

    @cached_property
    def responses(self) -> Responses:
        """Responses of the taps."""
        request, f = self.design.request, self.setup.frequencies()
        as_fitted = TAPS[request.form](
            replace(request, series=PartSeries.EXACT),
            self.design.memory.circuit,
            [replace(network, weights=network.exact) for network in self.design.fit.networks],
        )
        taps = self.circuit.taps
        return Responses(
            frequencies=f,
            delays=np.exp(-2j * np.pi * np.outer(f * request.theta, request.taps)),
            memory=exact_response(request.order, request.theta, request.taps, f),
            fitted=linear_circuit(as_fitted).response(f, taps),
            built=self.linear.response(f, taps),
        )

    def transient(self, u: Array, times: Array) -> Transient:
        """Return the taps over time for an input that is linear between its samples."""
        request, dt = self.design.request, float(times[1] - times[0])
        columns = [self.linear.index[tap] for tap in self.circuit.taps]
        return Transient(
            times=times,
            u=u,
            memory=exact_transient(request.order, request.theta, request.taps, u, dt),
            built=self.linear.simulate(u, dt)[:, columns],
        )

    @cached_property
    def band_limited(self) -> Transient:
        """Taps for the input of ``tran.cir``."""
        return self.transient(self.setup.band_limited(), self.setup.times(TRAN_LENGTH))

    @cached_property
    def step(self) -> Transient:
        """Taps for a step to full scale within a grid point, after a tenth of the window."""
        times = self.setup.times(STEP_LENGTH)
        rise = (times - 0.1 * self.setup.theta) / self.setup.dt
        return self.transient(self.setup.full_scale * np.clip(rise, 0.0, 1.0), times)

    @cached_property
    def poles(self) -> tuple[np.ndarray, np.ndarray]:
        """Poles of the float memory and of the circuit, times theta, without those far out."""
        theta, order = self.design.request.theta, self.design.request.order
        upper = pade.poles(order)
        found = self.linear.poles * theta
        # amplifiers have poles of their own, far faster than the memory
        return np.concatenate([upper, upper.conj()]), found[np.abs(found) < POLES_WITHIN * order]

    @cached_property
    def swings(self) -> dict[str, float]:
        """Largest magnitude of each output of an amplifier or transconductor [V]."""
        parts = self.circuit.parts
        outputs = [p.nodes[2] for p in parts if isinstance(p, Amplifier | Transconductor)]
        return {node: self.design.swings[node] for node in dict.fromkeys([INPUT, *outputs])}

    @cached_property
    def noise(self) -> NoiseVoltages:
        """Noise of the taps in the band."""
        edge = self.design.request.bandwidth
        return noise_voltages(self.circuit, edge * np.arange(1, NOISE_POINTS + 1) / NOISE_POINTS)

    @cached_property
    def direct(self) -> DirectVoltages:
        """Direct voltages by offsets and bias currents."""
        return direct_voltages(self.circuit, self.design.full_scale)

    @cached_property
    def bom(self) -> BillOfMaterials:
        """The parts."""
        return bill_of_materials(self.circuit, self.design.request.tolerance)


def draw_units(design: AnalogDesign, n_draws: int = UNITS) -> MonteCarloReport:
    """Return the errors of units with parts within the tolerance, with taps fitted too."""
    request, f = design.request, band_frequencies(design.request)
    return monte_carlo(
        design.circuit,
        f,
        exact_response(request.order, request.theta, request.taps, f),
        tolerance=request.tolerance,
        n_draws=n_draws,
        calibrate=True,
    )
