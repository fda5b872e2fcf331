"""The memory as a chain of adaptors, as plain data for the C templates."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from ..fixedpoint import QFormat
from ..program import Adaptor, Cascade, Program
from .layout import Layout, Place, macro_int
from .operation import OperationCode, Routine, arrow
from .words import (
    Column,
    Helpers,
    Rescale,
    Table,
    magnitude,
    signed_type,
    sum_bits,
    table_type,
    type_bits,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A word that enters and leaves adaptors."""

    name: str
    fmt: QFormat
    ctype: str
    low: str
    high: str

    @property
    def bits(self) -> int:
        """Width of the C type."""
        return type_bits(self.ctype)


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """One side of an adaptor: its words are aligned by ``1 << drop``, later rounded by ``drop``."""

    signal: Signal
    drop: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptorCode:
    """One of the up to three kinds of adaptor in a chain.

    ``bits`` is the width of its sums, ``narrow`` whether ``b - a`` fits 32 bits where they do not.
    """

    kind: str
    a: Port
    b: Port
    frac_bits: int
    bits: int
    narrow: bool
    coef_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Neighbouring sections of one kind; ``lag`` reals before a pair part its two indices."""

    pairs: bool
    start: int
    stop: int
    lag: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Coefficients:
    """The coefficients along one state vector, and their shifts."""

    coef: Table
    shift: Column


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeCode(OperationCode):
    """A `Cascade`; what belongs to pairs is None without one."""

    source: Place
    silence: Place
    inner: Place
    outer: Place | None
    window: int
    chain: Signal
    chain_low: str
    chain_high: str
    entry: Rescale
    adaptors: tuple[AdaptorCode, ...]
    runs: tuple[Run, ...]
    n_pairs: int
    n_sections: int
    outer_coefs: Coefficients | None
    inner_coefs: Coefficients


def cascade(
    program: Program, layout: Layout, op: Cascade, routine: Routine, helpers: Helpers
) -> CascadeCode:
    """Return ``op`` as the templates take it, and note its helpers."""
    source, inner = layout.places[op.source], layout.places[op.z_inner]
    outer = layout.places[op.z_outer] if op.n_pairs else None
    fmt, macro = op.chain_fmt, routine.name.upper()
    chain = Signal(
        name="w",
        fmt=fmt,
        ctype=signed_type(fmt.min, fmt.max, narrowest=32),
        low=f"{macro}_W_MIN",
        high=f"{macro}_W_MAX",
    )
    pairs = [s for s in op.sections if len(s) == 2]
    reals = [s for s in op.sections if len(s) == 1]
    z_inner = _signal(inner)
    outer_coefs = None
    adaptors = []
    if outer:
        outer_coefs = _coefficients(f"{routine.name}_outer", outer, [s[0] for s in pairs])
        adaptors.append(_adaptor("outer", chain, _signal(outer), [s[0] for s in pairs]))
        adaptors.append(_adaptor("inner", z_inner, _signal(outer), [s[1] for s in pairs]))
    if reals:
        adaptors.append(_adaptor("real", z_inner, chain, [s[0] for s in reals]))
    inner_coefs = _coefficients(f"{routine.name}_inner", inner, [s[-1] for s in op.sections])
    for adaptor in adaptors:
        helpers.use_round(adaptor.bits)
        helpers.clip.add(adaptor.bits)
    u = source.vector.fmt
    entry = Rescale.of(u.min, u.max, u.frac_bits - fmt.frac_bits, source.sum_bits)
    entry = entry.limited(u.min, u.max, fmt)
    helpers.use_rescale(entry)
    helpers.silent.add(layout.places[op.silence].bits)
    tables = [t for c in (outer_coefs, inner_coefs) if c for t in (c.coef, c.shift.table) if t]
    return CascadeCode(
        kind=op.kind,
        about=arrow(op),
        multiplies=program.multiplies(op),
        routine=routine,
        channels=program.channels(op),
        tables=tuple(tables),
        scratch=0,
        source=source,
        silence=layout.places[op.silence],
        inner=inner,
        outer=outer,
        window=op.window,
        chain=chain,
        chain_low=macro_int(fmt.min),
        chain_high=macro_int(fmt.max),
        entry=entry,
        adaptors=tuple(adaptors),
        runs=_runs(op),
        n_pairs=op.n_pairs,
        n_sections=len(op.sections),
        outer_coefs=outer_coefs,
        inner_coefs=inner_coefs,
    )


def _signal(place: Place) -> Signal:
    v = place.vector
    return Signal(
        name=v.name,
        fmt=v.fmt,
        ctype=place.ctype,
        low=f"{place.macro}_MIN",
        high=f"{place.macro}_MAX",
    )


def _adaptor(kind: str, a: Signal, b: Signal, used: list[Adaptor]) -> AdaptorCode:
    align = max(a.fmt.frac_bits, b.fmt.frac_bits)
    drops = align - a.fmt.frac_bits, align - b.fmt.frac_bits
    difference = (magnitude(a.fmt) << drops[0]) + (magnitude(b.fmt) << drops[1])
    # |t|, |2 a - b| and their sum b' are below 2 (|a| + |b|) each; rounding adds a half.
    bits = sum_bits(2 * difference + (1 << max(drops)))
    return AdaptorCode(
        kind=kind,
        a=Port(signal=a, drop=drops[0]),
        b=Port(signal=b, drop=drops[1]),
        frac_bits=align,
        bits=bits,
        narrow=bits == 64 and sum_bits(difference) == 32,
        coef_type=signed_type(0, max(e.coef for e in used), narrowest=32),
    )


def _coefficients(name: str, place: Place, used: list[Adaptor]) -> Coefficients:
    shift = Column.of(f"{name}_shift", f"Right shifts of {name}_coef", tuple(e.shift for e in used))
    scale = "a shift of its own" if shift.table else f"{shift.value} fractional bits"
    coef = Table(
        name=f"{name}_coef",
        about=f"Coefficient e of each {place.vector.name}, {scale}",
        ctype=table_type(e.coef for e in used),
        values=tuple(e.coef for e in used),
    )
    return Coefficients(coef=coef, shift=shift)


def _runs(op: Cascade) -> tuple[Run, ...]:
    runs, start, reals = [], 0, 0
    for size, group in groupby(op.sections, key=len):
        stop = start + len(list(group))
        runs.append(Run(pairs=size == 2, start=start, stop=stop, lag=reals))
        reals += (stop - start) * (size == 1)
        start = stop
    return tuple(runs)
