"""Operations word by word, and the argmax, as plain data for the C templates."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import prod

from ..program import Argmax, Pointwise, Program
from .function import Applied, Functions
from .layout import Layout, Place
from .operation import OperationCode, Routine, arrow
from .words import Rescale, magnitude, sum_bits


@dataclass(frozen=True, slots=True, kw_only=True)
class Addend:
    """One term: a word or the product of two, times ``scale``, added or subtracted."""

    a: Place
    b: Place | None
    scale: int
    minus: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PointwiseCode(OperationCode):
    """A `Pointwise`; ``bits`` is the width of its sum, ``rescale`` what the sum goes through."""

    target: Place
    addends: tuple[Addend, ...]
    bits: int
    rescale: Rescale
    result: Applied


@dataclass(frozen=True, slots=True, kw_only=True)
class ArgmaxCode(OperationCode):
    """An `Argmax`."""

    source: Place
    target: Place


def pointwise(
    program: Program,
    layout: Layout,
    op: Pointwise,
    routine: Routine,
    functions: Functions,
) -> PointwiseCode:
    """Return ``op`` as the templates take it."""
    target = layout.places[op.target]
    fracs = [sum(program.vector(n).fmt.frac_bits for n in term.names) for term in op.terms]
    align, result = max(fracs), op.result_fmt(program.vector)
    low = high = bound = 0
    addends = []
    for term, frac in zip(op.terms, fracs, strict=True):
        scale = (-1 if term.minus else 1) << (align - frac)
        fmts = [program.vector(name).fmt for name in term.names]
        reach = [scale * prod(x) for x in product(*((f.min, f.max) for f in fmts))]
        low, high = low + min(reach), high + max(reach)
        bound += abs(scale) * prod(magnitude(f) for f in fmts)
        addends.append(
            Addend(
                a=layout.places[term.a],
                b=layout.places[term.b] if term.b else None,
                scale=abs(scale),
                minus=term.minus,
            )
        )
    narrowest = max(sum_bits(bound), *(layout.places[name].sum_bits for name in op.reads))
    rescale = Rescale.of(low, high, align - result.frac_bits, narrowest)
    ends = rescale.map(low), rescale.map(high)
    return PointwiseCode(
        kind=op.kind,
        about=arrow(op),
        multiplies=program.multiplies(op),
        routine=routine,
        channels=1,
        tables=(),
        scratch=0,
        target=target,
        addends=tuple(addends),
        bits=rescale.bits,
        rescale=rescale,
        result=functions.apply(op.function, *ends, rescale.bits, target.vector.fmt),
    )


def argmax(layout: Layout, op: Argmax, routine: Routine) -> ArgmaxCode:
    """Return ``op`` as the templates take it."""
    return ArgmaxCode(
        kind=op.kind,
        about=arrow(op),
        multiplies=0,
        routine=routine,
        channels=1,
        tables=(),
        scratch=0,
        source=layout.places[op.source],
        target=layout.places[op.target],
    )
