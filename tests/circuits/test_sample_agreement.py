"""Monte Carlo in ngspice and in NumPy on shared draws."""

from __future__ import annotations

import numpy as np
import pytest

from lmu_hw.circuits.analog_design import make_design
from lmu_hw.circuits.benches import BenchSetup
from lmu_hw.circuits.circuit_stamps import part_values
from lmu_hw.circuits.monte_carlo import draw_values
from lmu_hw.circuits.request import make_request
from lmu_hw.circuits.sample_agreement import SampleAgreement, compare_sample
from tests.tools import require


def compare(order: int, structure: str, form: str, n: int, tolerance: float) -> SampleAgreement:
    request = make_request(
        order, 1e-3, (0.25, 1.0), structure=structure, form=form, opamp="GBW=10Meg,SR=5"
    )
    made = make_design(request)
    setup = BenchSetup(
        order=order, theta=1e-3, delays=request.taps, supply=5.0, full_scale=made.full_scale
    )
    return compare_sample(made.circuit, setup, draw_values(made.circuit, tolerance, n))


@pytest.mark.parametrize("form", ["op-amp", "gm-c"])
def test_errors_agree_on_shared_draws(form: str) -> None:
    require("ngspice")
    found = compare(3, "cascade", form, 3, 0.01)
    assert found.agrees
    assert found.difference < 0.005
    # the draws differ from each other
    assert np.ptp(found.numpy_errors) > 0.001


@pytest.mark.soak
@pytest.mark.parametrize("structure", ["cascade", "ladder", "direct"])
@pytest.mark.parametrize("order", [3, 6, 12, 24])
def test_all_structures_agree(structure: str, order: int) -> None:
    require("ngspice")
    assert compare(order, structure, "op-amp", 5, 0.01).agrees


def test_what_counts_as_agreement() -> None:
    errors = np.array([0.01, 0.02])
    assert SampleAgreement(numpy_errors=errors * 1.019, ngspice_errors=errors).agrees
    assert not SampleAgreement(numpy_errors=errors * 1.021, ngspice_errors=errors).agrees
    tiny = np.array([1e-9])
    assert SampleAgreement(numpy_errors=2 * tiny, ngspice_errors=tiny).agrees


def test_other_values_do_not_agree() -> None:
    """The sample is of the values that are given, not of the circuit as drawn."""
    require("ngspice")
    request = make_request(3, 1e-3, (1.0,), opamp="GBW=10Meg,SR=5")
    made = make_design(request)
    setup = BenchSetup(order=3, theta=1e-3, delays=(1.0,), supply=5.0, full_scale=1.0)
    values = np.stack([part_values(made.circuit), draw_values(made.circuit, 0.05, 1)[0]])
    found = compare_sample(made.circuit, setup, values)
    assert found.agrees
    assert found.ngspice_errors[1] > 3.0 * found.ngspice_errors[0]
