"""Netlists do in ngspice what their parts say: gain, pole, slew, limits, offset, bias, noise."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from lmu_hw.circuits.amplifiers import IDEAL, PARTS, find_amplifier
from lmu_hw.circuits.circuit import AmplifierModel, Circuit
from lmu_hw.circuits.direct_voltages import direct_voltages
from lmu_hw.circuits.ngspice import DataFile, run_ngspice
from lmu_hw.circuits.spice_netlist import (
    amplifier_library,
    has_amplifiers,
    memory_netlist,
    number,
)
from lmu_hw.errors import EmitError
from tests.factories.analog_circuits import (
    capacitor,
    gm_c_biquad,
    inverter,
    lossy_integrator,
    resistor,
)
from tests.factories.memory_circuits import memory_circuit
from tests.tools import require

REAL = find_amplifier("GBW=10Meg,SR=5,GAIN=100k,HEADROOM=0.1")


def simulate(
    circuit: Circuit,
    source: str,
    analysis: str,
    columns: int,
    end: float,
    *,
    vectors: str = "v(y)",
    netlist: str | None = None,
) -> np.ndarray:
    """Return what an analysis of a circuit with supplies of 2.5 V writes."""
    require("ngspice")
    deck = f"""* test
.include lmu.cir
.include amplifiers.lib
Vp vp 0 2.5
Vn vn 0 -2.5
Vu u 0 {source}
Xlmu u {" ".join(circuit.taps)} {"vp vn" if has_amplifiers(circuit) else ""} lmu
.options reltol=1e-6
.control
set wr_singlescale
set numdgt=12
{analysis}
wrdata out.data {vectors}
quit
.endc
.end
"""
    files = {
        "deck.cir": deck,
        "lmu.cir": netlist or memory_netlist(circuit),
        "amplifiers.lib": amplifier_library(circuit),
    }
    return run_ngspice("deck.cir", files, [DataFile(name="out.data", columns=columns, end=end)])[
        "out.data"
    ]


def test_lines_are_plain() -> None:
    text = memory_netlist(lossy_integrator(REAL))
    assert text.startswith("* test circuit\n")
    assert "\nR1 u n 10000\n" in text
    assert "\nC1 n y 1e-07\n" in text
    assert "\nXU1 0 n vp vn y custom\n" in text
    assert "\n* all\n" in text
    assert "Rleak" not in text
    assert text.endswith(".ends lmu\n")


def test_numbers_have_no_suffix() -> None:
    assert number(1e6) == "1000000"
    assert number(2.2e-9) == "2.2e-09"
    with pytest.raises(EmitError, match="finite"):
        number(math.inf)


def test_nodes_without_a_path_for_direct_current_get_one() -> None:
    text = memory_netlist(gm_c_biquad())
    assert "Rleak1 x1 0 1000000000000\n" in text
    assert "Rleak3 y 0" in text
    assert "vp" not in text


def test_resistors_in_a_chain_are_a_path() -> None:
    extra = (
        resistor("8", "b", "c", 1e4),
        resistor("7", "a", "b", 1e4),
        resistor("6", "u", "a", 1e4),
        capacitor("9", "c", "d", 1e-9),
    )
    circuit = inverter(2.0, REAL)
    text = memory_netlist(replace(circuit, sections={**circuit.sections, "chain": extra}))
    assert [line for line in text.splitlines() if line.startswith("Rleak")] == [
        "Rleak1 d 0 1000000000000"
    ]


def test_a_node_behind_a_capacitor_does_not_make_the_matrix_singular() -> None:
    circuit = lossy_integrator(REAL)
    extra = (capacitor("8", "n", "a", 1e-12), capacitor("9", "a", "b", 1e-12))
    circuit = replace(circuit, sections={**circuit.sections, "unused": extra})
    rows = simulate(circuit, "DC 0 AC 1", "ac lin 1 1000 1000", 2, 1e3)
    exact = 2.0 / abs(1.0 + 2j * math.pi * 1e3 / 500.0)
    assert abs(rows[0, 1] + 1j * rows[0, 2]) == pytest.approx(exact, rel=1e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ((resistor("1", "u", "0", 1.0),), "part 'R1' of the circuit"),
        ((resistor("9", "N", "n", 1.0),), "node 'N' of the circuit"),
        ((resistor("9", "vp", "n", 1.0),), "node 'vp' of the circuit"),
        ((resistor("9", "a b", "n", 1.0),), "node 'a b' of the circuit"),
        ((resistor("9", "gnd", "n", 1.0),), "node 'gnd' of the circuit"),
    ],
)
def test_names_that_clash_in_spice_are_errors(change: tuple, message: str) -> None:
    circuit = inverter(2.0, REAL)
    with pytest.raises(EmitError, match=message):
        memory_netlist(replace(circuit, sections={**circuit.sections, "more": change}))


def test_an_ideal_amplifier_is_exact() -> None:
    rows = simulate(lossy_integrator(IDEAL), "DC 0 AC 1", "ac lin 4 500 2000", 2, 2e3)
    exact = -2.0 / (1.0 + 2j * np.pi * rows[:, 0] / 500.0)
    assert np.max(np.abs(rows[:, 1] + 1j * rows[:, 2] - exact)) < 1e-8


def test_one_pole_at_gain_and_bandwidth() -> None:
    rows = simulate(inverter(2.0, REAL), "DC 0 AC 1", "ac dec 5 10 1e7", 2, 1e7)
    s = 2j * np.pi * rows[:, 0]
    open_loop = 1.0 / (1.0 / REAL.gain + s / (2 * np.pi * REAL.bandwidth))
    exact = -2.0 / (1.0 + 3.0 / open_loop)
    assert np.max(np.abs(rows[:, 1] + 1j * rows[:, 2] - exact)) < 1e-6


def test_the_slew_rate_is_the_largest_slope() -> None:
    # a step of 2 V that the amplifier doubles, at 5 V/us
    rows = simulate(
        inverter(2.0, REAL), "PWL(0 0 1e-9 -1 2e-6 -1)", "tran 1e-9 2e-6 0 2e-9", 1, 2e-6
    )
    slope = np.diff(rows[:, 1]) / np.maximum(np.diff(rows[:, 0]), 1e-10)
    assert np.max(slope) == pytest.approx(5e6, rel=0.01)
    assert rows[-1, 1] == pytest.approx(2.0, rel=1e-3)


def test_outputs_stop_at_the_headroom_and_come_back_at_once() -> None:
    # 10 kHz, 4 V peak at the output of an amplifier limited to 2.4 V
    rows = simulate(inverter(2.0, REAL), "SIN(0 2 1e4)", "tran 1e-7 2e-4 0 1e-7", 1, 2e-4)
    t, out = rows.T
    assert np.max(out) == pytest.approx(2.4, abs=1.5e-3)
    assert np.min(out) == pytest.approx(-2.4, abs=1.5e-3)
    free = -4.0 * np.sin(2 * np.pi * 1e4 * t)
    # but for the time that the slew rate needs to catch up
    assert np.max(np.abs(out - free)[np.abs(free) < 1.5]) < 0.05


def test_offset_and_bias_are_at_the_input() -> None:
    circuit = inverter(2.0, REAL)
    netlist = memory_netlist(circuit, offsets={"U1": 1e-3}, biases={"U1": 1e-7})
    assert "XU1 0 n vp vn y custom vos=0.001 ib=1e-07\n" in netlist
    rows = simulate(circuit, "DC 0", "dc Vu 0 1 1", 1, 1.0, netlist=netlist)
    # the noise gain of 3 for the offset; the bias through the feedback resistor
    assert rows[0, 1] == pytest.approx(3 * 1e-3 + 1e-7 * 20e3, rel=1e-3)


def test_noise_of_the_resistors_and_the_amplifier() -> None:
    model = replace(PARTS["MCP6024"], noise=30e-9)
    analysis = "noise v(y) Vu lin 2 1000 2000\nsetplot noise1"
    rows = simulate(inverter(2.0, model), "DC 0 AC 1", analysis, 1, 2e3, vectors="onoise_spectrum")
    kT4 = 4 * 1.380649e-23 * 300.15
    exact = math.sqrt((3 * 30e-9) ** 2 + 4 * kT4 * 10e3 + kT4 * 20e3)
    assert rows[0, 1] == pytest.approx(exact, rel=1e-3)


@pytest.mark.parametrize("form", ["op-amp", "gm-c"])
def test_direct_voltages_of_a_memory_are_those_of_nodal_analysis(form: str) -> None:
    m = memory_circuit(3, form=form, opamp="MCP6024", series="E96")
    found = direct_voltages(m.circuit, 2.5)
    rng = np.random.default_rng(5)
    offsets, biases = rng.uniform(-1e-4, 1e-4, (2, len(found.sources))) * [[1.0], [1e-4]]
    biases *= form == "op-amp"
    netlist = memory_netlist(
        m.circuit,
        offsets=dict(zip(found.sources, offsets, strict=True)),
        biases=dict(zip(found.sources, biases, strict=True)) if form == "op-amp" else None,
    )
    vectors = " ".join(f"v({tap})" for tap in m.circuit.taps)
    rows = simulate(m.circuit, "DC 0", "dc Vu 0 1 1", 3, 1.0, vectors=vectors, netlist=netlist)
    exact = found.offset_gains @ offsets + found.bias_gains @ biases
    assert rows[0, 1:] == pytest.approx(exact[:3], rel=1e-3, abs=1e-7)
    assert np.max(np.abs(exact[:3])) > 1e-5


@pytest.mark.parametrize("model", [IDEAL, REAL, *PARTS.values()], ids=lambda m: m.name)
def test_every_model_is_accepted(model: AmplifierModel) -> None:
    rows = simulate(inverter(2.0, model), "DC 0.1", "dc Vu 0 0.1 0.1", 1, 0.1)
    limited = min(0.2, max(2.5 - model.headroom, 0.0))
    if model.headroom < 2.5:
        assert rows[-1, 1] == pytest.approx(-limited, rel=1e-3)
