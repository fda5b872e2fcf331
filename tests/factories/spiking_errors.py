"""Errors of designs on spiking neurons against the memory in float64."""

from __future__ import annotations

from typing import Any

import numpy as np

from lmu_hw.firmware.bulk import BulkEngine
from lmu_hw.memory.discretize import discretize
from lmu_hw.memory.float_memory import run_memory
from lmu_hw.memory.legendre import state_space
from lmu_hw.memory.spec import parse
from lmu_hw.program.fixedpoint import from_real, to_real
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.quantize.memory_design import QuantizedMemory
from lmu_hw.quantize.neuron_noise import RMS
from lmu_hw.quantize.quantize_memory import quantize_memory


def spiking_design(**keys: Any) -> QuantizedMemory:
    """Return a memory on neurons with these options; order d and theta = 256 unless given."""
    return quantize_memory(parse({"theta": 256.0, "realization": "spiking", **keys}))


def flat_noise(n_steps: int, n_streams: int, bandwidth: float, seed: int) -> np.ndarray:
    """Return noise that is flat up to a bandwidth [cycles/sample], shape (n_steps, n_streams)."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft(rng.standard_normal((n_steps, n_streams)), axis=0)
    spectrum[np.fft.rfftfreq(n_steps) > bandwidth] = 0.0
    u = np.fft.irfft(spectrum, n_steps, axis=0)
    return np.asarray(u * RMS / np.sqrt(np.mean(u**2, axis=0)))


def measured(
    design: QuantizedMemory,
    *,
    n_streams: int = 4,
    windows: int = 34,
    seed: int = 0,
    runner: type[Interpreter | BulkEngine] = BulkEngine,
) -> tuple[float, float]:
    """Return the NRMSE of m and the mean spikes of a step, of one channel, after two windows.

    m in Legendre polynomials of unit norm. Streams have the same random numbers, and inputs of
    their own.
    """
    spec, program = design.spec, design.program
    assert design.neurons is not None
    n_steps, start = int(windows * spec.theta), int(2 * spec.theta)
    (u_vector,) = (v for v in program.vectors if v.name == "u")
    u = flat_noise(n_steps, n_streams, design.neurons.bandwidth, seed)
    words, _ = from_real(u, u_vector.fmt)
    out = runner(program, n_streams).run(words[:, :, None])[start:]
    m = to_real(out[:, :, : spec.order], program.vector("y").fmt)
    system = discretize(state_space(spec.order), spec.theta, spec.discretizer, spec.substeps)
    exact = run_memory(system, to_real(words, u_vector.fmt))[start:]
    unit = np.sqrt(2.0 * np.arange(spec.order) + 1.0)
    error = (m - exact.reshape(m.shape)) / unit
    nrmse = np.sqrt(np.mean(error**2) / np.mean((exact.reshape(m.shape) / unit) ** 2))
    return float(nrmse), float(out[:, :, spec.order].mean())
