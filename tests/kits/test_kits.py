"""Kits are chosen by name, written whole, and recorded; added later they have the same bytes."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest
import yaml

import lmu_hw as lh
from lmu_hw.api.design import Design
from lmu_hw.cli.main import main
from lmu_hw.errors import EmitError, LMUHWError, SpecError
from lmu_hw.kits import catalogue
from lmu_hw.kits.kit import Kit, KitDesign, placed
from lmu_hw.rtl.options import Hardware

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FAKE = Kit(
    name="fake",
    summary="for this test",
    tested="pytest",
    not_run="",
    files=lambda design: {"README.md": f"{design.name}\n", "core.v": design.rtl["lmu.v"]},
    verilog=True,
    state_port=True,
)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(catalogue.KITS, "fake", FAKE)


@pytest.mark.usefixtures("fake")
def test_a_kit_comes_with_the_hardware_it_needs(tmp_path: Path) -> None:
    build = lh.compile(lh.Memory(4)).write(tmp_path / "b", kits="fake")
    manifest = build.manifest
    assert manifest.kits == ("fake",)
    assert isinstance(manifest.hardware, Hardware)
    assert manifest.hardware.state_port
    core = (tmp_path / "b" / "fake" / "core.v").read_bytes()
    assert core == (tmp_path / "b" / "rtl" / "lmu.v").read_bytes()
    assert "fake/core.v" in manifest.files
    assert "fake" in str(manifest)


@pytest.mark.usefixtures("fake")
def test_a_kit_added_later_gives_the_same_bytes(tmp_path: Path) -> None:
    design = lh.compile(lh.Memory(4))
    design.write(tmp_path / "at once", kits=["fake"])
    later = design.write(tmp_path / "later", Hardware(state_port=True)).kit("fake")
    assert later.kit("fake").manifest.kits == ("fake",)  # a second time changes nothing
    texts = [
        {p.relative_to(root): p.read_bytes() for p in root.rglob("*") if p.is_file()}
        for root in (tmp_path / "at once", tmp_path / "later")
    ]
    assert texts[0] == texts[1]


@pytest.mark.usefixtures("fake")
def test_kits_are_added_one_after_the_other(tmp_path: Path) -> None:
    build = lh.compile(lh.Memory(4)).write(tmp_path / "b", kits="fake")
    manifest = build.kit("rust").manifest
    assert manifest.kits == ("fake", "rust")
    assert {"fake/core.v", "rust/Cargo.toml", "c/lmu.c"} < set(manifest.files)
    assert (tmp_path / "b" / "fake" / "core.v").is_file()


@pytest.mark.usefixtures("fake")
def test_refusals_leave_the_build_directory_as_it_was(tmp_path: Path) -> None:
    build = lh.compile(lh.Memory(4)).write(tmp_path / "b")
    with pytest.raises(SpecError, match="--state-port"):
        build.kit("fake")
    with pytest.raises(SpecError, match="did you mean fake"):
        build.kit("fale")
    build = lh.compile(lh.Memory(4)).write(tmp_path / "c", Hardware(state_port=True))
    (tmp_path / "c" / "c" / "lmu.c").write_text("")
    with pytest.raises(EmitError, match=r"edited \(c/lmu.c\)"):
        build.kit("fake")
    assert not (tmp_path / "c" / "fake").exists()


def test_a_design_without_verilog_has_no_kit_that_needs_it() -> None:
    with pytest.raises(SpecError, match=r"needs Verilog.*too wide"):
        catalogue.check_kits([FAKE], None, "too wide")


@pytest.mark.usefixtures("fake")
def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "b")
    spec = tmp_path / "memory.toml"
    spec.write_text('d = 4\nkit = "fake"\n')
    assert main(["generate", str(spec), "-o", out]) == 0
    assert (tmp_path / "b" / "fake" / "README.md").read_text() == "lmu\n"
    assert main(["generate", "--d", "4", "--state-port", "-o", out]) == 0
    assert not (tmp_path / "b" / "fake").exists()
    capsys.readouterr()
    assert main(["kit", "add", "fake", out]) == 0
    assert "next, fake/README.md" in capsys.readouterr().out
    assert main(["kit", "list", "--json"]) == 0
    kits = json.loads(capsys.readouterr().out)["kits"]
    assert kits[-1] == {k: getattr(FAKE, k) for k in ("name", "summary", "tested", "not_run")}
    for argv in (["kit", "add", "fake"], ["kit", "lst"], ["kit", "add", "nothing", out]):
        assert main(argv) == 1
        assert len(capsys.readouterr().err.splitlines()) == 1
    for names in ("nothing", "", "fake,"):
        argv = ["generate", "--d", "4", "--kit", names, "-o", str(tmp_path / "n")]
        assert main(argv) == 1
    assert not (tmp_path / "n").exists()


def test_names_that_are_no_names() -> None:
    for names in (3, [3], b"x"):
        with pytest.raises(LMUHWError):
            catalogue.chosen(names)  # type: ignore[arg-type]


def test_kits_that_share_a_directory_agree() -> None:
    def kit(name: str, text: str) -> Kit:
        return Kit(
            name=name,
            summary="",
            tested="",
            not_run="",
            files=lambda design: {"x": text},
            directory="shared",
        )

    nothing: KitDesign = None  # type: ignore[assignment]
    files = catalogue.kit_files([kit("a", "1"), kit("b", "1")], nothing)
    assert files == placed("shared", {"x": "1"})
    with pytest.raises(EmitError, match="disagree on shared/x"):
        catalogue.kit_files([kit("a", "1"), kit("b", "2")], nothing)


@pytest.mark.parametrize("name", catalogue.KITS)
def test_every_kit_says_what_it_is(name: str) -> None:
    kit = catalogue.KITS[name]
    assert kit.name == name
    assert kit.summary
    assert kit.tested


def test_no_title_breaks_a_file(tmp_path: Path) -> None:
    """A title may hold what TOML, YAML, XML, Tcl, Kconfig and C read as theirs."""
    title = "a \"b\" \\ $c [d] {e} <f> & 'g' /* #h"
    quantized = lh.compile(lh.Memory(4)).quantized
    design = Design(quantized=replace(quantized, program=replace(quantized.program, title=title)))
    design.write(tmp_path / "b", kits=list(catalogue.KITS))
    copies = {path.name for place in ("c", "rtl") for path in (tmp_path / "b" / place).iterdir()}
    for path in (tmp_path / "b").glob("*/**/*.*"):
        text = path.read_text()
        if path.suffix == ".toml":
            tomllib.loads(text)
        elif path.suffix in (".yml", ".yaml", ".core"):
            yaml.safe_load(text)
        elif path.suffix == ".xml":
            fromstring(text)
        elif path.suffix == ".json":
            json.loads(text)
        elif path.suffix == ".py":
            compile(text, path, "exec")
        elif path.name not in copies:
            assert not re.search(r'"b"|\$c \[|/\* #h', text), path
