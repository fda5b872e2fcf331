"""Reports of analog memories: figures of the design, every picture, commands that work."""

from __future__ import annotations

import json
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import lmu_hw as lh
from lmu_hw._support.build_directory import check_target
from lmu_hw.api.analog_memory import AnalogBuild
from lmu_hw.circuits.analog_design import make_design
from lmu_hw.circuits.analog_manifest import load_analog, options_of
from lmu_hw.circuits.report_data import ReportData, draw_units
from lmu_hw.circuits.request import make_request
from lmu_hw.cli.main import main
from lmu_hw.errors import SpecError
from lmu_hw.report.analog_sections import (
    analog_command,
    analog_figures,
    analog_sections,
    schematic_block,
)
from lmu_hw.report.section import Paragraph, Section

pytest.importorskip("matplotlib")
pytest.importorskip("schemdraw")
PICTURES = ["delays", "error", "poles", "tolerance", "range", "noise", "schematic"]


@cache
def data_of(**options: Any) -> ReportData:
    design = make_design(make_request(3, "1ms", (0.5, 1.0), **options))
    return ReportData(design=design, units=draw_units(design, 20))


@cache
def sections_of(**options: Any) -> dict[str, Section]:
    return {section.key: section for section in analog_sections(data_of(**options))}


def test_all_pictures_of_the_markdown_report_and_the_schematic() -> None:
    names = [picture.name for s in sections_of().values() for picture in s.pictures]
    assert names == PICTURES
    assert all(p.alt and p.caption for s in sections_of().values() for p in s.pictures)


def test_the_schematic_has_every_part() -> None:
    svg = sections_of()["parts"].pictures[0].svg.decode()
    for part in data_of().circuit.parts:
        assert f">{part.name}" in svg, part.name


def test_a_large_schematic_stays_beside_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lmu_hw.report.analog_sections.MOST_PARTS", 10)
    block = schematic_block(data_of())
    assert isinstance(block, Paragraph)
    assert "`schematic.svg` beside it" in block.text


def test_figures_are_those_of_the_design() -> None:
    data = data_of()
    found = {figure.name: figure.value for figure in analog_figures(data)}
    assert float(found["Error of the taps"].split()[0]) == pytest.approx(
        100 * data.design.fit.total, rel=0.05
    )
    assert found["Parts"] == str(data.bom.count)
    assert "With parts of 1 %" in found


def test_data_for_programs_is_that_of_the_design() -> None:
    data, sections = data_of(), sections_of()
    taps = sections["delays"].data["taps"]
    assert [tap["built"] for tap in taps] == data.design.fit.error.tolist()
    assert sections["range"].data["largest"] == dict(data.swings)
    assert sections["tolerances"].data["units"] == 20


@pytest.mark.soak
def test_a_circuit_of_a_chip() -> None:
    sections = sections_of(form="gm-c")
    assert [p.name for s in sections.values() for p in s.pictures] == PICTURES
    assert "lmu.net" not in str(sections["parts"].blocks)
    assert "taken to have no offset" in sections["offsets"].lead


OPTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"structure": "ladder", "tolerance": "2%", "r_max": "2Meg"},
    {"form": "gm-c", "series": "exact", "supply": 3.3},
    {"opamp": "GBW=10Meg,SR=5,VOS=1m"},
)


@pytest.mark.parametrize("options", OPTIONS)
def test_the_command_writes_the_same_request(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a shell would split it; everything but the design itself is left out."""
    given = make_request(3, "1ms", (0.25, 1.0), **options)
    command = shlex.split(analog_command(options_of(given)))
    assert command[:2] == ["lmu-hw", "analog"]
    taken: dict[str, Any] = {}

    def stop(order: Any, theta: Any, **keys: Any) -> None:
        taken.update(order=order, theta=theta, **keys)
        raise SpecError("enough")

    monkeypatch.setattr("lmu_hw.api.analog_memory.analog", stop)
    monkeypatch.chdir(tmp_path)
    assert main(command[1:]) == 1
    again = make_request(taken.pop("order"), taken.pop("theta"), **taken)
    assert again == given


@pytest.fixture(scope="module", name="build")
def fixture_build(tmp_path_factory: pytest.TempPathFactory) -> AnalogBuild:
    return lh.analog(1, "1ms").write(tmp_path_factory.mktemp("analog") / "out")


def test_options_of_programs_are_refused(
    build: AnalogBuild, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(build.path), "--target", "c-m4"]) == 1
    assert "targets must be left out for an analog memory" in capsys.readouterr().err
    assert not (build.path / "report.html").exists()


def test_a_report_is_written_beside_the_manifest(build: AnalogBuild) -> None:
    report = build.report()
    page = report.path.read_text(encoding="utf-8")
    assert page.count("data:image/svg+xml") == len(PICTURES)
    assert report.path.stat().st_size < 2_000_000
    data = json.loads((build.path / "report.json").read_text(encoding="utf-8"))
    assert list(data["sections"]) == [section.key for section in report.sections]
    # the directory is still what it was, and may be replaced without force
    assert load_analog(build.path)[0].files == build.manifest.files
    check_target(build.path, force=False)
