"""Build directories that share one ``lmu_kernels.h``."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

import lmu_hw as lh
from lmu_hw.cli.main import main
from lmu_hw.errors import CertificateError, EmitError, LMUHWError, ModelFileError, SpecError
from lmu_hw.firmware import KERNELS
from lmu_hw.firmware.boards.microcontrollers import TARGETS
from lmu_hw.proof.certificate import certify
from tests.tools import require, run

REMEDY = r"generate \S+gyro again, with --kernels \S+shared$"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with two build directories and their kernels."""
    path: Path = tmp_path_factory.mktemp("made")
    for name, order in (("gyro", 4), ("accel", 6)):
        design = lh.compile(lh.Memory(order, theta=20), name=name)
        design.write(path / name, kernels=path / "shared")
    return path


@pytest.fixture
def place(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "place"))


def test_one_file_for_all(made: Path) -> None:
    assert [p.relative_to(made) for p in made.rglob(KERNELS)] == [Path("shared", KERNELS)]
    design = lh.compile(lh.Memory(4, theta=20), name="gyro")
    texts = design.c()
    assert (made / "shared" / KERNELS).read_text() == texts[KERNELS]
    names = {p.name for p in (made / "gyro" / "c").iterdir()}
    assert names == set(texts) - {KERNELS}
    # nothing else knows about it
    for name in names - {"Makefile"}:
        assert (made / "gyro" / "c" / name).read_text() == texts[name]


@pytest.mark.cc
def test_everything_finds_it(place: Path) -> None:
    require("cc|gcc|clang", "make")
    build = lh.open_build(place / "gyro")
    report = build.verify(["c"], steps=500)
    assert report.passed
    assert "edited" not in str(report)
    assert certify(place / "gyro").proven
    done = run("make", "-s", "-C", place / "accel" / "c")
    assert done.returncode == 0, done.stderr
    shutil.move(place / "shared", place / "elsewhere")
    again = run("make", "-s", "-C", place / "accel" / "c", "-B", "KERNELS=../../elsewhere")
    assert again.returncode == 0, again.stderr


@pytest.mark.cc
@pytest.mark.qemu
def test_a_board_finds_it(place: Path) -> None:
    toolchain = TARGETS["c-m0"].toolchain
    require(toolchain.compiler, toolchain.qemu, "cc|gcc|clang")
    build = lh.open_build(place / "gyro")
    assert build.verify(["c-m0"], steps=50).passed
    assert build.footprint("c-m0").targets[0].flash.code > 0


@pytest.mark.cc
def test_missing(place: Path) -> None:
    require("cc|gcc|clang")
    (place / "shared" / KERNELS).unlink()
    build = lh.open_build(place / "gyro")
    with pytest.raises(ModelFileError, match=f"cannot read .*, shared by several .*: {REMEDY}"):
        build.run([[1]], engine="c")
    with pytest.raises(ModelFileError, match=r"is missing; .* again, with --kernels"):
        build.verify(["c"], steps=10)


@pytest.mark.cc
def test_another_version(place: Path) -> None:
    require("cc|gcc|clang")
    path = place / "shared" / KERNELS
    path.write_text(re.sub(r"(LMU_KERNELS_ID 0x)\w+", r"\g<1>12345678", path.read_text()))
    build = lh.open_build(place / "gyro")
    with pytest.raises(ModelFileError, match=f"of another version of lmu-hw than gyro.c: {REMEDY}"):
        build.run([[1]], engine="c")


@pytest.mark.cc
def test_an_edit_is_noted(place: Path) -> None:
    require("cc|gcc|clang")
    path = place / "shared" / KERNELS
    path.write_text(path.read_text().replace("x saturated", "x, saturated"))
    report = lh.open_build(place / "gyro").verify(["c"], steps=100)
    assert f"../shared/{KERNELS} was edited" in str(report)
    with pytest.raises(CertificateError, match="is not what lmu-hw writes"):
        certify(place / "gyro")


def test_other_kernels_are_replaced_only_by_force(place: Path) -> None:
    path, design = place / "shared" / KERNELS, lh.compile(lh.Memory(3), name="third")
    text = path.read_text()
    path.write_text("mine")
    with pytest.raises(EmitError, match=r"holds other kernels, .* --force to replace"):
        design.write(place / "third", kernels=place / "shared")
    assert path.read_text() == "mine"
    assert not (place / "third").exists()
    design.write(place / "third", kernels=place / "shared", force=True)
    assert path.read_text() == text


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(EmitError, match="is a file"):
        lh.compile(lh.Memory(3)).write(tmp_path / "out", kernels=tmp_path / "shared")
    assert not (tmp_path / "shared" / KERNELS).exists()


def test_shared_file_that_is_gone_does_not_stop_generate(place: Path) -> None:
    shutil.rmtree(place / "shared")
    lh.compile(lh.Memory(4, theta=20), name="gyro").write(place / "gyro", kernels=place / "shared")
    assert (place / "shared" / KERNELS).is_file()


def test_back_to_a_file_of_its_own(place: Path) -> None:
    lh.compile(lh.Memory(4, theta=20), name="gyro").write(place / "gyro")
    assert (place / "gyro" / "c" / KERNELS).is_file()


@pytest.mark.parametrize(
    ("kernels", "error", "says"),
    [
        ("out/c", SpecError, "must be outside the build directory"),
        ("a b", SpecError, "letters, digits and"),
        ("$HOME", SpecError, "letters, digits and"),
        ("file", EmitError, "file is a file; give --kernels a directory"),
    ],
)
def test_places_that_cannot_be(
    kernels: str, error: type[LMUHWError], says: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(error, match=says):
        lh.compile(lh.Memory(3)).write(tmp_path / "out", kernels=tmp_path / kernels)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    shared = ["--kernels", "shared", "-q"]
    assert main(["generate", "--d", "3", "--name", "gyro", "-o", "gyro", *shared]) == 0
    assert (tmp_path / "shared" / KERNELS).is_file()
    assert not (tmp_path / "gyro" / "c" / KERNELS).exists()
    (tmp_path / "shared" / KERNELS).write_text("mine")
    assert main(["generate", "--d", "3", "--name", "accel", "-o", "accel", *shared]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"lmu-hw: shared/{KERNELS} holds other kernels")
    assert said.count("\n") == 1
    assert not (tmp_path / "accel").exists()
