"""Backend for the emitted Verilog in CXXRTL: converted to C++ by Yosys, for millions of steps.

It has two-valued logic, with 0 for registers without an initial value. Icarus, and in part
Verilator, find errors that show as X.
"""

from __future__ import annotations

import ctypes
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..._support import yosys
from ..._support.subprocesses import cxx_compiler
from ...program.integer_program import Program
from ..load_build import hardware_of
from . import compiled_model

__all__ = ["REMEDY", "available", "build"]

REMEDY = f"{yosys.REMEDY}, apt-get install g++"
BUILDING = "running Yosys and a C++ compiler (the first run of Yosys on a machine takes 35 s more)"


def available() -> bool:
    """Return whether Yosys and a C++ compiler are installed."""
    return yosys.available() and bool(cxx_compiler())


@contextmanager
def build(build_dir: Path, program: Program) -> Iterator[ctypes.CDLL]:
    """Compile the Verilog of a build directory with the harness of `sim/native`, and load it.

    Parameters
    ----------
    build_dir : Path
        Build directory, whose ``rtl/`` is simulated.
    program : Program
        Program of the build directory.

    Yields
    ------
    CDLL
        For `bench.run`.

    Raises
    ------
    ModelFileError
        If the build directory is damaged.
    ToolError
        If a tool is missing or fails.
    """
    compiled_model.compiler()  # fail early
    with tempfile.TemporaryDirectory(prefix="lmu_hw_") as name:
        place = Path(name)
        design = compiled_model.copy_rtl(build_dir, program, place)
        yosys.run(
            f"read_verilog {design.name}; hierarchy -check -top {program.name}; "
            "rename -top dut; write_cxxrtl -g0 dut.cc",
            place,
        )
        yield compiled_model.compile_harness(
            program,
            hardware_of(build_dir),
            "cxxrtl.h",
            # CXXRTL doubles every underscore of a name
            lambda port: "p_" + port.replace("_", "__"),
            # without the assertion that aborts at writes beyond the end of a memory; Verilog
            # ignores such writes
            ["-std=c++14", "-DCXXRTL_NDEBUG", "-I", str(yosys.include_dir())],
            place,
        )
