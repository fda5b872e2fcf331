"""Kit ``cmake``: built, tested, installed, found and fetched by CMake."""

from __future__ import annotations

import re
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from lmu_hw.errors import SpecError
from lmu_hw.kits.c_library import vectors_header
from lmu_hw.kits.cmake_package import CMAKE
from tests.factories.builds import write_files
from tests.factories.kit_designs import write_kit
from tests.kits.designs import APP, FIRST_OUTPUT, ecg, gyro
from tests.kits.readme import damage, follow
from tests.tools import require, run

CORTEX_M4 = (
    "-DCMAKE_SYSTEM_NAME=Generic",
    "-DCMAKE_C_COMPILER=arm-none-eabi-gcc",
    "-DCMAKE_C_FLAGS=-mcpu=cortex-m4 -mthumb",
    "-DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY",
)


def cmake(*arguments: object) -> str:
    done = run("cmake", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "arning" not in done.stdout + done.stderr
    return done.stdout


def test_names_that_no_target_may_have() -> None:
    design = replace(gyro(), program=replace(gyro().program, name="test"))
    with pytest.raises(SpecError, match=r"the cmake kit needs another --name, because test"):
        CMAKE.files(design)


def test_files_of_a_design() -> None:
    files = CMAKE.files(gyro())
    assert not {name for name in files if "lmu" in name} - {"src/lmu_kernels.h"}
    for name in ("include/gyro.hpp", "src/gyro.c", "test/vectors/state.hex", "README.md"):
        assert name in files
    assert "add_library(gyro::gyro ALIAS gyro)" in str(files["CMakeLists.txt"])


@pytest.mark.kits
def test_the_readme(tmp_path: Path) -> None:
    require("cmake", "cc|gcc|clang", "c++|g++|clang++")
    done = follow(write_kit(CMAKE, gyro(), tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert re.findall(r"Test +#\d: (\w+) \.* +(\w+)", done.stdout) == [
        ("gyro_vectors", "Passed"),
        *[("example_c", "Passed"), ("example_cpp", "Passed")] * 2,
    ]
    # tables and kernels are no part of the interface
    installed = {path.name for path in (tmp_path / "cmake" / "installed").rglob("*.h*")}
    assert installed == {"gyro.h", "gyro.hpp", "gyro_units.h"}


@pytest.mark.kits
@pytest.mark.parametrize(
    ("file", "pattern", "failed"),
    [
        ("test/vectors/output.hex", r"^", "gyro_vectors"),
        ("example/gyro_vectors.h", r"vector_saved[^=]*= \{\s*", "example_c"),
    ],
)
def test_a_damaged_vector_fails(file: str, pattern: str, failed: str, tmp_path: Path) -> None:
    require("cmake", "cc|gcc|clang", "c++|g++|clang++")
    place = write_kit(CMAKE, gyro(), tmp_path)
    damage(place / file, pattern)
    done = follow(place)
    assert done.returncode != 0
    assert re.search(rf"\d - {failed} \(Failed\)", done.stdout + done.stderr)


@pytest.mark.kits
@pytest.mark.parametrize("by", ["find_package", "FetchContent"])
def test_two_designs_in_one_program(by: str, tmp_path: Path) -> None:
    require("cmake", "cc|gcc|clang", "c++|g++|clang++")
    lines, kernels = [], set()
    for design in (gyro(), ecg()):
        place = write_kit(CMAKE, design, tmp_path / design.name)
        kernels.add((place / "src" / "lmu_kernels.h").read_bytes())
        readme = (place / "README.md").read_text()
        block = re.findall(r"^```cmake\n(.*?)```", readme, re.MULTILINE | re.DOTALL)
        if by == "find_package":
            options = (f"-DCMAKE_INSTALL_PREFIX={tmp_path / 'installed'}", "-DBUILD_SHARED_LIBS=ON")
            cmake("-S", place, "-B", place / "build", *options)
            cmake("--build", place / "build", "--target", "install")
            lines.append(block[0])
        else:
            archive = tmp_path / f"{design.name}.tar.gz"
            with tarfile.open(archive, "w:gz") as tar:
                tar.add(place, design.name)
            lines.append(re.sub(r"https://\S+(?=\))", f"file://{archive}", block[1]))
        write_files(tmp_path, {f"{design.name}_vectors.h": vectors_header(design)})
    assert len(kernels) == 1
    head = "cmake_minimum_required(VERSION 3.24)\nproject(two LANGUAGES C CXX)\n"
    files = {"CMakeLists.txt": f"{head}add_executable(app app.cpp)\n{''.join(lines)}"}
    write_files(tmp_path, {**files, "app.cpp": APP})
    build = tmp_path / "build"
    cmake("-S", tmp_path, "-B", build, f"-DCMAKE_PREFIX_PATH={tmp_path / 'installed'}")
    cmake("--build", build)
    assert run(build / "app").returncode == 0
    damage(tmp_path / "ecg_vectors.h", FIRST_OUTPUT)
    cmake("--build", build)
    assert run(build / "app").returncode == 1


@pytest.mark.kits
def test_a_library_for_a_microcontroller(tmp_path: Path) -> None:
    require("cmake", "arm-none-eabi-gcc")
    place = write_kit(CMAKE, gyro(), tmp_path)
    cmake("-S", place, "-B", tmp_path / "build", *CORTEX_M4)
    cmake("--build", tmp_path / "build")
    said = run("arm-none-eabi-readelf", "-A", tmp_path / "build" / "libgyro.a").stdout
    assert 'Tag_CPU_name: "7E-M"' in said
    assert not list(tmp_path.rglob("test_gyro*.o*"))
