"""Calls of the passes over vectors of 32-bit words in ``lmu_kernels.h``, for Helium.

A pass exists beside the loop over words that it replaces, in the same C function, and gives the
same words. Functions here return no pass where the intervals do not prove that every intermediate
fits 32 bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..program.integer_program import Function, Term
from .c_expressions import Expression
from .c_types import Column, type_bits
from .function import Functions
from .layout import Place

SHORTEST = 8
"""Fewest words that are worth passes."""
LANE_BITS = 32
"""Width of a word in a vector."""
MAX_ROUNDED = 16
"""Most bits that ``lmu_rounded`` drops."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passes:
    """What replaces a loop over words.

    ``calls`` are the passes over the words of ``array``; with ``looped``, a loop over words fills
    the array first. ``last`` writes the words of the target: a call with the pointer to them left
    out.
    """

    array: str
    looped: bool
    calls: tuple[str, ...]
    last: str

    def ending(self, target: str) -> str:
        """Return the call that writes the words from the pointer ``target`` on."""
        name, _, arguments = self.last.partition("(")
        return f"{name}({target}, {arguments}"


def takes_passes(target: Place, n: int) -> bool:
    """Return whether the last pass can write ``n`` words of a vector."""
    return target.bits == 16 and n >= SHORTEST


def row_passes(
    n: int,
    up: int,
    addend: tuple[str, str] | None,
    total: Expression,
    multiplier: Column,
    shift: Column,
) -> tuple[str, ...] | None:
    """Return the passes that add up the last sums of rows and scale them, or None.

    Parameters
    ----------
    n : int
        Rows.
    up : int
        Left shift of the last sums.
    addend : (str, str) or None
        Array that is added to them, and its type.
    total : Expression
        The sum of a row.
    multiplier, shift : Column
        Its factor, and the right shift of the product.
    """
    if total.bits > LANE_BITS:
        return None
    calls = []
    if addend:
        name, ctype = addend
        if ctype not in ("int8_t", "int16_t", "int32_t"):
            return None
        calls.append(f"lmu_join_i{type_bits(ctype)}(dots, {up}, {name}, {n})")
    elif up:
        return None
    if multiplier.is_all(1) and shift.table is None and 0 < shift.value < LANE_BITS:
        return (*calls, f"lmu_nearest(dots, {shift.value}, {n})")
    return (*calls, scaled) if (scaled := _scaled(multiplier, shift, n)) else None


def _scaled(multiplier: Column, shift: Column, n: int) -> str:
    """Return the pass that scales rows, or nothing if a factor is too wide for it."""
    rows = max(len(multiplier.values), len(shift.values))
    factors, shifts = (c.values * (rows // len(c.values)) for c in (multiplier, shift))
    ups = [LANE_BITS - s for s in shifts]
    if multiplier.table is None or multiplier.table.ctype != "uint16_t" or min(ups) < 0:
        return ""
    if any(factor << up >= 1 << LANE_BITS - 1 for factor, up in zip(factors, ups, strict=True)):
        return ""
    if shift.table is None:
        return f"lmu_scaled(dots, {multiplier.table.name}, {shift.value}, {n})"
    if shift.table.ctype != "uint8_t":
        return ""
    return f"lmu_scaled_each(dots, {multiplier.table.name}, {shift.table.name}, {n})"


def last_pass(
    array: str, drop: int, function: Function | None, functions: Functions, target: Place, n: str
) -> tuple[tuple[str, ...], str]:
    """Return the passes that round an array's words, and apply a function or saturate them.

    ``drop`` are the bits that a word loses when it is rounded. The last call lacks its first
    argument, the pointer to the target's words.
    """
    fmt, limits = target.vector.fmt, f"{target.macro}_MIN, {target.macro}_MAX"
    to_16_bits = function is None and fmt.signed and fmt.width == target.bits
    if to_16_bits and 0 < drop <= MAX_ROUNDED:
        return (), f"lmu_rounded({array}, {n}, {drop})"
    nearest = (f"lmu_nearest({array}, {drop}, {n})",) if drop else ()
    if function is None:
        return nearest, f"lmu_limited({array}, {n}, {limits})"
    return nearest, f"{functions.all_of(function)}({array}, {n}, {limits})"


def term_pass(array: str, term: Term, places: Sequence[Place], first: bool, shift: int) -> str:
    """Return the pass that starts an array with a term, or adds one to it.

    ``shift`` are the bits that the first words gain, or that the words of the array lose.
    """
    words = ", ".join(place.part(1, "0") for place in places)
    kind = "products" if term.b else "words"
    n = f"{places[0].macro}_LEN"
    if first:
        return f"lmu_{kind}({array}, {words}{'' if term.b else f', {shift}'}, {n})"
    return f"lmu_{'minus' if term.minus else 'plus'}_{kind}({array}, {shift}, {words}, {n})"
