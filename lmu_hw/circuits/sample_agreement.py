"""A sample of a Monte Carlo in ngspice: the same units must have the same errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .._support.array_types import Array
from .benches import BenchSetup
from .circuit import Amplifier, Circuit
from .exact_memory import exact_response
from .monte_carlo import unit_errors
from .ngspice_sample import sample_response
from .nodal import linear_circuit

AGREEMENT = 0.02
"""Largest relative difference of an error from ngspice's that counts as agreement."""
SMALL = 1e-5
"""Errors below this count as alike: so small ones depend on the gain that stands for infinity."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class SampleAgreement:
    """Errors of the same units in NumPy and in ngspice.

    Attributes
    ----------
    numpy_errors, ngspice_errors : float arrays, shape (n_units,)
        NRMSE of all taps in the band.
    """

    numpy_errors: Array
    ngspice_errors: Array

    @property
    def difference(self) -> float:
        """Largest difference of a unit's errors, relative to ngspice's."""
        size = np.maximum(self.ngspice_errors, SMALL)
        return float(np.max(np.abs(self.numpy_errors - self.ngspice_errors) / size))

    @property
    def agrees(self) -> bool:
        """Whether all units agree within `AGREEMENT`."""
        return self.difference <= AGREEMENT


def compare_sample(
    circuit: Circuit,
    setup: BenchSetup,
    values: Array,
    advance: Callable[[int], object] = lambda _: None,
) -> SampleAgreement:
    """Compute the errors of units in NumPy and in ngspice.

    Parameters
    ----------
    circuit : Circuit
    setup : BenchSetup
    values : float array, shape (n_units, n_parts)
        As of `monte_carlo.draw_values`.
    advance : callable
        Called with 1 after every unit.

    Raises
    ------
    ToolError
        If ngspice is not installed or fails.
    """
    f = setup.frequencies()
    in_band = f <= setup.band_edge * (1.0 + 1e-9)
    target = exact_response(setup.order, setup.theta, setup.delays, f[in_band])
    simulated = []
    for row in values:
        named = zip(circuit.parts, row, strict=True)
        drawn = {p.name: float(v) for p, v in named if not isinstance(p, Amplifier)}
        simulated.append(sample_response(circuit, setup, drawn)[in_band])
        advance(1)
    computed = linear_circuit(circuit, values).response(f[in_band], circuit.taps)
    return SampleAgreement(
        numpy_errors=unit_errors(computed, target)[1],
        ngspice_errors=unit_errors(np.array(simulated), target)[1],
    )
