"""`lmu-hw inspect` on trained models."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lmu_hw.models.importers import load
from lmu_hw.models.importers.model_file import to_bytes
from lmu_hw.models.network import FloatNetwork, LMULayer
from lmu_hw.program.codec import from_data
from lmu_hw.quantize.calibration import Calibration
from lmu_hw.quantize.network_summary import NetworkSummary, report
from lmu_hw.quantize.word_lengths import Widths
from tests.cli.command import call, refused
from tests.factories.networks import EVERY_KIND
from tests.factories.random_networks import random_network


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.npz"
    path.write_bytes(to_bytes(EVERY_KIND))
    return path


def test_report() -> None:
    found = report(EVERY_KIND, rate=100.0)
    first, trained, *_ = found.layers
    assert first.memory is not None
    assert trained.memory is not None
    assert (found.inputs, found.outputs, found.output_at) == (3, 4, "last step")
    assert found.classifier
    memory = first.memory
    assert (memory.order, memory.channels, memory.theta_seconds) == (4, 2, 0.2)
    assert first.shapes["cell.W"] == (5, 11)
    assert (trained.memory.trained_matrices, trained.memory.cell) == (True, None)
    for key in ("parameters", "multiplies", "multiplies_dense"):
        assert getattr(found, key) == sum(getattr(layer, key) for layer in found.layers)
    lines = str(found).splitlines()
    assert len(lines) == 2 + len(EVERY_KIND.layers)
    assert "LMU 2 x d=4 theta=20 (0.2 s) zoh, SimpleRNN, tanh" in lines[1]
    assert "trained A" in lines[2]
    assert lines[-1].split()[:5] == ["total", "output", "at", "last", "step"]


def test_a_window_that_nobody_knows_is_not_made_up() -> None:
    layer = EVERY_KIND.layers[1]
    assert isinstance(layer, LMULayer)
    unknown = replace(layer, memory=replace(layer.memory, theta=None))
    found = report(FloatNetwork(names=("t",), layers=(unknown,)), rate=100.0)
    memory = found.layers[0].memory
    assert memory is not None
    assert (memory.theta, memory.theta_seconds) == (None, None)
    # in JSON the key says that the rate is known, though the window is not
    assert found.to_dict()["layers"][0]["theta_seconds"] is None
    assert (
        "theta_seconds"
        not in report(FloatNetwork(names=("t",), layers=(unknown,))).to_dict()["layers"][0]
    )
    assert "LMU d=3 theta=unknown trained A, no cell" in str(found)
    network = FloatNetwork(names=("t",), layers=(unknown,))
    assert Calibration(network).design(Widths(), title="test").program.ops


# network 2 remembers nothing and has no program
@pytest.mark.parametrize("seed", sorted({*range(20)} - {2}))
def test_multiplies_are_those_of_the_program(seed: int) -> None:
    """Layer by layer counted without a program, and together what the program takes."""
    network = random_network(seed)
    program = Calibration(network).design(Widths(), title="test").program
    total = program.multiplies_per_step + program.multiplies_per_output
    assert report(network).multiplies == total


def test_multiplies_by_hand() -> None:
    first, trained, *_ = report(EVERY_KIND).layers
    # the encoder of three terms, a multiplication for each state, the cell
    assert first.multiplies == 2 * (3 + 5 + 8) + 2 * 4 + 5 * 11 + 5 * 5
    assert first.multiplies_dense == first.multiplies + 2 * 4 * 3
    # what follows reads a memory without a cell: no readout of its own
    assert trained.multiplies < trained.multiplies_dense


def test_inspect(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "Dense, softmax" in call(capsys, "inspect", model).out
    said = call(capsys, "inspect", model, "--rate", 100, "--json")
    assert said.json["layers"] == report(EVERY_KIND, 100.0).to_dict()["layers"]


def test_import_writes_what_it_read(
    model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = model.parent / "copy.npz"
    assert call(capsys, "import", model, "-o", out).code == 0
    assert out.read_bytes() == model.read_bytes()
    (model.parent / "elsewhere").mkdir()
    monkeypatch.chdir(model.parent / "elsewhere")
    assert call(capsys, "import", model, "--json").json["model"] == "model.npz"
    assert Path("model.npz").read_bytes() == model.read_bytes()


def test_import_for_another_rate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], data_dir: Path
) -> None:
    out = tmp_path / "slow.npz"
    source = data_dir / "keras_lmu" / "paper_cell.keras"
    assert call(capsys, "import", source, "-o", out, "--dt-ratio", 4).code == 0
    layer = load(out).layers[0]
    assert isinstance(layer, LMULayer)
    assert layer.memory.theta == 16


def test_refused(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build_dir = model.parent
    assert "trained" in refused(capsys, "inspect", model, "--dt-ratio", 2)
    assert "--rate must be > 0" in refused(capsys, "inspect", model, "--rate", -1)
    assert "theta must be" in refused(capsys, "inspect", model, "--theta", "x")
    assert "does not exist" in refused(capsys, "inspect", build_dir / "none.keras")
    assert "must end in .npz" in refused(capsys, "import", model, "-o", build_dir / "model.h5")
    np.savez(build_dir / "theirs.npz", a=np.zeros(3))
    said = refused(capsys, "import", model, "-o", build_dir / "theirs.npz")
    assert "was not written by lmu-hw; choose another name, or give --force" in said
    assert call(capsys, "import", model, "-o", build_dir / "theirs.npz", "--force").code == 0
    (build_dir / "broken.npz").write_bytes(model.read_bytes()[:500])
    refused(capsys, "inspect", build_dir / "broken.npz")


def test_nothing_is_written_by_a_command_that_fails(
    model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = model.parent / "out.npz"
    for rate in ("--rate=-1", "--rate=1e-300", "--rate=nan"):
        refused(capsys, "import", model, "-o", out, rate)
        assert not out.exists()
    monkeypatch.chdir(model.parent)
    before = model.read_bytes()
    assert "is the input file" in refused(capsys, "import", model.name)
    np.savez(model.parent / "theirs.npz", model=np.zeros(3))
    assert "was not written by lmu-hw" in refused(capsys, "import", model, "-o", "theirs.npz")
    assert model.read_bytes() == before


def test_members_called_model_that_are_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for value in (np.full(3, np.nan), np.full(3, 1j)):
        np.savez(tmp_path / "m.npz", model=value)
        refused(capsys, "inspect", tmp_path / "m.npz")


def test_an_error_is_plain_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez(tmp_path / "m.npz", **{"\x1b[31mred": np.zeros(3)})
    said = refused(capsys, "inspect", tmp_path / "m.npz")
    assert said.rstrip("\n").isprintable()


@pytest.mark.parametrize("rate", [None, 100.0])
def test_a_summary_is_frozen_and_reads_back_from_its_json(rate: float | None) -> None:
    found = report(EVERY_KIND, rate)
    with pytest.raises(AttributeError):
        found.layers[0].name = "x"  # type: ignore[misc]
    assert from_data(NetworkSummary, json.loads(json.dumps(found.to_dict()))) == found
    table = found._repr_html_()
    assert table.count("<tr>") == 2 + len(EVERY_KIND.layers)
    assert "<td" in table
