"""Checks for installed toolchains."""

from __future__ import annotations

import shutil
from functools import cache

from ..._support.subprocesses import run_tool
from ...errors import ToolError
from .microcontrollers import Board, Toolchain


def missing(toolchain: Toolchain) -> tuple[str, ...]:
    """Return the packages of a toolchain that are not installed."""
    here = (
        shutil.which(toolchain.compiler) is not None,
        has_library(toolchain),
        shutil.which(toolchain.qemu) is not None,
    )
    return tuple(p for p, there in zip(toolchain.packages, here, strict=True) if not there)


def has_library(toolchain: Toolchain) -> bool:
    """Return whether the compiler finds its C library, which is a separate package."""
    compiler = shutil.which(toolchain.compiler)
    return compiler is not None and _finds_header(compiler, toolchain.options)


@cache
def _finds_header(compiler: str, options: tuple[str, ...]) -> bool:
    code, _ = run_tool((compiler, *options, "-x", "c", "-E", "-include", "string.h", "/dev/null"))
    return code == 0


def remedy(toolchain: Toolchain) -> str:
    """Return the command that installs a toolchain."""
    return f"apt-get install {' '.join(toolchain.packages)}"


def check(target: Board) -> None:
    """Raise `ToolError` unless the toolchain of a target is installed."""
    if packages := missing(target.toolchain):
        raise ToolError(
            f"{target.name} needs {', '.join(packages)}; {remedy(target.toolchain)} (see lmu-hw "
            "doctor)"
        )
