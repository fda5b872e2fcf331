"""Taps fitted per unit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lmu_hw.circuits.analog_design import AnalogDesign, make_design
from lmu_hw.circuits.circuit import Resistor
from lmu_hw.circuits.circuit_stamps import part_values
from lmu_hw.circuits.exact_memory import exact_response
from lmu_hw.circuits.monte_carlo import draw_values, unit_errors
from lmu_hw.circuits.nodal import linear_circuit
from lmu_hw.circuits.request import make_request
from lmu_hw.circuits.unit_calibration import calibrate_units, tap_weight_parts

TAPS = (0.25, 0.5, 1.0)


def design(form: str = "op-amp", opamp: str = "ideal", series: str = "exact") -> AnalogDesign:
    request = make_request(4, 1e-3, TAPS, form=form, opamp=opamp, series=series)
    return make_design(request)


def band(made: AnalogDesign, n: int = 24) -> tuple[np.ndarray, np.ndarray]:
    f = made.request.bandwidth * np.arange(1, n + 1) / n
    return f, exact_response(made.request.order, made.request.theta, TAPS, f)


@pytest.mark.parametrize("form", ["op-amp", "gm-c"])
def test_weights_of_parts_are_those_of_the_design(form: str) -> None:
    made = design(form)
    parts = tap_weight_parts(made.circuit)
    found = np.zeros((len(TAPS), 4))
    found[parts.tap, parts.state] = parts.weight
    wanted = np.array([network.weights for network in made.fit.networks])
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("form", ["op-amp", "gm-c"])
def test_errors_of_the_taps_alone_are_taken_out(form: str) -> None:
    made = design(form)
    f, target = band(made)
    values = np.tile(part_values(made.circuit), (3, 1))
    taps = [getattr(p, "tap", -1) >= 0 for p in made.circuit.parts]
    values[:, taps] = draw_values(made.circuit, 0.02, 3)[:, taps]

    def errors(units: np.ndarray) -> np.ndarray:
        taps = linear_circuit(made.circuit, units).response(f, made.circuit.taps)
        return unit_errors(taps, target)[1]

    assert np.all(errors(values) > 2e-3)
    fitted = calibrate_units(made.circuit, values, f, target, ridge=0.0)
    # three passes, each of which leaves the error of a tap's gain, some tolerances
    assert np.all(errors(fitted) < 1e-5)


def test_only_parts_of_taps_are_changed_and_few_parts_suffice() -> None:
    made = design(opamp="GBW=10Meg,SR=5", series="E96")
    f, target = band(made)
    values = draw_values(made.circuit, 0.01, 8)
    before = values.copy()
    fitted = calibrate_units(made.circuit, values, f, target)
    np.testing.assert_array_equal(values, before)
    changed = np.any(fitted != values, axis=0)
    weighing = tap_weight_parts(made.circuit).part
    assert set(np.flatnonzero(changed)) == set(weighing)
    assert all(isinstance(made.circuit.parts[k], Resistor) for k in weighing)
    model = linear_circuit(made.circuit, fitted)
    errors = unit_errors(model.response(f, made.circuit.taps), target)[1]
    uncalibrated = linear_circuit(made.circuit, values).response(f, made.circuit.taps)
    assert np.median(errors) < 0.3 * np.median(unit_errors(uncalibrated, target)[1])


def test_a_weight_of_the_other_sign_is_a_negative_part() -> None:
    made = design()
    f, target = band(made)
    values = part_values(made.circuit)[None]
    # a target that is minus that of the design needs all weights of the other sign
    fitted = calibrate_units(made.circuit, values, f, -target, ridge=0.0)
    own = tap_weight_parts(made.circuit).part
    np.testing.assert_allclose(fitted[:, own], -values[:, own], rtol=1e-6)
    flipped = linear_circuit(made.circuit, fitted).response(f, made.circuit.taps)
    np.testing.assert_allclose(flipped[0], -target, atol=1e-8)


def test_a_circuit_without_taps() -> None:
    memory = replace(design().circuit, taps=(), sections=design().memory.circuit.sections)
    assert len(tap_weight_parts(memory).part) == 0
