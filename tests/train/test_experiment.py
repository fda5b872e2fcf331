"""A training experiment, from data to table, on a small task."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from lmu_hw.cli.main import main
from lmu_hw.errors import MismatchError, ModelFileError
from lmu_hw.models.importers.model_file import read_model, to_bytes
from lmu_hw.models.network import Activation
from lmu_hw.program.integer_program import from_json
from tests.factories.builds import generate

torch = pytest.importorskip("torch", reason="the extra train is not installed")
train = pytest.importorskip("lmu_hw.train")
experiment = pytest.importorskip("lmu_hw.train.experiment")
script = pytest.importorskip("lmu_hw.train.script")
baseline = pytest.importorskip("lmu_hw.train.baseline")

STEPS = 20


def tones(n: int, seed: int):
    """Return noisy sines of one of two frequencies, and of which."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    phase = rng.uniform(0.0, 2.0 * np.pi, (n, 1))
    x = np.sin(np.arange(STEPS) * (0.5 + 0.4 * y[:, None]) + phase)
    x = (x + 0.3 * rng.standard_normal(x.shape)) / 2.0
    return torch.tensor(x[:, :, None], dtype=torch.float32), torch.tensor(y)


def task(**options):
    (x, y), (test_x, test_y) = tones(300, 1), tones(100, 2)
    given = {"loss": torch.nn.functional.cross_entropy, "score": experiment.accuracy, "lr": 0.02}
    return experiment.Task(
        name="tones", x=x, y=y, test_x=test_x, test_y=test_y, batch_size=50, **(given | options)
    )


def model():
    torch.manual_seed(3)
    lmu = train.LMU.feed_forward(1, 12, 8, float(STEPS))
    return train.Model([lmu, train.Dense(12, 2, Activation.SOFTMAX)], every_step=False)


def options(out: Path, *more: str):
    parser = script.arguments("A test.", 8, qat_epochs=1, rival_epochs=2)
    return parser.parse_args(["--out", str(out), "--quiet", *more])


def test_an_experiment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = model()
    given = options(tmp_path, "--qat-bits", "4")
    report = experiment.run(task(), made, baseline.lstm_like(made, 1, 2), given)
    rows = report["rows"]
    assert list(rows) == [
        "LMU, float",
        "LSTM, float",
        *(f"PTQ, {bits}-bit weights" for bits in (16, 8, 4)),
        "QAT, 4-bit weights",
    ]
    assert rows["LMU, float"]["accuracy %"] > 90.0
    assert rows["QAT, 4-bit weights"]["accuracy %"] > 85.0
    assert rows["LSTM, float"]["parameters"] <= rows["LMU, float"]["parameters"]
    assert "QAT, 4-bit weights" in capsys.readouterr().out
    assert json.loads((tmp_path / "tones.json").read_text())["rows"] == rows
    assert (tmp_path / "tones.png").stat().st_size > 10_000
    assert read_model(tmp_path / "tones_qat4.npz").n_out == 2
    # once more from the checkpoints: the same figures at once
    again = experiment.run(task(), model(), None, given)
    assert again["rows"]["QAT, 4-bit weights"] == rows["QAT, 4-bit weights"]


def test_without_matplotlib_only_the_picture_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    given = options(tmp_path, "--epochs", "1", "--qat-epochs", "0")
    experiment.run(task(), model(), None, given)
    said = capsys.readouterr()
    assert "LMU, float" in said.out
    assert said.err == "no picture: python -m pip install 'lmu-hw[plots]'\n"
    assert (tmp_path / "tones.json").is_file()
    assert not (tmp_path / "tones.png").exists()


def test_the_model_file_makes_the_program_that_was_trained(tmp_path: Path) -> None:
    """`lmu-hw generate` needs no data: the file of a model trained as integers has its ranges."""
    (x, _), out = tones(40, 4), tmp_path / "out"
    made = train.Quantized(model(), train.Widths(weight_bits=4), list(x.double().numpy()))
    with torch.no_grad():
        made.model.layers[1].W.mul_(1.3)
    path = tmp_path / "model.npz"
    path.write_bytes(to_bytes(train.export(made.model), made.ranges))
    generate(out, path, "--weight-bits", 4)
    written = from_json((out / "program.json").read_text())
    assert written.ops == made.design().program.ops
    assert written.vectors == made.design().program.vectors
    # of another network: said in a line
    path.write_bytes(to_bytes(train.export(made.model), {"x": made.ranges["x"]}))
    assert main(["generate", str(path), "-o", str(out), "--force", "--quiet"]) == 1


def test_the_last_step_starts_from_the_words_before_it() -> None:
    x, _ = tones(10, 4)
    made = train.Quantized(model(), train.Widths(weight_bits=6), list(x.double().numpy()))
    assert made.starts_at_last_step
    y, _ = made(*made.before_last(x, batch_size=4))
    assert torch.equal(y, made(x)[0])


@pytest.mark.parametrize("recurrent", [False, True])
def test_memories_that_training_changes_start_at_the_first_step(recurrent: bool) -> None:
    x, _ = tones(10, 4)
    lmu = train.LMU.feed_forward(1, 5, 4, 9.0, learn_theta=True)
    if recurrent:
        lmu = train.LMU.of_paper(1, 5, 4, 9.0)
    model = train.Model([lmu], every_step=False)
    made = train.Quantized(model, train.Widths(), list(x.double().numpy()))
    assert not made.starts_at_last_step


def test_a_word_that_differs_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = options(tmp_path, "--qat-bits", "8", "--epochs", "1")
    forward = train.Quantized.forward

    def broken(self, *inputs):
        y, state = forward(self, *inputs)
        return y + 2.0**-20, state

    monkeypatch.setattr(train.Quantized, "forward", broken)
    with pytest.raises(MismatchError, match=r"training differs at step 19, y\[0\]"):
        experiment.run(task(), model(), None, given)


def test_absent_data_are_named_with_their_source(tmp_path: Path) -> None:
    given = options(tmp_path, "--data", str(tmp_path))
    with pytest.raises(
        ModelFileError,
        match=r"no a\.npz in .*: name its directory with --data; download it from https://example\.org",
    ):
        script.find(given, "folder", "a.npz", source="https://example.org")


def test_a_wrong_option_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    parser = script.arguments("A test.", 1, qat_epochs=0, rival_epochs=0)
    monkeypatch.setattr("sys.argv", ["task.py", "--epochs", "many"])
    with pytest.raises(SystemExit) as stopped:
        script.main(parser.parse_args)
    assert stopped.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith("error: argument --epochs: invalid int value: 'many'")
    assert said.count("\n") == 1


def test_a_rival_has_no_more_parameters() -> None:
    made = model()
    n = train.n_parameters(made)
    rival = baseline.lstm_like(made, 1, 2)
    wider = baseline.LSTMNetwork(1, rival.lstm.hidden_size + 1, 2)
    assert train.n_parameters(rival) <= n < train.n_parameters(wider)
