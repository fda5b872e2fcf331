"""Programs for an AVR as QEMU can run them.

A skip over a return (``sbrs r27,7; ret``, as in the compiler's own 16-bit product) sends QEMU's AVR
to where it came from last, not behind the return: words are wrong, or it hangs. A skip over a jump
works. So such returns are replaced by jumps to other returns, in a copy of the program that is for
QEMU alone.
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
"""Bytes that the offset of a jump, of 12 bits, reaches."""
RET, RJMP = 0x9508, 0xC000
MENDED = "mended.elf"
_PROGRAM_HEADERS = struct.Struct("<28xI10xHH")
"""In the ELF header: where they are, bytes of one, how many."""
_SEGMENT = struct.Struct("<4xII4xI")
"""In such a header: place in the file, address, bytes in the file."""


def returns(target: Board, image: Image) -> dict[int, int]:
    """Return the addresses of returns that may be skipped, each with a return to jump to instead.

    Raises
    ------
    ToolError
        If there is none that a jump reaches.
    """
    return pairs(disassemble(target, image), image.symbols["harness_end"])


def pairs(instructions: list[Instruction], product: int) -> dict[int, int]:
    """Return the same of a disassembly; jumps go to where the product is, and counts with it."""
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
                f"QEMU's AVR cannot skip the return at {at:#x}, and there is no other within reach"
            )
        found[at] = nearest
    return found


def mend(target: Board, image: Image) -> Path:
    """Write a program that does the same, where QEMU runs it right, beside the given one.

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
    """Return where in an ELF file the byte of an address lies."""
    first, size, n = _PROGRAM_HEADERS.unpack_from(elf, 0)
    for k in range(n):
        offset, start, n_bytes = _SEGMENT.unpack_from(elf, first + k * size)
        if start <= address < start + n_bytes:
            return int(offset + address - start)
    raise ToolError(f"no part of the program has the address {address:#x}")
