"""Delay errors and the choice of a memory from Python."""

from __future__ import annotations

import numpy as np
import pytest

import lmu_hw as lh
from lmu_hw.errors import SpecError


def test_the_delay_error_of_a_memory() -> None:
    zoh = lh.Memory(64, theta=512)
    assert zoh.delay_error(0.0125, [0.5]) == pytest.approx(1.2e-4, rel=0.05)
    assert zoh.delay_error(0.0125) > zoh.delay_error(0.0125, [0.25, 0.5])
    bilinear = lh.Memory(64, theta=512, discretizer="bilinear", substeps=4)
    assert bilinear.delay_error(0.0125) < zoh.delay_error(0.0125)
    with pytest.raises(SpecError, match="bandwidth"):
        zoh.delay_error(0.7)
    with pytest.raises(SpecError, match="delays"):
        zoh.delay_error(0.1, [1.5])


def test_it_is_what_a_simulation_decodes() -> None:
    memory = lh.choose_memory(12, theta=100, accuracy="0.5%", bandwidth=0.01)
    assert memory.discretizer == "bilinear"
    t = np.arange(4000)
    lead = memory.spec().lead
    f = np.arange(1, 11)[:, None] / 1000.0
    phase = np.arange(10)[:, None] ** 2
    u = np.sin(2 * np.pi * f * t + phase).sum(axis=0)
    decoded = memory.simulate(u) @ memory.decoder([0.6]).T
    wanted = np.sin(2 * np.pi * f * (t - 60.0 + lead) + phase).sum(axis=0)
    error = np.sqrt(np.mean((decoded[2000:3000, 0] - wanted[2000:3000]) ** 2) / np.mean(u**2))
    # ten lines stand for the flat spectrum
    assert error == pytest.approx(memory.delay_error(0.0105, [0.6]), rel=0.15)
    assert memory.delay_error(0.01) <= 0.005


def test_choices() -> None:
    report = lh.compare_delays(16, bandwidth=0.0125)
    assert report.theta == 128.0
    assert report.within(0.0005).substeps == 2
    memory = lh.choose_memory(16, accuracy=0.0005, bandwidth=0.0125, channels=2)
    assert (memory.theta, memory.substeps, memory.channels) == (128.0, 2, 2)
    assert memory.discretizer == "bilinear"
    cheap = lh.choose_memory(16, accuracy="1%", bandwidth=0.0125, output="state")
    assert cheap.discretizer == "zoh"
    with pytest.raises(SpecError, match="accuracy must be at least"):
        lh.choose_memory(4, accuracy="0.1%", bandwidth=0.1)
    with pytest.raises(SpecError, match="output must be"):
        lh.compare_delays(4, bandwidth=0.1, output="sums")
