"""Kit ``meson``: built, tested, installed, found by pkg-config and taken as a subproject."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from lmu_hw.errors import SpecError
from lmu_hw.kits.c_library import vectors_header
from lmu_hw.kits.meson_project import MESON
from tests.factories.builds import write_files
from tests.factories.kit_designs import write_kit
from tests.kits.designs import APP, FIRST_OUTPUT, ecg, gyro
from tests.kits.readme import damage, follow
from tests.tools import require, run

TOOLS = ("meson", "ninja", "pkg-config", "cc|gcc|clang", "c++|g++|clang++")
CORTEX_M4 = """
[binaries]
c = 'arm-none-eabi-gcc'
ar = 'arm-none-eabi-ar'
strip = 'arm-none-eabi-strip'
[built-in options]
c_args = ['-mcpu=cortex-m4', '-mthumb']
c_link_args = ['-mcpu=cortex-m4', '-mthumb', '--specs=nosys.specs']
[host_machine]
system = 'none'
cpu_family = 'arm'
cpu = 'cortex-m4'
endian = 'little'
"""


def meson(*arguments: object) -> str:
    done = run("meson", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout + done.stderr
    return done.stdout


def test_names_that_no_target_may_have() -> None:
    design = replace(gyro(), program=replace(gyro().program, name="benchmark"))
    with pytest.raises(SpecError, match=r"the meson kit needs another --name, because benchmark"):
        MESON.files(design)


@pytest.mark.kits
def test_the_readme(tmp_path: Path) -> None:
    require(*TOOLS)
    done = follow(write_kit(MESON, gyro(), tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in (done.stdout + done.stderr).lower()
    results = re.findall(r"\d/\d (\w+) +(\w+)", done.stdout)
    assert sorted(results) == [
        *[("example_c", "OK")] * 2,
        *[("example_cpp", "OK")] * 2,
        ("gyro_vectors", "OK"),
    ]
    assert re.search(r"^PASS C: 96 outputs", done.stdout, re.MULTILINE)
    assert "dependency gyro found: YES 1.2.3" in done.stdout  # by pkg-config
    assert "Subproject gyro finished" in done.stdout
    installed = {path.name for path in (tmp_path / "meson" / "installed").rglob("*.h*")}
    assert installed == {"gyro.h", "gyro.hpp", "gyro_units.h"}


@pytest.mark.kits
@pytest.mark.parametrize(
    ("file", "pattern", "failed"),
    [
        ("test/vectors/state.hex", r"^", "gyro_vectors"),
        ("example/gyro_vectors.h", FIRST_OUTPUT, "example_c"),
    ],
)
def test_a_damaged_vector_fails(file: str, pattern: str, failed: str, tmp_path: Path) -> None:
    require(*TOOLS)
    place = write_kit(MESON, gyro(), tmp_path)
    damage(place / file, pattern)
    done = follow(place)
    assert done.returncode != 0
    assert re.search(rf"\d/\d {failed} +FAIL", done.stdout)


@pytest.mark.kits
def test_two_designs_in_one_program(tmp_path: Path) -> None:
    """One as it is installed, the other as a subproject."""
    require(*TOOLS)
    app = tmp_path / "app"
    lines = []
    for design in (gyro(), ecg()):
        place = write_kit(MESON, design, tmp_path / design.name)
        block = re.search(r"^```meson\n(\w+ = .*\n)", (place / "README.md").read_text(), re.M)
        assert block is not None
        lines.append(block[1])
        write_files(app, {f"{design.name}_vectors.h": vectors_header(design)})
    meson("setup", tmp_path / "build", tmp_path / "gyro/meson", f"--prefix={tmp_path}/installed")
    meson("install", "-C", tmp_path / "build")
    shutil.copytree(tmp_path / "ecg/meson", app / "subprojects/ecg")
    program = "executable('app', 'app.cpp', dependencies: [gyro_dep, ecg_dep])\n"
    head = "project('two', 'c', 'cpp', default_options: ['cpp_std=c++11'])\n"
    write_files(app, {"meson.build": head + "".join(lines) + program, "app.cpp": APP})
    where = next((tmp_path / "installed").rglob("pkgconfig"))
    meson("setup", app / "build", app, f"-Dpkg_config_path={where}")
    meson("compile", "-C", app / "build")
    assert run(app / "build" / "app").returncode == 0
    damage(app / "ecg_vectors.h", FIRST_OUTPUT)
    meson("compile", "-C", app / "build")
    assert run(app / "build" / "app").returncode == 1


@pytest.mark.kits
def test_a_library_for_a_microcontroller(tmp_path: Path) -> None:
    require("meson", "ninja", "arm-none-eabi-gcc")
    place = write_kit(MESON, gyro(), tmp_path)
    write_files(tmp_path, {"m4.ini": CORTEX_M4})
    meson("setup", tmp_path / "build", place, "--cross-file", tmp_path / "m4.ini")
    meson("compile", "-C", tmp_path / "build")
    said = run("arm-none-eabi-readelf", "-A", *(tmp_path / "build").rglob("*.o")).stdout
    assert 'Tag_CPU_name: "7E-M"' in said
    assert not list(tmp_path.rglob("test_gyro*.o*"))
