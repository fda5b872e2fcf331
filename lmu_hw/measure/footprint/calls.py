"""Call graph and stack pushes of AVR machine code.

gcc for AVR reports the frames of compiled functions, but no calls. 64-bit arithmetic calls a
library written in assembly, whose functions also jump to and fall through into each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from ...firmware.boards.disassembly import Instruction, disassemble
from ...firmware.boards.microcontrollers import KB, Board
from ...firmware.boards.toolchain import Image

_PLACE = re.compile(r"<([^>+]+)(?:\+0x[0-9a-f]+)?>")
_JUMPS = re.compile(r"r?call|r?jmp|br\w\w")
_ENDS = {"ret", "reti", "jmp", "rjmp"}
_STACK_POINTER = re.compile(r"0x3[de],")


@dataclass(slots=True, kw_only=True)
class CalledFunction:
    """Stack use and calls of a function, from its instructions.

    Attributes
    ----------
    pushed : int
        Stack bytes: the return address and the pushed registers.
    kind : str
        ``static`` where this is all of the stack, as gcc calls it; otherwise why it is not.
    calls : set of str
        Functions that it calls, jumps to or falls through into.
    """

    pushed: int
    kind: str = "static"
    calls: set[str] = field(default_factory=set)


def functions(target: Board, image: Image) -> dict[str, CalledFunction]:
    """Return the functions of a linked program.

    Raises
    ------
    ToolError
        If a tool fails.
    """
    # above 64 k instructions a return address takes three bytes
    return collect(disassemble(target, image), 3 if target.flash[1] > 128 * KB else 2)


def collect(instructions: Iterable[Instruction], address: int) -> dict[str, CalledFunction]:
    """Return the functions of a disassembly; ``address`` is the bytes of a return address."""
    found: dict[str, CalledFunction] = {}
    before: Instruction | None = None
    for this in instructions:
        if this.function not in found:
            found[this.function] = CalledFunction(pushed=address)
            if before is not None and before.mnemonic not in _ENDS:
                found[before.function].calls.add(this.function)
        _take(found[this.function], this, address)
        before = this
    return found


def _take(function: CalledFunction, this: Instruction, address: int) -> None:
    """Add the stack use or call of an instruction."""
    if this.mnemonic == "push":
        function.pushed += 1
    elif _JUMPS.fullmatch(this.mnemonic):
        place = _PLACE.search(this.operands)
        if place is not None and place[1] != this.function:
            function.calls.add(place[1])
        elif this.mnemonic.endswith("call"):
            function.pushed += address
    elif this.mnemonic in ("icall", "ijmp", "eicall", "eijmp"):
        function.kind = "that of a call through a pointer"
    elif this.mnemonic == "out" and _STACK_POINTER.match(this.operands):
        function.kind = "set by hand"


def reachable(found: dict[str, CalledFunction], names: Iterable[str]) -> tuple[str, ...]:
    """Return functions and all that they call, directly or not, in alphabetical order."""
    reached: set[str] = set()
    left = [name for name in names if name in found]
    while left:
        name = left.pop()
        if name not in reached:
            reached.add(name)
            left += [n for n in found[name].calls if n in found]
    return tuple(sorted(reached))
