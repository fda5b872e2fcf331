"""Quantize a memory on spiking neurons: a cascade whose states travel as spikes."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from .._support.array_types import Array
from ..errors import SpecError
from ..memory.neurons import NeuronModel
from ..memory.spec import RealizationKind
from ..program.fixedpoint import QFormat
from ..program.integer_program import Cascade, Role, Spiking, Vector
from ..program.spiking_update import GENERATOR_FMT, MAX_POPULATION
from .memory_design import NeuronSummary, QuantizedMemory, memory_program
from .memory_search import MemorySource
from .neuron_noise import RMS, NeuronNoise
from .outputs import Output, make_outputs, output_rows
from .rounded_memory import RoundedMemory, silence_window
from .spike_formats import FormatChoice, SpikeFormats

REASON = "asked for; it takes the multiplies of a cascade, and its spikes beside them"


class SpikingSource:
    """A cascade to which neurons are added.

    Parameters
    ----------
    source : MemorySource
        Of a specification of a spiking memory.
    """

    def __init__(self, source: MemorySource) -> None:
        spec = self.spec = source.spec
        assert spec.neuron_model is not None
        self.model = spec.neuron_model
        self.base = source.within_budget(RealizationKind.CASCADE)
        self.memory: RoundedMemory = source.rounded(RealizationKind.CASCADE, self.base.coef_bits)
        self.window = silence_window(spec.theta)
        assert spec.bandwidth is not None
        self.bandwidth = spec.bandwidth
        self.noise = NeuronNoise(self.memory, self.bandwidth)
        self._choice = FormatChoice(
            self.memory, self.base.bounds, self.noise, self.model, self.window
        )

    def formats(self, population: int) -> SpikeFormats:
        """Return full scales and formats for 2**population neurons of each sign of a state."""
        return self._choice.formats(population)

    def population(self) -> int:
        """Return log2 of the neurons of each sign of a state.

        Raises
        ------
        SpecError
            If no number of neurons has the accuracy asked for.
        """
        spec = self.spec
        if spec.neurons is not None:
            found = min(MAX_POPULATION, int(math.log2(spec.neurons // (2 * spec.order))))
            if spec.accuracy is not None and (error := self.nrmse(found)) > spec.accuracy:
                raise SpecError(
                    f"accuracy must be at least {error:.3g} for {spec.neurons} neurons, not "
                    f"{spec.accuracy:.3g}: leave out --neurons, or allow that"
                )
            return found
        assert spec.accuracy is not None
        least = 0 if spec.generators is None else int(math.log2(spec.generators))
        for found in range(least, MAX_POPULATION + 1):
            if self.nrmse(found) <= spec.accuracy:
                return found
        raise SpecError(
            f"accuracy must be at least {self.nrmse(MAX_POPULATION):.2g} for "
            f"{2 * spec.order << MAX_POPULATION} {self.model.value} neurons, the most possible, "
            f"not {spec.accuracy:.3g}: allow that"
            + ", or use --neuron-model integrate-fire"
            * (self.model is NeuronModel.POISSON)
        )

    def covariance(self, population: int, formats: SpikeFormats | None = None) -> Array:
        """Return the covariance of all errors of z: spikes and roundoff."""
        formats = formats or self.formats(population)
        lsb = {name: bound.fmt.lsb for name, bound in formats.bounds.items()}
        roundoff = self.memory.recurrence.rounding_covariance(self.memory.noise(lsb))
        return roundoff + self.noise.covariance(self.model, formats.full_scale, 1 << population)

    def nrmse(self, population: int) -> float:
        """Return the predicted NRMSE of m."""
        return self.noise.nrmse(self.covariance(population))

    def design(self) -> QuantizedMemory:
        """Return the quantized memory."""
        population = self.population()
        formats = self.formats(population)
        covariance = self.covariance(population, formats)
        outputs = self._outputs(formats, covariance)
        spec = self.spec
        neurons = NeuronSummary(
            model=self.model,
            neurons=2 * spec.order << population,
            population=1 << population,
            generators=spec.generators,
            nrmse=self.noise.nrmse(covariance),
            bandwidth=self.bandwidth,
            rms=RMS,
            spikes_per_step=self.noise.spikes(covariance, formats.full_scale, 1 << population),
            error_lsb=max(
                math.sqrt(float(np.max(np.sum((y.rows @ covariance) * y.rows, axis=1)))) / y.fmt.lsb
                for y in outputs
            ),
        )
        operation, vectors = self._operation(formats, population)
        return replace(
            self.base,
            program=memory_program(
                spec, self.memory, formats.bounds, outputs, operation=operation, more=vectors
            ),
            realization=RealizationKind.SPIKING,
            reason=REASON,
            state_bits=max(b.fmt.width for n, b in formats.bounds.items() if n != "chain"),
            bounds=tuple(formats.bounds.values()),
            neurons=neurons,
        )

    def _outputs(self, formats: SpikeFormats, covariance: Array) -> tuple[Output, ...]:
        """Return the output vectors; their formats hold four sigma of the errors."""
        rows = output_rows(self.spec, self.memory)
        peak = 0.0
        if len(rows):
            exact = self.memory.recurrence.peaks(rows, np.zeros(len(rows)))
            sigma = np.sqrt(np.sum((rows @ covariance) * rows, axis=1))
            peak = float(np.max(exact + 4.0 * sigma))
        return make_outputs(self.spec, self.memory, peak, formats.bounds, self.base.weight_bits)

    def _operation(
        self, formats: SpikeFormats, population: int
    ) -> tuple[Spiking, tuple[Vector, ...]]:
        """Return the operation, and the vectors that a cascade has not."""
        spec = self.spec
        seeds: tuple[int, ...] = ()
        fmts = {name: bound.fmt for name, bound in formats.bounds.items()}
        cascade = self.memory.operation(fmts, self.window)
        assert isinstance(cascade, Cascade)
        if self.model is NeuronModel.POISSON:
            assert spec.seed is not None
            assert spec.generators is not None
            seeds = generator_seeds(spec.seed, spec.generators)
            kept = Vector(
                name="generators",
                length=len(seeds),
                role=Role.STATE,
                fmt=GENERATOR_FMT,
                about="random number generators, XOR their seeds",
            )
        else:
            kept = Vector(
                name="membrane",
                length=spec.channels * spec.order,
                role=Role.STATE,
                fmt=QFormat(max(1, *formats.quanta), 0),
                about="membranes: what each state has still to send [LSB of the state]",
            )
        operation = Spiking(
            cascade=cascade,
            population=population,
            quanta=formats.quanta,
            membrane="" if seeds else kept.name,
            generators=kept.name if seeds else "",
            seeds=seeds,
            spikes="spikes",
        )
        most = operation.most_spikes({kept.name: kept}.__getitem__)
        spikes = Vector(
            name="spikes",
            length=spec.channels,
            role=Role.OUTPUT,
            fmt=QFormat(most.bit_length(), 0, signed=False),
            about="spikes of all neurons in this step"
            + (", channel after channel" if spec.channels > 1 else ""),
        )
        return operation, (kept, spikes)


def quantize_spiking(source: MemorySource) -> QuantizedMemory:
    """Return a memory on spiking neurons.

    Raises
    ------
    SpecError
        If the error budget of ``bits`` cannot be met by a cascade, or the accuracy asked for by
        any number of neurons.
    FormatError
        If an intermediate word would be too wide for the backends.
    """
    return SpikingSource(source).design()


def generator_seeds(seed: int, n: int) -> tuple[int, ...]:
    """Return n different nonzero seeds of 32 bits.

    The finalizer of MurmurHash3 (Appleby, public domain), a bijection, of multiples of 2**32 over
    the golden ratio.
    """
    found = []
    for k in range(n):
        x = 0x9E3779B9 * (seed * n + k + 1) & 0xFFFFFFFF
        x = (x ^ x >> 16) * 0x85EBCA6B & 0xFFFFFFFF
        x = (x ^ x >> 13) * 0xC2B2AE35 & 0xFFFFFFFF
        found.append(x ^ x >> 16 or 1)
    return tuple(found)
