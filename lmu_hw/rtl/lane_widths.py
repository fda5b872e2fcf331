"""Widths of the lanes and of the units behind them, derived from the program's formats."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from amaranth.hdl import Shape

from ..program.fixedpoint import QFormat
from ..program.integer_program import (
    Argmax,
    DenseUpdate,
    Linear,
    Operation,
    Pointwise,
    Scale,
    Vector,
)
from .constant_tables import signed_width
from .schedule import Kind, RomRun, Schedule, payload_bits


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneWidths:
    """Widths [bits] of the signals between the memory and the results.

    Parameters
    ----------
    word : int
        Word of the lanes' memory.
    x, factor : int
        Factors of a lane's product.
    weight : int
        Weight from the ROM.
    total : int
        Sum, bias included.
    base : int
        Word that a dense memory's sum is added to; 1 without a dense memory.
    index : int
        Argmax index; 0 without an argmax.
    """

    word: int
    x: int
    factor: int
    weight: int
    total: int
    base: int
    index: int


def widths(plan: Schedule) -> LaneWidths:
    """Return the widths of a schedule's hardware."""
    program, formats = plan.program, plan.formats
    runs = [run for run in plan.due.runs if run.source is not None]

    def widest(*kinds: Kind) -> int:
        return max((_width(plan, r) for r in runs if r.kind in kinds), default=0)

    weight = max((w for word in plan.weights for w in word), default=0)
    least = min((w for word in plan.weights for w in word), default=0)
    weight_bits = max(weight.bit_length(), (-least - 1).bit_length() if least < 0 else 0) + 1
    searched = [r.cycles for r in runs if r.kind is Kind.COMPARE]
    index = (max(searched) - 1).bit_length() if searched else 0
    x = widest(Kind.ROWS, Kind.COLUMNS, Kind.SCALE, Kind.TERM, Kind.HOLD)
    # room for the factor -1, or for a negated word
    ones = 2 if any(r.kind in (Kind.TERM, Kind.INDEX) for r in plan.due.runs) else 0
    products = widest(Kind.PRODUCT)
    total = max(_total_bits(plan, op) for op in program.ops)
    return LaneWidths(
        word=max(signed_width(formats[name]) for name, _ in plan.places),
        x=max(1, x, index + 1 if index else 0),
        factor=max(weight_bits if plan.weights else 1, ones, products + 1 if products else 0),
        weight=weight_bits if plan.weights else 1,
        total=total,
        base=max((signed_width(t.fmt) for t in plan.jobs if t.gated), default=1),
        index=index,
    )


def _width(plan: Schedule, run: RomRun) -> int:
    assert run.source is not None
    return signed_width(plan.formats[run.source[0]])


def _total_bits(plan: Schedule, op: Operation) -> int:
    """Return the width that holds every partial sum of an operation, in any order."""
    vector = plan.program.vector
    peak = 1
    if isinstance(op, Linear):
        peak = max(op.peaks(vector))
    elif isinstance(op, Scale):
        peak = max(map(abs, op.coefs)) * _peak(vector(op.source).fmt)
    elif isinstance(op, Pointwise):
        fracs = [sum(vector(n).fmt.frac_bits for n in term.names) for term in op.terms]
        top = max(*fracs, op.result_fmt(vector).frac_bits)
        for term, frac in zip(op.terms, fracs, strict=True):
            peak += prod(_peak(vector(n).fmt) for n in term.names) << (top - frac)
    elif isinstance(op, DenseUpdate):
        source, state = vector(op.source).fmt, vector(op.state).fmt
        u = _peak(source) << max(0, state.frac_bits - source.frac_bits)
        peak = u + max(sum(map(abs, row)) * _peak(state) + abs(row[0]) * u for row in op.rows)
    elif isinstance(op, Argmax):
        peak = vector(op.source).length
    return peak.bit_length() + 1


def _peak(fmt: QFormat) -> int:
    return max(-fmt.min, fmt.max)


def payload_shape(vectors: tuple[Vector, ...]) -> Shape:
    """Return the shape that holds any word of the vectors."""
    return Shape(*payload_bits(vectors))


def depth_to_clear(plan: Schedule) -> int:
    """Return the depth of the deepest memory [words]."""
    return max(plan.rows, sum(feed.states for feed in plan.feeds), len(plan.feeds))
