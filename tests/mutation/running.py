"""Runs a bench on a mutant."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

DEEP_STEPS = {"c": 20_000, "cxxrtl": 100_000, "icarus": 300}
SECONDS = 60
"""A mutant that takes longer hangs, and is killed."""


def run(command: list[str], place: Path) -> int | None:
    """Return the exit code of a command, None where it hangs."""
    try:
        done = subprocess.run(command, cwd=place, capture_output=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return None
    return done.returncode


def verified(place: Path, *backends: str) -> str:
    """Return the verdict of `lmu-hw verify` on a build directory, with each backend in turn."""
    for backend in backends:
        command = [sys.executable, "-m", "lmu_hw", "verify", str(place), "--backends", backend]
        command += ["--steps", str(DEEP_STEPS[backend]), "-q"]
        try:
            done = subprocess.run(command, capture_output=True, timeout=240)
        except subprocess.TimeoutExpired:
            return "killed by verify"
        if done.returncode != 0:
            return "killed by verify"
    return "survived"
