"""Axes from text and from Python, the grid, and what is refused."""

from __future__ import annotations

import pytest

from lmu_hw.errors import SpecError
from lmu_hw.explore.search_space import MEMORY, NETWORK, space_of


def axes(*over: str) -> dict[str, tuple[str, ...]]:
    space = space_of(over, MEMORY, "a memory")
    return {axis.name: axis.values for axis in space.axes}


def test_values_and_ranges() -> None:
    found = axes("bits=8..10", "d=4..16..4", "theta=20.5,40", "output=memory,taps=0/0.5")
    assert found == {
        "bits": ("8", "9", "10"),
        "d": ("4", "8", "12", "16"),
        "theta": ("20.5", "40"),
        "output": ("memory", "taps=0/0.5"),
    }


def test_names_as_on_the_command_line() -> None:
    assert list(axes("--coef-bits=8,9", "order=4")) == ["coef_bits", "d"]


def test_python_values_give_the_same_space() -> None:
    given = {"lanes": [1, 2], "bits": range(8, 11), "state_port": [True], "weight_bits": [(4, 6)]}
    space = space_of(given, NETWORK, "a network")
    assert space == space_of(
        ["bits=8..10", "weight_bits=4/6", "lanes=1,2", "state_port=true"], NETWORK, "a network"
    )


def test_hardware_comes_last_and_numbers_follow_the_grid() -> None:
    space = space_of(["lanes=1,2,4", "bits=8,9"], MEMORY, "a memory")
    assert [axis.name for axis in space.axes] == ["bits", "lanes"]
    assert len(space) == 6
    assert [space.number(choice) for choice in space] == [1, 2, 3, 4, 5, 6]
    assert space.settings(("9", "1")) == {"bits": "9", "lanes": "1"}


def test_neighbours() -> None:
    space = space_of(["d=4,8,16", "bits=8,9"], MEMORY, "a memory")
    assert set(space.neighbours(("8", "8"))) == {("4", "8"), ("16", "8"), ("8", "9")}
    assert set(space.neighbours(("4", "9"))) == {("8", "9"), ("4", "8")}


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ((), "over must name an axis"),
        (("bits",), "over must be a name and values, as in bits=8,12,16, not 'bits'"),
        (("bits=",), "over must be a name and values"),
        (("bots=8",), "unknown axis of a memory 'bots'; did you mean bits"),
        (("act_bits=8",), "unknown axis of a memory 'act_bits'"),
        (("bits=8", "bits=9"), "over must name bits once"),
        (("bits=8,8",), "bits must have each value once, not 8 twice"),
        (("bits=8,08",), "bits must have each value once, not 8 and 08"),
        (("theta=2..4,3.0",), "theta must have each value once, not 3 and 3.0"),
        (("bits=8,,9",), "bits must have no empty value"),
        (("bits=9..8",), "a range of bits must rise"),
        (("bits=8..9..0",), "a range of bits must rise"),
        (("theta=1..99999",), "a range of theta must rise in at most 10,000 steps"),
        (("theta=1..9999", "seed=1..9999"), "at most 1,000,000 points, not 99,980,001"),
    ],
)
def test_what_is_refused(over: tuple[str, ...], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        space_of(over, MEMORY, "a memory")
