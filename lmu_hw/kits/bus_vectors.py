"""Test vectors of the bus kits: words of 64 bits, as the slaves' testbench and driver test read."""

from __future__ import annotations

from dataclasses import dataclass

from .kit import KitDesign
from .vector_words import words_of


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

    roles = (Role.INPUT, Role.OUTPUT, Role.STATE)
    rows = {role: words_of(design, role) for role in roles}
    files = {
        f"{role.value}.hex": "".join(f"{w % (1 << 64):016x}\n" for row in rows[role] for w in row)
        for role in roles
    }
    return BusVectors(steps=len(rows[Role.INPUT]), outputs=len(rows[Role.OUTPUT]), files=files)
