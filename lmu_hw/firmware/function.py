"""Template data of piecewise polynomial functions; operations share equal ones."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import NamedTuple

from .._support.templates import c_int
from ..program.integer_program import Function
from .c_expressions import (
    Expression,
    Range,
    call,
    constant,
    masked,
    minus,
    plus,
    stored,
    times,
    width_of,
    word,
)
from .c_types import Table, table_type
from .kernels import half_up
from .layout import Place
from .operation import Accumulator

Piece = tuple[int, ...]
"""Coefficients, constant term first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionCode:
    """A `Function` with its types and expressions.

    ``word`` is the argument ``x`` limited to the pieces that are kept; beyond them every result
    saturates. ``at`` is that word minus the first one: its upper bits select the piece, and the
    others are ``rest``. ``values`` are the constant terms of the pieces, ``slopes`` their other
    coefficients, which are narrower. ``stages`` are the successive values of ``y``, and ``result``
    is the return value. The kernel ``curve``, if any, evaluates vectors of words, from the argument
    ``first`` to ``last``; ``in_vectors`` says that operations need them, and ``word_by_word`` that
    some need single words even then.
    """

    function: Function
    name: str
    in_vectors: bool
    word_by_word: bool
    curve: str
    first: int
    last: int
    arg_type: str
    word: str
    at_type: str
    at: str
    y_type: str
    rest: str
    stages: tuple[str, ...]
    result: str
    values: Table
    slopes: Table | None
    accumulators: tuple[Accumulator, ...]

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables: values, and slopes if there are any."""
        return (self.values, self.slopes) if self.slopes else (self.values,)

    @property
    def lines(self) -> list[str]:
        """Description for a comment."""
        # compilers warn about "/*" inside a comment
        name = self.function.name.replace("/*", "/ *")
        text = f"{name}(x) for x in {self.function.in_fmt}, which is first limited to the pieces "
        text += "below. The upper bits select the piece"
        if self.stages:
            text += f"; the lower {self.function.rest_bits} are the argument of its polynomial"
        return textwrap.wrap(text + ".", 92)


@dataclass(slots=True)
class Functions:
    """The distinct functions of a program."""

    prefix: str
    _names: dict[Function, str] = field(default_factory=dict)
    _arg_bits: dict[Function, int] = field(default_factory=dict)
    _limits: dict[Function, tuple[int, int]] = field(default_factory=dict)
    _uses: Counter[Function] = field(default_factory=Counter)
    _in_vectors: Counter[Function] = field(default_factory=Counter)

    def applied(self, function: Function | None, x: Expression, target: Place) -> str:
        """Return the text that applies a function, if any, and saturates to ``target``."""
        if function is not None:
            name = self._names.get(function) or self._new_name(function)
            self._names[function] = name
            self._uses[function] += 1
            self._arg_bits[function] = max(
                x.bits, self._arg_bits.get(function, 32), _at_bits(function)
            )
            dst = target.vector.fmt
            bottom, top = self._limits.get(function, (dst.min, dst.max))
            self._limits[function] = min(bottom, dst.min), max(top, dst.max)
            bits, low, high = reach(function)
            x = call(name, bits, [], ((low, high),), x.text)
        return target.stored(x)

    def name_of(self, function: Function | None) -> str:
        """Return the C name of a function after `applied`; an empty string for None."""
        return "" if function is None else self._names[function]

    def all_of(self, function: Function) -> str:
        """Return the C name of a function for vectors of words, after `applied`."""
        self._in_vectors[function] += 1
        return f"{self._names[function]}_all"

    def codes(self) -> list[FunctionCode]:
        """Return the template data of all functions, in the order of their first use."""
        return [self._code(function, name) for function, name in self._names.items()]

    def _new_name(self, function: Function) -> str:
        letters = re.sub(r"\W", "_", function.name)
        name = first = f"{self.prefix}_apply_{letters}"
        n = 1
        while name in self._names.values():
            n += 1
            name = f"{first}_{n}"
        return name

    def _code(self, function: Function, name: str) -> FunctionCode:
        kept = _kept(function, *self._limits[function])
        pieces = function.pieces[kept]
        first = function.in_fmt.min + (kept.start << function.rest_bits)
        last_word = function.in_fmt.min + (kept.stop << function.rest_bits) - 1
        values = _values(pieces, name)
        slopes = _slopes(pieces, name) if function.shifts else None
        bits = self._arg_bits[function]
        limited = call(
            f"lmu_clip{bits}", bits, [], ((first, last_word),), "x", c_int(first), c_int(last_word)
        )
        from_first = word("word", limited.ctype, *limited.cases)
        if first:
            from_first = minus(from_first, constant(first))
        at = word("at", f"int{_at_bits(function)}_t", *from_first.cases)
        y, rest = _variables(function, at)
        stages = _stages(function, pieces, y, rest, slopes)
        curve = _curve(function, values, slopes, (y, at))
        last = stages[-1].cases if stages else [(piece[0], piece[0]) for piece in pieces]
        result = word("y", y.ctype, *last)
        if function.guard:
            result = half_up(result, (function.guard,), str(function.guard))
        return FunctionCode(
            function=function,
            name=name,
            in_vectors=function in self._in_vectors,
            word_by_word=not curve or self._uses[function] > self._in_vectors[function],
            curve=curve,
            first=first,
            last=last_word,
            arg_type=limited.ctype,
            word=limited.text,
            at_type=at.ctype,
            at=stored(from_first, at.ctype),
            y_type=y.ctype,
            rest=stored(masked(at, function.rest_bits), y.ctype),
            stages=tuple(stored(stage, y.ctype) for stage in stages),
            result=stored(result, y.ctype),
            values=values,
            slopes=slopes,
            accumulators=(Accumulator.of(name.removeprefix(f"{self.prefix}_"), y),),
        )


def _curve(
    function: Function, values: Table, slopes: Table | None, variables: tuple[Expression, ...]
) -> str:
    """Return the kernel that computes vectors of 32-bit words, or nothing if there is none."""
    wide = any(x.bits > 32 for x in variables)
    if wide or slopes is None or slopes.ctype != "int16_t" or len(function.shifts) != 2:
        return ""
    kind = values.ctype.removesuffix("_t").replace("int", "i")
    return f"lmu_curve_{kind}" if kind in ("i16", "ui16", "i32") else ""


def _variables(function: Function, at: Expression) -> tuple[Expression, Expression]:
    """Return the variables ``y``, in a type that holds all its values, and ``rest``."""
    ctype = f"int{reach(function)[0]}_t"
    # for all pieces, including those left out
    y = word("y", ctype, *(_piece_reach(function, piece).within for piece in function.pieces))
    return y, word("rest", ctype, *masked(at, function.rest_bits).cases)


def _stages(
    function: Function,
    pieces: Sequence[Piece],
    y: Expression,
    rest: Expression,
    slopes: Table | None,
) -> list[Expression]:
    """Return the values of ``y`` after its first one, with a case for each piece."""
    stages: list[Expression] = []
    cases = [(piece[-1], piece[-1]) for piece in pieces]
    for j in reversed(range(len(function.shifts))):
        assert slopes is not None
        product = times(word("y", y.ctype, *cases), rest)
        shift = function.shifts[j]
        shifted = tuple((low >> shift, high >> shift) for low, high in product.cases)
        scaled = call(f"lmu_asr{y.bits}", y.bits, [product], shifted, str(shift))
        own = [(piece[j], piece[j]) for piece in pieces]
        c = word(f"c[{j - 1}]", slopes.ctype, *own) if j else word("start", y.ctype, *own)
        stages.append(plus(c, scaled))
        cases = list(stages[-1].cases)
    return stages


class _PieceReach(NamedTuple):
    """Range of all intermediates of a piece in the type of ``y``, and of its result."""

    within: Range
    result: Range


def reach(function: Function) -> tuple[int, int, int]:
    """Return the width that holds every intermediate of ``function``, and its result range."""
    found = [_piece_reach(function, piece) for piece in function.pieces]
    # a shift must also be less than the width
    rest = (1 << function.rest_bits) - 1
    most = max(rest, *(1 << shift for shift in (0, function.guard, *function.shifts)))
    bits = width_of(((0, most), *(f.within for f in found)), 32)
    return bits, min(f.result[0] for f in found), max(f.result[1] for f in found)


def _piece_reach(function: Function, piece: Piece) -> _PieceReach:
    rest = (1 << function.rest_bits) - 1
    low = high = piece[-1]
    seen = [low]
    for c, shift in zip(reversed(piece[:-1]), reversed(function.shifts), strict=True):
        low, high = min(0, low * rest), max(0, high * rest)
        seen += [low, high]
        low, high = c + (low >> shift), c + (high >> shift)
        seen += [low, high]
    half = 1 << function.guard >> 1
    seen.append(high + half)
    ends = (low + half) >> function.guard, (high + half) >> function.guard
    return _PieceReach((min(seen), max(seen)), ends)


def _kept(function: Function, bottom: int, top: int) -> slice:
    """Return the pieces to keep, from the last that is all at ``bottom`` to the first at ``top``.

    Arguments beyond them give the same limit as the outermost kept word.
    """
    ends = [_piece_reach(function, piece).result for piece in function.pieces]
    flat_low = sum(1 for _ in takewhile(lambda end: end[1] <= bottom, ends))
    flat_high = sum(1 for _ in takewhile(lambda end: end[0] >= top, reversed(ends)))
    return slice(max(0, flat_low - 1), len(ends) - max(0, flat_high - 1))


def _at_bits(function: Function) -> int:
    """Return the width of an argument minus the smallest one."""
    return width_of(((0, (1 << function.in_fmt.width) - 1),), 32)


def _values(pieces: Sequence[Piece], name: str) -> Table:
    values = tuple(piece[0] for piece in pieces)
    about = f"{len(values)} pieces: " + ("value at the start" if len(pieces[0]) > 1 else "value")
    return Table(name=f"{name}_values", about=about, ctype=table_type(values), values=values)


def _slopes(pieces: Sequence[Piece], name: str) -> Table:
    rows = tuple(piece[1:] for piece in pieces)
    about = "Their other coefficients, the slope first"
    ctype = table_type(c for row in rows for c in row)
    return Table(name=f"{name}_slopes", about=about, ctype=ctype, rows=rows)
