"""Selection of the backends to verify."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from ..errors import SpecError, ToolError
from ..firmware.boards.installed import missing as not_installed
from ..firmware.boards.installed import remedy
from ..firmware.boards.microcontrollers import BOARDS, TARGETS
from ..program.integer_program import Program
from ..rtl.schedule import why_not
from .backends import board_c, cxxrtl, host_c, icarus, sanitized, verilator

COMPILED: dict[str, ModuleType] = {"cxxrtl": cxxrtl, "verilator": verilator}
"""Simulators that compile the Verilog to machine code."""
SIMULATORS = frozenset({"icarus", *COMPILED})
"""Backends that run the Verilog."""
BACKENDS: dict[str, ModuleType] = {"icarus": icarus, "c": host_c, **COMPILED}
"""Backends that run on this machine itself; the others are boards."""
NAMES = (*BACKENDS, *BOARDS)


def available() -> dict[str, bool]:
    """Return which backends can run on this machine."""
    here = {name: backend.available() for name, backend in BACKENDS.items()}
    return here | {name: not not_installed(t.toolchain) for name, t in BOARDS.items()}


def choose(
    names: str | None, program: Program, build_dir: Path
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the backends to run, and for each of the others the reason why it cannot run.

    Parameters
    ----------
    names : str or None
        Names as on the command line, separated by commas; None for all that can run.
    program : Program
    build_dir : Path
        Its C is test-linked if it may not fit a board.

    Raises
    ------
    SpecError
        If a name is unknown, or the build directory has no files for it.
    ToolError
        If no backend is installed.
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
    for name, target in BOARDS.items():
        if name not in missing and (why := board_c.refusal(target, build_dir, program)):
            missing[name] = why
    backends = tuple(name for name in NAMES if name not in missing)
    if "c" in backends and not sanitized.available():
        missing["c under sanitizers"] = f"not installed ({sanitized.REMEDY})"
    if not backends:
        raise ToolError(
            "no backend is installed, so nothing can be verified: install a C compiler or "
            "Icarus Verilog (see lmu-hw doctor)"
        )
    return backends, missing


def known(backends: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names without duplicates; raise `SpecError` if one is unknown."""
    for name in backends:
        if name in TARGETS and name not in BOARDS:
            raise SpecError(
                f"{name} cannot be verified: QEMU has no {TARGETS[name].core}; footprint compiles "
                "for it"
            )
        if name not in NAMES:
            raise SpecError(f"backends must be among {', '.join(NAMES)}, not {name!r}")
    return tuple(dict.fromkeys(backends))


def _remedy(name: str) -> str:
    """Return the command that installs a backend."""
    if name in BOARDS:
        return remedy(BOARDS[name].toolchain)
    text: str = BACKENDS[name].REMEDY
    return text
