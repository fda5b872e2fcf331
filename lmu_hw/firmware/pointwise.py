"""Template data of element-wise operations and of the argmax."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..program.integer_program import Argmax, Pointwise, Program, Vector
from .c_expressions import (
    Expression,
    constant,
    minus,
    negative,
    plus,
    stored,
    times,
    width_of,
    word,
)
from .function import Functions
from .kernels import rescaled
from .layout import Layout, Place
from .operation import Accumulator, OperationCode, Routine, arrow


@dataclass(frozen=True, slots=True, kw_only=True)
class PointwiseCode(OperationCode):
    """A `Pointwise`.

    ``first`` is the first term, ``rest`` the statements that add the others to ``sum``, ``x`` the
    sum with additional fractional bits if needed, and ``stored`` the word of the target. If the
    words of a ``source`` are only rounded and saturated, a kernel does it, with ``shift``.
    """

    target: Place
    sum_type: str
    first: str
    rest: tuple[str, ...]
    x_type: str
    x: str
    stored: str
    source: Place | None
    shift: int


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
    """Return the template data of ``op``."""
    target = layout.places[op.target]
    fracs = [sum(program.vector(n).fmt.frac_bits for n in term.names) for term in op.terms]
    align, result = max(fracs), op.result_fmt(program.vector)
    source = layout.places[op.terms[0].names[0]] if only_rounds(op, program.vector) else None
    bits = _bits(_terms(layout, op, fracs, 0), op)
    terms = _terms(layout, op, fracs, bits)
    first = negative(terms[0], bits) if op.terms[0].minus else terms[0]
    sums, rest = [word("sum", f"int{bits}_t", *first.cases)], []
    for term, x in zip(op.terms[1:], terms[1:], strict=True):
        total = minus(sums[-1], x) if term.minus else plus(sums[-1], x)
        sums.append(word("sum", f"int{bits}_t", *total.cases))
        rest.append(f"sum {'-' if term.minus else '+'}= {x.text}")
    rescaled_sum = rescaled(sums[-1], align - result.frac_bits)
    scales_up = align < result.frac_bits
    x = word("x", rescaled_sum.ctype, *rescaled_sum.cases) if scales_up else rescaled_sum
    reached = word("sum", f"int{bits}_t", *(case for total in sums for case in total.cases))
    return PointwiseCode(
        kind=op.kind,
        about=arrow(op),
        multiplies=program.multiplies(op),
        routine=routine,
        channels=1,
        tables=(),
        scratch=0,
        accumulators=() if source else (Accumulator.of(routine.kind, reached),),
        source=source,
        shift=align - result.frac_bits,
        target=target,
        sum_type=reached.ctype,
        first=stored(first, reached.ctype),
        rest=tuple(rest),
        x_type=x.ctype if scales_up else "",
        x=rescaled_sum.text,
        stored=functions.applied(op.function, x, target),
    )


def only_rounds(op: Pointwise, vector: Callable[[str], Vector]) -> bool:
    """Return whether words of 17 to 31 bits are rounded to 16 bits, and nothing else."""
    (term, *others), fmt, to = op.terms, vector(op.terms[0].names[0]).fmt, vector(op.target).fmt
    plain = not others and not term.b and not term.minus and op.function is None
    words = fmt.signed and to.signed and 16 < fmt.width < 32 and to.width == 16
    return plain and words and 0 < fmt.frac_bits - to.frac_bits <= 16


def _terms(layout: Layout, op: Pointwise, fracs: list[int], least: int) -> list[Expression]:
    """Return the aligned terms, without their signs, computed in at least ``least`` bits."""
    terms = []
    for term, frac in zip(op.terms, fracs, strict=True):
        x = layout.places[term.a].expression("i")
        if term.b:
            x = times(x, layout.places[term.b].expression("i"), least)
        if frac < max(fracs):
            x = times(x, constant(1 << (max(fracs) - frac)), least)
        terms.append(x)
    return terms


def _bits(terms: list[Expression], op: Pointwise) -> int:
    """Return the width of a variable that holds every term and every partial sum."""
    low = high = 0
    seen = [(0, 0)]
    for term, x in zip(op.terms, terms, strict=True):
        least, most = (-x.high, -x.low) if term.minus else (x.low, x.high)
        low, high = low + least, high + most
        seen += [(x.low, x.high), (low, high)]
    return max(width_of(tuple(seen), 32), *(x.bits for x in terms))


def argmax(layout: Layout, op: Argmax, routine: Routine) -> ArgmaxCode:
    """Return the template data of ``op``."""
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
