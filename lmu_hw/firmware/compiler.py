"""Compiles generated code into a shared library for `bulk`."""

from __future__ import annotations

import ctypes
import os
import tempfile
from pathlib import Path

from .._support.subprocesses import c_compiler, compile_files, load_library
from .._support.templates import environment
from ..errors import ModelFileError, ToolError
from ..program.integer_program import Program
from . import source_files


def available() -> bool:
    """Return whether a C compiler is installed."""
    return bool(c_compiler())


def compile_library(c_dir: Path, program: Program) -> ctypes.CDLL:
    """Compile the program's C in ``c_dir`` with the loop of `bulk`, and load the library.

    Raises
    ------
    ModelFileError
        If a file is missing.
    ToolError
        If there is no C compiler, or it fails.
    """
    name, c_dir = program.name, c_dir.resolve()
    command = c_compiler()
    if not command:
        raise ToolError(
            f"no C compiler ({os.environ.get('CC') or 'cc, gcc, clang'}):"
            " install a C compiler, e.g. apt-get install gcc"
        )
    sources = [c_dir / file for file in source_files(name)]
    for path in sources:
        if not path.is_file():
            raise ModelFileError(
                f"cannot read {path}: no such file; generate the build directory again"
            )
    with tempfile.TemporaryDirectory(prefix="lmu_hw_") as build_dir:
        bulk, library = Path(build_dir) / "bulk.c", Path(build_dir) / "bulk.so"
        template = environment().get_template("c/bulk.c.j2")
        text = template.render(p=name, P=name.upper(), every=program.output_every)
        bulk.write_text(text)
        flags = ["-std=c99", "-O3", "-fPIC", "-shared", "-iquote", str(c_dir)]
        files = ["-o", str(library), str(bulk), str(sources[0])]
        # not every compiler supports -march=native
        compile_files(command, [*flags, *files], label=sources[0], optional=["-march=native"])
        return load_library(library)
