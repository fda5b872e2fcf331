"""Offsets and bias currents: closed forms and ngspice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lmu_hw.circuits.analog_design import make_design
from lmu_hw.circuits.direct_voltages import direct_voltages
from lmu_hw.circuits.ngspice import DataFile, run_ngspice
from lmu_hw.circuits.nodal import linear_circuit
from lmu_hw.circuits.request import make_request
from lmu_hw.circuits.spice_netlist import amplifier_library, memory_netlist
from tests.factories.analog_circuits import FAST, circuit, gm_c_biquad, inverter, rc_low_pass
from tests.tools import require


def test_inverter() -> None:
    report = direct_voltages(replace(inverter(2.0), amplifier=replace(FAST, gain=1e9)), 2.0)
    # noise gain 3, and the bias current through 20 kohm
    np.testing.assert_allclose(report.offset_gains, [[3.0]], rtol=1e-6)
    np.testing.assert_allclose(report.bias_gains, [[2e4]], rtol=1e-6)
    np.testing.assert_allclose(report.worst, [3e-3 + 2e-5], rtol=1e-6)
    np.testing.assert_allclose(report.rms, np.hypot(3e-3, 2e-5) / np.sqrt(3.0), rtol=1e-6)
    assert report.largest("y") == (("U1", pytest.approx(3.02e-3)),)
    np.testing.assert_allclose(report.drift(1e-6, 10.0), [3e-5], rtol=1e-6)
    # 1 % of 2 V, less what the bias current makes, over the noise gain
    np.testing.assert_allclose(report.allowed_offset(0.01), (0.02 - 2e-5) / 3.0, rtol=1e-6)


def test_offsets_of_transconductors_are_currents() -> None:
    drawn = replace(gm_c_biquad(), amplifier=FAST, states=("x1", "x2"))
    report = direct_voltages(drawn, 1.0)
    assert report.sources == tuple(f"G{k}" for k in range(1, 8))
    # the load of the sum at y, of the same transconductance, makes 1 V of 1 V
    row = report.offset_gains[report.nodes.index("y")]
    np.testing.assert_allclose(row[4:], [1.0, 1.0, 1.0], rtol=1e-12)
    assert not report.bias_gains.any()


def test_nothing_without_amplifiers() -> None:
    report = direct_voltages(rc_low_pass(), 1.0)
    assert report.worst.tolist() == [0.0]
    assert report.advice() == ("The circuit has no amplifiers: there are no offsets.",)
    assert report.allowed_offset() == float("inf")


def test_bias_alone_may_take_up_all() -> None:
    drawn = circuit(*inverter(2.0).parts, taps=("y",), amplifier=replace(FAST, bias=1e-3))
    assert direct_voltages(drawn, 1.0).allowed_offset(0.01) == 0.0


def test_advice_has_figures() -> None:
    text = "\n".join(direct_voltages(inverter(2.0, FAST), 2.0).advice())
    assert "offsets up to 1 mV, direct voltages at the taps reach 3.02 mV (0.15 %" in text
    assert "offsets up to 6.66 mV keep all taps within 1 % of full scale" in text
    assert "at most 0.375 mV (0.019 % of full scale) over 25 K at 5 uV/K" in text


@pytest.mark.parametrize("seed", [1, 2])
def test_against_ngspice(seed: int) -> None:
    require("ngspice")
    made = make_design(
        make_request(4, 1e-3, (0.5, 1.0), opamp="GBW=10Meg,SR=5,VOS=1m,IB=100n,HEADROOM=0.02")
    )
    drawn, rng = made.circuit, np.random.default_rng(seed)
    report = direct_voltages(drawn, made.request.limit)
    volts = rng.uniform(-1e-3, 1e-3, len(report.sources))
    amperes = rng.uniform(-1e-7, 1e-7, len(report.sources))
    files = {
        "lmu.cir": memory_netlist(
            drawn,
            offsets=dict(zip(report.sources, volts.tolist(), strict=True)),
            biases=dict(zip(report.sources, amperes.tolist(), strict=True)),
        ),
        "amplifiers.lib": amplifier_library(drawn),
        "dc.cir": "direct voltages\n.include lmu.cir\n.include amplifiers.lib\n"
        "Vp vp 0 2.5\nVn vn 0 -2.5\nVu u 0 0\nXlmu u tap1 tap2 vp vn lmu\n"
        ".options reltol=1e-9 vntol=1e-12 abstol=1e-16\n.control\nset wr_singlescale\n"
        "set numdgt=12\ndc Vu 0 1e-9 1e-9\nwrdata dc.data v(tap1) v(tap2)\nquit\n.endc\n.end\n",
    }
    data = run_ngspice("dc.cir", files, [DataFile(name="dc.data", columns=2, end=1e-9)])
    computed = report.offset_gains[:2] @ volts + report.bias_gains[:2] @ amperes
    np.testing.assert_allclose(data["dc.data"][0, 1:], computed, rtol=1e-3, atol=1e-7)


def test_states_are_those_of_the_model() -> None:
    made = make_design(make_request(3, 1e-3, (1.0,), opamp="GBW=10Meg,SR=5,VOS=1m"))
    report = direct_voltages(made.circuit, made.request.limit)
    model = linear_circuit(made.circuit)
    matrix = -model.F
    for k, name in enumerate(report.sources):
        exact = np.linalg.solve(matrix, model.offset(name))
        wanted = [exact[model.index[node]] for node in report.nodes]
        np.testing.assert_allclose(report.offset_gains[:, k], wanted, rtol=1e-8, atol=1e-9)
