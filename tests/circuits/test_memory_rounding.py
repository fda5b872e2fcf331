"""Products of rounded resistors stay close, and with them the poles."""

from __future__ import annotations

import numpy as np
import pytest

from lmu_hw.circuits.dynamic_range import scale_nodes
from lmu_hw.circuits.memory_rounding import NEAR
from lmu_hw.circuits.request import AnalogRequest, CircuitStructure, make_request
from lmu_hw.circuits.series import SERIES
from lmu_hw.circuits.stage_values import StageValues, capacitor_choices, stage_values
from lmu_hw.circuits.structures import MemoryStructure, structure_of


def rounded(
    order: int, kind: CircuitStructure, series: str
) -> tuple[AnalogRequest, MemoryStructure, StageValues]:
    asked = make_request(order, "1ms", structure=kind, series=series, opamp="ideal")
    structure = structure_of(kind, order)
    scaling = scale_nodes(structure, asked.taps)
    c, *_ = capacitor_choices(asked, structure, scaling)
    return asked, structure, stage_values(asked, structure, scaling, c)


@pytest.mark.parametrize("series", ["E96", "E24"])
@pytest.mark.parametrize("kind", [CircuitStructure.CASCADE, CircuitStructure.LADDER])
def test_loops_keep_their_product(kind: CircuitStructure, series: str) -> None:
    errors, alone = [], []
    for order in range(2, 13):
        asked, _, values = rounded(order, kind, series)
        loops = [key for key in values.exact if key < key[::-1] and key[::-1] in values.exact]
        assert len(loops) == (order // 2 if kind is CircuitStructure.CASCADE else order - 1)
        nearest = {key: SERIES[series].nearest(value) for key, value in values.exact.items()}
        for key in loops:
            exact, got, near = (
                v[key] * v[key[::-1]] for v in (values.exact, values.rounded, nearest)
            )
            errors.append(abs(np.log(got / exact)))
            alone.append(abs(np.log(near / exact)))
        for key, value in values.exact.items():
            # the last of three makes up for both others
            assert abs(np.log(values.rounded[key] / value)) < 2.0 * np.log(NEAR) + 0.03
            assert asked.r_min <= values.rounded[key] <= asked.r_max
    # products are on the grid of the series too, but for the rounding of its digits
    assert np.mean(errors) < 0.8 * np.mean(alone)
    assert np.mean(errors) < {"E96": 0.006, "E24": 0.04}[series]


@pytest.mark.parametrize("order", [4, 9, 24])
def test_sections_stay_all_pass(order: int) -> None:
    _, structure, values = rounded(order, CircuitStructure.CASCADE, "E96")
    r = values.rounded
    errors = []
    for stage in structure.stages:
        if not stage.integrates:
            (w, _), (x, _) = stage.inputs
            errors.append(2.0 * r[stage.name, x] * r[x, w] / (r[stage.name, w] * r[x, x]) - 1.0)
    assert len(errors) == (order - 1) // 2
    assert np.max(np.abs(errors)) < 0.005


def test_couplings_of_the_direct_form_are_nearest() -> None:
    asked, _, values = rounded(5, CircuitStructure.DIRECT, "E24")
    series = SERIES[asked.series.value]
    for key, value in values.exact.items():
        assert values.rounded[key] == series.nearest(value, asked.r_min, asked.r_max)


@pytest.mark.parametrize("kind", CircuitStructure)
def test_exact_values_stay(kind: CircuitStructure) -> None:
    _, _, values = rounded(5, kind, "exact")
    assert values.rounded == values.exact
