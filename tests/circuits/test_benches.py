"""The inputs of the test benches, and what their decks hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lmu_hw.circuits.benches import FADE, TRAN_LENGTH, BenchSetup, spice_files
from tests.factories.analog_circuits import inverter
from tests.factories.memory_circuits import memory_circuit

SETUP = BenchSetup(order=6, theta=2e-3, delays=(0.5, 1.0), supply=5.0, full_scale=1.5)


@pytest.mark.parametrize("order", [1, 2, 5, 6, 12, 24])
def test_frequencies_hold_the_band_and_one_over_theta(order: int) -> None:
    setup = replace(SETUP, order=order)
    f = setup.frequencies() * setup.theta
    assert f[47] == pytest.approx(1.0)
    assert np.min(np.abs(f - order / 6)) < 1e-12
    assert f[-1] >= max(2.0, order / 3) - 1e-9
    assert setup.noise_frequencies()[-1] == pytest.approx(setup.band_edge)


@pytest.mark.parametrize("order", [1, 3, 12, 24])
def test_the_input_is_in_the_band_and_starts_at_rest(order: int) -> None:
    setup = replace(SETUP, order=order)
    u = setup.band_limited()
    assert u[0] == 0.0
    assert np.max(np.abs(u)) == pytest.approx(1.5)
    assert np.max(np.abs(u[: setup.points // 8])) < 0.02
    # odd around its end, so that twice its length is periodic; the fading leaks a little
    n = len(u) - 1
    spectrum = np.abs(np.fft.rfft(np.concatenate([u[:n], -u[1:][::-1]]))) ** 2
    edge = 2 * TRAN_LENGTH * order / 6 + 4 * TRAN_LENGTH / FADE
    assert np.sum(spectrum[int(edge) :]) < 1e-3 * np.sum(spectrum)


def test_the_square_wave_is_at_full_scale() -> None:
    u = SETUP.square()
    assert u[0] == 0.0
    assert set(np.abs(u[1:])) == {1.5}
    assert np.array_equal(np.sign(u[1:65]), np.repeat([1.0, -1.0], 32))


def test_all_files_are_there_and_plain() -> None:
    m = memory_circuit(3, opamp="MCP6024", series="E96")
    files = spice_files(m.circuit, m.setup)
    assert [*files] == [
        "lmu.cir", "amplifiers.lib", "ac.cir", "tran.cir", "noise.cir", "step.cir", "square.cir",
    ]  # fmt: skip
    for name, text in files.items():
        assert text.isascii()
        assert text.endswith("\n")
        assert max(map(len, text.splitlines())) <= 120, name
        # the first line of a deck is its title, whatever it holds
        assert text.startswith("* ")
    assert "\n* section 1: pair of poles\n" in files["lmu.cir"]
    assert "\n* tap 1: 0.25 theta\n" in files["lmu.cir"]
    assert " v(xlmu.x2_inv) " in files["square.cir"].replace("\n", " ")
    assert spice_files(m.circuit, m.setup) == files


def test_a_circuit_without_amplifiers_has_no_supply() -> None:
    m = memory_circuit(2, form="gm-c")
    files = spice_files(m.circuit, m.setup)
    assert ".subckt ota p n out gm=1 vos=0\n" in files["amplifiers.lib"]
    assert all("vp" not in text for text in files.values())


def test_numbers_of_a_long_theta_are_plain() -> None:
    setup = replace(SETUP, theta=1e4, delays=(1.0,))
    deck = spice_files(inverter(1.0), setup)["tran.cir"]
    assert "tran 312.5 60000 0 19.53125\n" in deck
