"""Compiles generated code into a shared library for `bulk`."""

from __future__ import annotations

import ctypes
import os
import tempfile
from functools import cache
from pathlib import Path

from .._support.subprocesses import c_compiler, compile_files, load_library
from .._support.templates import environment
from ..errors import ToolError
from ..program.integer_program import Program
from .shared_kernels import c_sources


def available() -> bool:
    """Return whether a C compiler is installed."""
    return bool(c_compiler())


def compile_library(c_dir: Path, program: Program) -> ctypes.CDLL:
    """Compile the program's C in ``c_dir`` with the loop of `bulk`, and load the library.

    Raises
    ------
    ModelFileError
        If a file is missing, or shared kernels are not those of the program.
    ToolError
        If there is no C compiler, or it fails.
    """
    name, sources = program.name, c_sources(c_dir, program.name)
    template = environment().get_template("c/bulk.c.j2")
    text = template.render(p=name, P=name.upper(), every=program.output_every)
    return _compiled(text, [*sources.options, str(sources.source)], sources.source)


@cache
def loop_library() -> ctypes.CDLL:
    """Compile and load the C that runs the loops of any program; see `LoopEngine`.

    Raises
    ------
    ToolError
        If there is no C compiler, or it fails.
    """
    text = environment().get_template("c/loop.c.j2").render()
    return _compiled(text, [], "the steps of a loop")


def _compiled(text: str, options: list[str], label: Path | str) -> ctypes.CDLL:
    """Return the library of a C text, with the sources and flags of ``options``."""
    command = c_compiler()
    if not command:
        raise ToolError(
            f"no C compiler ({os.environ.get('CC') or 'cc, gcc, clang'}):"
            " install a C compiler, e.g. apt-get install gcc"
        )
    with tempfile.TemporaryDirectory(prefix="lmu_hw_") as build_dir:
        source, library = Path(build_dir) / "bulk.c", Path(build_dir) / "bulk.so"
        source.write_text(text)
        flags = ["-std=c99", "-O3", "-fPIC", "-shared", "-o", str(library), str(source), *options]
        # not every compiler supports -march=native
        compile_files(command, flags, label=label, optional=["-march=native"])
        return load_library(library)
