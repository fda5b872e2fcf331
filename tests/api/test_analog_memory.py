"""`lmu_hw.analog`: circuits in Python."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import lmu_hw as lh
from lmu_hw.errors import ModelFileError, SpecError
from tests.tools import require

RATE = 50_000.0


@pytest.fixture(scope="module")
def memory() -> lh.AnalogMemory:
    """A small memory, with op-amps and parts that exist."""
    return lh.analog(3, "1ms", (0.5, 1.0))


def sine(memory: lh.AnalogMemory, share: float) -> np.ndarray:
    t = np.arange(200) / RATE
    return share * memory.full_scale * np.sin(2 * np.pi * 250 * t) ** 2


def test_it_is_near_the_float_memory(memory: lh.AnalogMemory) -> None:
    u = sine(memory, 0.9)
    exact = memory.simulate(u, RATE, engine="memory")
    assert exact.shape == (200, 2)
    error = np.abs(memory.simulate(u, RATE) - exact).max() / memory.full_scale
    assert 1e-5 < error < 0.02
    assert memory.error < 0.005
    assert memory.bandwidth == pytest.approx(500.0)


def test_ngspice_gives_the_same_voltages(memory: lh.AnalogMemory) -> None:
    require("ngspice")
    u = sine(memory, 0.9)
    found = memory.simulate(u, RATE, engine="ngspice")
    # time steps of ngspice, amplifiers that are not quite linear
    assert np.abs(found - memory.simulate(u, RATE)).max() < 1e-3 * memory.full_scale


def test_ngspice_has_limits(memory: lh.AnalogMemory) -> None:
    require("ngspice")
    u = sine(memory, 4.0)
    limit = memory.design.request.limit
    assert np.abs(memory.simulate(u, RATE)).max() > 1.2 * limit
    assert np.abs(memory.simulate(u, RATE, engine="ngspice")).max() < 1.01 * limit


def test_options_as_numbers_are_those_as_texts(memory: lh.AnalogMemory) -> None:
    same = lh.analog(
        3, 1e-3, [0.5, 1.0], tolerance="1%", supply="5V", opamp="mcp6024", r_max="1Meg"
    )
    assert same.design.request == memory.design.request
    assert same.netlist() == memory.netlist()
    assert lh.analog(1, "1ms", 1.0).circuit.taps == ("tap1",)
    assert repr(memory).startswith("<AnalogMemory LMU memory, d = 3, cascade of op-amps: 0.")
    assert "full scale" in memory._repr_html_()


def test_a_directory_is_what_was_designed(memory: lh.AnalogMemory, tmp_path: Path) -> None:
    build = memory.write(tmp_path / "circuit")
    assert build.path == tmp_path / "circuit"
    assert build.manifest.analog.built == pytest.approx(memory.error, rel=1e-5)
    for name, text in memory.netlist().items():
        assert (build.path / name).read_text() == text
    with pytest.raises(ModelFileError, match="is an analog memory: lmu-hw verify is for it"):
        lh.open_build(build.path)


def test_custom_op_amps_come_back_from_a_manifest(tmp_path: Path) -> None:
    from lmu_hw.circuits.analog_manifest import load_analog

    figures = "GBW=12.5Meg,SR=3.3,VOS=1m,IB=2n,EN=7n,GAIN=2e5,HEADROOM=0.1"
    memory = lh.analog(1, "1ms", opamp=figures)
    build = memory.write(tmp_path / "circuit")
    assert load_analog(build.path)[1] == memory.design.request


def test_verify(memory: lh.AnalogMemory) -> None:
    require("ngspice")
    report = memory.verify(units=4)
    assert report.passed
    report.check()
    assert report.tolerance is not None
    assert report.tolerance.calibrated is None
    with pytest.raises(SpecError, match="calibrate needs drawn units"):
        memory.verify(calibrate=True)


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda m: m.simulate([0.0], RATE), "u must be a signal of two samples or more"),
        (lambda m: m.simulate([[0.0], [1.0]], RATE), "u must be a signal"),
        (lambda m: m.simulate([0.0, np.nan], RATE), "u must hold finite real numbers"),
        (lambda m: m.simulate([0.0, 1.0], 0.0), "rate must be > 0"),
        (lambda m: m.simulate([0.0, 1.0], RATE, engine="spice"), "engine must be linear, ngspice"),
        (lambda m: m.verify(units=0), "draws must be a whole number from 1"),
        (lambda m: m.verify(units="x"), "draws must be a whole number from 1"),
        (lambda m: m.verify(units=3, seed=-1), "seed must be a whole number from 0"),
    ],
)
def test_refusals(
    memory: lh.AnalogMemory, call: object, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # options are checked before anything is simulated
    monkeypatch.setenv("PATH", "")
    assert callable(call)
    with pytest.raises(SpecError, match=reason):
        call(memory)
