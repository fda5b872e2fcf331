"""Hardware options on the command line and in files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lmu_hw.errors import SpecError
from lmu_hw.rtl.options import MAX_LANES, Hardware, chosen, from_data
from lmu_hw.rtl.streams import Streams
from tests.cli.command import call


@pytest.mark.parametrize("lanes", [0, MAX_LANES + 1, 2.0, True, "two", None])
def test_lanes_out_of_range(lanes: Any) -> None:
    with pytest.raises(SpecError, match="lanes must be a whole number from 1 to 64, not"):
        Hardware(lanes=lanes)


@pytest.mark.parametrize("streams", ["spi", "AXI", 1, None, True, ["axi"]])
def test_streams_that_nobody_knows(streams: Any) -> None:
    with pytest.raises(SpecError, match="streams must be plain or axi, not"):
        from_data({"streams": streams})


@pytest.mark.parametrize("state_port", ["yes", 1, None])
def test_a_state_port_is_there_or_not(state_port: Any) -> None:
    with pytest.raises(SpecError, match="state_port must be true or false, not"):
        from_data({"state_port": state_port})


def test_data_and_back() -> None:
    hardware = Hardware(lanes=3, streams=Streams.AXI, state_port=True)
    assert hardware.to_data() == {"lanes": 3, "streams": "axi", "state_port": True}
    assert from_data(hardware.to_data()) == hardware
    assert from_data({}) == Hardware()
    with pytest.raises(SpecError, match=r"keys among lanes, streams, state_port, .*not 'lanse'"):
        from_data({"lanse": 1})


def test_parallel_and_back() -> None:
    full = Hardware(parallel="full")
    assert full.pipeline == 5
    assert full.to_data() == Hardware().to_data() | {"parallel": "full", "pipeline": 5}
    many = Hardware(parallel="full", pipeline=3, interleave=6, state_port=True)
    assert from_data(many.to_data()) == many
    ring = Hardware(parallel="ring")
    assert (ring.pipeline, ring.sections_per_multiplier) == (5, 6)
    few = Hardware(parallel="ring", sections_per_multiplier=2, state_port=True)
    assert from_data(few.to_data()) == few
    network = Hardware(parallel="ring", lanes=4, layers="lanes")
    assert from_data(network.to_data()) == network
    assert network.to_data()["layers"] == "lanes"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"parallel": "half"}, "parallel must be shared, ring or full, not 'half'"),
        ({"pipeline": 5}, "pipeline must be left out .* shared: give parallel ring or full too"),
        ({"interleave": 2}, "interleave must be left out with parallel shared"),
        ({"parallel": "full", "streams": "axi"}, "streams must be plain with parallel full, not"),
        ({"parallel": "full", "pipeline": 0}, "pipeline must be a whole number from 1 to 6, not 0"),
        ({"parallel": "ring", "pipeline": 1}, "pipeline must be a whole number from 2 to 6, not 1"),
        ({"parallel": "ring", "interleave": 2}, "interleave must be left out with parallel ring"),
        (
            {"parallel": "full", "sections_per_multiplier": 2},
            "sections_per_multiplier must be left out with parallel full: give parallel ring too",
        ),
        (
            {"parallel": "ring", "sections_per_multiplier": 0},
            "sections_per_multiplier must be a whole number from 1 to 64, not 0",
        ),
        ({"parallel": "full", "interleave": 13}, "interleave must be a whole number from 1 to 12"),
    ],
)
def test_parallel_options_that_do_not_fit(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        from_data(options)


def test_an_option_comes_before_a_key() -> None:
    keys = {"d": 4, "lanes": 3}
    assert chosen({"lanes": None, "bits": 9}, keys) == Hardware(lanes=3)
    assert keys == {"d": 4}
    assert chosen({"lanes": 2}, {"lanes": 3}) == Hardware(lanes=2)
    assert chosen({"lanes": None}) == Hardware(lanes=1)
    keys = {"streams": "axi", "state_port": True}
    assert chosen({"streams": None}, keys) == Hardware(streams=Streams.AXI, state_port=True)
    assert chosen({"state_port": True}) == Hardware(state_port=True)


def test_lanes_are_in_the_build_directory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "memory.toml"
    spec.write_text("d = 12\nlanes = 3\n")
    one = call(capsys, "generate", "--d", 12, "-o", tmp_path / "one", "--json").json
    three = call(capsys, "generate", spec, "-o", tmp_path / "three", "--json").json
    assert (one["hardware"]["lanes"], three["hardware"]["lanes"]) == (1, 3)
    assert one["digest"] == three["digest"]
    assert three["cycles_per_step"] < one["cycles_per_step"] / 2
    figures = json.loads((tmp_path / "three" / "rtl" / "schedule.json").read_text())
    assert figures["lanes"] == 3
    assert figures["cycles_per_step"] == three["cycles_per_step"]


def test_ports_as_keys_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "memory.toml"
    spec.write_text('d = 4\nstreams = "axi"\nstate_port = true\n')
    made = call(capsys, "generate", spec, "-o", tmp_path / "out", "--json").json
    assert made["hardware"] == {"lanes": 1, "streams": "axi", "state_port": True}
    said = call(capsys, "generate", spec, "--streams", "spi", "-o", tmp_path / "no")
    assert said.code == 1
    assert said.err == "lmu-hw: streams must be plain or axi, not 'spi'\n"
    assert not (tmp_path / "no").exists()


@pytest.mark.some(2)
@pytest.mark.parametrize(
    "hardware",
    [None, {}, {"lanes": 99}, {"lanes": 2}, {"lanse": 1}, {"streams": "spi"}, 7],
)
def test_a_manifest_of_other_hardware(
    hardware: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call(capsys, "generate", "--d", 5, "-o", tmp_path / "out", "-q")
    path = tmp_path / "out" / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(manifest | {"hardware": hardware}))
    said = call(capsys, "verify", tmp_path / "out", "--backends", "c", "--steps", 5)
    if hardware == {}:
        # what is not said is as by default
        assert said.code == 0
    else:
        assert said.code == 1
        assert said.err.count("\n") == 1
        assert "generate it again" in said.err
