"""Regressions: models of other tools that were once read or run wrongly."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

from tests.cli.command import call, refused

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(name: str) -> None:
    """Run the script that writes a case into the working directory."""
    if not (CASES / f"{name}.py").is_file():
        pytest.skip("no ../shared/cases here")
    runpy.run_path(str(CASES / f"{name}.py"))


def evaluate(capsys: pytest.CaptureFixture[str], name: str, *options: str) -> dict[str, float]:
    """Return the NRMSE of a model on its own data."""
    data = f"{name}_data.npz"
    said = call(capsys, "evaluate", *options, "--theta", "8", "--data", data, "--json")
    assert said.code == 0, said.err
    report = said.json
    assert report["engine"]["name"] == "c"
    assert report["engine"]["checked"]["words"] > 0
    return {kind: report[kind]["nrmse"] for kind in ("float", "integer")}


def test_a_bias_beyond_32_bits_is_added_rightly(capsys: pytest.CaptureFixture[str]) -> None:
    write("wrong_c_words")
    options = ("wrong_c_words.npz", "--weight-bits", "16")
    found = evaluate(capsys, "wrong_c_words", *options)
    assert found["float"] < 1e-12
    assert found["integer"] < 1e-4  # words of 16 bits


def test_a_file_that_says_its_functions_is_believed(capsys: pytest.CaptureFixture[str]) -> None:
    write("ignored_config")
    found = evaluate(capsys, "ignored_config", "ignored_config.h5")
    assert found["float"] < 1e-12
    assert found["integer"] < 1e-4
    said = call(capsys, "inspect", "ignored_config.h5", "--theta", "8")
    for text in ("relu", "tanh", "output at last step"):
        assert text in said.out


def test_linear_layers_without_functions_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    write("two_linear")
    line = refused(capsys, "inspect", "two_linear.npz", "--theta", "8")
    assert "--activations relu,linear" in line
    line = ("inspect", "two_linear.npz", "--theta", "8", "--activations", "relu,linear", "--quiet")
    assert call(capsys, *line).code == 0
    x = np.ones((1, 4, 1))
    np.savez("data.npz", x=x, y=np.zeros((1, 4, 1)))
    options = ("--data", "data.npz", "--activations", "relu,linear", "--json", "--quiet")
    said = call(capsys, "evaluate", "two_linear.npz", "--theta", "8", *options)
    # relu(-tanh(1)) = 0, where linear after linear gives -tanh(1)
    assert said.json["integer"]["nrmse"] == 0
