"""Run decks in ngspice and read what they write; find what its exit code does not tell.

ngspice exits with 0 after an unknown command, a wrong vector name and a simulation that ends early,
and leaves the data up to there. So a run is good only if its output holds no error or warning and
every data file is complete.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from .._support.array_types import Array
from .._support.subprocesses import TAIL_LINES, run_tool
from ..errors import ToolError

PROGRAM = "ngspice"
TIME_LIMIT = 600.0
"""Default time after which ngspice is stopped [s]."""
END_TOLERANCE = 1e-6
"""Largest relative difference of the last time or frequency from the end of the analysis."""

_BAD = re.compile(
    r"error|warning|fatal|abort|too small|no such|not found|unknown|singular|failed|can't|cannot",
    re.IGNORECASE,
)
# the title of the deck, which may hold any word
_TITLE = re.compile(r"Circuit: ")


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """A data file that a deck writes.

    Parameters
    ----------
    name : str
    columns : int
        Columns after the first, which holds the times or frequencies.
    end : float
        Last time [s] or frequency [Hz].
    """

    name: str
    columns: int
    end: float


def run_ngspice(
    deck: str,
    files: Mapping[str, str],
    data: Sequence[DataFile],
    *,
    time_limit: float = TIME_LIMIT,
) -> dict[str, Array]:
    """Run a deck in a temporary directory and return its data.

    Parameters
    ----------
    deck : str
        Name of the file to run.
    files : mapping of str to str
        Texts of the deck and of the files that it includes, by name.
    data : sequence of DataFile
        What it writes.
    time_limit : float
        Time after which ngspice is stopped [s].

    Returns
    -------
    dict of str to float array, shape (n_rows, 1 + columns)
        The data files by name; the first column rises.

    Raises
    ------
    ToolError
        If ngspice is not installed, fails, warns or takes too long, or a data file is absent,
        incomplete or damaged.
    """
    if shutil.which(PROGRAM) is None:
        raise ToolError(
            "ngspice is not on the path; apt-get install ngspice, and see lmu-hw doctor",
            command=(PROGRAM,),
        )
    with tempfile.TemporaryDirectory(prefix="lmu-hw-") as temporary:
        directory = Path(temporary)
        for name, text in files.items():
            (directory / name).write_text(text, encoding="utf-8")
        command = (PROGRAM, "-b", "-n", deck)
        exit_code, output = run_tool(command, cwd=directory, time_limit=time_limit)
        failure = _failure(exit_code, output, time_limit)
        if failure:
            raise ToolError(
                f"ngspice failed on {deck}: {failure}",
                command=command,
                exit_code=exit_code,
                tail="\n".join(output.strip().splitlines()[-TAIL_LINES:]),
            )
        return {item.name: _read(directory / item.name, item, deck) for item in data}


def _failure(exit_code: int | None, output: str, time_limit: float) -> str:
    """Return what went wrong in a run, in a line; empty if nothing did."""
    if exit_code is None:
        return f"it did not end within {time_limit:g} s; simplify the deck or raise the limit"
    lines = [text for line in output.splitlines() if (text := " ".join(line.split()))]
    for line, following in pairwise([*lines, ""]):
        if _BAD.search(line) and not _TITLE.match(line):
            return f"{line} {following}" if line.endswith(":") else line
    return f"exit code {exit_code}" if exit_code else ""


def _read(path: Path, item: DataFile, deck: str) -> Array:
    """Return the rows of a data file after checking that they are all there."""
    if not path.exists() or path.stat().st_size == 0:
        raise ToolError(f"ngspice wrote no {item.name} for {deck}; was the deck edited?")
    try:
        rows = np.loadtxt(path, dtype=np.float64, ndmin=2)
    except ValueError:
        raise ToolError(
            f"{item.name} of {deck} is no table of numbers; was the deck edited?"
        ) from None
    wanted = 1 + item.columns
    if rows.shape[1] != wanted:
        raise ToolError(
            f"{item.name} of {deck} has {rows.shape[1]} columns but should have {wanted}; "
            "was the deck edited?"
        )
    if not np.isfinite(rows).all():
        raise ToolError(f"{item.name} of {deck} holds NaN or infinity: the simulation diverged")
    last = float(rows[-1, 0])
    if abs(last - item.end) > END_TOLERANCE * abs(item.end):
        raise ToolError(
            f"{item.name} of {deck} ends at {last:g}, not at {item.end:g}: "
            "the simulation stopped early"
        )
    return rows
