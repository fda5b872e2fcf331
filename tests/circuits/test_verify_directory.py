"""What ``verify`` says of drawn units."""

from __future__ import annotations

import numpy as np
import pytest

from lmu_hw.circuits.analog_design import make_design
from lmu_hw.circuits.benches import bench_setup, spice_files
from lmu_hw.circuits.exact_memory import exact_response
from lmu_hw.circuits.monte_carlo import monte_carlo
from lmu_hw.circuits.request import make_request
from lmu_hw.circuits.tap_fit import band_frequencies
from lmu_hw.circuits.tolerance_report import error_spread
from lmu_hw.circuits.verify_directory import verify_design
from lmu_hw.errors import CircuitMismatchError
from tests.tools import needs

tools = needs("ngspice")


def test_it_draws_the_units_of_the_seed() -> None:
    design = make_design(make_request(2, "1ms", (0.5, 1.0)))
    files = spice_files(design.circuit, bench_setup(design))
    report = verify_design(design, files, units=12, calibrate=True, seed=5)
    request, f = design.request, band_frequencies(design.request)
    target = exact_response(request.order, request.theta, request.taps, f)
    wanted = monte_carlo(
        design.circuit, f, target, tolerance=0.01, n_draws=12, seed=5, calibrate=True
    )
    found = report.tolerance
    assert found is not None
    assert found.calibrated is not None
    assert wanted.calibrated_errors is not None
    for spread, errors in (
        (found.errors, wanted.errors),
        (found.calibrated, wanted.calibrated_errors),
    ):
        assert spread.median == pytest.approx(np.sort(errors)[6], rel=1e-5)
        assert spread.largest == pytest.approx(errors.max(), rel=1e-5)
    assert (found.units, found.seed, found.sample) == (12, 5, 8)


def test_a_spread_says_what_is_unstable() -> None:
    found = error_spread(np.array([0.01] * 90 + [0.02] * 6 + [0.03] * 3 + [np.inf]))
    assert (found.median, found.likely, found.largest) == (0.01, 0.02, None)
    assert str(found) == "median 1 %, 95 % of the units up to 2 %, largest unstable"


def test_a_sample_that_differs_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where an amplifier is not linear: here ngspice gets the units of another seed."""
    from lmu_hw.circuits import verify_directory

    design = make_design(make_request(2, "1ms", (1.0,)))
    other = verify_directory.draw_values(design.circuit, 0.05, 2, seed=9)
    compare = verify_directory.compare_sample

    def swapped(circuit, setup, values, advance):  # type: ignore[no-untyped-def]
        found = compare(circuit, setup, values, advance)
        wrong = compare(circuit, setup, other, lambda _: None)
        return type(found)(numpy_errors=found.numpy_errors, ngspice_errors=wrong.ngspice_errors)

    monkeypatch.setattr(verify_directory, "compare_sample", swapped)
    report = verify_design(
        design, spice_files(design.circuit, bench_setup(design)), units=2, seed=0
    )
    assert report.circuit.passed
    assert not report.passed
    assert "FAILED: 2 of them in ngspice" in str(report)
    with pytest.raises(CircuitMismatchError, match="errors of drawn units, against NumPy's"):
        report.check()
