"""``lmu-hw explore``: what it prints and writes, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lmu_hw.explore.result_store import ResultStore
from tests.cli.command import call, refused
from tests.explore.test_exploring import classes, small_network

HERE = ("--measure", "none", "--workers", "0")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Return a directory with a model and its data."""
    small_network().save(tmp_path / "model.npz")
    data = classes()
    np.savez(tmp_path / "data.npz", x=np.stack(data.sequences), y=data.labels)
    return tmp_path


def test_a_memory(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    spec = tmp_path / "memory.toml"
    spec.write_text("d = 4\ntheta = 20\nlanes = 2\n")
    out = tmp_path / "out"
    words = ("explore", spec, "--over", "bits=8,12", "--target", "up5k,c-m4", "-o", out, *HERE)
    said = call(capsys, *words, "--max-loss", "1%")
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[-2] == f"next: lmu-hw generate {spec} --bits 12"
    assert lines[-1] == f"wrote {out / 'explore.html'}, {out / 'explore.csv'}"
    assert any(line.startswith("ice40-up5k: ") for line in lines)
    again = call(capsys, *words, "--json").json
    assert again["counts"]["computed"] == 0
    assert again["directory"] == str(out)
    assert [p["settings"]["bits"] for p in again["points"]] == ["8", "12"]
    # hardware of the file
    assert again["points"][0]["cycles_per_step"] > 0
    assert call(capsys, *words, "-q").out == ""


def test_a_command_generates_its_point(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    over = ("--over", "d=3", "--over", "output=taps=0.5/1", "--over", "bits=9", "--over", "lanes=2")
    found = call(capsys, "explore", *over, "--over", "state_port=true", *HERE, "--json").json
    (point,) = found["points"]
    generated = call(capsys, *point["command"].split()[1:], "-o", "out", "--json").json
    assert generated["digest"] == point["digest"]
    assert generated["hardware"] == {"lanes": 2, "streams": "plain", "state_port": True}
    assert generated["cycles_per_step"] == point["cycles_per_step"]


def test_a_model(
    capsys: pytest.CaptureFixture[str], model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(model)
    over = ("--over", "weight_bits=3,8", "--over", "lanes=1")
    words = ("explore", "model.npz", "--data", "data.npz", *over, *HERE)
    found = call(capsys, *words, "--json").json
    assert found["metric"] == "accuracy"
    assert found["constraints"] == ["loss <= 0.002"]
    point = found["points"][1]
    assert point["command"].startswith("lmu-hw generate model.npz --data data.npz --weight-bits 8")
    generated = call(capsys, *point["command"].split()[1:], "-o", "out", "--json").json
    assert generated["digest"] == point["digest"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--over", "bits"), "over must be a name and values"),
        (("--over", "bits=8", "--calibrate", "c.npz"), "--calibrate is for a trained model"),
        (("--over", "bits=8", "--theta", "3"), "for a memory, give --over theta="),
        (("--over", "bits=8", "--all", "--measure", "front"), "--all must be left out"),
        (("--over", "bits=8", "--target", "c-m5"), "unknown target 'c-m5'; did you mean c-m"),
        (("--over", "bits=8", "--max-loss", "lots"), "max_loss must be a share"),
        (("--over", "bits=8", "--data", "signal.txt"), "must end in"),
        (("nothing.toml", "--over", "bits=8"), "cannot read nothing.toml"),
        (("--over", "bits=8"), "d (order) must be given"),
    ],
)
def test_what_is_refused(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    measure = HERE[2:] if "--measure" in words or "--all" in words else HERE
    assert message in refused(capsys, "explore", *words, *measure)


def test_a_damaged_store(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    ResultStore(tmp_path / "explore.sqlite").close()
    (tmp_path / "explore.sqlite").write_bytes(b"damaged " * 900)
    words = ("explore", "--over", "d=4", "-o", tmp_path, *HERE)
    assert "is no store of explorations" in refused(capsys, *words)
