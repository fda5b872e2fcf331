"""Manifests: typed, frozen, and the same in JSON; damaged ones are refused in one line."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lmu_hw._support.build_directory import write_build_dir
from lmu_hw.errors import ModelFileError
from lmu_hw.generate import files_of
from lmu_hw.manifest import (
    Manifest,
    MemoryManifest,
    NetworkManifest,
    NoHardware,
    load_manifest,
    parse_manifest,
)
from lmu_hw.memory.spec import parse
from lmu_hw.quantize.calibration import Calibration
from lmu_hw.quantize.quantize_memory import quantize_memory
from lmu_hw.quantize.word_lengths import Widths
from lmu_hw.rtl.options import Hardware
from tests.factories.networks import lmu, network

Files = Mapping[str, str | bytes]


@cache
def memory() -> Files:
    return files_of(quantize_memory(parse({"d": 3, "output": "taps=0,1"})), Hardware(lanes=2))


@cache
def gru() -> Files:
    calibration = Calibration(network(lmu(np.random.default_rng(1), 2, kind="gru")))
    return files_of(calibration.design(Widths(layer_weight_bits=(5,)), title="net", output_every=3))


def data_of(files: Files) -> dict[str, Any]:
    data = json.loads(files["manifest.json"])
    assert isinstance(data, dict)
    return data


@pytest.mark.parametrize("make", [memory, gru])
def test_a_manifest_reads_back_as_it_was_written(make: Callable[[], Files]) -> None:
    files = make()
    manifest = parse_manifest(data_of(files))
    assert json.dumps(manifest.to_dict(), indent=2) + "\n" == files["manifest.json"]
    assert manifest.files.keys() == files.keys() - {"manifest.json"}
    with pytest.raises(AttributeError):
        manifest.digest = ""  # type: ignore[misc]
    title, *lines = str(manifest).splitlines()
    assert title == manifest.title
    table = manifest._repr_html_()
    assert all(line[16:].split(" ", 1)[0] in table for line in lines)


def test_the_manifest_of_a_memory() -> None:
    manifest = parse_manifest(data_of(memory()))
    design = manifest.design
    assert isinstance(design, MemoryManifest)
    assert design.spec == parse({"d": 3, "output": "taps=0,1"})
    assert manifest.hardware == Hardware(lanes=2)
    assert (design.error_lsb.budget, design.error_lsb.kept) == (1.0, True)
    assert manifest.formats["u"].fmt.width == design.spec.bits
    assert "promise" not in memory()["manifest.json"]  # type: ignore[operator]
    assert "LSB RMS predicted; error budget of 1 LSB kept" in str(manifest)


def test_the_manifest_of_a_network() -> None:
    manifest = parse_manifest(data_of(gru()))
    design = manifest.design
    assert isinstance(design, NetworkManifest)
    assert design.widths.layer_weight_bits == (5,)
    assert design.network.layers[0].kind == "LMU"
    assert {s.basis for s in design.signals.values()} == {"proven", "seen on data"}
    assert "output        at every 3 steps" in str(manifest)


def test_a_program_without_verilog_says_why() -> None:
    data = data_of(gru()) | {"hardware": {"refused": "too wide"}, "cycles_per_step": None}
    manifest = parse_manifest(data)
    assert manifest.hardware == NoHardware(refused="too wide")
    assert str(manifest).endswith("\n  Verilog       none: too wide")


def test_load_manifest(tmp_path: Path) -> None:
    write_build_dir(tmp_path / "out", memory(), force=False)
    manifest = load_manifest(tmp_path / "out")
    assert isinstance(manifest, Manifest)
    assert manifest == parse_manifest(data_of(memory()))
    path = tmp_path / "out" / "manifest.json"
    path.write_text(path.read_text().replace('"schema_version": 2', '"schema_version": 1'))
    with pytest.raises(ModelFileError, match=r"out/manifest\.json has schema_version 1, but this"):
        load_manifest(tmp_path / "out")


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("digest", None, "has no 'digest'"),
        ("spec", None, "has no 'spec'"),
        ("rom_bits", 1.5, "is damaged: rom_bits must be an integer, not 1.5"),
        ("formats", {"u": 3}, "is damaged: u must be an object, not 3"),
        ("hardware", {"lanes": 0, "streams": "plain", "state_port": False}, "lanes must be"),
        ("hardware", {}, "has no 'lanes'"),
        (
            "realization",
            "fir",
            "realization must be one of auto, cascade, ladder, dense, spiking, not 'fir'",
        ),
        ("error_lsb", {"promise": 1.0}, "has no 'budget'"),
    ],
)
def test_a_damaged_manifest_is_refused(key: str, value: Any, text: str) -> None:
    data = data_of(memory()) | {key: value}
    if value is None:
        del data[key]
    with pytest.raises(ModelFileError) as error:
        parse_manifest(data)
    assert text in str(error.value)
    assert str(error.value).endswith("generate the build directory again")
