"""Noise at the taps: closed forms and ngspice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lmu_hw.circuits.analog_design import make_design
from lmu_hw.circuits.benches import BenchSetup, noise_data_file, spice_files
from lmu_hw.circuits.ngspice import DataFile, run_ngspice
from lmu_hw.circuits.noise_voltages import BOLTZMANN, TEMPERATURE, noise_voltages
from lmu_hw.circuits.request import make_request
from tests.factories.analog_circuits import FAST, IDEAL, gm_c_biquad, inverter, rc_low_pass
from tests.tools import require

KT4 = 4.0 * BOLTZMANN * TEMPERATURE


def test_inverter() -> None:
    f = np.array([10.0, 20.0, 50.0])
    report = noise_voltages(replace(inverter(2.0), amplifier=replace(FAST, gain=1e9)), f)
    resistors = KT4 * 2e4 * 3.0
    amplifier = (3.0 * FAST.noise) ** 2
    np.testing.assert_allclose(report.density[:, 0] ** 2, resistors + amplifier, rtol=1e-4)
    np.testing.assert_allclose(report.rms_of("R") ** 2, 50.0 * resistors, rtol=1e-4)
    np.testing.assert_allclose(report.rms_of("U") ** 2, 50.0 * amplifier, rtol=1e-4)
    total = report.rms_of("R") ** 2 + report.rms_of("U") ** 2
    np.testing.assert_allclose(report.rms**2, total, rtol=1e-12)
    # in V^2/Hz: the amplifier 9e-16, R1 4 kT R1 gain^2 = 6.6e-16, R2 half of that
    assert [name for name, _ in report.largest("y", 3)] == ["U1", "R1", "R2"]


def test_all_noise_of_a_low_pass_is_kt_over_c() -> None:
    corner = 1e3 / (2.0 * np.pi)
    f = corner * np.geomspace(1e-3, 1e5, 4000)
    report = noise_voltages(rc_low_pass(), f)
    np.testing.assert_allclose(report.rms**2, BOLTZMANN * TEMPERATURE / 1e-7, rtol=1e-3)


def test_transconductors_are_resistors_of_their_transconductance() -> None:
    f = np.array([1.0, 2.0])
    report = noise_voltages(replace(gm_c_biquad(), amplifier=IDEAL), f)
    gains = {
        name: square / (2.0 * KT4 * 1e4)
        for name, square in zip(report.parts, report.squares[0], strict=True)
    }
    # the sum's three parts, at a load of the same transconductance
    np.testing.assert_allclose([gains["G5"], gains["G6"], gains["G7"]], 1.0, rtol=1e-6)


def test_distance_from_full_scale() -> None:
    f = np.array([10.0])
    report = noise_voltages(rc_low_pass(), f)
    rms = float(report.rms[0])
    np.testing.assert_allclose(report.below(np.sqrt(2.0) * rms), [0.0], atol=1e-12)
    np.testing.assert_allclose(report.below(np.sqrt(2.0) * rms * 10.0), [20.0])
    silent = noise_voltages(rc_low_pass().with_values({"R1": 1e300}), f)
    assert silent.below(1.0)[0] > 200.0


@pytest.mark.parametrize("noise", ["0", "20n"])
def test_against_ngspice(noise: str) -> None:
    require("ngspice")
    request = make_request(6, 1e-3, (0.25, 1.0), opamp=f"GBW=10Meg,SR=5,HEADROOM=0.02,EN={noise}")
    made = make_design(request)
    setup = BenchSetup(
        order=6, theta=1e-3, delays=request.taps, supply=5.0, full_scale=made.full_scale
    )
    f = setup.noise_frequencies()
    files = spice_files(made.circuit, setup)
    names = [noise_data_file(tap) for tap in made.circuit.taps]
    data = [DataFile(name=name, columns=1, end=float(f[-1])) for name in names]
    rows = run_ngspice("noise.cir", files, data)
    report = noise_voltages(made.circuit, f)
    for k, name in enumerate(names):
        np.testing.assert_allclose(rows[name][:, 1], report.density[:, k], rtol=2e-3)
