"""Commands on .npz files of bare arrays, whose activation functions the user must name."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest

from lmu_hw.models import forward
from lmu_hw.models.importers import load
from lmu_hw.models.network import Activation
from tests.cli.command import call, refused

Capture = pytest.CaptureFixture[str]
READERS = (
    "import two.npz -o model.npz",
    "inspect two.npz",
    "generate two.npz -o out",
    "evaluate two.npz --data data.npz",
    "tune two.npz --data data.npz",
)
NAMED = ("--theta", "8", "--activations", "relu,linear", "--activation", "sigmoid")


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory with two linear layers after a cell, and make it the current one."""
    monkeypatch.chdir(tmp_path)
    ones, none = np.ones((1, 1)), np.zeros((1, 1))
    np.savez(
        "two.npz",
        **{"lmu.e_x": ones, "lmu.e_h": none, "lmu.e_m": np.zeros((1, 2)), "lmu.W_x": ones},
        **{"lmu.W_h": none, "lmu.W_m": np.zeros((1, 2))},
        **{"fc.0.weight": -ones, "fc.2.weight": ones},
    )
    x = np.random.default_rng(3).uniform(-1.0, 1.0, (20, 15, 1))
    np.savez("data.npz", x=x, y=-np.minimum(1 / (1 + np.exp(-x)) - 0.5, 0.0))
    return tmp_path


@pytest.mark.parametrize("command", READERS)
def test_every_reader_asks_for_the_functions(command: str, bench: Path, capsys: Capture) -> None:
    before = sorted(path.name for path in bench.iterdir())
    text = refused(capsys, *shlex.split(command), "--theta", "8")
    assert "several linear layers (fc.0, fc.2) need their activations stated" in text
    assert text.endswith("as in --activations relu,linear\n")
    assert sorted(path.name for path in bench.iterdir()) == before


@pytest.mark.some(2)
@pytest.mark.parametrize("command", READERS)
def test_every_reader_takes_the_functions(command: str, bench: Path, capsys: Capture) -> None:
    said = call(capsys, *shlex.split(command), *NAMED)
    assert said.code == 0
    assert "note: two.npz: assumed, as the arrays do not say: an output at every step" in said.err
    forced = ["--force"] if "-o" in command else []
    said = call(capsys, *shlex.split(command), *NAMED, *forced, "-q")
    assert (said.code, said.err) == (0, "")


def test_the_functions_are_those_of_the_model(bench: Path, capsys: Capture) -> None:
    assert call(capsys, *shlex.split(READERS[0]), *NAMED).code == 0
    x = np.load("data.npz")["x"]
    network = load(Path("model.npz"))
    expected = np.maximum(-1 / (1 + np.exp(-x)), 0.0)
    np.testing.assert_allclose(forward.run(network, x), expected, atol=1e-14)
    assert network.layers[1].activation is Activation.RELU  # type: ignore[union-attr]
    data = call(capsys, "inspect", "two.npz", *NAMED, "--json").json
    assert [layer["activation"] for layer in data["layers"]] == ["sigmoid", "relu", "linear"]


def test_the_command_that_tune_prints_names_them_again(bench: Path, capsys: Capture) -> None:
    command = call(capsys, *shlex.split(READERS[4]), *NAMED, "--json").json["command"]
    assert "--activation sigmoid --activations relu,linear" in command
    assert call(capsys, *shlex.split(command)[1:], "-o", "out", "-q").code == 0


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ("--activations relu", "--activations must name 2, one for each linear layer"),
        (
            "--activations relu,gelu",
            "activations must be one of linear, tanh, sigmoid, relu, relu6",
        ),
        (
            "--activations relu,linear --activation softmax",
            "activation must be one of linear, tanh",
        ),
        ("--activations softmax,linear", "softmax must be the last activation"),
    ],
)
def test_functions_that_are_none(options: str, text: str, bench: Path, capsys: Capture) -> None:
    assert text in refused(capsys, "inspect", "two.npz", "--theta", "8", *options.split())


def test_a_file_that_says_its_functions_is_not_overruled(bench: Path, capsys: Capture) -> None:
    call(capsys, *shlex.split(READERS[0]), *NAMED)
    for option in ("--activation", "--activations"):
        text = refused(capsys, "inspect", "model.npz", option, "relu")
        assert f"activations; leave out {option}: only for" in text
        text = refused(capsys, "generate", "--d", "6", option, "relu")
        assert f"{option} is for a trained model" in text
