"""Units on the command line: of memories, of models, in requests and model files."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import lmu_hw as lh
from lmu_hw.models.importers.model_file import to_bytes
from lmu_hw.program.integer_program import Program, from_json
from tests.cli.command import call, refused
from tests.factories.networks import LINEAR, cell, lmu, network, rng

Capture = pytest.CaptureFixture[str]
D2 = ("generate", "--d", "2", "--bits", "8", "-o")


def program(build_dir: Path) -> Program:
    return from_json((build_dir / "program.json").read_text())


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file of a network with two inputs in mV and one output without a unit."""
    monkeypatch.chdir(tmp_path)
    net = network(lmu(rng(1), 2, kind="gru", n=3), cell(rng(2), "dense", 3, 1, LINEAR))
    named = tuple(lh.Channel(name=n, unit="mV", scale=2.0, offset=1.0) for n in ("left", "right"))
    path = tmp_path / "model.npz"
    path.write_bytes(to_bytes(lh.Network(net).with_channels(inputs=named).model))
    return path


def test_one_value_for_all_or_one_for_each(tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "out"
    line = (*D2, out, "--channels", 2, "--input-scale", "0.5", "--input-offset=-1,2")
    said = call(capsys, *line, "--input-names", "a, b", "--input-units", "mV")
    assert said.code == 0
    assert "  input u       a [mV] = 0.5 w - 1, b [mV] = 0.5 w + 2\n" in said.out
    assert program(out).vector("u").channels == (
        lh.Channel(name="a", unit="mV", scale=0.5, offset=-1.0),
        lh.Channel(name="b", unit="mV", scale=0.5, offset=2.0),
    )
    shown = call(capsys, *line, "--force", "--json").json["formats"]["u"]["channels"]
    assert shown[1] == {"name": "", "unit": "", "scale": 0.5, "offset": 2.0}


def test_outputs_of_a_memory_follow_field_by_field(tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "out"
    options = ("--input-names", "ecg", "--input-scale", "4", "--output-units", "V")
    assert call(capsys, *D2, out, *options).code == 0
    assert program(out).vector("y").channels == (
        lh.Channel(name="ecg_0", unit="V", scale=4.0),
        lh.Channel(name="ecg_1", unit="V", scale=4.0),
    )


def test_without_options_nothing_changes(tmp_path: Path, capsys: Capture) -> None:
    assert call(capsys, *D2, tmp_path / "out").code == 0
    assert program(tmp_path / "out").digest == lh.compile(lh.Memory(2), bits=8).program.digest


def test_keys_of_a_request(tmp_path: Path, capsys: Capture) -> None:
    request = tmp_path / "r.toml"
    request.write_text('d = 2\nchannels = 2\ninput_scale = [2, 0.5]\ninput_units = "mV"\n')
    out = tmp_path / "out"
    assert call(capsys, "generate", request, "-o", out).code == 0
    channels = program(out).vector("u").channels
    assert channels == (lh.Channel(unit="mV", scale=2.0), lh.Channel(unit="mV", scale=0.5))
    # an option wins over the file
    assert call(capsys, "generate", request, "-o", out, "--input-scale", "3").code == 0
    assert [c.scale for c in program(out).vector("u").channels or ()] == [3.0, 3.0]
    request.write_text("d = 2\ninput_scal = 2\n")
    assert "did you mean input_scale?" in refused(capsys, "generate", request, "-o", out)


def test_options_win_over_the_model_field_by_field(model: Path, capsys: Capture) -> None:
    noise = ("generate", model, "-q", "-o", "out")
    assert call(capsys, *noise).code == 0
    found = program(Path("out")).vector("x").channels
    assert found is not None
    assert [str(c) for c in found] == ["left [mV] = 2 w + 1", "right [mV] = 2 w + 1"]
    assert program(Path("out")).vector("y").channels is None
    options = ("--input-scale", "3,4", "--output-units", "N", "--output-offset", "-5")
    assert call(capsys, *noise, *options).code == 0
    made = program(Path("out"))
    assert [str(c) for c in made.vector("x").channels or ()] == [
        "left [mV] = 3 w + 1",
        "right [mV] = 4 w + 1",
    ]
    assert made.vector("y").channels == (lh.Channel(unit="N", offset=-5.0),)


def test_import_and_inspect(model: Path, capsys: Capture) -> None:
    assert "left [mV] = 2 w + 1, right" in call(capsys, "inspect", model).out
    assert call(capsys, "inspect", model, "--json").json["input_channels"][0]["name"] == "left"
    said = call(capsys, "import", model, "-o", "named.npz", "--output-names", "force")
    assert said.code == 0
    again = lh.load_model("named.npz").model
    assert again.outputs == (lh.Channel(name="force"),)
    assert again.inputs == lh.load_model(model).model.inputs
    np.testing.assert_array_equal(
        lh.load_model("named.npz").predict(np.ones((1, 9, 2))),
        lh.load_model(model).predict(np.ones((1, 9, 2))),
    )


REFUSALS = {
    "--input-scale 0": "--input-scale: a channel's scale must be a number of magnitude 1e-30 to",
    "--input-scale inf": "--input-scale: a channel's scale .*, not inf",
    "--input-scale 1,x": "--input-scale: a channel's scale .*, not 'x'",
    "--input-scale 1,": "--input-scale: a channel's scale .*, not ''",
    "--input-offset nan": "--input-offset: a channel's offset .*, not nan",
    "--input-offset 1,2,3": "--input-offset has 3 values but should have 1 for all, or 2",
    "--input-names a,b,c": "--input-names has 3 values but should have 1 for all, or 2",
    "--input-names a": "--input-names must be 2 names that differ, one for each input",
    "--input-names int,b": "--input-names: a channel's name .* keyword .*, not 'int'",
    "--input-names a,a": "channel names of the input must differ, but 'a' occurs twice",
    "--input-units \u00b5V": "--input-units: a channel's unit must be .* uV, not '\u00b5V'",
    "--output-scale 1,2,3": "--output-scale has 3 values but should have ",
}


@pytest.mark.parametrize("options", REFUSALS)
@pytest.mark.parametrize("what", ["memory", "model"])
def test_refusals(options: str, what: str, model: Path, tmp_path: Path, capsys: Capture) -> None:
    source = [model] if what == "model" else ["--d", "2", "--channels", "2"]
    said = refused(capsys, "generate", *source, "-q", "-o", tmp_path / "no", *options.split())
    assert re.search(REFUSALS[options], said), said
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize("value", ["{ a = 1 }", "[]", "[[1]]", "true", "nan", '"x"', "[1, 2]"])
def test_refused_keys(value: str, tmp_path: Path, capsys: Capture) -> None:
    request = tmp_path / "r.toml"
    request.write_text(f"d = 2\ninput_scale = {value}\n")
    assert "--input-scale" in refused(capsys, "generate", request, "-o", tmp_path / "no")
