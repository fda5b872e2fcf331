"""cxxrtl as a backend: the emitted Verilog, made C++ by Yosys, compiled and run at full speed.

For millions of steps. It knows only 0 and 1, and what has no initial value is 0: what X would show,
Icarus sees, and Verilator in part.
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
BUILDING = "Yosys and a compiler at work (Yosys takes 35 s more at its first run on a machine)"


def available() -> bool:
    """Return whether Yosys and a C++ compiler are installed."""
    return yosys.available() and bool(cxx_compiler())


@contextmanager
def build(build_dir: Path, program: Program) -> Iterator[ctypes.CDLL]:
    """Compile the Verilog of a build directory with the harness of `sim/native`, and load it.

    Parameters
    ----------
    build_dir : Path
        Its ``rtl/`` is what runs.
    program : Program
        The program that the folder was generated from.

    Yields
    ------
    CDLL
        For `bench.run`.

    Raises
    ------
    ModelFileError
        If the folder is damaged.
    ToolError
        If a tool is missing or fails.
    """
    compiled_model.compiler()  # before the work that would be in vain
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
            # Yosys doubles every underscore of a name
            lambda port: "p_" + port.replace("_", "__"),
            # a write beyond the end of a memory is no write, as in Verilog, and no reason to abort
            ["-std=c++14", "-DCXXRTL_NDEBUG", "-I", str(yosys.include_dir())],
            place,
        )
