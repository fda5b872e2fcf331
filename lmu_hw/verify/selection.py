"""The executors that `verify` knows: which can run here, and which to run."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from ..errors import SpecError, ToolError
from ..firmware.boards.installed import missing as not_installed
from ..firmware.boards.installed import remedy
from ..firmware.boards.microcontrollers import TARGETS
from ..program.integer_program import Program
from ..rtl.schedule import why_not
from .simulators import board_c, cxxrtl, host_c, icarus, sanitized, verilator

COMPILED: dict[str, ModuleType] = {"cxxrtl": cxxrtl, "verilator": verilator}
"""Simulators that make a program of the Verilog."""
SIMULATORS = frozenset({"icarus", *COMPILED})
"""Executors of the Verilog."""
EXECUTORS: dict[str, ModuleType] = {"icarus": icarus, "c": host_c, **COMPILED}
"""Executors on this machine; the others are boards."""
NAMES = (*EXECUTORS, *TARGETS)


def available() -> dict[str, bool]:
    """Return which executors can run on this machine."""
    here = {name: executor.available() for name, executor in EXECUTORS.items()}
    return here | {name: not not_installed(t.toolchain) for name, t in TARGETS.items()}


def choose(
    names: str | None, program: Program, folder: Path
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the executors to run, and why others cannot.

    Parameters
    ----------
    names : str or None
        As on the command line, separated by commas; None for all that can.
    program : Program
    folder : Path
        Its C is linked where it is not clear that it fits a board.

    Raises
    ------
    SpecError
        If a name is unknown, or the program has no files for it.
    ToolError
        If nothing is installed.
    """
    refused = why_not(program)
    if names is not None:
        chosen = known(tuple(name.strip() for name in names.split(",")))
        if refused and set(chosen) & SIMULATORS:
            raise SpecError(f"there is no Verilog of this program: {refused}; verify it in C")
        return chosen, {}
    missing = {
        name: f"not installed ({_remedy(name)})" for name, ok in available().items() if not ok
    }
    if refused:
        missing |= dict.fromkeys(SIMULATORS, f"there is no Verilog of this program: {refused}")
    for name, target in TARGETS.items():
        if name not in missing and (why := board_c.refusal(target, folder, program)):
            missing[name] = why
    executors = tuple(name for name in NAMES if name not in missing)
    if "c" in executors and not sanitized.available():
        missing["c under sanitizers"] = f"not installed ({sanitized.REMEDY})"
    if not executors:
        raise ToolError(
            "no executor is installed, so nothing can be verified: install a C compiler or "
            "Icarus Verilog (see lmu-hw doctor)"
        )
    return executors, missing


def known(executors: tuple[str, ...]) -> tuple[str, ...]:
    """Return executors, each once, or raise `SpecError`."""
    for name in executors:
        if name not in NAMES:
            raise SpecError(f"executors must be among {', '.join(NAMES)}, not {name!r}")
    return tuple(dict.fromkeys(executors))


def _remedy(name: str) -> str:
    """Return how to install an executor."""
    if name in TARGETS:
        return remedy(TARGETS[name].toolchain)
    text: str = EXECUTORS[name].REMEDY
    return text
