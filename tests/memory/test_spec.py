"""Specifications: what is accepted, what it means, and what every refusal says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmu_hw._support.validation import check_int, check_positive
from lmu_hw.errors import LMUHWError, ModelFileError, SpecError
from lmu_hw.memory.spec import (
    MAX_SPEC_BYTES,
    Discretizer,
    LMUSpec,
    OutputKind,
    RealizationKind,
    load,
    parse,
    parse_output,
)

TOML = """
# a comment
d = 64
theta = 784
discretizer = "bilinear"
bits = 12
realization = "dense"
output = "taps"
taps = [0, 0.5, 1.0]
channels = 2
coef_bits = 10
weight_bits = 11
state_bits = 30
"""
FULL = LMUSpec(
    order=64,
    theta=784.0,
    discretizer=Discretizer.BILINEAR,
    bits=12,
    realization=RealizationKind.DENSE,
    output=OutputKind.TAPS,
    taps=(0.0, 0.5, 1.0),
    channels=2,
    coef_bits=10,
    weight_bits=11,
    state_bits=30,
)
D = r"d \(order\) must be a whole number from 1 to 1024, not "
THETA = "theta must be from 1 to 1e\\+06 samples, not "
KNOWN = (
    "known keys are accuracy, bandwidth, bits, channels, coef_bits, d, discretizer, generators, "
    "name, neuron_model, neurons, order, output, realization, seed, state_bits, substeps, taps, "
    "theta, weight_bits"
)


def refused(data: dict[str, Any], text: str) -> None:
    """Assert that parsing fails in one line that is exactly ``text``."""
    with pytest.raises(SpecError, match=r"\A" + text + r"\Z") as error:
        parse(data)
    assert isinstance(error.value, LMUHWError)
    assert isinstance(error.value, ValueError)
    assert "\n" not in str(error.value)


# What is accepted.


def test_defaults() -> None:
    spec = parse({"d": 6})
    assert spec == LMUSpec(order=6)
    assert spec.theta == 48.0
    assert type(spec.theta) is float
    assert spec.discretizer is Discretizer.ZOH
    assert spec.bits == 16
    assert spec.realization is RealizationKind.AUTO
    assert spec.output is OutputKind.MEMORY
    assert spec.taps == ()
    assert spec.channels == 1
    assert (spec.coef_bits, spec.weight_bits, spec.state_bits) == (None, None, None)


@pytest.mark.parametrize("order", [1, 2, 64, 1024])
def test_theta_defaults_to_eight_samples_an_order(order: int) -> None:
    assert LMUSpec(order=order).theta == 8 * order


def test_order_is_d() -> None:
    assert parse({"order": 5}) == parse({"d": 5})


def test_a_spec_given_in_words_and_in_enums() -> None:
    words = {
        "d": 64,
        "theta": 784,
        "discretizer": "bilinear",
        "bits": 12,
        "realization": "dense",
        "output": "taps=0,0.5,1",
        "channels": 2,
        "coef_bits": 10,
        "weight_bits": 11,
        "state_bits": 30,
    }
    assert parse(words) == FULL
    enums = {"discretizer": Discretizer.BILINEAR, "realization": RealizationKind.DENSE}
    assert parse({**words, **enums, "output": OutputKind.TAPS, "taps": [0, 0.5, 1]}) == FULL
    assert parse({**words, "output": "taps", "taps": [0, 0.5, 1]}) == FULL
    del words["output"]
    assert parse({**words, "taps": (0, 0.5, 1)}) == FULL


def test_parse_leaves_its_argument_alone() -> None:
    data = {"d": 4, "taps": [0, 1]}
    parse(data)
    assert data == {"d": 4, "taps": [0, 1]}


@pytest.mark.parametrize("theta", [1, 1.5, 784, 1e6])
def test_thetas(theta: float) -> None:
    spec = parse({"d": 4, "theta": theta})
    assert spec.theta == theta
    assert type(spec.theta) is float


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("bits", 4, 24),
        ("channels", 1, 64),
        ("coef_bits", 4, 24),
        ("weight_bits", 4, 24),
        ("state_bits", 4, 48),
        ("d", 1, 1024),
    ],
)
def test_ranges_of_whole_numbers(name: str, low: int, high: int) -> None:
    label = r"d \(order\)" if name == "d" else name
    text = f"{label} must be a whole number from {low} to {high}, not "
    for good in (low, high):
        spec = parse({"d": 4, name: good})
        assert getattr(spec, "order" if name == "d" else name) == good
    for bad in (low - 1, high + 1, 0, 99_999, -3):
        refused({"d": 4, name: bad}, text + str(bad))
    refused({"d": 4, name: 8.0}, text + r"8\.0")
    refused({"d": 4, name: "8"}, text + "'8'")
    refused({"d": 4, name: True}, text + "True")
    refused({"d": 4, name: [8]}, text + r"\[8\]")


@pytest.mark.parametrize(
    ("text", "kind", "taps"),
    [
        ("memory", OutputKind.MEMORY, ()),
        ("state", OutputKind.STATE, ()),
        ("taps", OutputKind.TAPS, ()),
        ("taps=0.25", OutputKind.TAPS, (0.25,)),
        ("taps=0,0.5,1", OutputKind.TAPS, (0.0, 0.5, 1.0)),
        ("taps= 0 , 1e-1", OutputKind.TAPS, (0.0, 0.1)),
    ],
)
def test_outputs(text: str, kind: OutputKind, taps: tuple[float, ...]) -> None:
    assert parse_output(text) == (kind, taps)


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (LMUSpec(order=6), "LMU memory d=6 theta=48 zoh bits=16 output=memory"),
        (FULL, "LMU memory d=64 theta=784 bilinear bits=12 output=taps=0,0.5,1 channels=2"),
        (
            LMUSpec(order=3, theta=4 / 3, discretizer=Discretizer.EULER, output=OutputKind.STATE),
            "LMU memory d=3 theta=1.33333333333 euler bits=16 output=state",
        ),
        (
            LMUSpec(order=3, theta=1e6, output=OutputKind.TAPS, taps=(0.1,)),
            "LMU memory d=3 theta=1000000 zoh bits=16 output=taps=0.1",
        ),
    ],
)
def test_describe(spec: LMUSpec, text: str) -> None:
    assert spec.describe() == text


# What is refused.


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (-3, "-3"),
        (2.5, r"2\.5"),
        (5000, "5000"),
        ("64", "'64'"),
        (True, "True"),
        (None, "None"),
        (float("nan"), "nan"),
    ],
)
def test_orders(value: Any, shown: str) -> None:
    refused({"d": value}, D + shown)
    refused({"order": value}, D + shown)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, THETA + "0"),
        (0.0, THETA + "0"),
        (-1, THETA + "-1"),
        (-0.5, THETA + r"-0\.5"),
        (0.5, THETA + r"0\.5: a window below one sample holds the last input alone"),
        (1e9, THETA + r"1000000000\.0"),
        (1000001, THETA + "1000001"),
        (float("nan"), "theta must be a finite number, not nan"),
        (float("inf"), "theta must be a finite number, not inf"),
        (float("-inf"), "theta must be a finite number, not -inf"),
        (10**400, "theta must be a finite number, not one this large"),
        ("48", "theta must be a finite number, not '48'"),
        (True, "theta must be a finite number, not True"),
        (None, "theta must be a finite number, not None"),
        ([1], r"theta must be a finite number, not \[1\]"),
    ],
)
def test_refused_thetas(value: Any, text: str) -> None:
    refused({"d": 6, "theta": value}, text)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({}, r"d \(order\) must be given, as in --d 64"),
        ({"theta": 5.0}, r"d \(order\) must be given, as in --d 64"),
        ({"d": 4, "order": 4}, "give d or order, not both: they are the same key"),
        ({"d": 4, "bit": 8}, "unknown key 'bit': did you mean bits\\? " + KNOWN),
        ({"d": 4, "chanels": 2}, "unknown key 'chanels': did you mean channels\\? " + KNOWN),
        ({"d": 4, "Theta": 8}, "unknown key 'Theta': did you mean theta\\? " + KNOWN),
        ({"d": 4, "qqq": 8}, "unknown key 'qqq': " + KNOWN),
        ({"d": 4, "a\nb": 8}, r"unknown key 'a\\nb': " + KNOWN),
        (
            {"d": 4, "discretizer": "zho"},
            "discretizer must be one of zoh, euler, bilinear, not 'zho'",
        ),
        ({"d": 4, "discretizer": 1}, "discretizer must be one of zoh, euler, bilinear, not 1"),
        (
            {"d": 4, "realization": "chain"},
            "realization must be one of auto, cascade, ladder, dense, spiking, not 'chain'",
        ),
        ({"d": 4, "substeps": 3}, "substeps must be one of 1, 2, 4, 8, not 3"),
        ({"d": 4, "substeps": True}, "substeps must be one of 1, 2, 4, 8, not True"),
        ({"d": 4, "substeps": "2"}, "substeps must be one of 1, 2, 4, 8, not '2'"),
        (
            {"d": 4, "substeps": 2},
            "substeps must go with the bilinear discretizer, not zoh: add --discretizer bilinear",
        ),
        (
            {"d": 4, "discretizer": "euler", "realization": "ladder"},
            "a ladder must go with the bilinear discretizer, not euler: add --discretizer bilinear",
        ),
        (
            {"d": 4, "discretizer": "bilinear", "substeps": 4, "realization": "dense"},
            "substeps must be 1 with --realization dense, not 4: use --realization ladder",
        ),
        ({"d": 4, "realization": []}, r"realization must be one of .*, not \[\]"),
        ({"d": 4, "output": "m"}, "output must be one of memory, state, taps, not 'm'"),
        ({"d": 4, "output": ""}, "output must be one of memory, state, taps, not ''"),
        (
            {"d": 4, "output": "memory=1"},
            "output must be memory, state or taps=0,0.5,1, not 'memory=1'",
        ),
        ({"d": 4, "output": 3}, r"output must be memory, state or taps=\.\.\., not 3"),
        ({"d": 4, "output": None}, r"output must be memory, state or taps=\.\.\., not None"),
    ],
)
def test_refused_choices(data: dict[str, Any], text: str) -> None:
    refused(data, text)


NO_TAPS = r"taps must be given when output is taps, as in output = 'taps=0,0\.5,1'"


LONGER = "; for a longer delay give a larger theta, which need not be whole"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"output": "taps"}, NO_TAPS),
        ({"output": "taps="}, NO_TAPS),
        ({"output": OutputKind.TAPS}, NO_TAPS),
        ({"taps": []}, NO_TAPS),
        ({"output": "taps", "taps": []}, NO_TAPS),
        (
            {"output": "memory", "taps": [0.5]},
            "output must be taps when taps are given, not 'memory'",
        ),
        ({"output": "state", "taps": [0]}, "output must be taps when taps are given, not 'state'"),
        ({"output": "taps=0,1.5"}, "taps must be fractions of theta from 0 to 1, not 1.5" + LONGER),
        ({"taps": [0, 2]}, "taps must be fractions of theta from 0 to 1, not 2" + LONGER),
        ({"taps": [-0.1]}, "taps must be fractions of theta from 0 to 1, not -0.1"),
        ({"output": "taps=nan"}, "taps must be a finite number, not nan"),
        ({"taps": [float("inf")]}, "taps must be a finite number, not inf"),
        ({"taps": ["0"]}, "taps must be a finite number, not '0'"),
        ({"taps": [True]}, "taps must be a finite number, not True"),
        ({"taps": [[0]]}, r"taps must be a finite number, not \[0\]"),
        ({"taps": 0.5}, "taps must be a list of fractions, not 0.5"),
        ({"taps": "0,1"}, "taps must be a list of fractions, not '0,1'"),
        ({"output": "taps", "taps": 5}, "taps must be a list of fractions, not 5"),
        ({"output": "taps", "taps": "01"}, "taps must be a list of fractions, not '01'"),
        ({"output": "taps=0,,1"}, "taps must be numbers separated by commas, not '0,,1'"),
        ({"output": "taps=a"}, "taps must be numbers separated by commas, not 'a'"),
        ({"output": "taps=0;1"}, "taps must be numbers separated by commas, not '0;1'"),
        ({"taps": [0.5] * 1025}, "taps must be at most 1024 delays, not 1025"),
    ],
)
def test_refused_taps(data: dict[str, Any], text: str) -> None:
    refused({"d": 4, **data}, text)


def test_direct_construction_is_checked_too() -> None:
    with pytest.raises(SpecError, match=D + "0"):
        LMUSpec(order=0)
    with pytest.raises(SpecError, match=THETA + "0"):
        LMUSpec(order=4, theta=0)
    with pytest.raises(SpecError, match="bits must be a whole number from 4 to 24, not 25"):
        LMUSpec(order=4, bits=25)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)


@given(
    data=st.dictionaries(
        st.sampled_from([*KNOWN.removeprefix("known keys are ").split(", "), "x"]),
        JSON_VALUES | st.integers(1, 30) | st.sampled_from(["zoh", "dense", "taps=0", "state"]),
    )
)
def test_any_mapping_is_a_spec_or_refused(data: dict[str, Any]) -> None:
    try:
        text = parse(data).describe()
    except SpecError as error:
        text = str(error)
    assert "\n" not in text


def test_numbers_for_other_modules() -> None:
    check_int("steps", 5, 1, 5)
    with pytest.raises(SpecError, match=r"^steps must be a whole number from 1 to 5, not 6\Z"):
        check_int("steps", 6, 1, 5)
    assert check_positive("scale", 2) == 2.0
    assert check_positive("scale", np.float64(0.5)) == 0.5
    for bad in (0, -1.0):
        with pytest.raises(SpecError, match=rf"^scale must be > 0, not {bad}\Z"):
            check_positive("scale", bad)
    with pytest.raises(SpecError, match=r"^scale must be a finite number, not nan\Z"):
        check_positive("scale", float("nan"))


# Files.


def test_toml(tmp_path: Path) -> None:
    path = tmp_path / "memory.toml"
    path.write_text(TOML)
    assert parse(load(path)) == FULL


def test_json(tmp_path: Path) -> None:
    path = tmp_path / "memory.json"
    path.write_text(json.dumps({"d": 64, "theta": 784, "output": "taps=0,1"}))
    assert parse(load(path)) == LMUSpec(
        order=64, theta=784.0, output=OutputKind.TAPS, taps=(0.0, 1.0)
    )


def test_an_empty_file_asks_for_nothing(tmp_path: Path) -> None:
    path = tmp_path / "memory.toml"
    path.write_text("")
    assert load(path) == {}


def unreadable(path: Path, text: str) -> None:
    with pytest.raises(ModelFileError, match=r"\A" + text + r"\Z") as error:
        load(path)
    assert "\n" not in str(error.value)


def test_missing_file(tmp_path: Path) -> None:
    unreadable(tmp_path / "no.toml", r"cannot read .*no\.toml: No such file or directory")


def test_directory(tmp_path: Path) -> None:
    unreadable(
        tmp_path, r".* is a directory: give a TOML or JSON file of keys, or -o .* to write there"
    )


def test_file_too_large(tmp_path: Path) -> None:
    path = tmp_path / "big.toml"
    path.write_text("#" * MAX_SPEC_BYTES)
    assert load(path) == {}
    path.write_text("#" * (MAX_SPEC_BYTES + 1))
    unreadable(path, r".*big\.toml is larger than 1048576 bytes: not a specification")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("m.toml", b"d = "),
        ("m.toml", b"d 64"),
        ("m.toml", b"d = 1\nd = 2"),
        ("m.toml", b"\xff\xfe"),
        ("m.toml", b"\0"),
        ("m.toml", b"a = " + b"[" * 100_000),
        ("m.toml", b"d = " + b"9" * 5000),
        ("m.json", b""),
        ("m.json", b"{"),
        ("m.json", b"d = 64"),
        ("m.json", b"\xff\xfe"),
        ("m.json", b"[" * 100_000),
    ],
    ids=range(12),
)
def test_invalid_files(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    unreadable(tmp_path / name, rf".*{name} is not a TOML or JSON specification: .*")


@pytest.mark.parametrize("content", ["[]", "64", "null", '"d"'])
def test_no_table(tmp_path: Path, content: str) -> None:
    (tmp_path / "m.json").write_text(content)
    unreadable(tmp_path / "m.json", r".*m\.json must hold a table of keys such as d = 64")


@pytest.mark.parametrize(
    "name", ["int8_t", "size_t", "namespace", "template", "limits", "time", "stdarg", "always"]
)
def test_names_that_c_or_verilog_cannot_take(name: str) -> None:
    """A keyword, a type, or a header that ``NAME.h`` would hide from the compiler."""
    with pytest.raises(SpecError, match=f"a C header or a type ending in _t, .* not '{name}'"):
        parse({"d": 2, "name": name})
    assert parse({"d": 2, "name": f"{name}_1"}).name == f"{name}_1"


@pytest.mark.parametrize("keys", [{"substeps": 4}, {"realization": "ladder"}])
def test_an_accuracy_takes_the_discretizer_that_goes_with_the_rest(keys: dict[str, Any]) -> None:
    asked = {"d": 8, "accuracy": "1%", "bandwidth": 0.01}
    assert parse(asked | keys).discretizer is Discretizer.BILINEAR
    assert parse(asked).discretizer is Discretizer.ZOH
    refused(asked | keys | {"discretizer": "zoh"}, ".* must go with the bilinear discretizer.*")
