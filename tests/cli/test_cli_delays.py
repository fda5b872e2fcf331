"""``lmu-hw delays``, and ``generate`` with an accuracy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lmu_hw.memory.spec import Discretizer
from tests.cli.command import call, refused

TABLE = ("delays", "--d", 16, "--bandwidth", 0.0125)
CASCADE = ("--d", 16, "--bandwidth", 0.0125, "--output", "taps=0.3,0.5")
"""A request whose cheapest design is a cascade."""


def test_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    said = call(capsys, *TABLE, "--accuracy", "0.1%")
    assert said.code == 0
    lines = said.out.splitlines()
    assert "1.6 periods in the window of 128 samples" in lines[0]
    rows = [line.split() for line in lines[2:8]]
    assert [(row[0], row[1]) for row in rows] == [
        ("zoh", "1"),
        ("euler", "1"),
        *(("bilinear", k) for k in "1248"),
    ]
    assert rows[2] == ["bilinear", "1", "0.118", "%", "0.5", "25", "ladder"]
    assert lines[-1].startswith("bilinear, 2 substeps: fewest multiplies (42) within 0.1 %")


def test_the_table_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    data = json.loads(call(capsys, *TABLE, "--accuracy", "0.1%", "--json").out)
    chosen = data["choices"][data["chosen"]]
    assert (chosen["discretizer"], chosen["substeps"], chosen["multiplies"]) == ("bilinear", 2, 42)
    assert "chosen" not in json.loads(call(capsys, *TABLE, "--json").out)
    assert call(capsys, *TABLE, "--quiet").out == ""


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("--d 8", "bandwidth must be given, as in --bandwidth 0.0125"),
        ("--bandwidth 0.1", "d (order) must be given"),
        ("--d 8 --bandwidth 1", "bandwidth must be > 0 and <= 0.5 cycles/sample, not 1"),
        ("--d 8 --bandwidth 0", "bandwidth must be > 0"),
        ("--d 8 --bandwidth nan", "bandwidth must be a finite number"),
        ("--d 8 --bandwidth x", "bandwidth must be a finite number, not 'x'"),
        (
            "--d 8 --bandwidth 0.1 --accuracy 2",
            "accuracy must be a share > 0 and < 1",
        ),
        ("--d 8 --bandwidth 0.1 --accuracy 0.001%", "a larger d or a shorter theta"),
        ("--d 8 --theta 0 --bandwidth 0.1", "theta must be from 1 to"),
    ],
)
def test_bad_requests(line: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert text in refused(capsys, "delays", *line.split())


def test_generate_chooses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    said = call(capsys, "generate", *CASCADE, "--accuracy", "0.5%", "-o", out, "-q", "--json")
    assert said.code == 0, said.err
    data = json.loads(said.out)
    manifest = json.loads((out / "manifest.json").read_text())
    assert (manifest["spec"]["accuracy"], manifest["spec"]["bandwidth"]) == (0.005, 0.0125)
    assert manifest["spec"]["discretizer"] == "zoh"
    assert 0 < manifest["delay_error"] < 0.005
    assert len(data["delays"]["choices"]) == 6
    # the same words as of the choice itself
    plain = ("--d", 16, "--output", "taps=0.3,0.5", "--discretizer", "zoh")
    assert call(capsys, "generate", *plain, "-o", tmp_path / "plain", "-q").code == 0
    assert (out / "program.json").read_bytes() == (tmp_path / "plain/program.json").read_bytes()
    assert "delay_error" not in json.loads((tmp_path / "plain/manifest.json").read_text())


def test_generate_says_what_it_chose(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys = 'd = 16\noutput = "taps=0.3,0.5"\naccuracy = "0.5%"\nbandwidth = 0.0125\n'
    (tmp_path / "m.toml").write_text(keys + 'discretizer = "bilinear"\n')
    said = call(capsys, "generate", tmp_path / "m.toml", "-o", tmp_path / "out")
    assert said.code == 0, said.err
    assert (
        "  delays        0.0877 % error for input to 0.0125 cycles/sample; 0.5 % asked" in said.out
    )
    assert "  chosen        bilinear: fewest multiplies (48) within 0.5 %; most" in said.out
    method = json.loads((tmp_path / "out/manifest.json").read_text())["spec"]["discretizer"]
    assert Discretizer(method) is Discretizer.BILINEAR


def test_generate_writes_the_ladder_that_it_chose(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    said = call(capsys, "generate", *TABLE[1:], "--accuracy", "0.1%", "-o", out)
    assert said.code == 0, said.err
    assert "chosen        bilinear, 2 substeps: fewest multiplies (42) within 0.1 %" in said.out
    manifest = json.loads((out / "manifest.json").read_text())
    assert (manifest["realization"], manifest["multiplies_per_step"]) == ("ladder", 42)
    assert manifest["delay_error"] == pytest.approx(3.3e-4, rel=0.01)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("--accuracy 1%", "bandwidth must be given with accuracy"),
        ("--bandwidth 0.1", "accuracy must be given with bandwidth"),
        ("--accuracy 1% --bandwidth 0.6", "bandwidth must be > 0 and <= 0.5"),
        (
            "--accuracy 120% --bandwidth 0.1",
            "accuracy must be a share > 0 and < 1",
        ),
        ("--accuracy 0.001% --bandwidth 0.1", "allow that, or give a lower bandwidth"),
        (
            "--accuracy 0.05% --bandwidth 0.0125 --discretizer bilinear --substeps 1",
            "accuracy must be at least 0.119 %, that of bilinear, for input to 0.0125",
        ),
        ("--accuracy 0.05% --bandwidth 0.0125 --substeps 3", "substeps must be one of 1, 2, 4, 8"),
        (
            "--accuracy 0.03% --bandwidth 0.0125 --discretizer bilinear --realization cascade",
            "or no discretizer or realization",
        ),
    ],
)
def test_generate_refuses(
    line: str, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(capsys, "generate", "--d", 16, *line.split(), "-o", tmp_path / "out")
    assert text in said
    assert list(tmp_path.iterdir()) == []
