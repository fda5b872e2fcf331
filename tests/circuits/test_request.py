"""Requests: numbers with units, and values that no circuit can have."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lmu_hw.circuits.request import make_request
from lmu_hw.errors import SpecError


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"theta": 5e-324}, r"theta must be 1e-12 to 1e\+06 s, not 4\.94066e-324"),
        ({"theta": 1e300}, r"theta must be 1e-12 to 1e\+06 s"),
        ({"theta": "1e9999999999s"}, "theta must be within the range of a float"),
        ({"theta": "1e-99999999999999999999s"}, "theta must be within the range of a float"),
        ({"opamp": "GBW=1e99999999999999999999,SR=5"}, "GBW of the op-amp must be within"),
        ({"supply": "1e-300", "opamp": "ideal"}, r"supply must be 0\.001 to 1000 V"),
        ({"supply": 1001, "opamp": "ideal"}, r"supply must be 0\.001 to 1000 V, not 1001"),
        ({"r_min": 1e200, "r_max": 1e300}, r"r_min must be 1e-09 to 1e\+15 ohm"),
        ({"c_min": 1e-300}, r"c_min must be 1e-21 to 1e\+06 F"),
        ({"taps": np.array([[0.5]])}, "taps must be a finite number"),
        ({"taps": np.array(["a"])}, "taps must be a finite number"),
    ],
)
def test_values_beyond_the_range_of_floats(options: dict[str, Any], text: str) -> None:
    with pytest.raises(SpecError, match=text) as caught:
        make_request(**{"order": 3, "theta": "1ms", **options})
    assert "\n" not in str(caught.value)


def test_both_signs_of_micro() -> None:
    # U+00B5 is on keyboards, U+03BC is what Unicode prefers
    same = {make_request(3, f"20{sign}s").theta for sign in ("u", "\u00b5", "\u03bc")}
    assert same == {20e-6}


def test_taps_may_be_an_array() -> None:
    assert make_request(3, "1ms", np.linspace(0.0, 1.0, 3)).taps == (0.0, 0.5, 1.0)


def test_slew_rate_of_full_scale() -> None:
    """A sine of the limit at the edge of the band is the steepest signal there."""
    asked = make_request(6, "1ms", opamp="GBW=10Meg,SR=1")
    assert asked.steepest == pytest.approx(2 * np.pi * 1000.0 * asked.limit)
    at_least = asked.steepest / 1e6
    assert make_request(6, "1ms", opamp=f"GBW=10Meg,SR={1.001 * at_least}")
    with pytest.raises(SpecError, match=r"slew rate of custom must be at least 0\.0154 V/us"):
        make_request(6, "1ms", opamp=f"GBW=10Meg,SR={0.999 * at_least}")
    assert make_request(6, "1ms", form="gm-c", opamp="GBW=10Meg,SR=0.001")
