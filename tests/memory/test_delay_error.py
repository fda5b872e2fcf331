"""Delay errors against simulation, quadrature and closed forms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from lmu_hw.errors import SpecError, UnstableError
from lmu_hw.memory.delay_error import delay_error
from lmu_hw.memory.discretize import discretize
from lmu_hw.memory.float_memory import run_memory
from lmu_hw.memory.legendre import decoder, state_space
from lmu_hw.memory.spec import Discretizer, LMUSpec

PERIOD = 4096
TAPS = (0.0, 0.1, 0.33, 0.5, 0.8, 1.0)


def memory(order: int, theta: float, method: str = "zoh", substeps: int = 1) -> LMUSpec:
    return LMUSpec(order=order, theta=theta, discretizer=Discretizer(method), substeps=substeps)


def simulated(spec: LMUSpec, n_lines: int) -> float:
    """Return the error of TAPS for noise of equal lines, once its start has been forgotten."""
    k = np.arange(1, n_lines + 1)
    spectrum = np.zeros(PERIOD // 2 + 1, dtype=np.complex128)
    spectrum[k] = np.exp(2j * np.pi * np.random.default_rng(3).random(n_lines))
    u = np.fft.irfft(spectrum, PERIOD)
    system = discretize(state_space(spec.order), spec.theta, spec.discretizer, spec.substeps)
    rows = decoder(spec.order, TAPS)
    got = run_memory(system, np.concatenate([u, u])[:, None], rows)[PERIOD:, 0]
    omega = 2.0 * np.pi * np.arange(PERIOD // 2 + 1) / PERIOD
    wanted = np.stack(
        [
            np.fft.irfft(spectrum * np.exp(-1j * omega * (r * spec.theta - spec.lead)), PERIOD)
            for r in TAPS
        ],
        axis=1,
    )
    return float(np.sqrt(np.mean((got - wanted) ** 2) / np.mean(u**2)))


@pytest.mark.parametrize(
    "spec",
    [
        memory(1, 40.0),
        memory(6, 40.0),
        memory(6, 40.0, "bilinear"),
        memory(6, 100.0, "euler"),
        memory(6, 40.0, "bilinear", 2),
        memory(16, 128.0),
        memory(16, 128.0, "bilinear"),
        memory(16, 128.0, "bilinear", 4),
        memory(16, 128.5, "bilinear", 8),
    ],
    ids=LMUSpec.describe,
)
def test_it_is_the_error_of_a_simulation(spec: LMUSpec) -> None:
    n_lines = 100
    # lines are the middles of equal intervals; the half interval below the first has no error
    exact = delay_error(spec, (n_lines + 0.5) / PERIOD, TAPS) * math.sqrt(1.0 + 0.5 / n_lines)
    assert exact == pytest.approx(simulated(spec, n_lines), rel=2e-3)


@pytest.mark.parametrize("spec", [memory(6, 40.0), memory(16, 90.0, "bilinear", 2)])
@pytest.mark.parametrize("bandwidth", [0.01, 0.1, 0.5])
def test_the_window_is_the_mean_of_its_taps(spec: LMUSpec, bandwidth: float) -> None:
    taps = (np.arange(2000) + 0.5) / 2000
    assert delay_error(spec, bandwidth) == pytest.approx(
        delay_error(spec, bandwidth, taps), rel=1e-3
    )


def test_zoh_inside_the_window_is_its_droop() -> None:
    # a zoh memory has the gain sinc(f) = 1 - (pi f)^2 / 6: the root of its mean square up to f
    f = 0.0125
    droop = (math.pi * f) ** 2 / 6.0 / math.sqrt(5.0)
    assert delay_error(memory(64, 512.0), f, (0.3, 0.5, 0.7)) == pytest.approx(droop, rel=0.02)


def test_zoh_cannot_decode_the_half_sample_to_come() -> None:
    spec = memory(64, 512.0)
    assert delay_error(spec, 0.0125, (0.0,)) > 100 * delay_error(spec, 0.0125, (0.5,))


@pytest.mark.parametrize("substeps", [1, 2])
def test_bilinear_is_warped_by_the_square_of_the_step(substeps: int) -> None:
    # tan(w / 2K) 2K - w = w^3 / (12 K^2): a phase error of r theta times that
    f, theta = 0.0125, 512.0
    phase = (2.0 * math.pi * f) ** 3 / (12.0 * substeps**2) * theta / math.sqrt(3.0 * 7.0)
    assert delay_error(memory(64, theta, "bilinear", substeps), f) == pytest.approx(phase, rel=0.03)


def test_input_that_the_window_cannot_resolve() -> None:
    # no more can be wrong than a memory that answers 0, but for the lowest frequencies
    assert delay_error(memory(2, 1e6), 0.5) == pytest.approx(1.0, abs=0.01)
    assert delay_error(memory(1, 1.0), 0.5) > 0.5


@pytest.mark.parametrize(
    ("bandwidth", "text"),
    [(0.0, "not 0.0"), (-1.0, "> 0"), (0.51, "<= 0.5"), (math.nan, "finite"), ("x", "finite")],
)
def test_bandwidths_out_of_range(bandwidth: Any, text: str) -> None:
    with pytest.raises(SpecError, match=text):
        delay_error(memory(2, 20.0), bandwidth)


def test_euler_must_be_stable() -> None:
    with pytest.raises(UnstableError, match="theta >= 639"):
        delay_error(memory(64, 512.0, "euler"), 0.01)
