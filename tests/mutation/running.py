"""Runs a bench on a mutant."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

DEEP_STEPS = {"c": 20_000, "cxxrtl": 100_000, "icarus": 300}
SECONDS, VERIFY_SECONDS = 60, 240
"""A mutant that takes longer hangs, and is killed [s of processor time]."""
WAIT = 20
"""How many times as long a process may take on a busy machine."""


def run(command: list[str], place: Path) -> int | None:
    """Return the exit code of a command, None where it hangs."""
    done = limited(command, SECONDS, place)
    return None if done is None else done.returncode


def limited(
    command: list[str], seconds: int, place: Path | None = None
) -> subprocess.CompletedProcess[bytes] | None:
    """Return what a command did, None where it waits for ever.

    A process is ended after ``seconds`` of processor time, so that a busy machine kills no mutant.
    """
    command = ["prlimit", f"--cpu={seconds}", *command]
    try:
        return subprocess.run(command, cwd=place, capture_output=True, timeout=WAIT * seconds)
    except subprocess.TimeoutExpired:
        return None


def verified(place: Path, *backends: str) -> str:
    """Return the verdict of `lmu-hw verify` on a build directory, with each backend in turn."""
    for backend in backends:
        command = [sys.executable, "-m", "lmu_hw", "verify", str(place), "--backends", backend]
        command += ["--steps", str(DEEP_STEPS[backend]), "-q"]
        done = limited(command, VERIFY_SECONDS)
        if done is None or done.returncode != 0:
            return "killed by verify"
    return "survived"
