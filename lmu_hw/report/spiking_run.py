"""A memory on neurons in the interpreter: its spikes, and the error of m against their number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from .._support.array_types import Array, Words
from ..manifest import MemoryManifest
from ..measure.spike_events import SpikeLog, spiking_operation
from ..memory.discretize import discretize
from ..memory.float_memory import band_limited_noise, run_memory
from ..memory.legendre import state_space
from ..memory.neurons import NeuronModel
from ..memory.spec import LMUSpec
from ..program.fixedpoint import from_real, to_real
from ..program.integer_program import Program, Role
from ..program.interpreter import Interpreter
from ..program.spiking_update import MAX_POPULATION
from ..quantize.memory_search import MemorySource
from ..quantize.neuron_noise import RMS
from ..quantize.spiking_memory import SpikingSource

SEED = 1
"""Of the input noise."""
WINDOWS = 8
"""Windows of an input, as far as `STEPS` allows."""
STEPS = (256, 768)
"""Fewest and most steps of an input."""
STREAMS = 8
"""Most inputs that run side by side."""
DRAWS = 1 << 23
"""Most random numbers that a run draws."""
SPIKES = 1 << 21
"""Most spikes that are recorded."""
OCTAVES = 4
"""Sizes of populations that are predicted, to either side of the design's."""
MEASURED = (-4, -2, 0, 2)
"""Sizes of populations that are measured too, relative to the design's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PopulationError:
    """Error of m of a number of neurons.

    Attributes
    ----------
    neurons : int
        Neurons of a channel.
    predicted : float
        NRMSE of m.
    measured : float or None
        The same, of the program on noise.
    """

    neurons: int
    predicted: float
    measured: float | None = None


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class SpikingRun:
    """A memory on neurons, driven by flat noise up to its bandwidth.

    Attributes
    ----------
    n_steps, start : int
        Steps of the input, and those before errors and rates are measured.
    shape : tuple of int
        Channels, states, signs, neurons of a population.
    address, time : int64 array, shape (n,)
        Neuron and step of every spike of the first input.
    recorded : int
        Steps of the first input whose spikes were recorded.
    spikes : float array, shape (n_steps,)
        Spikes of a channel in each step of the first input.
    mean_spikes : float
        Mean over all inputs and channels, of a channel and step.
    error : float
        Measured NRMSE of m.
    sizes : tuple of PopulationError
        By number of neurons; the design is one of them.
    """

    n_steps: int
    start: int
    shape: tuple[int, int, int, int]
    address: Words
    time: Words
    recorded: int
    spikes: Array
    mean_spikes: float
    error: float
    sizes: tuple[PopulationError, ...]

    @property
    def rates(self) -> Array:
        """Mean spikes of a step of each state and sign of the first channel, shape (states, 2)."""
        late = self.time >= min(self.start, self.recorded // 2)
        n = self.recorded - min(self.start, self.recorded // 2)
        channel, state, sign, _ = np.unravel_index(self.address[late], self.shape)
        first = channel == 0
        found = np.zeros(self.shape[1:3])
        np.add.at(found, (state[first], sign[first]), 1.0)
        return found / max(1, n)


def run_spiking(manifest: MemoryManifest, program: Program) -> SpikingRun:
    """Drive a memory on neurons with noise, and others of fewer and more neurons.

    Parameters
    ----------
    manifest : MemoryManifest
        Of a spiking memory.
    program : Program
    """
    spec, neurons = manifest.spec, manifest.neurons
    assert neurons is not None
    source = SpikingSource(MemorySource(spec))
    op = spiking_operation(program)
    readout = source.base.readout
    streams, n_steps = _effort(spec, op.population)
    u = _noise(spec, neurons.bandwidth, n_steps, streams)
    error, counts = _measured(program, spec, readout, u)
    recorded = int(min(n_steps, max(16, SPIKES // max(1.0, neurons.spikes_per_step))))
    with SpikeLog(program, 1) as log:
        watch = log.start(np.zeros(1, dtype=np.int64))
        Interpreter(program).run(_words(program, u[:recorded, :1]), watch=watch)
        log.finish()
        address, time = log.events()
        shape = log.shape
    start = _start(spec, n_steps)
    return SpikingRun(
        n_steps=n_steps,
        start=start,
        shape=shape,
        address=address,
        time=time,
        recorded=recorded,
        spikes=counts[:, 0].mean(axis=1),
        mean_spikes=float(counts[start:].mean()),
        error=error,
        sizes=_sizes(source, op.population, error),
    )


def _effort(spec: LMUSpec, population: int) -> tuple[int, int]:
    """Return how many inputs run side by side, and for how many steps."""
    n_steps = int(np.clip(WINDOWS * spec.theta, *STEPS))
    if spec.neuron_model is not NeuronModel.POISSON:
        return STREAMS, n_steps
    each = spec.channels * spec.order << population
    streams = int(np.clip(DRAWS // (each * n_steps), 1, STREAMS))
    return streams, int(np.clip(DRAWS // each, 64, n_steps))


def _start(spec: LMUSpec, n_steps: int) -> int:
    """Return the step from which on the memory is full, or half of all."""
    return int(min(2 * spec.theta, n_steps // 2))


def _noise(spec: LMUSpec, bandwidth: float, n_steps: int, streams: int) -> Array:
    """Return noise of the RMS of predictions, shape (n_steps, streams, channels)."""
    rng = np.random.default_rng(SEED)
    n = streams * spec.channels
    # a period holds one wave at least, also of the slowest memories
    highest = max(bandwidth, 1.0 / n_steps)
    u = np.stack([band_limited_noise(n_steps, highest, rng) for _ in range(n)], axis=1)
    u *= RMS / np.sqrt(np.mean(u**2, axis=0))
    return u.reshape(n_steps, streams, spec.channels)


def _words(program: Program, u: Array) -> Words:
    (source,) = program.with_role(Role.INPUT)
    return from_real(u, source.fmt)[0]


def _measured(program: Program, spec: LMUSpec, readout: Array, u: Array) -> tuple[float, Words]:
    """Return the NRMSE of m, and the spikes of each step, input and channel.

    Parameters
    ----------
    program : Program
    spec : LMUSpec
    readout : float array, shape (d, d)
        Coefficients from the real values of all states of a channel.
    u : float array, shape (n_steps, n_streams, channels)
    """
    op = spiking_operation(program)
    states = [program.vector(name) for name in op.cascade.states]
    words = _words(program, u)
    shape = (u.shape[1], spec.channels, -1)
    m: list[Array] = []
    counts: list[Words] = []

    def watch(found: Mapping[str, Words]) -> None:
        parts = [to_real(found[v.name], v.fmt).reshape(shape) for v in states]
        m.append(np.concatenate(parts, axis=2) @ readout.T)
        counts.append(found[op.spikes].copy())

    Interpreter(program, u.shape[1]).run(words, watch=watch)
    system = discretize(state_space(spec.order), spec.theta, spec.discretizer, spec.substeps)
    exact_u = to_real(words, program.vector(op.source).fmt).reshape(len(u), -1)
    exact = run_memory(system, exact_u).reshape(*u.shape, spec.order)
    # in Legendre polynomials of unit norm, as predictions are
    unit = np.sqrt(2.0 * np.arange(spec.order) + 1.0)
    start = _start(spec, len(u))
    wrong, right = (np.array(m)[start:] - exact[start:]) / unit, exact[start:] / unit
    return float(np.sqrt(np.mean(wrong**2) / np.mean(right**2))), np.array(counts)


def _sizes(source: SpikingSource, population: int, error: float) -> tuple[PopulationError, ...]:
    """Return the errors of fewer and more neurons than the design has."""
    spec, found = source.spec, []
    fewest = 0 if spec.generators is None else int(np.log2(spec.generators))
    low, high = max(fewest, population - OCTAVES), min(MAX_POPULATION, population + OCTAVES)
    for size in range(low, high + 1):
        measured = error if size == population else None
        if size != population and size - population in MEASURED:
            measured = _error_of(source, size)
        found.append(
            PopulationError(
                neurons=2 * spec.order << size, predicted=source.nrmse(size), measured=measured
            )
        )
    return tuple(found)


def _error_of(source: SpikingSource, population: int) -> float | None:
    """Return the measured error of another number of neurons; None where it takes too long."""
    spec = replace(source.spec, accuracy=None, neurons=2 * source.spec.order << population)
    streams, n_steps = _effort(spec, population)
    if n_steps < min(STEPS[1], WINDOWS * spec.theta):
        return None
    design = SpikingSource(MemorySource(spec)).design()
    u = _noise(spec, source.bandwidth, n_steps, streams)
    return _measured(design.program, spec, source.base.readout, u)[0]
