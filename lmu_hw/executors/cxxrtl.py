"""cxxrtl as an executor: the emitted Verilog, made C++ by Yosys, compiled and run at full speed.

For millions of steps. It knows only 0 and 1, and what has no initial value is 0: what X would show,
Icarus sees, and Verilator in part.
"""

from __future__ import annotations

import ctypes
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from .. import yosys
from ..program import Program
from ..tools import cxx_compiler
from . import bench
from .bench import BenchResult, Steps
from .icarus import plan_of

__all__ = ["REMEDY", "available", "build", "run"]

REMEDY = f"{yosys.REMEDY}, apt-get install g++"


def available() -> bool:
    """Return whether Yosys and a C++ compiler are installed."""
    return yosys.available() and bool(cxx_compiler())


def run(
    folder: Path,
    program: Program,
    sequences: Iterable[Steps],
    seed: int,
    advance: Callable[[int], None] = lambda _: None,
) -> BenchResult:
    """Simulate the design of a generated folder on given steps.

    Parameters
    ----------
    folder : Path
        Its ``rtl/`` is what runs.
    program : Program
        The program that the folder was generated from.
    sequences : iterable of Steps
        As `bench.run` plays them: with stalls, and with resets in flight.
    seed : int
        Of stalls and resets.
    advance : callable
        Told of every few steps that are done.

    Returns
    -------
    BenchResult
        A word that differs is a result, not an exception.

    Raises
    ------
    ModelFileError
        If the folder is damaged.
    ToolError
        If a tool is missing or fails, or the design breaks a rule other than its words: those of
        the streams, or the published cycles per step.
    """
    plan = plan_of(folder, program)
    return bench.run(build(folder, program), program, plan, sequences, seed, advance)


def build(folder: Path, program: Program) -> ctypes.CDLL:
    """Compile the Verilog of a generated folder with the harness of `bench`, and load it."""
    bench.compiler()  # before the work that would be in vain
    with tempfile.TemporaryDirectory(prefix="lmu_hw_") as name:
        place = Path(name)
        design = bench.copy_rtl(folder, program, place)
        yosys.run(
            f"read_verilog {design.name}; hierarchy -check -top {program.name}; "
            "rename -top dut; write_cxxrtl -g0 dut.cc",
            place,
        )
        return bench.compile_bench(
            program,
            "cxxrtl.h",
            # Yosys doubles every underscore of a name
            lambda port: "p_" + port.replace("_", "__"),
            # a write beyond the end of a memory is no write, as in Verilog, and no reason to abort
            ["-std=c++14", "-DCXXRTL_NDEBUG", "-I", str(yosys.include_dir())],
            place,
        )
