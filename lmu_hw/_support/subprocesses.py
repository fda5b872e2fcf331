"""Programs outside Python: how a compiler is found, how a tool is run, and how it ends."""

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

END_WITHIN = 1.0
"""Time that killed processes are waited for [s]."""
TAIL_LINES = 10
"""Last lines of what a failed compiler said that an error keeps."""


def c_compiler() -> list[str]:
    """Return the C compiler's command: $CC, else the first known one on the path, else nothing."""
    return _first("CC", "cc", "gcc", "clang")


def cxx_compiler() -> list[str]:
    """Return the C++ compiler's command: $CXX, else the first known one, else nothing."""
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
    """Run a program to its end and return its exit code and what it printed.

    On Ctrl-C, or any other exception, it ends together with every process that it started. Its
    temporary files go to ``cwd``, where whoever made that folder removes them.

    Parameters
    ----------
    command : sequence of str
    cwd : Path, optional
    env : mapping, optional
        Its whole environment; this process's own by default.
    log : Path, optional
        Where to keep what it printed.
    time_limit : float, optional
        Time after which it is killed [s]: the exit code is then None.
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
    """Kill a process and those that it started, and wait until none can write any more."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    give_up = time.monotonic() + END_WITHIN
    with suppress(ProcessLookupError):
        while time.monotonic() < give_up:
            os.killpg(process.pid, 0)
            time.sleep(0.01)


def compile_files(
    command: Sequence[str],
    options: Sequence[str],
    *,
    what: Path | str,
    optional: Sequence[str] = (),
    cwd: Path | None = None,
) -> None:
    """Run a compiler, without the ``optional`` options if it does not take them.

    Parameters
    ----------
    command : sequence of str
        As `c_compiler` returns it.
    options : sequence of str
        Files included.
    what : Path or str
        What an error calls the thing that could not be compiled.
    optional : sequence of str
    cwd : Path, optional

    Raises
    ------
    ToolError
        If it fails either way.
    """
    for more in [optional, ()] if optional else [()]:
        line = (*command, *more, *options)
        exit_code, text = run_tool(line, cwd=cwd)
        if exit_code == 0:
            return
    said = text.strip().splitlines() or ["no message"]
    first = next((line for line in said if "error" in line), said[-1])
    raise ToolError(
        f"{command[0]} could not compile {what}: {first}",
        command=line,
        exit_code=exit_code,
        tail="\n".join(said[-TAIL_LINES:]),
    )


def load_library(path: Path) -> ctypes.CDLL:
    """Load a shared library; its file may go afterwards: the mapping keeps what it needs."""
    return ctypes.CDLL(str(path))
