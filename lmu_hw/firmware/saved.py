"""What `NAME_save` writes before the words of the state."""

from __future__ import annotations

from ..program.integer_program import Program

DIGEST_WORDS = 2
"""Words of 32 bits, the start of the program's digest: `NAME_load` refuses any others."""


def digest_words(program: Program) -> tuple[int, ...]:
    """Return the signed words that a saved state of ``program`` begins with."""
    start = bytes.fromhex(program.digest)[: 4 * DIGEST_WORDS]
    return tuple(
        int.from_bytes(start[at : at + 4], "big", signed=True) for at in range(0, len(start), 4)
    )
