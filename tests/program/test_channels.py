"""Channels: what a word of an input or output stands for, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lmu_hw import rtl
from lmu_hw.errors import FormatError
from lmu_hw.program.integer_program import Channel, Program, Role
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.rtl.schedule import schedule
from tests.factories.programs import LABELLED, PROGRAMS, random_inputs, with_vectors

PLAIN = PROGRAMS["channels"]

FIELDS: dict[str, tuple[dict[str, Any], str]] = {
    "capitals": ({"name": "Ecg"}, "name must be .*, not 'Ecg'"),
    "a digit first": ({"name": "1st"}, "name must be .*, not '1st'"),
    "a space": ({"name": "left arm"}, "name must be .*, not 'left arm'"),
    "a line": ({"name": "ecg\n"}, r"name must be .*, not 'ecg\\n'"),
    "a keyword of C": (
        {"name": "double"},
        "name must be .* keyword of C or C.., such as ecg, not 'double'",
    ),
    "a keyword of C++": ({"name": "this"}, "name must be .*, not 'this'"),
    "a macro of GCC": ({"name": "linux"}, "name must be .*, not 'linux'"),
    "41 characters": ({"name": "a" * 41}, "name must be .*, not 'a{41}'"),
    "no text": ({"name": 3}, "name must be .*, not 3"),
    "no ASCII": ({"unit": "\u00b5V"}, "unit must be .*, such as mV or uV, not '\u00b5V'"),
    "17 characters": ({"unit": "m" * 17}, "unit must be at most 16 .*, not 'm{17}'"),
    "end of a comment": ({"unit": "*/"}, r"unit must be .*, not '\*/'"),
    "start of a comment": ({"unit": "/*"}, r"unit must be .*, not '/\*'"),
    "a trigraph": ({"unit": "??/"}, r"unit must be .*, not '\?\?/'"),
    "a quote": ({"unit": '"'}, "unit must be .*, not '\"'"),
    "an apostrophe": ({"unit": "'"}, 'unit must be .*, not "\'"'),
    "a backslash": ({"unit": "\\"}, r"unit must be .*, not '\\\\'"),
    "a tab": ({"unit": "m\t"}, r"unit must be .*, not 'm\\t'"),
    "a unit of none": ({"unit": None}, "unit must be .*, not None"),
    "zero": ({"scale": 0}, r"scale must be a number of magnitude 1e-30 to 1e\+30, not 0$"),
    "too small": ({"scale": 1e-31}, "scale must be .*, not 1e-31"),
    "too large": ({"scale": -1e31}, r"scale must be .*, not -1e\+31"),
    "no number": ({"scale": float("nan")}, "scale must be .*, not nan"),
    "infinity": ({"offset": float("-inf")}, "offset must be .* 0 to .*, not -inf"),
    "5000 digits": ({"offset": 10**5000}, "offset must be .*, not a number this large"),
    "text": ({"scale": "2"}, "scale must be .*, not '2'"),
    "true": ({"scale": True}, "scale must be .*, not True"),
    "an array": ({"scale": np.ones(2)}, "scale must be .*, not array"),
}


@pytest.mark.parametrize(("fields", "reason"), FIELDS.values(), ids=FIELDS)
def test_fields_are_checked(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(FormatError, match=f"^a channel's {reason}") as error:
        Channel(**fields)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("unit", ["mV", "%", "m/s^2", "1/min", "deg C", "", "m" * 16])
def test_units_of_every_kind(unit: str) -> None:
    assert Channel(unit=unit).unit == unit


@pytest.mark.parametrize(
    ("scale", "offset", "value", "w"), [(0.5, 1.0, 2.0, 2.0), (-4.0, -100.0, 0.0, -25.0)]
)
def test_values_and_back(scale: float, offset: float, value: float, w: float) -> None:
    channel = Channel(scale=scale, offset=offset)
    assert channel.normalize(value) == w
    assert channel.denormalize(w) == value
    values = np.array([[value, offset], [offset, value]])
    assert np.array_equal(channel.normalize(values), [[w, 0], [0, w]])
    assert np.array_equal(channel.denormalize([[w, 0], [0, w]]), values)


def test_equal_channels_are_written_equally() -> None:
    channel = Channel(scale=np.float64(2), offset=-0.0)
    assert repr(channel) == repr(Channel(scale=2, offset=0))
    assert type(channel.scale) is type(channel.offset) is float


def test_text() -> None:
    assert str(Channel(name="ecg", unit="mV", scale=0.5, offset=-1)) == "ecg [mV] = 0.5 w - 1"
    assert str(Channel()) == "value = 1 w"


def labelled(role: Role, channels: Any) -> Program:
    name = {Role.INPUT: "u", Role.OUTPUT: "y", Role.STATE: "silence"}[role]
    return with_vectors(PLAIN, **{name: {"channels": channels}})


@pytest.mark.parametrize(
    ("role", "channels", "reason"),
    [
        (Role.INPUT, (), "input 'u' has 0 channels but should have 3, one for each word"),
        (Role.INPUT, (Channel(),), "input 'u' has 1 channels but should have 3"),
        (Role.OUTPUT, (Channel(),) * 7, "output 'y' has 7 channels but should have 6"),
        (Role.INPUT, [Channel()] * 3, "channels of input 'u' must be a tuple of Channel"),
        (Role.INPUT, ("ecg",) * 3, "channels of input 'u' must be a tuple of Channel"),
        (Role.STATE, (Channel(),) * 3, "state 'silence' must have no channels: only inputs and"),
        (
            Role.INPUT,
            (Channel(name="a"), Channel(), Channel(name="a")),
            "channel names of input 'u' must differ, but 'a' occurs twice",
        ),
    ],
)
def test_vectors_are_checked(role: Role, channels: Any, reason: str) -> None:
    with pytest.raises(FormatError, match=f"^{reason}"):
        labelled(role, channels)


def test_inputs_and_outputs_may_share_names() -> None:
    same = tuple(Channel(name=n) for n in ("a", "b", "c"))
    more = (*same, *(Channel(name=n) for n in ("d", "e", "f")))
    program = with_vectors(PLAIN, u={"channels": same}, y={"channels": more})
    assert program.vector("u").channels == same


def test_words_do_not_depend_on_channels() -> None:
    inputs = random_inputs(PLAIN, np.random.default_rng(1), (50,))[:, None]
    assert np.array_equal(Interpreter(LABELLED).run(inputs), Interpreter(PLAIN).run(inputs))


def test_hardware_does_not_depend_on_channels() -> None:
    def verilog(program: Program) -> dict[str, str]:
        texts = rtl.emit(program, schedule(program, 1), version="0")
        return {k: v.replace(program.digest, "") for k, v in texts.items()}

    assert verilog(LABELLED) == verilog(PLAIN)


def test_none_is_not_written() -> None:
    none = tuple(replace(v, channels=None) for v in LABELLED.vectors)
    assert replace(LABELLED, vectors=none).to_json() == PLAIN.to_json()
    assert 'channels"' not in PLAIN.to_json().replace("n_channels", "")
    assert LABELLED.digest != PLAIN.digest
