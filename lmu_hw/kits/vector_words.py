"""The words of a design's test vectors as integers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .kit import KitDesign

if TYPE_CHECKING:
    from ..program.integer_program import Role


def words_of(design: KitDesign, role: Role) -> list[list[int]]:
    """Return the test vectors of a role.

    Parameters
    ----------
    design : KitDesign
    role : Role
        Inputs: a list of words for each step; outputs: for each output; state: one list.
    """
    formats = [v.fmt for v in design.program.with_role(role) for _ in range(v.length)]
    words = []
    for i, line in enumerate(design.vectors[f"{role.value}.hex"].split()):
        fmt, word = formats[i % len(formats)], int(line, 16)
        words.append(word - (1 << fmt.width) if word > fmt.max else word)
    return [words[i : i + len(formats)] for i in range(0, len(words), len(formats))]
