"""Taps fitted to the circuit as built, and rounded."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lmu_hw.circuits.amplifiers import IDEAL
from lmu_hw.circuits.analog_design import AnalogDesign, make_design
from lmu_hw.circuits.circuit import Resistor
from lmu_hw.circuits.exact_memory import band_error, exact_response
from lmu_hw.circuits.nodal import linear_circuit
from lmu_hw.circuits.request import AnalogRequest, CircuitForm, CircuitStructure, make_request
from lmu_hw.circuits.tap_fit import band_frequencies
from lmu_hw.circuits.tap_network import TapNetwork, inner_resistor, unit_resistors, weights_near
from lmu_hw.errors import SpecError, UnstableError

TAPS = (0.25, 0.5, 0.75, 1.0)
TEN_MEGAHERTZ = "GBW=10Meg,SR=10"
SOAK = pytest.mark.soak


def request(order: int, taps: Any = TAPS, **options: Any) -> AnalogRequest:
    return make_request(order, "1ms", taps, **{"opamp": TEN_MEGAHERTZ, **options})


def measured(design: AnalogDesign, f: np.ndarray) -> np.ndarray:
    return linear_circuit(design.circuit).response(f, design.circuit.taps)


@pytest.mark.some(1)
@pytest.mark.parametrize("order", [3, 6, 12, pytest.param(24, marks=SOAK)])
def test_a_cascade_of_e96(order: int) -> None:
    fit = make_design(request(order)).fit
    assert fit.fitted_total < {3: 0.25e-2}.get(order, 0.1e-2)
    # of a rounding one by one: .6 to .8 %
    assert fit.total < 0.3e-2


@pytest.mark.some(1)
@pytest.mark.parametrize(
    ("kind", "order", "fitted", "total"),
    [
        (CircuitStructure.LADDER, 3, 0.25e-2, 0.5e-2),
        (CircuitStructure.LADDER, 6, 0.2e-2, 0.3e-2),
        (CircuitStructure.DIRECT, 3, 0.3e-2, 0.5e-2),
        (CircuitStructure.DIRECT, 6, 0.4e-2, 0.7e-2),
        pytest.param(CircuitStructure.LADDER, 12, 0.5e-2, 0.6e-2, marks=SOAK),
        pytest.param(CircuitStructure.LADDER, 24, 1.5e-2, 1.6e-2, marks=SOAK),
        pytest.param(CircuitStructure.DIRECT, 12, 0.4e-2, 1.1e-2, marks=SOAK),
        pytest.param(CircuitStructure.DIRECT, 24, 2.5e-2, 2.6e-2, marks=SOAK),
    ],
)
def test_the_other_structures(
    kind: CircuitStructure, order: int, fitted: float, total: float
) -> None:
    fit = make_design(request(order, structure=kind)).fit
    assert fit.fitted_total < fitted
    assert fit.total < total


@pytest.mark.parametrize("form", CircuitForm)
@pytest.mark.parametrize("kind", CircuitStructure)
@pytest.mark.parametrize("order", [1, 6, pytest.param(24, marks=SOAK)])
def test_ideal_circuits_are_exact(order: int, kind: CircuitStructure, form: CircuitForm) -> None:
    asked = request(order, structure=kind, form=form, series="exact", opamp=IDEAL)
    design = make_design(asked)
    f = np.array([0.1, 1.0, 5.0, 3.0 * order]) / asked.theta
    wanted = exact_response(order, asked.theta, TAPS, f)
    np.testing.assert_allclose(measured(design, f), wanted, atol=1e-11)
    assert design.fit.total < 1e-11


@pytest.mark.parametrize("form", CircuitForm)
def test_the_paper_by_ideal_parts(form: CircuitForm) -> None:
    asked = request(6, (1.0,), form=form, series="exact", opamp=IDEAL)
    response = measured(make_design(asked), np.array([1.0 / asked.theta]))
    assert 100.0 * abs(response[0, 0] - 1.0) == pytest.approx(0.703, abs=0.001)


@pytest.mark.parametrize("kind", CircuitStructure)
@pytest.mark.parametrize("form", CircuitForm)
def test_reported_errors_are_those_of_the_circuit(
    kind: CircuitStructure, form: CircuitForm
) -> None:
    design = make_design(request(5, structure=kind, form=form, series="E24"))
    f = band_frequencies(design.request)
    assert f[-1] == pytest.approx(5 / 6 / 1e-3)
    wanted = exact_response(5, 1e-3, TAPS, f)
    got = measured(design, f)
    assert design.fit.total == pytest.approx(float(band_error(got, wanted)), rel=1e-9)
    np.testing.assert_allclose(design.fit.error, band_error(got, wanted, axis=0), rtol=1e-9)


def test_slow_amplifiers_are_taken_up_by_the_fit() -> None:
    slow = request(6, opamp="GBW=1Meg,SR=10")
    design = make_design(slow)
    ideal = make_design(request(6, series="exact", opamp=IDEAL))
    f = band_frequencies(slow)
    wanted = exact_response(6, slow.theta, TAPS, f)
    # the ideal circuit with the slow amplifiers: 4 %
    unfitted = linear_circuit(ideal.circuit.with_amplifier(slow.amplifier))
    error = float(band_error(unfitted.response(f, ideal.circuit.taps), wanted))
    assert error > 0.01
    assert design.fit.total < 0.2 * error
    # the amplifiers of the taps too: 0.46 % without
    fit = make_design(request(12, opamp="GBW=1Meg,SR=10")).fit
    assert fit.fitted_total < 0.2e-2
    assert fit.total < 0.25e-2


def test_amplifiers_that_are_too_slow() -> None:
    with pytest.raises(SpecError, match=r"taps of this circuit are \d+% off up to .*Hz, no memory"):
        make_design(make_request(2, "50us", (1.0,), opamp="GBW=1k,SR=1"))
    with pytest.raises(UnstableError, match="take faster amplifiers or a longer window"):
        make_design(make_request(6, "50us", (1.0,), opamp="GBW=10k,SR=1"))


def test_rounding_in_turn_beats_rounding_one_by_one() -> None:
    for order in (6, 12):
        design = make_design(request(order))
        rounded_alone = {
            part.name: min((x for x in E96_VALUES), key=lambda x: abs(np.log(x / part.exact)))
            for part in design.circuit.parts
            if isinstance(part, Resistor) and part.tap >= 0
        }
        f = band_frequencies(design.request)
        wanted = exact_response(order, 1e-3, TAPS, f)
        circuit = design.circuit.with_values(rounded_alone)
        alone = float(band_error(linear_circuit(circuit).response(f, circuit.taps), wanted))
        assert design.fit.total < 0.6 * alone


E96_VALUES = tuple(round(100 * 10 ** (i / 96)) * 10.0**k for k in range(1, 5) for i in range(96))


def test_no_node_leaves_the_limit() -> None:
    for options in ({}, {"structure": "direct"}, {"form": "gm-c"}, {"opamp": "LM358"}):
        design = make_design(request(5, **options))
        norms = linear_circuit(design.circuit).l1_norms()
        assert design.full_scale * norms.max() == pytest.approx(design.request.limit)
        assert max(design.swings.values()) == pytest.approx(design.request.limit)
        # most of the limit is used by each state
        assert min(design.swings[x] for x in design.circuit.states) > 0.7 * design.request.limit


def test_taps_of_a_poor_structure_do_not_peak_beyond_the_band() -> None:
    # fitted in the band alone the full scale is 0.12 V
    assert make_design(request(12, structure="direct")).full_scale > 0.6


def test_designs_are_the_same_every_time() -> None:
    assert make_design(request(4)).circuit == make_design(request(4)).circuit


def test_weights_of_resistors() -> None:
    asked = request(3)
    # resistors 18.7k and 19.1k beside 30k / 1.6
    assert weights_near(asked, 30e3, -1.6) == (-30e3 / 18.7e3, -30e3 / 19.1e3)
    assert weights_near(asked, 30e3, 0.01) == (0.0, 0.03)
    assert weights_near(asked, 30e3, 100.0) == (30.0, 30.0)
    assert weights_near(asked, 30e3, 0.0) == (0.0,)
    exact = request(3, series="exact")
    assert weights_near(exact, 30e3, 1e-5) == (1e-5,)


def test_resistors_of_weight_1() -> None:
    asked = request(3)
    units = unit_resistors(asked, np.array([0.5, -1.0, 0.1]), 1.0)
    assert units[0] == 31.6e3
    assert units == tuple(sorted(units, reverse=True))
    # a weight of .01 at 1 Mohm, another of 20 at 1 kohm
    assert unit_resistors(asked, np.array([0.01, 1.0]), 1.0)[0] == 10e3
    assert min(unit_resistors(asked, np.array([20.0, 0.01]), 1.0)) >= 20e3
    # one below 2e-3 may be left out
    assert unit_resistors(asked, np.array([1.0, 1e-3]), 1.0)[0] == 31.6e3
    assert inner_resistor(asked, 31.6e3, 0.9) == 31.6e3
    assert inner_resistor(asked, 31.6e3, 2.0) == 15.8e3


def test_a_sum_of_positive_weights_that_swings_too_far() -> None:
    network = TapNetwork(
        weights=np.array([1.0, -2.0, 0.0]), exact=np.array([1.01, -2.0, 0.0]), unit=1e4, inner=5e3
    )
    assert network.resistors(1.0) == [(0, 1e4, 1e4 / 1.01)]
    assert network.resistors(-1.0) == [(1, 5e3, 5e3)]
