"""Circuits of both forms do what their structure says, part by part."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from lmu_hw.circuits.amplifiers import IDEAL
from lmu_hw.circuits.analog_design import MEMORIES, make_design
from lmu_hw.circuits.circuit import INPUT, Amplifier, Capacitor, Part, Resistor
from lmu_hw.circuits.dynamic_range import scale_nodes
from lmu_hw.circuits.nodal import linear_circuit
from lmu_hw.circuits.op_amp_circuit import choose_signs
from lmu_hw.circuits.request import AnalogRequest, CircuitForm, CircuitStructure, make_request
from lmu_hw.circuits.scaled_circuit import ScaledCircuit
from lmu_hw.circuits.stage_values import capacitor_choices
from lmu_hw.circuits.structures import Stage, structure_of


def request(order: int, structure: CircuitStructure, form: Any, **options: Any) -> AnalogRequest:
    options = {"series": "exact", "opamp": IDEAL, **options}
    return make_request(order, "1ms", (0.25, 1.0), structure=structure, form=form, **options)


def memory(asked: AnalogRequest) -> ScaledCircuit:
    structure = structure_of(asked.structure, asked.order)
    scaling = scale_nodes(structure, asked.taps)
    c, *_ = capacitor_choices(asked, structure, scaling)
    return MEMORIES[asked.form](asked, structure, scaling, c)


def counts(parts: tuple[Part, ...]) -> tuple[int, int, int]:
    """Return the numbers of amplifiers, resistors and capacitors."""
    found = Counter(type(part) for part in parts)
    return found[Amplifier], found[Resistor], found[Capacitor]


@pytest.mark.parametrize("form", CircuitForm)
@pytest.mark.parametrize("kind", CircuitStructure)
@pytest.mark.parametrize("order", [1, 2, 3, 4, 7, pytest.param(24, marks=pytest.mark.soak)])
def test_ideal_states(order: int, kind: CircuitStructure, form: CircuitForm) -> None:
    asked = request(order, kind, form)
    found, structure = memory(asked), structure_of(kind, order)
    f = np.linspace(0.0, order, 9) / asked.theta
    got = linear_circuit(found.circuit).response(f, found.circuit.states)
    s = 2j * np.pi * f * asked.theta
    wanted = [np.linalg.solve(x * np.eye(order) - structure.A, structure.B) for x in s]
    np.testing.assert_allclose(got, wanted * found.volts, atol=1e-12)


@pytest.mark.parametrize("form", CircuitForm)
@pytest.mark.parametrize("kind", CircuitStructure)
@pytest.mark.parametrize("order", [1, 3, 6])
def test_ideal_nodes_swing_to_the_limit(
    order: int, kind: CircuitStructure, form: CircuitForm
) -> None:
    design = make_design(request(order, kind, form))
    stages = [stage.name for stage in design.structure.stages]
    assert [design.swings[name] for name in stages] == pytest.approx([2.5] * len(stages), rel=1e-4)
    assert max(design.swings.values()) == pytest.approx(2.5)
    assert design.full_scale == design.swings[INPUT]


@pytest.mark.parametrize(
    ("kind", "order", "wanted"),
    [
        # amplifiers, resistors and capacitors
        (CircuitStructure.CASCADE, 3, (5, 11, 3)),
        (CircuitStructure.CASCADE, 6, (11, 24, 6)),
        (CircuitStructure.CASCADE, 12, (23, 51, 12)),
        (CircuitStructure.CASCADE, 24, (47, 105, 24)),
        (CircuitStructure.LADDER, 3, (4, 8, 3)),
        (CircuitStructure.LADDER, 24, (36, 72, 24)),
        # an inverter for all states but the first
        (CircuitStructure.DIRECT, 24, (47, 24 * 25 + 2 * 23, 24)),
    ],
)
def test_part_counts(kind: CircuitStructure, order: int, wanted: tuple[int, int, int]) -> None:
    assert counts(memory(request(order, kind, "op-amp")).circuit.parts) == wanted


def test_signs_with_the_fewest_inverters() -> None:
    for kind, inverted in (
        (CircuitStructure.CASCADE, {"x2", "x4", "x6"}),
        (CircuitStructure.LADDER, {"x2", "x4", "x6"}),
        (CircuitStructure.DIRECT, {f"x{i}" for i in range(2, 8)}),
    ):
        assert choose_signs(structure_of(kind, 7).stages)[1] == inverted


def test_signs_of_opposite_wishes() -> None:
    stages = (Stage("x1", ((INPUT, 1.0), ("x1", -1.0))), Stage("x2", ((INPUT, 1.0), ("x1", 1.0))))
    signs, inverted = choose_signs(stages)
    assert signs["x1"] == -1
    assert inverted == ({INPUT} if signs["x2"] == 1 else {"x1"})


@pytest.mark.parametrize("kind", CircuitStructure)
def test_a_section_of_the_cascade_in_ohms(kind: CircuitStructure) -> None:
    """Values follow from the scaled state space: R = theta / (C gain)."""
    asked = request(3, kind, "op-amp")
    found, structure = memory(asked), structure_of(kind, 3)
    (c,) = {part.value for part in found.circuit.parts if isinstance(part, Capacitor)}
    feeds = {
        (part.nodes[0].removesuffix("_inv"), part.nodes[1]): part.value
        for part in found.circuit.parts
        if isinstance(part, Resistor)
    }
    size = np.abs(found.volts)
    for i in range(3):
        for j in range(3):
            gain = abs(structure.A[i, j]) * size[i] / size[j]
            # the sum of the cascade couples its sections
            if gain and not (kind is CircuitStructure.CASCADE and i == 2 and j < 2):
                value = feeds[f"x{j + 1}", f"x{i + 1}_sum"]
                assert value == pytest.approx(asked.theta / (c * gain))


@pytest.mark.parametrize("form", CircuitForm)
def test_references_follow_the_sections(form: CircuitForm) -> None:
    circuit = make_design(request(5, CircuitStructure.CASCADE, form)).circuit
    for letter in "RCUG":
        found = [part.name for part in circuit.parts if part.name[0] == letter]
        assert found == [f"{letter}{k + 1}" for k in range(len(found))]
    assert list(circuit.sections) == [
        *("section 1: pair of poles", "section 2: pair of poles", "section 3: real pole"),
        *("tap 1: 0.25 theta", "tap 2: 1 theta"),
    ]
    of_taps = {getattr(part, "tap", -1) for part in circuit.sections["tap 2: 1 theta"]}
    assert of_taps == {1}


@pytest.mark.parametrize("kind", CircuitStructure)
@pytest.mark.parametrize("form", CircuitForm)
def test_memory_parts_are_rounded_to_near_values(form: CircuitForm, kind: CircuitStructure) -> None:
    exact = memory(request(6, kind, form)).circuit.parts
    rounded = memory(request(6, kind, form, series="E96")).circuit.parts
    # half a step of E96, and its digits are rounded; 6 % more where products count
    most = 0.014 + (0.0 if kind is CircuitStructure.DIRECT else 0.06)
    for ideal, part in zip(exact, rounded, strict=True):
        if not isinstance(part, Amplifier) and not isinstance(ideal, Amplifier):
            assert abs(np.log(part.value / ideal.value)) < most
            assert part.exact == pytest.approx(ideal.value, rel=0.014)
