"""Bus kits as a user gets them: the directory alone, its bench, its driver test, its lint."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from lmu_hw.kits.catalogue import KITS
from tests.kits.bus_designs import DESIGNS, write
from tests.tools import require, run, succeed

WARNINGS = "-Wall -Wextra -Wpedantic -Werror"


QUICK = "taps"
ALL = [name if name == QUICK else pytest.param(name, marks=pytest.mark.kits) for name in DESIGNS]


@pytest.fixture(scope="module", params=ALL)
def bus(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a bus directory, moved out of its build directory."""
    root = tmp_path_factory.mktemp("bus")
    return Path(shutil.move(write(request.param, root / "build"), root / "alone"))


@pytest.mark.sim
@pytest.mark.cc
def test_the_readme_leads_to_words_that_are_those_of_the_vectors(bus: Path) -> None:
    require("make", "iverilog", "vvp", "gcc|clang|cc")
    said = succeed("make", "-s", cwd=bus).splitlines()
    readme = (bus / "README.md").read_text()
    assert [line for line in said if line.startswith("PASS")] == [
        line for line in readme.splitlines() if line.startswith("PASS")
    ]


@pytest.mark.sim
def test_lint(bus: Path) -> None:
    require("make", "verilator")
    succeed("make", "-s", "lint", cwd=bus)


@pytest.mark.cc
@pytest.mark.parametrize(
    "compiler",
    ["gcc -std=c99", "clang -std=c99", "g++ -std=c++11 -xc++", "clang++ -std=c++17 -xc++"],
)
def test_the_driver_in_c_and_cpp(bus: Path, compiler: str) -> None:
    require("make", compiler.split()[0])
    flags = f"{WARNINGS} -fsanitize=undefined -fno-sanitize-recover"
    line = ("make", "-s", "-B", "driver", f"CC={compiler}", f"CFLAGS={flags}")
    assert "PASS" in succeed(*line, cwd=bus)


@pytest.mark.kits
@pytest.mark.parametrize("file", ["input", "output", "state"])
def test_a_damaged_vector_fails(bus: Path, tmp_path: Path, file: str) -> None:
    require("make", "iverilog", "vvp", "gcc|clang|cc")
    damaged = Path(shutil.copytree(bus, tmp_path / "bus"))
    path = damaged / "test" / "vectors" / f"{file}.hex"
    words = path.read_text().split()
    words[-1] = f"{int(words[-1], 16) ^ 1:016x}"
    path.write_text("\n".join(words) + "\n")
    assert run("make", "sim", cwd=damaged).returncode != 0
    if file != "input":  # the driver's test takes these words as they are
        assert "FAIL" not in run("make", "driver", cwd=damaged).stdout


def test_kits_of_the_same_directory_have_the_same_files(tmp_path: Path) -> None:
    files = [
        {p.relative_to(root): p.read_bytes() for p in root.rglob("*") if p.is_file()}
        for kit in ("axil", "wishbone")
        for root in [write("taps", tmp_path / kit, kits=kit)]
    ]
    assert files[0] == files[1]
    assert KITS["axil"].place == KITS["wishbone"].place == "bus"


@pytest.mark.kits
@pytest.mark.parametrize("log2", [1, 13])
def test_depths_of_the_fifos(bus: Path, tmp_path: Path, log2: int) -> None:
    require("make", "iverilog", "vvp", "verilator")
    changed = Path(shutil.copytree(bus, tmp_path / "bus"))
    for path in changed.glob("*.v"):
        text = re.sub(
            r"parameter (IN|OUT)_LOG2( +)= \d+", rf"parameter \1_LOG2\2= {log2}", path.read_text()
        )
        path.write_text(text)
    succeed("make", "-s", "lint", cwd=changed)
    assert "PASS" in succeed("make", "-s", "sim", cwd=changed)


@pytest.mark.kits
def test_file_lists_name_files_that_are_there(bus: Path) -> None:
    for listing in bus.glob("*.f"):
        assert all((bus / line).is_file() for line in listing.read_text().split())


@pytest.mark.kits
def test_streams_of_either_name_make_the_same_slave(tmp_path: Path) -> None:
    require("make", "iverilog", "vvp")
    bus = write("channels", tmp_path / "b", streams="axi")
    assert "lmu_core #(.MEM_DIR(MEM_DIR)) core (" in (bus / "lmu_registers.v").read_text()
    assert "PASS" in succeed("make", "-s", "sim", cwd=bus)
