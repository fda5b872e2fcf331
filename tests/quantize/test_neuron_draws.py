"""A bad random number generator changes the error of Poisson neurons, not its slope."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from lmu_hw.memory.discretize import discretize
from lmu_hw.memory.float_memory import run_memory
from lmu_hw.memory.legendre import state_space
from lmu_hw.memory.neurons import NeuronModel
from lmu_hw.memory.spec import Discretizer, LMUSpec, RealizationKind
from lmu_hw.program import spiking_step
from lmu_hw.program.fixedpoint import from_real
from lmu_hw.program.integer_program import Program, Role
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.quantize.quantize_memory import quantize_memory

ORDER, THETA, WINDOWS, STREAMS = 6, 32, 14, 24
NEURONS = (192, 1536)


def one_shift(x: np.ndarray) -> np.ndarray:
    """Return the next states of LFSRs of 32 bits, which shift by one bit a draw."""
    return x >> np.uint32(1) ^ (x & np.uint32(1)) * np.uint32(0xA3000000)


def noise(rng: np.random.Generator) -> np.ndarray:
    """Return inputs of RMS 0.3, white up to d / 6 periods in a window."""
    n = WINDOWS * THETA
    spectrum = np.fft.rfft(rng.normal(size=(n, STREAMS)), axis=0)
    spectrum[np.fft.rfftfreq(n) > ORDER / 6 / THETA] = 0.0
    u = np.fft.irfft(spectrum, n, axis=0)
    return np.clip(0.3 * u / u.std(axis=0), -1.0, 1.0)


def own_generators(program: Program, rng: np.random.Generator) -> np.ndarray:
    """Return states of reset but for the generators, which differ between the streams."""
    parts = [
        rng.integers(0, 1 << 32, (STREAMS, v.length))
        if v.name == "generators"
        else np.zeros((STREAMS, v.length), dtype=np.int64)
        for v in program.with_role(Role.STATE)
    ]
    return np.concatenate(parts, axis=1)


def measured(neurons: int) -> tuple[float, float]:
    """Return the NRMSE of a memory on Poisson neurons, measured and predicted."""
    spec = LMUSpec(
        order=ORDER,
        theta=float(THETA),
        realization=RealizationKind.SPIKING,
        neurons=neurons,
        neuron_model=NeuronModel.POISSON,
    )
    design, rng = quantize_memory(spec), np.random.default_rng(neurons)
    program = design.program
    u = noise(rng)
    words, _ = from_real(u, program.vector("u").fmt)
    machine = Interpreter(program, STREAMS)
    machine.load(own_generators(program, rng))
    states: list[np.ndarray] = []
    names = [v.name for v in program.with_role(Role.STATE) if v.name.startswith("z_")]
    machine.run(
        words[:, :, None],
        watch=lambda w: states.append(
            np.hstack([np.ldexp(w[n] * 1.0, -program.vector(n).fmt.frac_bits) for n in names])
        ),
    )
    system = discretize(state_space(ORDER), THETA, Discretizer.ZOH)
    exact = (run_memory(system, u) / system.scale)[2 * THETA :]
    found = (np.array(states) @ design.readout.T / system.scale)[2 * THETA :]
    assert design.neurons is not None
    error = np.sqrt(np.square(found - exact).mean() / np.square(exact).mean())
    return float(error), design.neurons.nrmse


def run() -> tuple[float, np.ndarray]:
    """Return the slope of log error over log m, and errors over their predictions."""
    pairs = np.array([measured(m) for m in NEURONS])
    slope = np.polyfit(np.log(NEURONS), np.log(pairs[:, 0]), 1)[0]
    return float(slope), pairs[:, 0] / pairs[:, 1]


def test_errors_of_poisson_neurons_are_as_predicted() -> None:
    slope, ratios = run()
    # 24 inputs of 12 windows: some 3 % of error in each figure
    assert slope == pytest.approx(-0.5, abs=0.05)
    assert ratios == pytest.approx(1.0, abs=0.1)


def test_a_one_shift_lfsr_keeps_the_slope_and_misses_the_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(spiking_step, "_draw", one_shift)
    # the jumps of xorshift32 are cached
    monkeypatch.setattr(spiking_step, "_jump", cache(spiking_step._jump.__wrapped__))
    slope, ratios = run()
    assert slope == pytest.approx(-0.5, abs=0.05)
    assert min(ratios) > 1.15
    # it is this generator: neighbours in a population draw shifted words
    x = spiking_step.draws(np.array([1], dtype=np.uint32), 4)
    assert (x[0, 1:] == one_shift(x[0, :-1])).all()
