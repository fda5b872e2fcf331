"""A training experiment, from data to table, on a small task."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from lmu_hw.cli.main import main
from lmu_hw.errors import LMUHWError, MismatchError, ModelFileError, SpecError
from lmu_hw.models.importers.model_file import read_model, to_bytes
from lmu_hw.models.network import Activation
from lmu_hw.program.integer_program import from_json
from tests.factories.builds import generate

torch = pytest.importorskip("torch", reason="the extra train is not installed")
train = pytest.importorskip("lmu_hw.train")
experiment = pytest.importorskip("lmu_hw.train.experiment")
script = pytest.importorskip("lmu_hw.train.script")
seeds = pytest.importorskip("lmu_hw.train.seeds")
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
    given |= {"x": x, "y": y, "test_x": test_x, "test_y": test_y, "batch_size": 50}
    return experiment.Task(name="tones", **(given | options))


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


def test_a_label_and_what_training_as_integers_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other batches than in floats, and words compared in the first steps alone."""
    monkeypatch.setattr(experiment, "PTQ_BITS", ())
    batches, compared = [], []
    fit, predict = experiment.fit, experiment.predict

    def fit_seen(*arguments, **settings):
        batches.append(settings["batch_size"])
        return fit(*arguments, **settings)

    def predict_seen(model, inputs):
        if isinstance(model, train.Quantized):
            compared.append(tuple(inputs.shape))
        return predict(model, inputs)

    monkeypatch.setattr(experiment, "fit", fit_seen)
    monkeypatch.setattr(experiment, "predict", predict_seen)
    given = options(tmp_path, "--qat-bits", "4", "--epochs", "1")
    made = task(qat_batch_size=150, compared_steps=7)
    report = experiment.run(made, model(), None, given, label="Other")
    assert list(report["rows"]) == ["Other, float", "QAT, 4-bit weights"]
    assert (tmp_path / "tones_other.pt").is_file()
    assert (batches, compared) == ([50, 150], [(32, 7, 1)])
    experiment.run(task(), model(), None, options(tmp_path / "b", "--qat-bits=4", "--epochs=1"))
    assert (batches[2:], compared[1:]) == ([50, 50], [(32, STEPS, 1)])


@pytest.mark.parametrize(
    ("lr", "gains"), [(1e-9, False), pytest.param(0.02, True, marks=pytest.mark.soak)]
)
def test_training_as_integers_never_loses_to_rounding(
    lr: float, gains: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its best epoch is kept, or the rounded network, by the loss on the calibrated sequences."""
    monkeypatch.setattr(experiment, "PTQ_BITS", (3,))
    given = options(tmp_path, "--qat-bits=3", "--epochs=3", "--qat-epochs=3")
    report = experiment.run(task(qat_keeps_best=True), model(), None, given, qat_lr=lr)
    ptq, qat = (report["rows"][f"{name}, 3-bit weights"] for name in ("PTQ", "QAT"))
    # without training, a network rounded to nearest has a greater loss than PTQ
    assert qat["best epoch"] in ((1, 2, 3) if gains else (0,))
    assert gains or qat["accuracy %"] == ptq["accuracy %"]
    assert (tmp_path / "tones_qat3.npz").is_file() == gains


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


def test_augmented_inputs_reach_every_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The states of the memory, in floats and in words, are those of what the batch became."""
    monkeypatch.setattr(experiment, "PTQ_BITS", ())
    seen, made = [], model()

    def louder(x):
        seen.append(x * (1.0 + 0.1 * torch.rand(len(x), 1, 1)))
        return seen[-1]

    changed = task(augment=louder)
    given = options(tmp_path / "loud", "--qat-bits", "4", "--epochs", "2", "--qat-limit", "60")
    report = experiment.run(changed, made, baseline.lstm_like(made, 1, 2), given)
    # two epochs each of 300 examples, then one of 60
    assert [len(x) for x in seen] == [50] * 24 + [50, 10]
    plain = experiment.run(task(), model(), None, options(tmp_path / "plain", "--epochs", "2"))
    assert report["rows"]["LMU, float"] != plain["rows"]["LMU, float"]
    assert report["rows"]["QAT, 4-bit weights"]["epochs"] == 1


@pytest.mark.parametrize(
    ("option", "least"),
    [
        *((name, 1) for name in ("--limit", "--qat-limit", "--threads")),
        *((name, 0) for name in ("--epochs", "--qat-epochs", "--rival-epochs", "--seed")),
        ("--seeds", 0),
    ],
)
def test_numbers_out_of_range_are_refused(option: str, least: int, tmp_path: Path) -> None:
    options(tmp_path, f"{option}={least}")
    for value in (least - 1, 2**31):
        message = f"argument {option}: must be a whole number from {least} to .*, not {value}"
        with pytest.raises(LMUHWError, match=message):
            options(tmp_path, f"{option}={value}")


def test_several_seeds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(experiment, "PTQ_BITS", ())
    made = []

    def build():
        lmu = train.LMU.feed_forward(1, 12, 8, float(STEPS))
        network = train.Model([lmu, train.Dense(12, 2, Activation.SOFTMAX)], every_step=False)
        made.append(lmu.cell.W.detach().clone())
        return network, baseline.lstm_like(network, 1, 2)

    given = options(tmp_path, "--qat-epochs=0", "--epochs=1", "--seeds", "4", "5", "6")
    reports = seeds.run(task(), build, given)
    assert [report["seed"] for report in reports] == [4, 5, 6]
    assert not torch.equal(made[0], made[1])
    found = [report["rows"]["LSTM, float"]["accuracy %"] for report in reports]
    mean, spread = float(np.mean(found)), float(np.std(found, ddof=1))
    summary = json.loads((tmp_path / "tones.json").read_text())
    assert summary["seeds"] == [4, 5, 6]
    row = summary["rows"]["LSTM, float"]
    assert row["accuracy %"] == pytest.approx({"mean": mean, "standard deviation": spread})
    assert row["parameters"]["standard deviation"] == 0.0
    assert (tmp_path / "tones.png").stat().st_size > 10_000
    assert f"{mean:.4g} +- {spread:.2g}" in capsys.readouterr().out
    # a seed alone gives what it gave among others, in the directory itself
    alone = seeds.run(
        task(), build, options(tmp_path / "b", "--qat-epochs=0", "--epochs=1", "--seed=5")
    )
    assert alone[0]["losses"]["lmu"] == reports[1]["losses"]["lmu"]
    assert (tmp_path / "b" / "tones_lmu.pt").is_file()


def test_a_stopped_run_of_several_seeds_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(experiment, "PTQ_BITS", ())
    given = options(tmp_path, "--qat-epochs=0", "--epochs=2", "--seeds", "0", "1")
    whole = seeds.run(task(), lambda: (model(), None), given)
    run = experiment.run

    def stopped(*arguments, **settings):
        if arguments[3].seed == 1:
            raise KeyboardInterrupt
        return run(*arguments, **settings)

    given = options(tmp_path / "b", "--qat-epochs=0", "--epochs=2", "--seeds", "0", "1")
    with monkeypatch.context() as patch:
        patch.setattr(seeds, "run_once", stopped)
        with pytest.raises(KeyboardInterrupt):
            seeds.run(task(), lambda: (model(), None), given)
    assert json.loads((tmp_path / "b" / "tones.json").read_text())["seeds"] == [0]
    again = seeds.run(task(), lambda: (model(), None), given)
    assert [r["losses"] for r in again] == [r["losses"] for r in whole]


def test_seeds_must_differ(tmp_path: Path) -> None:
    given = options(tmp_path, "--seeds", "1", "1")
    with pytest.raises(SpecError, match="seeds must differ, not 1 1"):
        seeds.run(task(), lambda: (model(), None), given)


def ragged(n: int, seed: int):
    x, y = tones(n, seed)
    lengths = np.random.default_rng(seed).integers(12, STEPS + 1, n)
    return [part[-k:].numpy() for part, k in zip(20.0 + 3.0 * x, lengths, strict=True)], y


def test_sequences_of_different_lengths_with_validation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In units of their own, which both networks normalize."""
    monkeypatch.setattr(experiment, "PTQ_BITS", (8,))
    (x, y), (test_x, test_y), held = ragged(200, 1), ragged(60, 2), ragged(60, 3)
    torch.manual_seed(3)
    channels = train.channels_of(x)
    lmu = train.LMU.feed_forward(1, 12, 8, float(STEPS))
    layers = [lmu, train.Dense(12, 2, Activation.SOFTMAX)]
    network = train.Model(layers, every_step=False, inputs=channels, normalizes=True)
    given = task(x=x, y=y, test_x=test_x, test_y=test_y, validation=held)
    rival = baseline.lstm_like(network, 1, 2, inputs=channels)
    made = options(tmp_path, "--qat-bits", "6", "--epochs=20", "--rival-epochs=1")
    rows = experiment.run(given, network, rival, made)["rows"]
    for label in ("LMU, float", "PTQ, 8-bit weights", "QAT, 6-bit weights"):
        assert rows[label]["accuracy %"] > 75.0, label
    assert "LSTM, float" in rows
    trained = train.load(tmp_path / "tones_qat6.npz")
    assert trained.widths.weight_bits == 6
    assert experiment.accuracy(train.predict(trained, test_x), test_y) == {
        "accuracy %": rows["QAT, 6-bit weights"]["accuracy %"]
    }
    log = (tmp_path / "tones_lmu.csv").read_text().splitlines()
    losses = [float(line.split(",")[2]) for line in log[1:]]
    # the weights are those of the best epoch
    scores = train.predict(network, held[0])
    assert float(given.loss(scores, held[1])) == pytest.approx(min(losses), rel=1e-4)


def test_a_rival_normalizes_as_the_model_does() -> None:
    x, _ = ragged(3, 1)
    (channel,) = train.channels_of(x)
    rival = baseline.LSTMNetwork(1, 4, 2, inputs=(channel,))
    plain = baseline.LSTMNetwork(1, 4, 2)
    plain.load_state_dict(rival.state_dict())
    wanted = train.predict(plain, [(part - channel.offset) / channel.scale for part in x])
    assert torch.allclose(train.predict(rival, x), wanted, atol=1e-6)


def test_wrong_widths_are_refused_before_training(tmp_path: Path) -> None:
    for given, settings in (
        (options(tmp_path / "out", "--qat-bits", "4", "1"), {}),
        (options(tmp_path / "out"), {"act_bits": 3}),
        (options(tmp_path / "out"), {"input_bits": 17}),
    ):
        with pytest.raises(SpecError, match=r"_bits must be a whole number from"):
            experiment.run(task(), model(), None, given, **settings)
    assert not (tmp_path / "out").exists()
