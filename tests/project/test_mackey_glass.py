"""The Mackey-Glass task: its networks, its data, and model files that others have trained."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest

from lmu_hw.errors import ModelFileError
from lmu_hw.models import forward
from lmu_hw.models.importers import load as load_model
from lmu_hw.models.importers.model_file import read_model
from lmu_hw.models.network import LMULayer, LSTMLayer, SimpleRNNLayer
from tests.factories.paper_files import cell, stored, write, write_hybrid
from tests.project.examples import load
from tests.tools import require

torch = pytest.importorskip("torch", reason="the extra train is not installed")
train = pytest.importorskip("lmu_hw.train")
experiment = pytest.importorskip("lmu_hw.train.experiment")
script = pytest.importorskip("lmu_hw.train.script")

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "mackey_glass.py"
AHEAD, TRAINING, STEPS = 15, 18, 280
"""Of the series here: a test has as many as it trains on."""


@pytest.fixture(scope="module")
def example():
    return load(SCRIPT)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a directory with waves in the layout of the paper's series."""
    rng = np.random.default_rng(1)
    t = np.arange(STEPS + AHEAD)
    rates, phases = rng.uniform(0.1, 0.3, (2, 36, 1)), rng.uniform(0.0, 6.0, (2, 36, 1))
    waves = 0.2 * np.sin(rates * t + phases).sum(0)
    path = tmp_path / "mackey_glass_lmu2019.npz"
    np.savez(path, series=waves.astype(np.float32), predict_length=AHEAD, n_train=TRAINING)
    return tmp_path


def call(example, monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> None:
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), *map(str, arguments)])
    script.main(example.main)


@pytest.mark.parametrize(("kind", "n"), [("lmu", 18_246), ("lstm", 18_026), ("hybrid", 17_980)])
def test_the_papers_networks(kind: str, n: int, example) -> None:
    """Four layers and about 18 k parameters each; order 4, a window of 4 steps, n = 49."""
    torch.manual_seed(0)
    network = train.export(example.RECIPES[kind].build())
    assert train.n_parameters(train.model_of(network)) == n
    *layers, head = network.layers
    assert len(head.W) == 1
    kinds = {
        "lmu": (LMULayer,) * 4,
        "lstm": (LSTMLayer,) * 4,
        "hybrid": (LMULayer, LSTMLayer) * 2,
    }
    assert tuple(map(type, layers)) == kinds[kind]
    for layer in layers:
        if isinstance(layer, LMULayer):
            assert isinstance(layer.cell, SimpleRNNLayer)
            assert (layer.memory.order, layer.memory.theta) == (4, 4.0)
            assert kind == "hybrid" or len(layer.cell.b) == 49


def test_series_pieces_and_validation(data: Path, example) -> None:
    """The target is the series 15 steps later; what is kept apart is no test series."""
    with np.load(data / "mackey_glass_lmu2019.npz") as file:
        series = torch.tensor(file["series"])
    parser = script.arguments("", 0, qat_epochs=0, rival_epochs=0)
    options = parser.parse_args(["--data", str(data)])
    options.validate = False
    x, y, test_x, test_y = example.series(options, 2.0)
    assert x.shape == y.shape == test_x.shape == (TRAINING, STEPS, 1)
    assert torch.equal(x[:, AHEAD:], y[:, :-AHEAD])
    assert torch.equal(torch.cat([x, test_x])[..., 0], 2.0 * series[:, :-AHEAD])
    assert torch.equal(test_y[..., 0], 2.0 * series[TRAINING:, AHEAD:])
    cut = example.pieces(x, 50)
    assert torch.equal(cut[:5].flatten(), x[0, :250, 0])
    assert len(cut) == TRAINING * 5
    options.validate = True
    kept_x, _, held_x, held_y = example.series(options, 2.0)
    assert torch.equal(torch.cat([kept_x, held_x]), x)
    assert (len(held_x), len(kept_x)) == (16, TRAINING - 16)
    assert torch.equal(held_y, y[2:])


def test_the_score_is_relative_to_the_rms(example) -> None:
    target = torch.tensor([3.0, -4.0]).view(1, 2, 1)
    assert example.score(target + 0.5, target)["NRMSE %"] == pytest.approx(100 * 0.5 / 12.5**0.5)


@pytest.mark.cc
def test_a_file_of_the_papers_code_is_scored(
    data: Path, example, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In floats as the network gives it, in integers close to it, words compared with C."""
    require("cc|gcc|clang")
    monkeypatch.setattr(experiment, "PTQ_BITS", (16,))
    path = data / "hybrid.hdf5"
    write_hybrid(path)
    call(example, monkeypatch, "--file", path, "--data", data, "--scale", "0.5", "--limit", "6")
    rows = {line[:14].strip(): line[14:].split() for line in capsys.readouterr().out.splitlines()}
    with np.load(data / "mackey_glass_lmu2019.npz") as file:
        series = 0.5 * file["series"][TRAINING : TRAINING + 6].astype(np.float64)
    x, target = series[:, :-AHEAD, None], series[:, AHEAD:, None]
    error = forward.run(load_model(path), x) - target
    wanted = 100.0 * float(np.sqrt(np.mean(error**2) / np.mean(target**2)))
    assert float(rows["float"][0]) == pytest.approx(wanted, rel=1e-3)
    assert float(rows["16-bit weights"][0]) == pytest.approx(wanted, rel=0.01)
    assert int(rows["16-bit weights"][1].replace(",", "")) > 500


def test_files_of_other_networks_are_refused(
    data: Path, example, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(data / "cell.h5", [cell("r")], {"r": stored(3, 1)})
    for file, message in (
        (path, "must hold a network of one input and one output at every step, not 1 and 5"),
        (data / "none.h5", "none.h5"),
    ):
        with pytest.raises(SystemExit) as stopped:
            call(example, monkeypatch, "--file", file, "--data", data)
        assert stopped.value.code == 1
        said = capsys.readouterr().err
        assert said.startswith("error: ")
        assert message in said
        assert said.count("\n") == 1


def test_networks_are_shown_together(
    tmp_path: Path, example, capsys: pytest.CaptureFixture[str]
) -> None:
    def report(label: str, error: float) -> dict:
        rows = {f"{label}, float": {"NRMSE %": error}, "PTQ, 4-bit weights": {"NRMSE %": 9.0}}
        return {"rows": rows, "losses": {label.lower(): [1.0, 0.5]}}

    given = {"lmu": [report("LMU", 4.0), report("LMU", 6.0)]}
    given["hybrid"] = [report("Hybrid", 3.0), report("Hybrid", 3.5)]
    parser = script.arguments("", 0, qat_epochs=0, rival_epochs=0)
    example.together(given, parser.parse_args(["--out", str(tmp_path)]))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "four layers, 2 seeds"
    assert lines[2].split() == ["LMU,", "float", "5", "+-", "1.4"]
    assert lines[4].split()[:4] == ["Hybrid,", "float", "3.25", "+-"]
    assert lines[5].startswith("Hybrid, PTQ, 4-bit weights")
    assert (tmp_path / "mackey_glass_all.png").stat().st_size > 10_000


def start(data: Path, out: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, SCRIPT, "--data", data, "--out", out, "--quiet", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(list(map(str, command)), stdout=pipe, stderr=pipe, text=True)


def finished(process: subprocess.Popen[str]) -> str:
    """Return what a script prints that runs to its end."""
    text, errors = process.communicate()
    assert process.returncode == 0, errors
    return text


@pytest.mark.cc
@pytest.mark.slow
@pytest.mark.soak
def test_the_three_train_and_their_words_are_the_programs(data: Path, tmp_path: Path) -> None:
    """The script compares the words of training as integers with compiled C, and fails if not."""
    require("cc|gcc|clang")
    options = ("--model", "all", "--epochs", "8", "--qat-epochs", "1", "--qat-bits", "4")
    text = finished(start(data, tmp_path / "out", *options))
    rows = {line[:28].strip(): line[28:].split() for line in text.splitlines()}
    for label, n in (("LMU", "18246"), ("LSTM", "18026"), ("Hybrid", "17980")):
        assert rows[f"{label}, float"][1] == n
        assert f"{label}, QAT, 4-bit weights" in rows
    assert (tmp_path / "out" / "mackey_glass_all.png").stat().st_size > 10_000
    network = read_model(tmp_path / "out" / "mackey_glass_hybrid_qat4.npz")
    assert [type(layer) for layer in network.layers[:2]] == [LMULayer, LSTMLayer]


@pytest.mark.slow
@pytest.mark.soak
def test_a_killed_run_goes_on(data: Path, tmp_path: Path) -> None:
    options = ("--model", "lstm", "--epochs", "6")
    finished(start(data, tmp_path / "a", *options))
    stopped = start(data, tmp_path / "b", *options)
    checkpoint = tmp_path / "b" / "mackey_glass_lstm_lstm.pt"
    while not checkpoint.is_file():
        assert stopped.poll() is None
        time.sleep(0.01)
    stopped.send_signal(signal.SIGKILL)
    stopped.communicate()
    assert not (tmp_path / "b" / "mackey_glass_lstm.json").is_file()
    finished(start(data, tmp_path / "b", *options))
    a, b = (json.loads((tmp_path / k / "mackey_glass_lstm.json").read_text()) for k in "ab")
    assert a["losses"] == b["losses"]
    assert a["rows"]["PTQ, 4-bit weights"] == b["rows"]["PTQ, 4-bit weights"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"series": np.zeros(9)}, r"series has shape \(9,\)"),
        ({"series": np.full((36, 99), np.nan)}, "series must hold finite numbers"),
        ({"n_train": 36}, "no series to score"),
        ({"predict_length": 15.5}, "predict_length must hold integers"),
    ],
)
def test_wrong_data_are_one_line(
    wrong: dict[str, object], message: str, data: Path, example, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = data / "mackey_glass_lmu2019.npz"
    with np.load(path) as file:
        arrays = dict(file) | wrong
    np.savez(path, **arrays)
    options = Namespace(data=data, validate=False, limit=None)
    with pytest.raises(ModelFileError, match=f"{message}.*; download it from"):
        example.series(options)
