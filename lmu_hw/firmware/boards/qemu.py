"""Runs a program for a board in QEMU."""

from __future__ import annotations

from pathlib import Path

from ..._support.subprocesses import run_tool
from ...errors import ToolError
from . import serial
from .microcontrollers import Board
from .skips import mend
from .toolchain import Image

TIME_LIMIT = 300.0
"""Time-out of a program [s]; normal runs take seconds."""
REASONS = {
    10: "it cannot open its files",
    11: "its input ends too soon",
    12: "it cannot write its output",
    13: "load refuses what save wrote",
    14: "the core took a fault exception",
    15: "its stack overflowed",
    16: "save returns an error",
    17: "step and ready do not agree about an output",
    serial.NO_CODE: "it sent no exit code",
}
"""Meanings of the exit codes of the harness in ``sim/firmware``."""
FILES = ("-serial", "none", "-semihosting-config", "enable=on,target=native")
"""QEMU options for programs that read and write files by semihosting."""


def run(target: Board, image: Image, *options: str) -> None:
    """Run a program to its end, in its own directory.

    Parameters
    ----------
    target : Board
    image : Image
        Its directory holds ``input``; ``output`` is written there.
    *options : str
        Further QEMU options.

    Raises
    ------
    ToolError
        If the exit code is not 0, or the program does not end.
    """
    place: Path = image.path.parent
    by_port, path = target.toolchain.serial, image.path
    if by_port:
        path = mend(target, image)
        serial.prepare(place)
    command = (
        target.toolchain.qemu,
        *target.machine,
        *("-nographic", "-monitor", "none"),
        *(serial.OPTIONS if by_port else FILES),
        *options,
        *("-bios" if by_port else "-kernel", path.name),
    )
    code, text = run_tool(command, cwd=place, time_limit=TIME_LIMIT)
    if by_port and code == 0:
        code = serial.finish(place)
    if code is None:
        raise ToolError(
            f"{target.name}: the program did not end within {TIME_LIMIT:g} s in {command[0]}; "
            "use fewer --steps, or look for an infinite loop",
            command=command,
            tail=text[-2000:],
        )
    if code:
        lines = text.strip().splitlines()
        reason = REASONS.get(code) or (lines[0] if lines else f"exit code {code}")
        raise ToolError(
            f"{target.name}: the program failed in {command[0]}: {reason}",
            command=command,
            exit_code=code,
            tail=text[-2000:],
        )
