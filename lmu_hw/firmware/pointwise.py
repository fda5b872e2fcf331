"""Template data of element-wise operations and of the argmax."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from ..program.integer_program import Argmax, Pointwise, Program, Term, Vector
from .c_expressions import (
    Expression,
    call,
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
from .vector_passes import Passes, last_pass, takes_passes, term_pass


@dataclass(frozen=True, slots=True, kw_only=True)
class PointwiseCode(OperationCode):
    """A `Pointwise`.

    ``first`` is the first term, ``rest`` the statements that add the others to ``sum``, ``x`` the
    sum with additional fractional bits if needed, and ``stored`` the word of the target. If the
    words of a ``source`` are only rounded and saturated, a kernel does it, with ``shift``. With
    vectors, ``passes`` take the place of the loop.
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
    passes: Passes | None


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
    result = op.result_fmt(program.vector)
    source = layout.places[op.terms[0].names[0]] if only_rounds(op, program.vector) else None
    bits = _bits(_terms(layout, op, fracs, 0), op)
    found = _aligned_sum(layout, op, fracs, bits)
    if bits == 64 and min(fracs) > result.frac_bits:
        found = _short_sum(layout, op, fracs) or found
    total = found.sums[-1]
    rescaled_sum = rescaled(total, found.frac_bits - result.frac_bits)
    scales_up = found.frac_bits < result.frac_bits
    x = word("x", rescaled_sum.ctype, *rescaled_sum.cases) if scales_up else rescaled_sum
    stored_word = functions.applied(op.function, x, target)
    passes = None if source else _passes(layout, op, fracs, result.frac_bits, functions)
    reached = word("sum", total.ctype, *(case for sum_ in found.sums for case in sum_.cases))
    return PointwiseCode(
        kind=op.kind,
        about=arrow(op),
        multiplies=program.multiplies(op),
        routine=routine,
        channels=1,
        tables=(),
        scratch=target.vector.length * 4 if passes else 0,
        accumulators=() if source else (Accumulator.of(routine.kind, reached),),
        source=source,
        shift=found.frac_bits - result.frac_bits,
        target=target,
        sum_type=reached.ctype,
        first=stored(found.first, reached.ctype),
        rest=found.rest,
        x_type=x.ctype if scales_up else "",
        x=rescaled_sum.text,
        stored=stored_word,
        passes=passes,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sum:
    """The first term, statements that add the others to ``sum``, and ``sum`` after each term."""

    first: Expression
    rest: tuple[str, ...]
    sums: tuple[Expression, ...]
    frac_bits: int


def _aligned_sum(layout: Layout, op: Pointwise, fracs: list[int], bits: int) -> _Sum:
    """Return the sum of all terms, aligned to the finest of them."""
    terms = _terms(layout, op, fracs, bits)
    first = negative(terms[0], bits) if op.terms[0].minus else terms[0]
    sums, rest = [word("sum", f"int{bits}_t", *first.cases)], []
    for term, x in zip(op.terms[1:], terms[1:], strict=True):
        total = minus(sums[-1], x) if term.minus else plus(sums[-1], x)
        sums.append(word("sum", f"int{bits}_t", *total.cases))
        rest.append(f"sum {'-' if term.minus else '+'}= {x.text}")
    return _Sum(first=first, rest=tuple(rest), sums=tuple(sums), frac_bits=max(fracs))


def _short_sum(layout: Layout, op: Pointwise, fracs: list[int]) -> _Sum | None:
    """Return a sum in 32 bits that has the same rounded result as `_aligned_sum`, or None.

    Terms are added in the order of their fractional bits, the most first. Before a term with fewer
    is added, the sum drops the bits that it has beyond them, rounded down. What is added later,
    the half of the rounding included, is a multiple of the bits that are kept, so the result is the
    same. None if a sum or a term exceeds 32 bits.
    """
    order = sorted(range(len(fracs)), key=lambda n: -fracs[n])
    terms = [_product(layout, op.terms[n], 0) for n in order]
    if any(x.bits > 32 for x in terms):
        return None
    start = negative(terms[0], 32) if op.terms[order[0]].minus else terms[0]
    sums, rest, frac = [word("sum", "int32_t", *start.cases)], [], fracs[order[0]]
    for n, x in zip(order[1:], terms[1:], strict=True):
        drop, frac, held = frac - fracs[n], fracs[n], sums[-1]
        if drop:
            cases = tuple((low >> drop, high >> drop) for low, high in held.cases)
            held = call("lmu_asr32", 32, [held], cases, str(drop))
        total = minus(held, x) if op.terms[n].minus else plus(held, x)
        if total.bits > 32:
            return None
        sums.append(word("sum", "int32_t", *total.cases))
        sign = "-" if op.terms[n].minus else "+"
        rest.append(f"sum = {total.text}" if drop else f"sum {sign}= {x.text}")
    return _Sum(first=start, rest=tuple(rest), sums=tuple(sums), frac_bits=frac)


def _passes(
    layout: Layout, op: Pointwise, fracs: list[int], frac: int, functions: Functions
) -> Passes | None:
    """Return the passes that compute all words with ``frac`` fractional bits, or None."""
    target = layout.places[op.target]
    places = {name: layout.places[name] for name in op.reads}
    if not takes_passes(target, target.vector.length) or any(
        place.ctype != "int16_t" for place in places.values()
    ):
        return None
    order = sorted(range(len(fracs)), key=lambda n: -fracs[n])
    terms = [op.terms[n] for n in order]
    found = _short_sum(layout, op, fracs)
    if found is None or terms[0].minus:
        return None
    gained = frac - found.frac_bits
    if (gained >= 0 and len(set(fracs)) > 1) or (gained > 0 and (len(terms) > 1 or terms[0].b)):
        return None
    if gained > 0 and times(found.first, constant(1 << gained)).bits > 32:
        return None
    lost = [0, *(fracs[a] - fracs[b] for a, b in pairwise(order))]
    calls = [
        term_pass(
            "sums",
            term,
            [places[n] for n in term.names],
            not k,
            max(gained, 0) if not k else lost[k],
        )
        for k, term in enumerate(terms)
    ]
    length = f"{target.macro}_LEN"
    more, last = last_pass("sums", max(-gained, 0), op.function, functions, target, length)
    return Passes(array="sums", looped=False, calls=(*calls, *more), last=last)


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
        x = _product(layout, term, least)
        if frac < max(fracs):
            x = times(x, constant(1 << (max(fracs) - frac)), least)
        terms.append(x)
    return terms


def _product(layout: Layout, term: Term, least: int) -> Expression:
    """Return a term without its sign."""
    x = layout.places[term.a].expression("i")
    return times(x, layout.places[term.b].expression("i"), least) if term.b else x


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
