"""The KiCad netlist, read back by a parser that is not ours."""

from __future__ import annotations

import io
import warnings
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from lmu_hw.circuits.circuit import GROUND
from lmu_hw.circuits.kicad_netlist import kicad_netlist
from tests.circuits.hand_built import MODEL, gm_c_circuit, op_amp_circuit

kinparse = pytest.importorskip("kinparse")


@cache
def read(text: str | None) -> Any:
    assert text is not None
    with warnings.catch_warnings():
        # kinparse calls pyparsing by its old names
        warnings.simplefilter("ignore", DeprecationWarning)
        return kinparse.parse_netlist(io.StringIO(text))


def pins_of(netlist: Any) -> dict[tuple[str, str], str]:
    """Return the net at each pin."""
    return {(pin.ref, pin.num): net.name for net in netlist.nets for pin in net.pins}


def test_every_part_is_there_with_its_value_and_footprint() -> None:
    netlist = read(kicad_netlist(op_amp_circuit()))
    parts = {part.ref: part for part in netlist.parts}
    assert len(parts) == len(netlist.parts) == 12 + 2 + 3 + 6 + 1
    assert (parts["R1"].value, parts["C2"].value) == ("12.1k", "2.2n")
    assert (parts["IC3"].value, parts["CD6"].value) == ("TEST1", "100n")
    assert all(":" in part.footprint for part in netlist.parts)
    assert parts["J1"].footprint.endswith("PinHeader_1x05_P2.54mm_Vertical")


@pytest.mark.parametrize("size", [1, 2, 4])
def test_every_pin_is_on_the_net_of_its_node(size: int) -> None:
    circuit = op_amp_circuit(replace(MODEL, package=size))
    pins = pins_of(read(kicad_netlist(circuit)))

    def net(node: str) -> str:
        return "GND" if node == GROUND else node

    for part in circuit.parts:
        if part.name.startswith(("R", "C")):
            assert [pins[part.name, str(k)] for k in (1, 2)] == list(map(net, part.nodes))
    # data sheets: pins of + input, - input and output of the last amplifier, of both rails
    where = {
        1: ("IC5", ("3", "2", "6"), ("7", "4")),
        2: ("IC3", ("3", "2", "1"), ("8", "4")),
        4: ("IC2", ("3", "2", "1"), ("4", "11")),
    }
    name, amplifier, rails = where[size]
    assert [pins[name, pin] for pin in amplifier] == ["GND", "n_tap1", "tap1"]
    assert [pins[name, pin] for pin in rails] == ["V+", "V-"]


def test_an_amplifier_left_over_follows_ground() -> None:
    pins = pins_of(read(kicad_netlist(op_amp_circuit())))
    assert pins["IC3", "5"] == "GND"
    assert pins["IC3", "6"] == pins["IC3", "7"] == "unused_IC3B"


def test_the_connector_carries_supply_input_and_taps() -> None:
    pins = pins_of(read(kicad_netlist(op_amp_circuit())))
    assert [pins["J1", str(k)] for k in range(1, 6)] == ["GND", "V+", "V-", "u", "tap1"]
    assert [pins["CD2", "1"], pins["CD2", "2"]] == ["V-", "GND"]


def test_no_net_has_a_single_pin() -> None:
    netlist = read(kicad_netlist(op_amp_circuit()))
    assert all(len(net.pins) > 1 for net in netlist.nets)


def test_the_same_circuit_gives_the_same_text() -> None:
    assert kicad_netlist(op_amp_circuit()) == kicad_netlist(op_amp_circuit())


def test_a_quote_in_a_title_stays_inside_its_text() -> None:
    circuit = replace(op_amp_circuit(), title='d = 2 "test"')
    text = kicad_netlist(circuit)
    assert text is not None
    assert '(source "d = 2 \\"test\\"")' in text


def test_a_circuit_of_a_chip_has_none() -> None:
    assert kicad_netlist(gm_c_circuit()) is None
