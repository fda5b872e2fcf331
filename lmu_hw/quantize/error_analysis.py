"""Error analysis of a memory with rounded coefficients, for any width of its words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .._support.array_types import Array
from ..memory.spec import LMUSpec
from .bounds import frequency_grid
from .outputs import output_matrix, output_rows
from .rounded_memory import MemorySignal, RoundedMemory
from .state_formats import Bound, choose_formats, fit, peak_models, tighten

MAX_STATE_BITS = 48
"""Widest state; errors are computed once at this width and then scaled."""
TIGHTEN_MULTIPLIES = 1e10
"""Limit of the effort to tighten rounding bounds that cost an integer bit [multiplications]."""


@dataclass(frozen=True, eq=False, kw_only=True)
class IdealMemory:
    """A memory before rounding.

    Attributes
    ----------
    slowest : float
        Smallest distance of a pole from the unit circle [rad/sample].
    response : callable
        Maps points on the unit circle to the transfer functions from u to m.
    """

    slowest: float
    response: Callable[[np.ndarray], np.ndarray]


class Analysis:
    """Peaks, roundoff and transfer error of a memory as functions of the state width.

    Parameters
    ----------
    spec : LMUSpec
    memory : RoundedMemory
    ideal : IdealMemory
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
        Error of the transfer functions from u to the outputs due to the rounded recursion.

    Raises
    ------
    UnstableError
        If rounding made the recursion unstable.
    """

    def __init__(
        self, spec: LMUSpec, memory: RoundedMemory, ideal: IdealMemory, coef_bits: int
    ) -> None:
        self.spec, self.memory, self.coef_bits = spec, memory, coef_bits
        rows = output_rows(spec, memory)
        output = MemorySignal(fmt_name="y", rows=rows, direct=np.zeros(len(rows)))
        self._signals = (*memory.signals, output)
        self._peak_models = peak_models(memory, self._signals)
        self._tight = False
        self._reference = self.bounds(MAX_STATE_BITS)
        self._covariances = self._covariances_of(self._reference)
        self.unrounded = output_matrix(spec) @ memory.readout
        grid = frequency_grid(ideal.slowest)
        self.response = memory.response(grid)
        wanted = output_matrix(spec) @ ideal.response(grid)
        self.chain_error = self.unrounded @ self.response - wanted

    def bounds(self, state_bits: int) -> dict[str, Bound]:
        """Return the formats and worst cases of the recurrent signals at this state width."""
        bounds = {b.signal: b for b in choose_formats(self._peak_models[:-1], state_bits)}
        if not self._tight and self._rounding_costs_bits(bounds, state_bits):
            self._peak_models = tighten(self.memory, self._signals, self._peak_models)
            self._tight = True
            return self.bounds(state_bits)
        return bounds

    def _rounding_costs_bits(self, bounds: dict[str, Bound], state_bits: int) -> bool:
        """Return whether loose rounding bounds cost an integer bit and can be tightened."""
        steps = len(self.memory.recurrence.squarings)
        if self.spec.order**3 * 2.0**steps > TIGHTEN_MULTIPLIES:
            return False
        alone: dict[str, float] = {}
        for model in self._peak_models[:-1]:
            peak = float(np.max(model.input_peak))
            alone[model.fmt_name] = max(alone.get(model.fmt_name, 0.0), peak)
        return any(
            fit(peak, state_bits).int_bits < bounds[name].fmt.int_bits
            for name, peak in alone.items()
        )

    def output_peak(self, bounds: dict[str, Bound]) -> float:
        """Return the largest magnitude that any output can reach."""
        peaks = self._peak_models[-1].peaks({name: bound.fmt.lsb for name, bound in bounds.items()})
        return float(np.max(peaks, initial=0.0))

    def covariances(self, bounds: dict[str, Bound]) -> tuple[Array, Array]:
        """Return the state's covariance from white rounding errors and from constant ones."""
        steps = {
            b.fmt.frac_bits - bounds[name].fmt.frac_bits for name, b in self._reference.items()
        }
        if len(steps) > 1:
            return self._covariances_of(bounds)
        # all LSBs changed by the same factor, so every error scales with them
        white, stall = self._covariances
        scale = 4.0 ** steps.pop()
        return scale * white, scale * stall

    def _covariances_of(self, bounds: dict[str, Bound]) -> tuple[Array, Array]:
        noise = self.memory.noise({name: bound.fmt.lsb for name, bound in bounds.items()})
        recurrence = self.memory.recurrence
        stall = recurrence.stall_covariance(self.memory.stall_sigmas * noise)
        return recurrence.rounding_covariance(noise), stall
