"""Widths inside the evaluation of a function."""

from __future__ import annotations

from ..program.integer_program import Function


def sum_width(f: Function) -> int:
    """Return the width that holds every intermediate of a function."""
    sizes = [max(abs(piece[j]) for piece in f.pieces) for j in range(len(f.shifts) + 1)]
    bound = most = sizes[-1]
    for size, shift in zip(reversed(sizes[:-1]), reversed(f.shifts), strict=True):
        bound = size + (bound << f.rest_bits >> shift) + 1
        most = max(most, bound)
    return most.bit_length() + 1
