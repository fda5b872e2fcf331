"""Predicted spectrum of the error of a memory's output words, and its part of each source.

The model is that of the error budget (`lmu_hw.quantize.quantize_memory`) without the constant
errors of a settled recursion: white roundoff from every rounding in the recursion, the transfer
error of the rounded coefficients, and rounding of the output. Spiking neurons add the residue of
what they have sent, see `lmu_hw.quantize.neuron_noise`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .._support.array_types import Array
from ..memory.frequency_response import memory_response, state_response
from ..memory.neurons import NeuronModel
from ..memory.spec import LMUSpec, OutputKind, RealizationKind
from ..program.integer_program import Linear, Pointwise, Program, Role, Scale, Spiking, Vector
from .memory_search import MemorySource
from .neuron_noise import NeuronNoise
from .outputs import output_matrix
from .rounded_memory import RoundedMemory

OUTPUT_ROUNDING = 1.0 / 12.0
"""Variance of the rounding of the output [LSB^2]."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ErrorPrediction:
    """Predicted errors of the output words of one channel.

    Parameters
    ----------
    spec : LMUSpec
    program : Program
    realization : RealizationKind
        As built.
    coef_bits : int
        Width of the recursion's coefficients.
    lsbs : mapping of str to float
        Real value of the LSB of each recurrent signal, the chain's among them.
    bandwidth : float
        Highest frequency of the input [cycles/sample]; its spectrum is flat.
    """

    spec: LMUSpec
    program: Program
    realization: RealizationKind
    coef_bits: int
    lsbs: Mapping[str, float]
    bandwidth: float

    @cached_property
    def memory(self) -> RoundedMemory:
        """The memory with the coefficients of the program."""
        return MemorySource(self.spec).rounded(self.realization, self.coef_bits)

    @cached_property
    def output_lsbs(self) -> Array:
        """Real value of the LSB of each output word."""
        return np.concatenate(
            [np.full(v.length // self.spec.channels, v.fmt.lsb) for v in self._outputs]
        )

    @cached_property
    def rows(self) -> Array:
        """C with ``y = C z`` for the coefficients of the program, shape (n_out, d)."""
        return np.vstack([self._rows_of(v.name) for v in self._outputs])

    @cached_property
    def wanted(self) -> Array:
        """What the words stand for: rows W with ``y = W m``, or ``y = W z`` (`of_chain`)."""
        if self.of_chain:
            return self.rows
        if self.spec.output is OutputKind.STATE:
            # each word is one coefficient divided by a scale
            values = np.vstack(list(self.memory.states.values()))
            scale = np.diag(self.memory.readout @ (values.T / np.sum(values**2, axis=1)))
            return np.diag(1.0 / scale)
        return output_matrix(self.spec)

    @property
    def of_chain(self) -> bool:
        """Whether the words stand for the states of the rounded chain, to which T is fitted."""
        chains = (RealizationKind.CASCADE, RealizationKind.SPIKING)
        return self.spec.output is OutputKind.STATE and self.realization in chains

    @cached_property
    def rms(self) -> Array:
        """Predicted RMS error of each output word, without that of coefficients [LSB]."""
        covariance = self.memory.recurrence.rounding_covariance(self._noise)
        if self._spiking is not None:
            covariance = covariance + self._neurons.covariance(
                self._model,
                self._quantum * 2.0**self._spiking.population,
                2**self._spiking.population,
            )
        variance = np.sum((self.rows @ covariance) * self.rows, axis=1)
        return np.asarray(np.sqrt(variance / self.output_lsbs**2 + OUTPUT_ROUNDING))

    def transfer_error(self, frequencies: Array) -> Array:
        """Return the gain from the input to the error of each word, by rounded coefficients.

        Parameters
        ----------
        frequencies : float array, shape (n,)
            [cycles/sample], > 0.

        Returns
        -------
        float array, shape (n_out, n)
            [LSB].
        """
        if self.of_chain:
            return np.zeros((len(self.rows), len(frequencies)))
        z, spec = np.exp(2j * np.pi * frequencies), self.spec
        ideal = memory_response(spec.order, spec.theta, spec.discretizer, spec.substeps, z)
        error = self.rows @ self.memory.response(z) - self.wanted @ ideal
        return np.asarray(np.abs(error) / self.output_lsbs[:, None])

    def total_rms(self, input_rms: float, n_points: int = 64) -> Array:
        """Return the predicted RMS error of each output word for an input of this RMS [LSB]."""
        frequencies = self.bandwidth * (np.arange(n_points) + 0.5) / n_points
        gain = np.mean(self.transfer_error(frequencies) ** 2, axis=1)
        return np.asarray(np.sqrt(self.rms**2 + gain * input_rms**2))

    def spectrum(self, word: int, frequencies: Array, input_rms: float) -> Array | None:
        """Return the one-sided power density of the error of a word [LSB^2 samples/cycle].

        Parameters
        ----------
        word : int
        frequencies : float array, shape (n,)
            [cycles/sample], > 0 and < 0.5.
        input_rms : float
            Of a flat input up to `bandwidth`.

        Returns
        -------
        float array, shape (n,), or None
            None for Poisson neurons, whose noise depends on the states.
        """
        if self._spiking is not None and self._model is NeuronModel.POISSON:
            return None
        z, lsb = np.exp(2j * np.pi * frequencies), self.output_lsbs[word]
        # the row of the transposed system: gains from every entry of z to the word
        gains = state_response(self.memory.recurrence.A.T, self.rows[word], z)
        density = np.sum(np.abs(self._noise.T @ gains) ** 2, axis=0) / lsb**2 / 12.0
        if self._spiking is not None:
            sent = (self._neurons.sent * self._quantum).T @ gains
            residue = np.sum(np.abs(sent) ** 2, axis=0) / lsb**2 / 12.0
            density = density + residue * np.abs(1.0 - z) ** 2
        in_band = np.where(frequencies <= self.bandwidth, input_rms**2 / self.bandwidth, 0.0)
        of_input = self.transfer_error(frequencies)[word] ** 2 * in_band
        return np.asarray(2.0 * (density + OUTPUT_ROUNDING) + of_input)

    @property
    def _outputs(self) -> list[Vector]:
        counts = self.program.counts
        return [v for v in self.program.with_role(Role.OUTPUT) if v.name not in counts]

    @cached_property
    def _noise(self) -> Array:
        """Effect on z of an error of one LSB at each rounding, shape (d, n)."""
        return self.memory.noise(self.lsbs)

    @cached_property
    def _spiking(self) -> Spiking | None:
        return next((op for op in self.program.ops if isinstance(op, Spiking)), None)

    @property
    def _model(self) -> NeuronModel:
        assert self._spiking is not None
        return NeuronModel.INTEGRATE_FIRE if self._spiking.membrane else NeuronModel.POISSON

    @cached_property
    def _neurons(self) -> NeuronNoise:
        return NeuronNoise(self.memory, self.bandwidth)

    @cached_property
    def _quantum(self) -> Array:
        """Real value of one spike of each state."""
        assert self._spiking is not None
        lsbs = np.array([self.lsbs[name] for name in self._neurons.owner])
        return np.asarray(lsbs * 2.0 ** np.array(self._spiking.quanta))

    def _rows_of(self, name: str) -> Array:
        """Return the rows of an output vector, from the coefficients of its operation."""
        op = next(op for op in self.program.ops if name in op.writes)
        states, lsb = self.memory.states, self.program.vector(name).fmt.lsb
        if isinstance(op, Scale):
            scale = np.ldexp(np.array(op.coefs, dtype=np.float64), -np.array(op.shifts))
            return np.asarray(scale[:, None] * states[op.source] * lsb / self.lsbs[op.source])
        if isinstance(op, Pointwise):
            (term,) = op.terms
            return states[term.a]
        assert isinstance(op, Linear)
        each = [
            states[s] * 2.0**align / self.lsbs[s]
            for s, align in zip(op.sources, op.aligns, strict=True)
        ]
        words = np.array(op.rows, dtype=np.float64) @ np.vstack(each)
        scale = np.ldexp(np.array(op.multipliers, dtype=np.float64), -np.array(op.shifts))
        return np.asarray(scale[:, None] * words * lsb)
