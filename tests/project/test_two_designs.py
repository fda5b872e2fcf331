"""Two designs in one firmware: the same words from every core, compiler and option."""

from __future__ import annotations

import itertools
import re
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.factories.builds import edit_file
from tests.firmware.compilers import STRICT
from tests.project.examples import load
from tests.tools import require, run

FIRMWARE = ROOT / "examples" / "two_designs"
CLANG_FOR_ARM = "--target=arm-none-eabi --sysroot=/usr/lib/arm-none-eabi -fshort-enums"
COMPILERS = {
    "gcc": [],
    "clang": ["CC=clang", "CXX=clang++"],
    "clang for Arm": [f"CC=clang {CLANG_FOR_ARM}", f"CXX=clang++ {CLANG_FOR_ARM}"],
}
SANITIZERS = "-O1 -g -fsanitize=undefined,address -fno-sanitize-recover=all"
OPTIONS = ("-O0", "-O1", "-O2", "-O3", "-Os", "-O2 -flto", "-Os -flto")
PROGRAMS = ("main.c", "main.cpp", "dma.c")
CORES = ("m0", "m3", "m4", "m33")

# what is most unlike, in a few seconds
SOME = [
    ("host", "gcc", SANITIZERS, "main.c"),
    ("m0", "gcc", "-Os -flto", "main.c"),
    ("m33", "gcc", "-O0", "main.cpp"),
    ("m3", "gcc", "-O2", "dma.c"),
]
ALL = [
    *(("host", cc, o, p) for cc in ("gcc", "clang") for o in (SANITIZERS, "-O3") for p in PROGRAMS),
    *itertools.product(CORES, ("gcc",), OPTIONS, PROGRAMS),
    # there is no linker plugin for clang's link-time optimization
    *itertools.product(CORES, ("clang for Arm",), ("-O0", "-O2", "-O3", "-Os"), PROGRAMS),
]


@pytest.fixture(scope="module")
def example() -> ModuleType:
    return load(FIRMWARE.with_suffix(".py"))


@pytest.fixture(scope="module")
def designs(example: ModuleType) -> dict[str, Any]:
    return {"history": example.history(), "gate": example.gate()}


@pytest.fixture(scope="module")
def designs_dir(
    example: ModuleType, designs: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    path: Path = tmp_path_factory.mktemp("designs")
    example.write_designs(designs, path)
    return path


def includes(designs_dir: Path) -> list[str | Path]:
    """Return the options that find the headers of both designs."""
    places = ("history/c", "gate/c", "kernels")
    return [part for place in places for part in ("-iquote", designs_dir / place)]


def needs(core: str, compiler: str) -> None:
    require("make", "gcc", "g++") if core == "host" else require(
        "make", "arm-none-eabi-gcc", "arm-none-eabi-g++", "qemu-system-arm"
    )
    if compiler != "gcc":
        require("clang")


def play(
    example: ModuleType, designs_dir: Path, core: str, compiler: str, options: str, program: str
) -> dict[str, int]:
    """Compile a program and run it; return the numbers that it prints."""
    needs(core, compiler)
    build_dir = designs_dir.parent / f"build_{core}"
    shutil.rmtree(build_dir, ignore_errors=True)
    variables = (f"CORE={core}", f"OPT={options}", f"PROGRAM={program}", *COMPILERS[compiler])
    said: dict[str, int] = example.run_firmware(designs_dir, build_dir, *variables)
    return said


@pytest.mark.some(2)
@pytest.mark.cc
@pytest.mark.qemu
@pytest.mark.parametrize(
    ("core", "compiler", "options", "program"),
    [*SOME, *(pytest.param(*row, marks=pytest.mark.soak) for row in ALL if row not in SOME)],
)
def test_hashes_are_of_the_interpreters_words(
    core: str,
    compiler: str,
    options: str,
    program: str,
    example: ModuleType,
    designs: dict[str, Any],
    designs_dir: Path,
) -> None:
    said = play(example, designs_dir, core, compiler, options, program)
    example.check(program, said, designs)
    if program == "dma.c":
        assert said["overruns"] == 1
        assert said["overrun, goes on at"] >= example.LATE_AT + 2
    elif core != "host":
        # else nothing is shown about interrupts
        assert said["interrupted"] > 10


@pytest.mark.cc
def test_a_wrong_word_is_found(
    example: ModuleType, designs: dict[str, Any], designs_dir: Path, tmp_path: Path
) -> None:
    shutil.copytree(designs_dir, tmp_path / "designs")
    edit_file(
        tmp_path / "designs/history/c/history_tables.h", r"(history_linear_rows.* = \{)", r"\1 1 + "
    )
    for program in ("main.c", "dma.c"):
        said = play(example, tmp_path / "designs", "host", "gcc", "-O0", program)
        with pytest.raises(SystemExit, match="the firmware and the interpreter differ"):
            example.check(program, said, designs)


@pytest.mark.cc
@pytest.mark.qemu
def test_scratch_that_interrupts_share_is_found(
    example: ModuleType, designs: dict[str, Any], designs_dir: Path, tmp_path: Path
) -> None:
    """The interrupts come in the middle of steps."""
    shutil.copytree(designs_dir, tmp_path / "designs")
    for name in ("history/c/history.c", "gate/c/gate.c"):
        path = tmp_path / "designs" / name
        text, n = re.subn(r"\n    (int\d+_t \w+\[\d+\];)", r"\n    static \1", path.read_text())
        assert n > 0
        path.write_text(text)
    said = play(example, tmp_path / "designs", "m4", "gcc", "-O2", "main.c")
    with pytest.raises(SystemExit, match="the firmware and the interpreter differ"):
        example.check("main.c", said, designs)
    assert said["interrupt"] == example.expected_main(designs) != said["loop"]


@pytest.mark.cc
def test_swapped_channels_do_not_compile(designs_dir: Path, tmp_path: Path) -> None:
    require("g++")
    text = (FIRMWARE / "main.cpp").read_text()
    first, second = "channel::vibration(vibration),\n", "channel::temperature(temperature)"
    assert text.count(second) == 1
    swapped = text.replace(second, "X").replace(f"gate::{first}", f"gate::{second},\n")
    (tmp_path / "swapped.cpp").write_text(swapped.replace("gate::X", f"gate::{first[:-2]}"))
    places = (*includes(designs_dir), "-iquote", FIRMWARE)
    for source, code in ((FIRMWARE / "main.cpp", 0), (tmp_path / "swapped.cpp", 1)):
        done = run("g++", "-std=c++11", *STRICT, *places, "-fsyntax-only", source)
        assert done.returncode == code, done.stderr
    assert "temperature" in done.stderr


@pytest.mark.cc
def test_kernels_of_another_version_are_refused(designs_dir: Path, tmp_path: Path) -> None:
    require("gcc")
    shutil.copytree(designs_dir, tmp_path, dirs_exist_ok=True)
    kernels = tmp_path / "kernels" / "lmu_kernels.h"
    text = kernels.read_text()
    kernels.write_text(text.replace("#define LMU_KERNELS_ID 0x", "#define LMU_KERNELS_ID 1 + 0x"))
    places = includes(tmp_path)
    done = run("gcc", "-std=c99", *places, "-fsyntax-only", tmp_path / "gate" / "c" / "gate.c")
    assert done.returncode == 1
    assert "lmu_kernels.h is of another version of lmu-hw than gate.c" in done.stderr


@pytest.mark.cc
def test_the_script(
    example: ModuleType,
    designs: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    require("make", "gcc", "g++")
    for name, design in designs.items():
        monkeypatch.setattr(example, name, lambda design=design: design)
    monkeypatch.setattr(sys, "argv", ["two_designs.py", "--core", "host", "--out", str(tmp_path)])
    example.main()
    printed = capsys.readouterr().out
    assert "late for block 8, 1 overrun found, from 10 on right" in printed
    assert printed.endswith("all words and saved states equal to the interpreter's\n")


@pytest.mark.cc
def test_library_functions_needed(designs_dir: Path, tmp_path: Path) -> None:
    """As docs/howto/integrate_the_c.md lists them."""
    require("arm-none-eabi-gcc", "arm-none-eabi-nm")
    common = {"memcpy", "memset", "memmove"}
    of_m0 = {"__aeabi_lmul", "__aeabi_lasr", "__aeabi_llsl"}
    for core, level, name in itertools.product(("m0", "m4"), ("-O0", "-Os"), ("history", "gate")):
        cpu = (f"-mcpu=cortex-{core}", "-mthumb", "-std=c99", level)
        source = designs_dir / name / "c" / f"{name}.c"
        options = (*cpu, *includes(designs_dir), "-c", source, "-o", tmp_path / "o")
        done = run("arm-none-eabi-gcc", *options)
        assert done.returncode == 0, done.stderr
        needed = {
            line.split()[-1]
            for line in run("arm-none-eabi-nm", "-u", tmp_path / "o").stdout.splitlines()
        }
        assert needed <= common | (of_m0 if core == "m0" else set())
