"""Op-amps by name or by their figures; every wrong one is a line that says what is known."""

from __future__ import annotations

import math

import pytest

from lmu_hw.circuits.amplifiers import DEFAULT, IDEAL, PARTS, SUPPLY, check_supply, find_amplifier
from lmu_hw.circuits.request import make_request
from lmu_hw.errors import SpecError


def test_names_are_found_in_any_case() -> None:
    for name, model in PARTS.items():
        assert find_amplifier(name) is model
        assert find_amplifier(name.lower()) is model
        assert model.name == name
    assert find_amplifier("Ideal") is IDEAL
    assert find_amplifier(None) is find_amplifier() is PARTS[DEFAULT]


def test_parts_are_plausible() -> None:
    assert SUPPLY.keys() == PARTS.keys()
    for model in PARTS.values():
        assert 1e4 < model.gain < 1e8
        assert 1e5 < model.bandwidth < 1e9
        assert 1e5 < model.slew < 1e9
        assert 0 < model.headroom < 5
        assert 0 < model.offset < 0.02
        assert 0 < model.bias < 1e-6
        assert 1e-9 < model.noise < 1e-6
        assert model.package in (1, 2, 4)


def test_figures_are_read_with_their_units() -> None:
    model = find_amplifier("GBW=10Meg,SR=5")
    assert (model.name, model.bandwidth, model.slew) == ("custom", 10e6, 5e6)
    assert (model.gain, model.headroom, model.offset) == (1e5, 0.05, 0.0)
    model = find_amplifier(
        "gbw=1.5MHz, sr=.6V/us, gain=200k, headroom=25mV, vos=4.5m, ib=1pA, en=28n"
    )
    assert (model.bandwidth, model.slew, model.gain) == (1.5e6, 0.6e6, 2e5)
    assert math.isclose(model.headroom, 0.025)
    assert math.isclose(model.offset, 4.5e-3)
    assert math.isclose(model.bias, 1e-12)
    assert math.isclose(model.noise, 28e-9)
    assert find_amplifier("GBW=1k,SR=1,VOS=0").offset == 0.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("MCP6O04", "op-amp must be one of ideal, MCP6004, .*LM358 or figures as GBW=10Meg"),
        ("", "op-amp must be one of ideal"),
        (7, "op-amp must be one of ideal, .* not 7"),
        ("GBW=10Meg", "SR of the op-amp is missing"),
        ("SR=5", "GBW of the op-amp is missing"),
        ("GBW=10Meg,SR=5,XX=1", "be GBW, SR, GAIN, HEADROOM, VOS, IB, EN, .* not 'XX=1'"),
        ("GBW=10Meg,SR=5,", "not ''"),
        ("GBW=10Meg,SR=5,GBW=1k", "GBW of the op-amp must be given once"),
        ("GBW=10q,SR=5", "GBW of the op-amp must be a number of Hz"),
        ("GBW=,SR=5", "GBW of the op-amp must be a number"),
        ("GBW=-1,SR=5", "GBW of the op-amp must be > 0"),
        ("GBW=nan,SR=5", "GBW of the op-amp must be a number"),
        ("GBW=1e999,SR=5", "GBW of the op-amp must be a finite number"),
        ("GBW=1e15,SR=5", r"GBW of the op-amp must be 1 to 1e\+12 Hz"),
        ("GBW=0,SR=5", "GBW of the op-amp must be 1 to 1e"),
        ("GBW=1k,SR=0", "SR of the op-amp must be 1e-06 to 1e"),
        ("GBW=1k,SR=1,GAIN=1", r"GAIN of the op-amp must be 10 to 1e\+09 V/V, not '1'"),
    ],
)
def test_wrong_text_is_one_line(text: object, message: str) -> None:
    with pytest.raises(SpecError, match=message) as info:
        find_amplifier(text)
    assert "\n" not in str(info.value)


def test_the_request_checks_the_supply_of_op_amps() -> None:
    with pytest.raises(SpecError, match=r"supply of the MCP6024 must be 2\.5 to 5\.5 V, not 12 V"):
        make_request(3, "1ms", supply="12")
    # transconductors are not of this part: its offset and headroom are not theirs
    assert make_request(3, "1ms", supply="12", form="gm-c").limit == 6.0
    assert make_request(3, "1ms", form="gm-c").amplifier == IDEAL
    given = make_request(3, "1ms", form="gm-c", opamp="GBW=1,SR=1,VOS=2m,HEADROOM=0.5")
    assert (given.limit, given.amplifier.offset) == (2.0, 2e-3)


def test_a_supply_that_a_part_cannot_take_is_an_error() -> None:
    check_supply(PARTS["MCP6004"], 5.0)
    check_supply(IDEAL, 0.1)
    with pytest.raises(SpecError, match=r"supply of the MCP6004 must be 1\.8 to 6 V, not 12 V"):
        check_supply(PARTS["MCP6004"], 12.0)
