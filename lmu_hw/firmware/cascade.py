"""The memory as a chain of adaptors, as plain data for the C templates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from ..fixedpoint import QFormat
from ..program import Adaptor, Cascade, Program
from .layout import Layout, Place, macro_int
from .operation import OperationCode, Routine, arrow
from .words import (
    Column,
    Rescale,
    Table,
    magnitude,
    signed_type,
    sum_bits,
    table_type,
    type_bits,
)

WORD_BITS = 32
"""Width of the factors of a fast product."""
ACCUMULATOR_BITS = 64
"""Width of a product, and of sums of products."""


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
    Coefficients come with ``shift`` fractional bits, or each with its own where that is None; ``b -
    a`` is multiplied by ``gain`` first. With ``products`` it is not formed: both words are
    multiplied.
    """

    kind: str
    a: Port
    b: Port
    frac_bits: int
    bits: int
    narrow: bool
    shift: int | None = None
    gain: int = 1
    products: bool = False

    @property
    def total_shift(self) -> int | None:
        """Fractional bits that a product has more than ``frac_bits``."""
        return None if self.shift is None else self.shift + self.gain.bit_length() - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Neighbouring sections of one kind."""

    pairs: bool
    length: int


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
    coef: Table
    coef_type: str
    shift: Column | None


def cascade(program: Program, layout: Layout, op: Cascade, routine: Routine) -> CascadeCode:
    """Return ``op`` as the templates take it."""
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
    z_inner = _signal(inner)
    used = _by_kind(op)
    adaptors = []
    if outer:
        adaptors.append(_adaptor("outer", chain, _signal(outer), used["outer"]))
        adaptors.append(_adaptor("inner", z_inner, _signal(outer), used["inner"]))
    if used["real"]:
        adaptors.append(_adaptor("real", z_inner, chain, used["real"]))
    if any(adaptor.shift is None for adaptor in adaptors):
        adaptors = [replace(a, shift=None, gain=1, products=False) for a in adaptors]
    coef, shift = _coefficients(routine.name, op, adaptors)
    u = source.vector.fmt
    entry = Rescale.of(u.min, u.max, u.frac_bits - fmt.frac_bits, source.sum_bits)
    entry = entry.limited(u.min, u.max, fmt)
    tables = [coef, shift.table] if shift and shift.table else [coef]
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
        coef=coef,
        coef_type=signed_type(0, max(coef.values), narrowest=WORD_BITS),
        shift=shift,
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
    general = AdaptorCode(
        kind=kind,
        a=Port(signal=a, drop=drops[0]),
        b=Port(signal=b, drop=drops[1]),
        frac_bits=align,
        bits=bits,
        narrow=bits == 64 and sum_bits(difference) == 32,
    )
    return next(
        (
            code
            for code in _faster(general, difference)
            if all(_scaled(e, code) is not None for e in used)
        ),
        general,
    )


def _faster(general: AdaptorCode, difference: int) -> Iterator[AdaptorCode]:
    """Return what ``general`` may become if its coefficients can be scaled to one shift.

    First, the upper half of a product of 32 by 32 bits is the sum that is wanted.
    """
    if general.bits == 32:
        for log2_gain in range(WORD_BITS - difference.bit_length()):
            yield replace(general, shift=WORD_BITS - log2_gain, gain=1 << log2_gain)
    # |a' or b'| with all its bits, before rounding, is below 2 (|a| + |b|).
    room = ACCUMULATOR_BITS - (2 * difference).bit_length() - 2
    drop = max(general.a.drop, general.b.drop)
    if max(general.a.signal.bits, general.b.signal.bits) <= WORD_BITS:
        for shift in range(min(room, WORD_BITS - 2 - drop) + 1):
            yield replace(general, shift=shift, products=general.bits == 64)


def _scaled(e: Adaptor, code: AdaptorCode) -> int | None:
    """Return the coefficient with the shift of ``code``, or None if that is no 32-bit number."""
    if code.shift is None:
        return e.coef
    # a gain on the other factor takes the place of bits of the coefficient
    up = code.shift - e.shift
    coef = e.coef << up if up >= 0 else 0
    return coef if 0 < coef < 1 << (WORD_BITS - 1) else None


def _by_kind(op: Cascade) -> dict[str, list[Adaptor]]:
    """Return the adaptors of the chain by kind."""
    pairs = [s for s in op.sections if len(s) == 2]
    return {
        "outer": [outer for outer, _ in pairs],
        "inner": [inner for _, inner in pairs],
        "real": [s[0] for s in op.sections if len(s) == 1],
    }


def _coefficients(
    name: str, op: Cascade, adaptors: list[AdaptorCode]
) -> tuple[Table, Column | None]:
    """Return the coefficients as the chain meets them, and their shifts if they differ."""
    codes = {adaptor.kind: adaptor for adaptor in adaptors}
    kinds = [k for s in op.sections for k in (("outer", "inner") if len(s) == 2 else ("real",))]
    used = [e for section in op.sections for e in section]
    values = tuple(_scaled(e, codes[k]) or e.coef for e, k in zip(used, kinds, strict=True))
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


def _runs(op: Cascade) -> tuple[Run, ...]:
    return tuple(
        Run(pairs=size == 2, length=len(list(group)))
        for size, group in groupby(op.sections, key=len)
    )
