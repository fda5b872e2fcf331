"""The bill of materials and the packages that it counts."""

from __future__ import annotations

import csv
from dataclasses import replace

import pytest

from lmu_hw.circuits.bill_of_materials import bill_of_materials
from lmu_hw.circuits.op_amp_packages import PINOUTS, packages, units
from lmu_hw.errors import SpecError
from tests.circuits.hand_built import MODEL, gm_c_circuit, op_amp_circuit


def test_the_file_lists_equal_parts_in_a_line() -> None:
    bom = bill_of_materials(op_amp_circuit(), 0.01)
    rows = list(csv.reader(bom.csv().splitlines()))
    assert rows == [
        ["references", "value", "tolerance", "count", "part"],
        ["R5 R6 R7 R9 R12", "10k", "1%", "5", "resistor"],
        ["R1 R8", "12.1k", "1%", "2", "resistor"],
        ["R3 R4", "20k", "1%", "2", "resistor"],
        ["R10", "33.2k", "1%", "1", "resistor"],
        ["R2", "49.9k", "1%", "1", "resistor"],
        ["R11", "1.5M", "1%", "1", "resistor"],
        ["C1 C2", "2.2n", "1%", "2", "capacitor, C0G or film"],
        ["IC1 IC2 IC3", "TEST1", "", "3", "dual op-amp"],
        [
            "CD1 CD2 CD3 CD4 CD5 CD6",
            "100n",
            "10%",
            "6",
            "decoupling capacitor, X7R, from a rail to ground",
        ],
        ["J1", "5 pins", "", "1", "connector"],
    ]


def test_every_part_is_counted_once() -> None:
    circuit = op_amp_circuit()
    bom = bill_of_materials(circuit, 0.001)
    listed = [name for line in bom.lines for name in line.references]
    assert len(listed) == len(set(listed)) == bom.count == 12 + 2 + 3 + 6 + 1
    assert {line.tolerance for line in bom.of("resistor")} == {"0.1%"}
    assert str(bom) == (
        "12 resistors, 2 capacitors, 3 dual op-amps, 6 decoupling capacitors, 1 connector"
    )


def test_a_value_of_no_series_keeps_six_digits() -> None:
    circuit = op_amp_circuit().with_values({"R1": 12093.4567})
    values = {
        name: line.value
        for line in bill_of_materials(circuit, 0.01).lines
        for name in line.references
    }
    assert values["R1"] == "12.0935k"


def test_transconductors_have_no_packages() -> None:
    bom = bill_of_materials(gm_c_circuit(), 0.05)
    assert [line.row[:4] for line in bom.lines] == [
        ("C1 C2", "1n", "5%", "2"),
        ("G3 G4", "20uS", "5%", "2"),
        ("G2 G6", "50uS", "5%", "2"),
        ("G1 G5 G7", "100uS", "5%", "3"),
    ]


@pytest.mark.parametrize(("size", "last"), [(1, "IC5"), (2, "IC3A"), (4, "IC2A")])
def test_amplifiers_fill_packages_in_order(size: int, last: str) -> None:
    circuit = op_amp_circuit(replace(MODEL, package=size))
    assert units(circuit)["U5"] == last
    assert sum(len(p.amplifiers) + p.spare for p in packages(circuit)) == size * -(-5 // size)


def test_a_package_that_nobody_makes_is_refused() -> None:
    with pytest.raises(SpecError, match="1, 2 or 4 amplifiers, not 3"):
        bill_of_materials(op_amp_circuit(replace(MODEL, package=3)), 0.01)


def test_pins_are_those_of_the_usual_packages() -> None:
    """Dual and quad op-amps of all makers: outputs at the corners, - inputs next to them."""
    assert PINOUTS[2].units == (("3", "2", "1"), ("5", "6", "7"))
    assert PINOUTS[4].units == (
        ("3", "2", "1"),
        ("5", "6", "7"),
        ("10", "9", "8"),
        ("12", "13", "14"),
    )
    for n, pinout in PINOUTS.items():
        used = [pin for unit in pinout.units for pin in unit] + [pinout.positive, pinout.negative]
        assert len(set(used)) == len(used) == 3 * n + 2
