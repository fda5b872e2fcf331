"""Circuits in ngspice against the float memory: figures of the paper, and faults that are found."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from lmu_hw.circuits.benches import spice_files
from lmu_hw.circuits.circuit import Resistor
from lmu_hw.circuits.circuit_report import CircuitReport
from lmu_hw.circuits.exact_memory import band_error, exact_response
from lmu_hw.circuits.ngspice_sample import sample_response
from lmu_hw.circuits.nodal import linear_circuit
from lmu_hw.circuits.verify_circuit import verify_circuit
from lmu_hw.errors import CircuitMismatchError, MismatchError, ToolError
from tests.factories.memory_circuits import MemoryCircuit, memory_circuit
from tests.tools import needs

tools = needs("ngspice")

TEN_MHZ = "GBW=10Meg,SR=5"


def verify(m: MemoryCircuit, **changed: str) -> CircuitReport:
    """Verify a circuit, with some files changed."""
    return verify_circuit({**spice_files(m.circuit, m.setup), **changed}, m.circuit, m.setup)


def error_at(order: int, theta_f: int, form: str, structure: str) -> float:
    """Return |E| of the whole delay at a frequency in ngspice's .ac, ideal elements [%]."""
    m = memory_circuit(order, form=form, structure=structure, delays=(1.0,))
    f = m.setup.frequencies() * m.setup.theta
    k = int(np.argmin(np.abs(f - theta_f)))
    assert f[k] == pytest.approx(theta_f)
    return 100.0 * abs(sample_response(m.circuit, m.setup)[k, 0] - 1.0)


@pytest.mark.parametrize("form", ["op-amp", "gm-c"])
@pytest.mark.parametrize("structure", ["cascade", "direct", "ladder"])
def test_error_of_order_6_is_that_of_the_paper(form: str, structure: str) -> None:
    assert error_at(6, 1, form, structure) == pytest.approx(0.703, abs=0.002)


@pytest.mark.parametrize("form", [pytest.param("op-amp", marks=pytest.mark.soak), "gm-c"])
@pytest.mark.parametrize(("order", "theta_f"), [(3, 1), (12, 4), (21, 5)])
def test_error_of_other_orders(order: int, theta_f: int, form: str) -> None:
    exact = exact_response(order, 1.0, [1.0], np.array([float(theta_f)]))[0, 0]
    found = error_at(order, theta_f, form, "direct")
    assert found == pytest.approx(100.0 * abs(exact - 1.0), abs=0.002)
    if order == 21:
        assert found == pytest.approx(0.323, abs=0.002)


@pytest.mark.parametrize("order", [3, 6, 12])
def test_ideal_gm_c_follows_the_float_memory(order: int) -> None:
    report = verify(memory_circuit(order, form="gm-c", structure="direct"))
    report.check()
    for tap in report.taps:
        assert tap.transient_error < 3e-4
        assert tap.band_error < 1e-5


@pytest.mark.parametrize(
    "order", [3, 6, *(pytest.param(order, marks=pytest.mark.soak) for order in (12, 24))]
)
def test_op_amps_and_e96_do_what_numpy_says(order: int) -> None:
    m = memory_circuit(order, series="E96", opamp=TEN_MHZ)
    report = verify(m)
    report.check()
    assert report.passed
    f = m.setup.frequencies()
    got = sample_response(m.circuit, m.setup)
    designed = linear_circuit(m.circuit).response(f, m.circuit.taps)
    assert np.max(np.abs(got - designed)) < 1e-7
    n = round(48 * order / 6)
    exact = exact_response(order, m.setup.theta, m.setup.delays, f)
    assert float(band_error(got[:n], exact[:n])) < 0.009
    assert all(80.0 < tap.noise_db < 130.0 for tap in report.taps)
    assert max(report.peaks.values()) < 2.45


def test_a_draw_of_parts_is_the_same_in_numpy() -> None:
    m = memory_circuit(6, series="E96", opamp=TEN_MHZ)
    rng = np.random.default_rng(3)
    values = {
        part.name: part.value * rng.uniform(0.95, 1.05)
        for part in m.circuit.parts
        if not part.name.startswith("U")
    }
    drawn = linear_circuit(m.circuit.with_values(values))
    designed = drawn.response(m.setup.frequencies(), m.circuit.taps)
    got = sample_response(m.circuit, m.setup, values)
    assert np.max(np.abs(got - designed)) < 1e-7
    assert np.max(np.abs(got - sample_response(m.circuit, m.setup))) > 0.01


def test_an_edited_value_fails_with_exit_code_3() -> None:
    m = memory_circuit(3, series="E96", opamp=TEN_MHZ)
    part = next(p for p in m.circuit.parts if isinstance(p, Resistor))
    line = f"{part.name} {' '.join(part.nodes)} "
    netlist = spice_files(m.circuit, m.setup)["lmu.cir"]
    edited = netlist.replace(f"{line}{part.value:g}\n", f"{line}{1.01 * part.value:g}\n", 1)
    assert edited != netlist
    report = verify(m, **{"lmu.cir": edited})
    assert not report.passed
    with pytest.raises(MismatchError, match=r"ngspice: response .* must be at most 0\.0100 %") as e:
        report.check()
    assert isinstance(e.value, CircuitMismatchError)
    assert e.value.backend == "ngspice"
    assert "FAILED  response in band, against the design" in str(report)


def test_op_amps_that_are_too_slow_are_found() -> None:
    m = memory_circuit(3, series="E96", opamp="GBW=10Meg,SR=1")
    # a request with such amplifiers is refused
    slow = m.circuit.with_amplifier(replace(m.circuit.amplifier, slew=1e3))
    report = verify_circuit(spice_files(slow, m.setup), m.circuit, m.setup)
    failed = [check.name for check in report.checks if not check.passed]
    assert failed[0] == "over time, against the float memory"
    with pytest.raises(MismatchError, match="higher slew rate"):
        report.check()


def test_a_full_scale_beyond_the_limits_is_found() -> None:
    m = memory_circuit(3, opamp=TEN_MHZ, scale=1.2)
    report = verify(m)
    failed = [check for check in report.checks if not check.passed]
    assert failed
    assert failed[-1].name.startswith("square wave, largest voltage")
    assert failed[-1].value == pytest.approx(2.45, abs=2e-3)
    with pytest.raises(MismatchError):
        report.check()


def test_a_deck_that_fails_is_a_tool_error() -> None:
    m = memory_circuit(2)
    with pytest.raises(ToolError, match=r"ngspice failed on ac\.cir: .*unknown subckt"):
        verify(m, **{"lmu.cir": "* nothing\n"})


def test_report_as_json_and_html() -> None:
    m = memory_circuit(2, opamp="MCP6004", series="E24")
    report = replace(verify(m), edited=("lmu.cir",))
    data = json.loads(json.dumps(report.to_dict()))
    assert data["ok"] is True
    assert [tap["delay"] for tap in data["taps"]] == [0.25, 0.5, 1.0]
    assert [check["ok"] for check in data["checks"]] == [True] * 5
    assert set(data["peaks"]) == set(m.circuit.nodes)
    assert "lmu.cir was edited" in str(report)
    assert "<td>" in report._repr_html_() or "<td " in report._repr_html_()
