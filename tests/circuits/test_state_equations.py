"""Simulation and l1 norms of circuits against closed forms and numerical integration."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import scipy.integrate

from lmu_hw.circuits.nodal import linear_circuit
from lmu_hw.errors import UnstableError
from tests.factories.analog_circuits import (
    FAST,
    biquad,
    capacitor,
    circuit,
    inverter,
    lossy_integrator,
    op_amp,
    random_circuit,
    rc_low_pass,
    resistor,
)


def test_ramp_into_a_low_pass() -> None:
    model = linear_circuit(rc_low_pass())
    t = np.arange(50) * 3e-4
    x = model.simulate(100.0 * t, 3e-4)[:, model.index["x"]]
    np.testing.assert_allclose(x, 100.0 * (t - 1e-3 * (1 - np.exp(-1e3 * t))), atol=1e-14)


def test_simulation_against_an_ode_solver() -> None:
    model = linear_circuit(biquad())
    A, B, C_ = (getattr(model.equations, name) for name in "ABC")
    t = np.arange(60) * 2e-4
    u = np.random.default_rng(0).standard_normal(60)
    solved = scipy.integrate.solve_ivp(
        lambda at, z: A @ z + B * np.interp(at, t, u),
        (0.0, t[-1]),
        np.zeros(2),
        t_eval=t,
        rtol=1e-10,
        atol=1e-12,
        max_step=2e-4,
    )
    low = model.index["low"]
    np.testing.assert_allclose(model.simulate(u, 2e-4)[:, low], C_[low] @ solved.y, atol=1e-7)


def test_stiff_simulation_follows_the_slow_part() -> None:
    u = np.sin(np.arange(200) * 0.05)
    ideal, fast = (linear_circuit(c) for c in (lossy_integrator(), lossy_integrator(FAST)))
    wanted = ideal.simulate(u, 1e-5)[:, ideal.index["y"]]
    got = fast.simulate(u, 1e-5)[:, fast.index["y"]]
    np.testing.assert_allclose(got, wanted, atol=2e-4)


@pytest.mark.parametrize("amplifier", [None, FAST])
def test_l1_norm_of_a_resonance(amplifier) -> None:
    model = linear_circuit(biquad() if amplifier is None else biquad(amplifier))
    # w0 = 1000, Q = 2: the impulse response w0^2/w exp(-a t) sin(w t) in half waves of ratio q
    a, w = 250.0, math.sqrt(1e6 - 250.0**2)
    q = math.exp(-a * math.pi / w)
    exact = 1.0 + 2.0 * q / (1.0 - q)
    got = model.l1_norms()[model.index["low"]]
    if amplifier is None:
        assert (1 - 1e-4) * exact < got < exact * (1 + 1e-12)
    np.testing.assert_allclose(got, exact, rtol=2e-3)


def test_l1_norm_of_a_fast_node_and_a_slow_one() -> None:
    # 10 MHz closed loop before a pole of 10 Hz: nine decades of rates with the amplifier's
    parts = [*inverter(1.0).parts, resistor("3", "y", "x", 1e5), capacitor("1", "x", "0", 1.6e-7)]
    model = linear_circuit(circuit(*parts, amplifier=FAST))
    gain = 1 / (1 + 2 / FAST.gain)
    norms = model.l1_norms()
    np.testing.assert_allclose([norms[model.index[k]] for k in "uyx"], [1.0, gain, gain], rtol=1e-9)


@pytest.mark.parametrize("seed", range(2))
def test_worst_input_reaches_the_l1_norm(seed: int) -> None:
    """The sign of the reversed impulse response as input reaches the norm, none exceeds it."""
    model = linear_circuit(random_circuit(seed, replace(FAST, gain=1e4, bandwidth=1e4)))
    dt, n = 0.1 / np.max(np.abs(model.poles)), 30_000
    y = model.index["y1"]
    step = np.zeros(n)
    step[1:] = 1.0
    area = np.diff(model.simulate(step, dt)[:, y])
    worst = np.sign(area[::-1])
    reached = model.simulate(worst, dt)[-1, y]
    norm = model.l1_norms()[y]
    assert reached <= norm * (1 + 1e-4)
    np.testing.assert_allclose(reached, norm, rtol=0.02)


def test_no_l1_norm_of_an_unstable_circuit() -> None:
    parts = resistor("1", "u", "n", 1e4), capacitor("1", "n", "y", 1e-7), op_amp("1", "0", "n", "y")
    with pytest.raises(UnstableError, match="must be stable, but has a pole at"):
        linear_circuit(circuit(*parts)).l1_norms()
