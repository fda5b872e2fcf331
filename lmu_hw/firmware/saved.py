"""Header of a saved state: the words that `NAME_save` writes before the state."""

from __future__ import annotations

from ..program.integer_program import Program

DIGEST_WORDS = 2
"""Number of 32-bit words from the program's digest; `NAME_load` rejects any others."""


def digest_words(program: Program) -> tuple[int, ...]:
    """Return the signed words that a saved state of ``program`` starts with."""
    start = bytes.fromhex(program.digest)[: 4 * DIGEST_WORDS]
    return tuple(
        int.from_bytes(start[at : at + 4], "big", signed=True) for at in range(0, len(start), 4)
    )
