"""Who calls whom in the machine code of an AVR, and what its functions push.

The gcc of AVR writes the frames of what it compiles, but not the calls; and 64-bit arithmetic is
calls of a library written in assembly, whose functions go on in one another.
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
    """What the instructions of a function say.

    Attributes
    ----------
    pushed : int
        Bytes of the stack: the address to return to, and what is pushed.
    kind : str
        ``static`` where that is all, as in what gcc writes.
    calls : set of str
        Functions that it calls, jumps to or goes on in.
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
    # an address beyond 64 k instructions takes three bytes
    return collect(disassemble(target, image), 3 if target.flash[1] > 128 * KB else 2)


def collect(instructions: Iterable[Instruction], address: int) -> dict[str, CalledFunction]:
    """Return the functions of a disassembly, where an address takes that many bytes."""
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
    """Let an instruction count."""
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
    """Return functions and all that they call, in alphabetical order."""
    seen: set[str] = set()
    left = [name for name in names if name in found]
    while left:
        name = left.pop()
        if name not in seen:
            seen.add(name)
            left += [n for n in found[name].calls if n in found]
    return tuple(sorted(seen))
