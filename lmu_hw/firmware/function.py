"""Functions in polynomial pieces, as plain data for the C templates: equal ones share one."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from ..fixedpoint import QFormat
from ..program import Function
from .words import Table, leaves, limit_bits, sum_bits, table_type

Piece = tuple[int, ...]
"""Coefficients, constant term first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What becomes of a rounded sum on its way to the target.

    ``function`` is the name of the C function, if there is one; ``bits`` the width of what comes
    out, ``clip`` whether that can leave the format of the target.
    """

    function: str
    bits: int
    clip: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One coefficient of a piece, from the highest but one down, and the shift before it."""

    index: int
    shift: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionCode:
    """A `Function`: the widths of its argument, of the word that finds the piece, of its sums.

    ``low`` and ``high`` are the first and the last word of the pieces that are kept; beyond them
    every result is a limit of the target. ``values`` are these pieces' constants, ``slopes`` their
    other coefficients, which are narrower.
    """

    function: Function
    name: str
    low: int
    high: int
    arg_bits: int
    at_bits: int
    bits: int
    values: Table
    slopes: Table | None
    stages: tuple[Stage, ...]

    @property
    def tables(self) -> tuple[Table, ...]:
        """Both, or the one there is."""
        return (self.values, self.slopes) if self.slopes else (self.values,)

    @property
    def lines(self) -> list[str]:
        """What it does, for a comment."""
        # Compilers warn of a comment that opens inside a comment.
        name = self.function.name.replace("/*", "/ *")
        text = f"{name} of x, a word of {self.function.in_fmt} limited to its pieces first. "
        text += "The upper bits choose the piece"
        if self.stages:
            text += f", the other {self.function.rest_bits} go into its polynomial"
        return textwrap.wrap(text + ".", 92)


@dataclass(slots=True)
class Functions:
    """The functions of a program, each once."""

    prefix: str
    _names: dict[Function, str] = field(default_factory=dict)
    _arg_bits: dict[Function, int] = field(default_factory=dict)
    _limits: dict[Function, tuple[int, int]] = field(default_factory=dict)

    def apply(
        self,
        function: Function | None,
        low: int,
        high: int,
        bits: int,
        dst: QFormat,
    ) -> Applied:
        """Return the way of sums of low..high in ``bits`` bits to ``dst``."""
        name = ""
        if function is not None:
            name = self._names.get(function) or self._new_name(function)
            self._names[function] = name
            self._arg_bits[function] = max(
                bits, self._arg_bits.get(function, 32), _at_bits(function)
            )
            bottom, top = self._limits.get(function, (dst.min, dst.max))
            self._limits[function] = min(bottom, dst.min), max(top, dst.max)
            bits, low, high = reach(function)
        clip = leaves(low, high, dst)
        if clip:
            bits = max(bits, limit_bits(dst))
        return Applied(function=name, bits=bits, clip=clip)

    def codes(self) -> list[FunctionCode]:
        """Return all functions, in the order of their first use."""
        return [self._code(function, name) for function, name in self._names.items()]

    def _new_name(self, function: Function) -> str:
        word = re.sub(r"\W", "_", function.name)
        name = first = f"{self.prefix}_apply_{word}"
        n = 1
        while name in self._names.values():
            n += 1
            name = f"{first}_{n}"
        return name

    def _code(self, function: Function, name: str) -> FunctionCode:
        bits, _, _ = reach(function)
        kept = _kept(function, *self._limits[function])
        pieces = function.pieces[kept]
        return FunctionCode(
            function=function,
            name=name,
            low=function.in_fmt.min + (kept.start << function.rest_bits),
            high=function.in_fmt.min + (kept.stop << function.rest_bits) - 1,
            arg_bits=self._arg_bits[function],
            at_bits=_at_bits(function),
            bits=bits,
            values=_values(pieces, name),
            slopes=_slopes(pieces, name) if function.shifts else None,
            stages=tuple(
                Stage(index=j, shift=shift) for j, shift in reversed([*enumerate(function.shifts)])
            ),
        )


def reach(function: Function) -> tuple[int, int, int]:
    """Return the width that every sum of ``function`` fits, and the ends of its results."""
    bounds, lows, highs = zip(*(_piece_reach(function, p) for p in function.pieces), strict=True)
    # a shift must be less than the width, too
    rest = (1 << function.rest_bits) - 1
    bound = max(rest, *bounds, *(1 << shift for shift in (0, *function.shifts)))
    return sum_bits(bound), min(lows), max(highs)


def _piece_reach(function: Function, piece: Piece) -> tuple[int, int, int]:
    """Return the bound of every sum in a piece, and the ends of its results."""
    rest = (1 << function.rest_bits) - 1
    low = high = piece[-1]
    bound = abs(low)
    for c, shift in zip(reversed(piece[:-1]), reversed(function.shifts), strict=True):
        low, high = min(0, low * rest), max(0, high * rest)
        bound = max(bound, -low, high)
        low, high = c + (low >> shift), c + (high >> shift)
        bound = max(bound, -low, high)
    half = 1 << function.guard >> 1
    bound = max(bound, -low, high + half)
    return bound, (low + half) >> function.guard, (high + half) >> function.guard


def _kept(function: Function, bottom: int, top: int) -> slice:
    """Return the pieces from the last at the bottom all over to the first at the top all over.

    Words beyond may be taken for their outermost ones: the result is the same limit.
    """
    ends = [_piece_reach(function, piece)[1:] for piece in function.pieces]
    flat_low = sum(1 for _ in takewhile(lambda end: end[1] <= bottom, ends))
    flat_high = sum(1 for _ in takewhile(lambda end: end[0] >= top, reversed(ends)))
    return slice(max(0, flat_low - 1), len(ends) - max(0, flat_high - 1))


def _at_bits(function: Function) -> int:
    """Return the width for a word less the smallest one."""
    return sum_bits((1 << function.in_fmt.width) - 1)


def _values(pieces: Sequence[Piece], name: str) -> Table:
    values = tuple(piece[0] for piece in pieces)
    about = f"{len(values)} pieces: " + ("value at the start" if len(pieces[0]) > 1 else "value")
    return Table(name=f"{name}_values", about=about, ctype=table_type(values), values=values)


def _slopes(pieces: Sequence[Piece], name: str) -> Table:
    rows = tuple(piece[1:] for piece in pieces)
    about = "Their other coefficients, the slope first"
    ctype = table_type(c for row in rows for c in row)
    return Table(name=f"{name}_slopes", about=about, ctype=ctype, rows=rows)
