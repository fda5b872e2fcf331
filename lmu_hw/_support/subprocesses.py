"""Find compilers and run external programs; a program never outlives its caller."""

from __future__ import annotations

import ctypes
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import overload

from ..errors import ToolError

KILL_TIMEOUT = 1.0
"""Time to wait for killed processes to end [s]."""
TAIL_LINES = 10
"""Number of last lines of a failed compiler's output that an error keeps."""


def c_compiler() -> list[str]:
    """Return the C compiler's command: $CC, else cc, gcc or clang, else an empty list."""
    return _first("CC", "cc", "gcc", "clang")


def cxx_compiler() -> list[str]:
    """Return the C++ compiler's command: $CXX, else c++, g++ or clang++, else an empty list."""
    return _first("CXX", "c++", "g++", "clang++")


def _first(variable: str, *known: str) -> list[str]:
    given = os.environ.get(variable, "")
    try:
        chosen = shlex.split(given)
    except ValueError as error:
        raise ToolError(f"{variable} must be a command, not {given!r}: {error}") from error
    for command in [chosen] if chosen else [[name] for name in known]:
        if shutil.which(command[0]):
            return command
    return []


@overload
def run_tool(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    log: Path | None = None,
) -> tuple[int, str]: ...
@overload
def run_tool(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    log: Path | None = None,
    time_limit: float,
) -> tuple[int | None, str]: ...
def run_tool(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    log: Path | None = None,
    time_limit: float | None = None,
) -> tuple[int | None, str]:
    """Run a program and return its exit code and its output (stdout and stderr).

    On Ctrl-C or any other exception the program is killed with all its child processes. Its
    temporary files go to ``cwd``, so that they are removed with that directory.

    Parameters
    ----------
    command : sequence of str
    cwd : Path, optional
        Working directory. Default: that of this process.
    env : mapping, optional
        Complete environment. Default: that of this process.
    log : Path, optional
        File to write the output to.
    time_limit : float, optional
        Time after which the program is killed [s]; the exit code is then None.
    """
    if cwd is not None:
        env = {**(os.environ if env is None else env), "TMPDIR": str(cwd)}
    with tempfile.TemporaryFile() if log is None else log.open("w+b") as output:
        exit_code: int | None
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            exit_code = process.wait(time_limit)
        except subprocess.TimeoutExpired:
            _end(process)
            exit_code = None
        except BaseException:
            _end(process)
            raise
        output.seek(0)
        return exit_code, output.read().decode("utf-8", "replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and its children, and wait until all of them have ended."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    give_up = time.monotonic() + KILL_TIMEOUT
    with suppress(ProcessLookupError):
        while time.monotonic() < give_up:
            os.killpg(process.pid, 0)
            time.sleep(0.01)


def compile_files(
    command: Sequence[str],
    options: Sequence[str],
    *,
    label: Path | str,
    optional: Sequence[str] = (),
    cwd: Path | None = None,
) -> None:
    """Run a compiler; if it fails, try again without the ``optional`` options.

    Parameters
    ----------
    command : sequence of str
        As `c_compiler` returns it.
    options : sequence of str
        Options and files.
    label : Path or str
        Name of the compiled source, for error messages.
    optional : sequence of str
        Options that the compiler may not support.
    cwd : Path, optional
        Working directory. Default: that of this process.

    Raises
    ------
    ToolError
        If the compiler fails.
    """
    for more in [optional, ()] if optional else [()]:
        line = (*command, *more, *options)
        exit_code, text = run_tool(line, cwd=cwd)
        if exit_code == 0:
            return
    said = text.strip().splitlines() or ["no message"]
    first = next((line for line in said if "error" in line), said[-1])
    raise ToolError(
        f"{command[0]} could not compile {label}: {first}",
        command=line,
        exit_code=exit_code,
        tail="\n".join(said[-TAIL_LINES:]),
    )


def load_library(path: Path) -> ctypes.CDLL:
    """Load a shared library; its file may be deleted afterwards, as it stays mapped."""
    return ctypes.CDLL(str(path))
