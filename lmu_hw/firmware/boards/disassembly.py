"""Disassembly of a linked program with objdump."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .microcontrollers import Board
from .toolchain import Image, tool

_FUNCTION = re.compile(r"[0-9a-f]+ <([^>]+)>:$")
_INSTRUCTION = re.compile(r"\s*([0-9a-f]+):\t[0-9a-f ]+\t(\w+)(.*)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One instruction.

    Attributes
    ----------
    function : str
        Last symbol before it.
    address : int
    mnemonic, operands : str
    """

    function: str
    address: int
    mnemonic: str
    operands: str


def disassemble(target: Board, image: Image) -> list[Instruction]:
    """Return the instructions of a program in the order of their addresses.

    Tables in flash, which lie before the harness, are left out.

    Raises
    ------
    ToolError
        If objdump fails.
    """
    start = f"--start-address={image.symbols['harness_start']:#x}"
    known = ("-m", target.machine_code) if target.machine_code else ()
    return parse(tool(target, "objdump", "-d", *known, start, str(image.path)))


def parse(text: str) -> list[Instruction]:
    """Return the instructions in the output of objdump."""
    found, function = [], ""
    for line in text.splitlines():
        if begins := _FUNCTION.match(line):
            function = begins[1]
        elif one := _INSTRUCTION.match(line):
            found.append(
                Instruction(
                    function=function,
                    address=int(one[1], 16),
                    mnemonic=one[2],
                    operands=one[3].strip(),
                )
            )
    return found
