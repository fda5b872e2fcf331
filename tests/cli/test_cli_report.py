"""``lmu-hw report``."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

import lmu_hw as lh
from lmu_hw._support.build_directory import REPORT_DATA, REPORT_PAGE
from lmu_hw.report import section_list
from lmu_hw.report.request_section import request_sections
from tests.cli.command import call, refused

pytest.importorskip("matplotlib")
pytestmark = pytest.mark.usefixtures("light")
DESIGN = lh.compile(lh.Memory(2, theta=8), bits=8)


@pytest.fixture
def light(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write reports of one section, without pictures."""
    monkeypatch.setattr(section_list, "SECTIONS", (request_sections,))


@pytest.fixture(scope="module")
def written(tmp_path_factory: Any) -> Path:
    return DESIGN.write(tmp_path_factory.mktemp("build") / "out").path


@pytest.fixture
def out(written: Path, tmp_path: Path) -> Path:
    shutil.copytree(written, tmp_path / "out")
    return tmp_path / "out"


def test_a_report_is_written(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = call(capsys, "report", out, "--target", "none")
    assert said.code == 0
    assert said.out == f"wrote {out / REPORT_PAGE}: open it in a browser\n"
    assert (out / REPORT_PAGE).read_bytes().startswith(b"<!doctype html>")
    assert (out / REPORT_DATA).exists()
    assert call(capsys, "report", out, "--target", "none", "-q").out == ""


def test_json_is_the_data_of_the_report(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = call(capsys, "report", out, "--target", "none", "--json")
    assert said.code == 0
    assert said.json["report"] == str(out / REPORT_PAGE)
    assert said.json["sections"]["request"]["data"]["command"].startswith("lmu-hw generate --d 2")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--target", "ecp5-26k"], "unknown target 'ecp5-26k'; did you mean ecp5-25k?"),
        (["--target", "c-m4,none"], "targets must be none alone"),
        (["--target", "none", "--seed", "-1"], "seed must be"),
        (["--target", "none", "--seed", "x"], "seed must be"),
        (["--model", "m.npz"], "--model must go with --data, which is missing"),
        (["--data", "d.npz"], "--data must go with --model, which is missing"),
        (["--model", "m.npz", "--data", "d.npz"], "m.npz"),
    ],
)
def test_wrong_options_are_one_line(
    out: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    assert message in refused(capsys, "report", out, *options)
    assert not (out / REPORT_PAGE).exists()


def test_wrong_directories_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "does not exist" in refused(capsys, "report", tmp_path / "none")
    assert "holds no manifest.json" in refused(capsys, "report", tmp_path)


def test_names_may_be_listed_or_repeated(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = refused(capsys, "report", out, "--target", "c-m4, c-m0", "--target", "c-m9")
    assert "unknown target 'c-m9'" in text
