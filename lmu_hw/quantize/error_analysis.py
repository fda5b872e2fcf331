"""What is known of a memory with rounded coefficients, whatever its words' widths."""

from __future__ import annotations

import numpy as np

from .._support.array_types import Array
from ..memory.spec import LMUSpec
from ..memory.wave_digital import AdaptorCascade
from .bounds import frequency_grid
from .outputs import of_memory, wanted_rows
from .rounded_memory import MemorySignal, RoundedMemory
from .state_formats import Bound, choose_formats, fit, reaches_of, tighten

MAX_STATE_BITS = 48
"""Widest state; errors are worked out there once and scaled."""
TIGHTEN_MULTIPLIES = 1e10
"""Effort up to which bounds on rounding errors are made tight where they cost an integer bit."""
STALL_SIGMAS = 3.0
"""How unlucky the constant errors of a recursion at rest may be."""


class Analysis:
    """Peaks, rounding errors and transfer error of a memory, as functions of the state's width.

    Parameters
    ----------
    spec : LMUSpec
    memory : RoundedMemory
    ideal : AdaptorCascade
        The memory before rounding.
    coef_bits : int
        Width of the rounded coefficients.

    Attributes
    ----------
    unrounded : float array, shape (n_out, d)
        C with ``y = C z`` before the readout is rounded.
    response : complex array, shape (d, n_points)
        Transfer functions from u to z on a grid of frequencies.
    chain_error : complex array, shape (n_out, n_points)
        What the rounded recursion makes of the outputs, less what it should.

    Raises
    ------
    UnstableError
        If rounding made the recursion unstable.
    """

    def __init__(
        self, spec: LMUSpec, memory: RoundedMemory, ideal: AdaptorCascade, coef_bits: int
    ) -> None:
        self.spec, self.memory, self.coef_bits = spec, memory, coef_bits
        rows = wanted_rows(spec, memory)
        output = MemorySignal(fmt_name="y", rows=rows, direct=np.zeros(len(rows)))
        self._signals = (*memory.signals, output)
        self._reaches = reaches_of(memory, self._signals)
        self._tight = False
        self._reference = self.bounds(MAX_STATE_BITS)
        self._covariances = self._covariances_of(self._reference)
        self.unrounded = of_memory(spec) @ memory.readout
        grid = frequency_grid(min(min(section) for section in ideal.chain.sections))
        self.response = memory.response(grid)
        wanted = of_memory(spec) @ ideal.T
        self.chain_error = self.unrounded @ self.response - wanted @ ideal.chain.response(grid)

    def bounds(self, state_bits: int) -> dict[str, Bound]:
        """Return the formats of the recurrent signals at this width of the state."""
        bounds = {b.signal: b for b in choose_formats(self._reaches[:-1], state_bits)}
        if not self._tight and self._rounding_costs_bits(bounds, state_bits):
            self._reaches = tighten(self.memory, self._signals, self._reaches)
            self._tight = True
            return self.bounds(state_bits)
        return bounds

    def _rounding_costs_bits(self, bounds: dict[str, Bound], state_bits: int) -> bool:
        """Return whether quick bounds on rounding moved an integer bit and can be tightened."""
        steps = len(self.memory.recurrence.squarings)
        if self.spec.order**3 * 2.0**steps > TIGHTEN_MULTIPLIES:
            return False
        alone: dict[str, float] = {}
        for reach in self._reaches[:-1]:
            peak = float(np.max(reach.input_peak))
            alone[reach.fmt_name] = max(alone.get(reach.fmt_name, 0.0), peak)
        return any(
            fit(peak, state_bits).int_bits < bounds[name].fmt.int_bits
            for name, peak in alone.items()
        )

    def output_peak(self, bounds: dict[str, Bound]) -> float:
        """Return the most any output word can reach."""
        peaks = self._reaches[-1].peaks({name: bound.fmt.lsb for name, bound in bounds.items()})
        return float(np.max(peaks, initial=0.0))

    def covariances(self, bounds: dict[str, Bound]) -> tuple[Array, Array]:
        """Return the state's covariance from white rounding errors and from constant ones."""
        steps = {
            b.fmt.frac_bits - bounds[name].fmt.frac_bits for name, b in self._reference.items()
        }
        if len(steps) > 1:
            return self._covariances_of(bounds)
        # the LSBs moved together: so did every error
        white, stall = self._covariances
        scale = 4.0 ** steps.pop()
        return scale * white, scale * stall

    def _covariances_of(self, bounds: dict[str, Bound]) -> tuple[Array, Array]:
        noise = self.memory.noise({name: bound.fmt.lsb for name, bound in bounds.items()})
        recurrence = self.memory.recurrence
        stall = recurrence.stall_covariance(STALL_SIGMAS * noise)
        return recurrence.rounding_covariance(noise), stall
