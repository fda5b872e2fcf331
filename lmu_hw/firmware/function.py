"""Functions in polynomial pieces, as plain data for the C templates: equal ones share one."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass, field

from ..fixedpoint import QFormat
from ..program import Function
from .words import Table, leaves, limit_bits, sum_bits, table_type


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

    ``values`` are the pieces' constants, ``slopes`` their other coefficients, which are narrower.
    """

    function: Function
    name: str
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
        text = f"{name} of x, limited to {self.function.in_fmt} first. "
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
        return FunctionCode(
            function=function,
            name=name,
            arg_bits=self._arg_bits[function],
            at_bits=_at_bits(function),
            bits=bits,
            values=_values(function, name),
            slopes=_slopes(function, name) if function.shifts else None,
            stages=tuple(
                Stage(index=j, shift=shift) for j, shift in reversed([*enumerate(function.shifts)])
            ),
        )


def reach(function: Function) -> tuple[int, int, int]:
    """Return the width that every sum of ``function`` fits, and the ends of its results."""
    rest = (1 << function.rest_bits) - 1
    # a shift must be less than the width, too
    bound, ends = max(rest, *(1 << shift for shift in (0, *function.shifts))), []
    for piece in function.pieces:
        low = high = piece[-1]
        bound = max(bound, abs(low))
        for c, shift in zip(reversed(piece[:-1]), reversed(function.shifts), strict=True):
            low, high = min(0, low * rest), max(0, high * rest)
            bound = max(bound, -low, high)
            low, high = c + (low >> shift), c + (high >> shift)
            bound = max(bound, -low, high)
        half = 1 << function.guard >> 1
        bound = max(bound, -low, high + half)
        ends += [(low + half) >> function.guard, (high + half) >> function.guard]
    return sum_bits(bound), min(ends), max(ends)


def _at_bits(function: Function) -> int:
    """Return the width for a word less the smallest one."""
    return sum_bits((1 << function.in_fmt.width) - 1)


def _values(function: Function, name: str) -> Table:
    values = tuple(piece[0] for piece in function.pieces)
    about = f"{len(values)} pieces: " + ("value at the start" if function.shifts else "value")
    return Table(name=f"{name}_values", about=about, ctype=table_type(values), values=values)


def _slopes(function: Function, name: str) -> Table:
    rows = tuple(piece[1:] for piece in function.pieces)
    about = "Their other coefficients, the slope first"
    ctype = table_type(c for row in rows for c in row)
    return Table(name=f"{name}_slopes", about=about, ctype=ctype, rows=rows)
