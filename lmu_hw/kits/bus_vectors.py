"""Test vectors of the bus kits: words of 64 bits, as the slaves' testbench and driver test read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .kit import KitDesign

if TYPE_CHECKING:
    from ..program.fixedpoint import QFormat


@dataclass(frozen=True, slots=True, kw_only=True)
class BusVectors:
    """The vectors of a design, each word extended to 64 bits.

    Attributes
    ----------
    steps, outputs : int
    files : dict of str to str
        ``input.hex``, ``output.hex``, ``state.hex``: a word a line.
    """

    steps: int
    outputs: int
    files: dict[str, str]


def bus_vectors(design: KitDesign) -> BusVectors:
    """Return the test vectors of a design's bus kits."""
    from ..program.integer_program import Role

    files, rows = {}, {}
    roles = {"input.hex": Role.INPUT, "output.hex": Role.OUTPUT, "state.hex": Role.STATE}
    for file, role in roles.items():
        formats = [v.fmt for v in design.program.with_role(role) for _ in range(v.length)]
        lines = design.vectors[file].split()
        rows[file] = len(lines) // len(formats)
        files[file] = "".join(
            f"{_extended(int(line, 16), formats[k % len(formats)]):016x}\n"
            for k, line in enumerate(lines)
        )
    return BusVectors(steps=rows["input.hex"], outputs=rows["output.hex"], files=files)


def _extended(word: int, fmt: QFormat) -> int:
    """Return a word of a format in two's complement of 64 bits."""
    negative = fmt.signed and word >> (fmt.width - 1)
    return word + (1 << 64) - (1 << fmt.width) if negative else word
