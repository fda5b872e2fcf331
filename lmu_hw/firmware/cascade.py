"""Template data of a memory in cascade form, a chain of adaptors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby

from ..program.integer_program import Adaptor, Cascade, Program
from .c_types import Column, Table, signed_type, table_type
from .kernels import rescaled
from .layout import Layout, Place, macro_int
from .operation import OperationCode, Routine, arrow
from .two_port import WORD_BITS, AdaptorCode, AdaptorSignal, Plan, adaptor, plan_of, scaled


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionRun:
    """Consecutive sections of one kind."""

    pairs: bool
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeCode(OperationCode):
    """A `Cascade`; ``outer`` is None if it has no pair of poles.

    With ``lanes``, vectors hold the words of so many channels; 0 if no adaptor can do so.
    """

    source: Place
    silence: Place
    inner: Place
    outer: Place | None
    window: int
    chain: AdaptorSignal
    chain_low: str
    chain_high: str
    entries: tuple[str, ...]
    adaptors: tuple[AdaptorCode, ...]
    runs: tuple[SectionRun, ...]
    n_pairs: int
    n_sections: int
    coef: Table
    coef_type: str
    shift: Column | None
    lanes: int


LANES = 4
"""Words of 32 bits in a vector."""


def cascade(program: Program, layout: Layout, op: Cascade, routine: Routine) -> CascadeCode:
    """Return the template data of ``op``."""
    source, inner = layout.places[op.source], layout.places[op.z_inner]
    outer = layout.places[op.z_outer] if op.n_pairs else None
    fmt, macro = op.chain_fmt, routine.name.upper()
    chain = AdaptorSignal(
        name="w",
        fmt=fmt,
        ctype=signed_type(fmt.min, fmt.max, narrowest=32),
        low=f"{macro}_W_MIN",
        high=f"{macro}_W_MAX",
    )
    z_inner = _signal(inner)
    used = _by_kind(op)
    plans = []
    if outer:
        plans.append(plan_of("outer", chain, _signal(outer), used["outer"]))
        plans.append(plan_of("inner", z_inner, _signal(outer), used["inner"]))
    if used["real"]:
        plans.append(plan_of("real", z_inner, chain, used["real"]))
    if any(plan.shift is None for plan in plans):
        plans = [replace(a, shift=None, gain=1, products=False) for a in plans]
    coef, shift = _coefficients(routine.name, op, plans)
    coef_type = signed_type(0, max(coef.values), narrowest=WORD_BITS)
    adaptors = tuple(adaptor(routine, plan, used[plan.kind], coef_type, shift) for plan in plans)
    lost = source.vector.fmt.frac_bits - fmt.frac_bits
    entries = tuple(
        chain.stored(rescaled(source.expression(c), lost, chain.bits)) for c in ("0", "c")
    )
    tables = [coef, shift.table] if shift and shift.table else [coef]
    lanes = _lanes(program.channels(op), plans, chain)
    return CascadeCode(
        kind=op.kind,
        about=arrow(op),
        multiplies=program.multiplies(op),
        routine=routine,
        channels=program.channels(op),
        tables=tuple(tables),
        scratch=program.channels(op) * 8 if lanes else 0,
        accumulators=tuple(a for code in adaptors for a in code.accumulators),
        source=source,
        silence=layout.places[op.silence],
        inner=inner,
        outer=outer,
        window=op.window,
        chain=chain,
        chain_low=macro_int(fmt.min),
        chain_high=macro_int(fmt.max),
        entries=entries,
        adaptors=adaptors,
        runs=_runs(op),
        n_pairs=op.n_pairs,
        n_sections=len(op.sections),
        coef=coef,
        coef_type=coef_type,
        shift=shift,
        lanes=lanes,
    )


def _lanes(n_channels: int, plans: list[Plan], chain: AdaptorSignal) -> int:
    """Return the channels that vectors hold, if the upper half of a product is what is added."""
    sides = [side.signal for plan in plans for side in (plan.a, plan.b)]
    fits = all(
        plan.bits == WORD_BITS
        and plan.shift is not None
        and plan.shift + plan.gain.bit_length() - 1 == WORD_BITS
        for plan in plans
    )
    words = all(s.bits == WORD_BITS and s.fmt.signed for s in (chain, *sides))
    return LANES if n_channels >= LANES and fits and words else 0


def _signal(place: Place) -> AdaptorSignal:
    v = place.vector
    return AdaptorSignal(
        name=v.name,
        fmt=v.fmt,
        ctype=place.ctype,
        low=f"{place.macro}_MIN",
        high=f"{place.macro}_MAX",
    )


def _by_kind(op: Cascade) -> dict[str, list[Adaptor]]:
    """Return the adaptors of the chain by kind."""
    pairs = [s for s in op.sections if len(s) == 2]
    return {
        "outer": [outer for outer, _ in pairs],
        "inner": [inner for _, inner in pairs],
        "real": [s[0] for s in op.sections if len(s) == 1],
    }


def _coefficients(name: str, op: Cascade, adaptors: list[Plan]) -> tuple[Table, Column | None]:
    """Return the coefficients in the order of the chain, and their shifts if they differ."""
    codes = {adaptor.kind: adaptor for adaptor in adaptors}
    kinds = [k for s in op.sections for k in (("outer", "inner") if len(s) == 2 else ("real",))]
    used = [e for section in op.sections for e in section]
    values = tuple(scaled(e, codes[k]) or e.coef for e, k in zip(used, kinds, strict=True))
    scales = [f"{code.kind} {code.shift}" for code in adaptors]
    shift = None
    if adaptors[0].shift is None:
        shifts = tuple(e.shift for e in used)
        shift = Column.of(f"{name}_shift", f"Right shifts of {name}_coef", shifts)
        scales = ["a shift of its own"] if shift.table else [f"{shift.value} fractional bits"]
    elif len(scales) == 1:
        scales = [f"{adaptors[0].shift} fractional bits"]
    else:
        scales = ["fractional bits: " + ", ".join(scales)]
    about = f"Coefficients e along the chain; {scales[0]}"
    coef = Table(name=f"{name}_coef", about=about, ctype=table_type(values), values=values)
    return coef, shift


def _runs(op: Cascade) -> tuple[SectionRun, ...]:
    return tuple(
        SectionRun(pairs=size == 2, length=len(list(group)))
        for size, group in groupby(op.sections, key=len)
    )
