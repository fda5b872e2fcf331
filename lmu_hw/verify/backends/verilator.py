"""Backend for the emitted Verilog in Verilator.

It has two-valued logic, with random values for registers without an initial value: the words of a
design that depends on such a value differ between seeds.
"""

from __future__ import annotations

import ctypes
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..._support.identifiers import COLLISION_MACRO
from ..._support.subprocesses import compile_files, cxx_compiler, run_tool
from ...errors import ToolError
from ...program.integer_program import Program
from ..load_build import hardware_of
from . import compiled_model

__all__ = ["REMEDY", "available", "build"]

REMEDY = "apt-get install verilator g++"
BUILDING = "running Verilator and a C++ compiler"


def available() -> bool:
    """Return whether Verilator and a C++ compiler are installed."""
    return shutil.which("verilator") is not None and bool(cxx_compiler())


@contextmanager
def build(build_dir: Path, program: Program) -> Iterator[ctypes.CDLL]:
    """Compile the Verilog of a build directory with the harness of `sim/native`, and load it.

    See `cxxrtl.build`. The model reads its ROM files when it starts, so they exist until the end.
    """
    command = compiled_model.compiler()
    if shutil.which("verilator") is None:
        raise ToolError("verilator not found; apt-get install verilator")
    with tempfile.TemporaryDirectory(prefix="lmu_hw_") as name:
        place = Path(name)
        design = compiled_model.copy_rtl(build_dir, program, place)
        _verilate(design, program, place)
        include = _include_dir()
        includes = [f"-I{include}", f"-I{include / 'vltstd'}", "-std=c++17", "-pthread"]
        # one file each, because parsing the headers takes longest; the runtime is not optimized
        runtime = [include / "verilated.cpp", include / "verilated_threads.cpp"]
        model = sorted(place.glob("Vdut*.cpp"))
        for file, parts in (("runtime.cpp", runtime), ("model.cpp", model)):
            text = "".join(f'#include "{part}"\n' for part in parts)
            (place / file).write_text(text, encoding="utf-8")
        options = ["-O0", "-c", "-fPIC", "-fvisibility=hidden", *includes, "runtime.cpp"]
        compile_files(command, options, label="the runtime of Verilator", cwd=place)
        yield compiled_model.compile_harness(
            program,
            hardware_of(build_dir),
            "verilator.h",
            lambda port: port,
            [*includes, "model.cpp", "runtime.o"],
            place,
        )


def _verilate(design: Path, program: Program, place: Path) -> None:
    command = (
        *("verilator", "--cc", "--prefix", "Vdut", "--top-module", program.name, "--Mdir", "."),
        # warnings are for `make lint`; registers without an initial value are random
        *("-Wno-lint", "-Wno-fatal", "--x-assign", "unique", "--x-initial", "unique"),
        f"-D{COLLISION_MACRO}",
        # the model reads its ROMs wherever it runs
        *((f'-GMEM_DIR="{place}"',) if any(place.glob("*.mem")) else ()),
        design.name,
    )
    exit_code, text = run_tool(command, cwd=place)
    if exit_code:
        said = text.strip().splitlines() or ["no message"]
        first = next((line for line in said if "%Error" in line), said[-1])
        raise ToolError(
            f"Verilator failed: {first}", command=command, exit_code=exit_code, tail=text[-2000:]
        )


def _include_dir() -> Path:
    """Return the directory of Verilator's C++ headers."""
    command = ("verilator", "--getenv", "VERILATOR_ROOT")
    exit_code, text = run_tool(command)
    if exit_code or not text.strip():
        raise ToolError(
            f"Verilator does not give the directory of its headers: {text.strip()}",
            command=command,
            exit_code=exit_code,
        )
    return Path(text.strip().splitlines()[-1]) / "include"
