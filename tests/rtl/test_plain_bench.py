"""The plain Verilog bench: every simulator sees its exit code, in any directory."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.factories.builds import edit_file, write_rtl_build
from tests.factories.programs import PROGRAMS
from tests.rtl.bench import BREAKS, make
from tests.tools import require

pytestmark = pytest.mark.sim

PROGRAM = PROGRAMS["mixed"]
Ended = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the bench of a build directory, compiled by Verilator."""
    require("verilator", "make", "c++|g++|clang++")
    build_dir = write_rtl_build(PROGRAM, tmp_path_factory.mktemp("verilator"))
    done = subprocess.run(
        # without optimization: some steps are soon played
        ["make", "-C", build_dir / "rtl", "verilator", "OPT_FAST=-O0", "OPT_GLOBAL=-O0"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert re.search("^PASS", done.stdout, re.M)
    assert "%Warning" not in done.stderr
    return build_dir / "rtl/build/verilator/tb_lmu"


@pytest.fixture(params=["make", "vvp", "verilator"])
def play(request: pytest.FixtureRequest) -> Callable[[Path], Ended]:
    """Return a function that runs the bench of a build directory."""
    if request.param == "make":
        require("iverilog", "vvp", "make")
        return make
    if request.param == "vvp":
        require("iverilog", "vvp")
        return lambda build_dir: vvp(build_dir / "rtl")
    compiled = request.getfixturevalue("binary")
    return lambda build_dir: run([compiled], build_dir / "rtl")


def run(command: list[object], place: Path) -> Ended:
    return subprocess.run([str(c) for c in command], cwd=place, capture_output=True, text=True)


def vvp(place: Path, *options: str, rtl: Path = Path(), arguments: tuple[str, ...] = ()) -> Ended:
    """Build the bench of a build directory in Icarus, and run it, both in ``place``."""
    build = ["iverilog", "-g2005", *options, "-s", "tb_lmu", "-o", "bench.vvp"]
    assert not run([*build, rtl / "tb_lmu.v", rtl / "lmu.v"], place).returncode
    return run(["vvp", "-n", "bench.vvp", *arguments], place)


def change(file: str, pattern: str, text: str) -> Callable[[Path], None]:
    return lambda build_dir: edit_file(build_dir / file, pattern, text)


def never_ending(build_dir: Path) -> None:
    """Make every run of cycles one that is not the last."""
    control = build_dir / "rtl/lmu_control.mem"
    control.write_text(re.sub(r"\w", "0", control.read_text()))


FAULTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "a damaged output": (change("vectors/output.hex", r"(?s)^(.{30})..\n", r"\g<1>5a\n"), "wrong"),
    "a damaged input": (
        change("vectors/input.hex", r"^(\w+\n\w+\n)", r"\1no word\n"),
        "no output word",
    ),
    "an output too few": (change("vectors/output.hex", r"\w+\n$", ""), "files end unevenly"),
    "no vectors": (
        lambda build_dir: (build_dir / "vectors/input.hex").unlink(),
        r"cannot open input\.hex and output\.hex in \.\./vectors: \+vectors=DIR says where",
    ),
    "no ROM": (
        lambda build_dir: (build_dir / "rtl/lmu_sections.mem").unlink(),
        r"cannot open lmu_sections\.mem: the parameter MEM_DIR says where it is",
    ),
    "a hang": (never_ending, "no output word"),
}


def test_a_design_that_is_right_ends_well(play: Callable[[Path], Ended], tmp_path: Path) -> None:
    done = play(write_rtl_build(PROGRAM, tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^PASS", done.stdout, re.M)


@pytest.mark.some(8)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_ends_badly(fault: str, play: Callable[[Path], Ended], tmp_path: Path) -> None:
    damage, said = FAULTS[fault]
    damage(write_rtl_build(PROGRAM, tmp_path))
    done = play(tmp_path)
    assert done.returncode != 0
    assert re.search(rf"^FAIL.*{said}", done.stdout, re.M), done.stdout
    assert "PASS" not in done.stdout


@pytest.mark.parametrize("runner", ["make", "vvp"])
def test_an_x_ends_badly(runner: str, tmp_path: Path) -> None:
    """In Icarus: Verilator has none."""
    require("iverilog", "vvp", "make")
    edit_file(write_rtl_build(PROGRAM, tmp_path) / "rtl/lmu.v", *BREAKS["memory not cleared"][1:])
    done = make(tmp_path) if runner == "make" else vvp(tmp_path / "rtl")
    assert done.returncode != 0
    assert re.search(r"^FAIL X or Z on an output", done.stdout, re.M), done.stdout


def test_from_another_directory(tmp_path: Path) -> None:
    """Where a plusarg, or a parameter, says where the vectors are, and a parameter the ROMs."""
    require("iverilog", "vvp")
    build_dir, place = write_rtl_build(PROGRAM, tmp_path / "out"), tmp_path / "elsewhere"
    place.mkdir()
    rtl, roms = build_dir / "rtl", f'-Ptb_lmu.MEM_DIR="{build_dir / "rtl"}"'
    vectors = f"+vectors={build_dir / 'vectors'}"
    assert "cannot open lmu_control.mem" in vvp(place, rtl=rtl, arguments=(vectors,)).stdout
    assert "cannot open input.hex" in vvp(place, roms, rtl=rtl).stdout
    for options, arguments in (
        ((roms,), (vectors,)),
        ((roms, f'-Ptb_lmu.VECTORS="{build_dir / "vectors"}"'), ()),
    ):
        done = vvp(place, *options, rtl=rtl, arguments=arguments)
        assert done.returncode == 0, done.stdout
        assert "PASS" in done.stdout


def test_from_another_directory_in_verilator(binary: Path, tmp_path: Path) -> None:
    build_dir = write_rtl_build(PROGRAM, tmp_path / "out")
    vectors = f"+vectors={build_dir / 'vectors'}"
    assert run([binary, vectors], build_dir / "rtl").returncode == 0
    (build_dir / "vectors").rename(build_dir / "others")
    assert run([binary, vectors], build_dir / "rtl").returncode != 0
