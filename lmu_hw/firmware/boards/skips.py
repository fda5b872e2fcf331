"""Workaround for a bug of QEMU's AVR: skips over a return instruction.

After a skip over a return (``sbrs r27,7; ret``, as in the compiler's 16-bit multiplication), QEMU
continues at a wrong address. A skip over a jump works. So in a copy of the program for QEMU, such
returns are replaced by jumps to other returns.
"""

from __future__ import annotations

import struct
from itertools import pairwise
from pathlib import Path

from ...errors import ToolError
from .disassembly import Instruction, disassemble
from .microcontrollers import Board
from .toolchain import Image

SKIPS = {"sbrc", "sbrs", "sbic", "sbis", "cpse"}
REACH = 4096
"""Reach of a relative jump, whose offset has 12 bits [bytes]."""
RET, RJMP = 0x9508, 0xC000
MENDED = "mended.elf"
_PROGRAM_HEADERS = struct.Struct("<28xI10xHH")
"""Fields of the ELF header: offset, size and number of the program headers."""
_SEGMENT = struct.Struct("<4xII4xI")
"""Fields of a program header: offset in the file, address, size in the file."""


def returns(target: Board, image: Image) -> dict[int, int]:
    """Return the addresses of returns that follow a skip, each with another return to jump to.

    Raises
    ------
    ToolError
        If no other return is within reach of a jump.
    """
    return pairs(disassemble(target, image), image.symbols["harness_end"])


def pairs(instructions: list[Instruction], product: int) -> dict[int, int]:
    """Return the same for a disassembly; the targets are in the code from ``product`` on."""
    skipped, others = [], []
    for before, this in pairwise(instructions):
        if this.mnemonic == "ret" and before.mnemonic in SKIPS:
            skipped.append(this.address)
        elif this.mnemonic == "ret" and this.address >= product:
            others.append(this.address)
    found = {}
    for at in skipped:
        distance, nearest = min(((abs(to - at - 2), to) for to in others), default=(REACH, 0))
        if distance >= REACH:
            raise ToolError(
                f"QEMU's AVR cannot skip the return at {at:#x}, and no other return is within reach"
            )
        found[at] = nearest
    return found


def mend(target: Board, image: Image) -> Path:
    """Write an equivalent program that QEMU runs correctly, next to the given one.

    Returns
    -------
    Path
    """
    data = bytearray(image.path.read_bytes())
    for at, to in returns(target, image).items():
        place = _offset(data, at)
        if struct.unpack_from("<H", data, place)[0] != RET:
            raise ToolError(f"there is no return at {at:#x} of {image.path.name}")
        struct.pack_into("<H", data, place, RJMP | (to - at - 2) // 2 & 0xFFF)
    path = image.path.with_name(MENDED)
    path.write_bytes(data)
    return path


def _offset(elf: bytearray, address: int) -> int:
    """Return the offset of an address in an ELF file."""
    first, size, n = _PROGRAM_HEADERS.unpack_from(elf, 0)
    for k in range(n):
        offset, start, n_bytes = _SEGMENT.unpack_from(elf, first + k * size)
        if start <= address < start + n_bytes:
            return int(offset + address - start)
    raise ToolError(f"no part of the program has the address {address:#x}")
