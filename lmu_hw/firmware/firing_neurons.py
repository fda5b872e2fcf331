"""Template data of a memory on spiking neurons: a cascade whose sections read counts of spikes.

One C function fires the neurons of any state. Its expressions have a case for each state of a
channel, in the order of the sections.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..program.integer_program import Program, Spiking
from ..program.spiking_update import DRAW_BITS
from .c_expressions import SUM, Expression, Range, minus, plus, stored, width_of, word
from .c_types import Column, Table
from .cascade import CascadeCode, cascade
from .kernels import guarded, half_up, limited, narrowed
from .layout import Layout, Place
from .operation import Accumulator, OperationCode, Routine, arrow

WORD_BITS = 32
"""Narrowest arithmetic [bits]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FiringCode:
    """What the neurons of a state do, in C; expressions of the other model are empty.

    Attributes
    ----------
    bits : int
        Width of all words.
    clips : bool
        A state may exceed the full scale of its neurons.
    v, rest : str
        Sum of membrane, state and half a quantum; the new membrane.
    threshold, q : str
        Threshold of the draws; the word that ``n`` spikes stand for, without its sign.
    sent : Expression
        A call that fires the neurons of ``*z`` and returns q.
    """

    bits: int
    clips: bool
    v: str = ""
    rest: str = ""
    threshold: str = ""
    q: str = ""
    sent: Expression
    accumulator: Accumulator


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedState:
    """A state of a section: the word that its spikes stand for, and the new state."""

    place: Place
    sent: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpikingCode(OperationCode):
    """A `Spiking`.

    ``chain`` are its sections, under its own name, and ``kept`` the words of the neurons: membranes
    or generators, each of which draws ``rounds`` times for a state. ``count`` is the number of
    spikes of a state without its sign, ``total`` their sum as a word of ``spikes``.
    """

    chain: CascadeCode
    kept: Place
    spikes: Place
    count: str
    total_type: str
    total: str
    population: int
    order: int
    rounds: int
    quanta: Column
    lifts: Column
    seeds: Table | None
    firing: FiringCode
    states: dict[str, CarriedState]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Neurons:
    """The neurons of a channel.

    ``held`` are the words of each state, ``ends`` those up to ``full``, the full scale of its
    neurons. A Poisson state is shifted left by ``lifts`` first, to become a threshold.
    """

    op: Spiking
    routine: Routine
    quanta: Column
    lifts: Column
    held: tuple[Range, ...]
    ends: tuple[Range, ...]
    full: tuple[int, ...]

    @classmethod
    def of(cls, layout: Layout, op: Spiking, routine: Routine) -> _Neurons:
        name, h = routine.name, op.population
        lifts = tuple(max(0, DRAW_BITS - s - h) if op.seeds else 0 for s in op.quanta)
        fmts = [layout.places[owner].vector.fmt for owner, _ in op.places]
        full = tuple(1 << s + h for s in op.quanta)
        return cls(
            op=op,
            routine=routine,
            quanta=Column.of(f"{name}_quanta", "Log2 of the LSBs of a spike, by state", op.quanta),
            lifts=Column.of(f"{name}_lifts", "Left shifts of states for their thresholds", lifts),
            held=tuple((f.min, f.max) for f in fmts),
            ends=tuple((max(f.min, -n), min(f.max, n)) for f, n in zip(fmts, full, strict=True)),
            full=full,
        )

    @property
    def columns(self) -> dict[str, Column]:
        """The parameters of a state that differ from state to state."""
        found = {"s": self.quanta, "lift": self.lifts}
        return {name: column for name, column in found.items() if column.table}

    @property
    def clips(self) -> bool:
        """Whether a state may exceed its full scale."""
        return self.ends != self.held

    @property
    def words(self) -> tuple[Range, ...]:
        """Words that the function computes with for either model."""
        found = self.held
        if self.clips or self.op.seeds:
            found += tuple((low, max(-low, high)) for low, high in self.held)
        if self.clips or self.op.membrane:
            found += tuple((0, 1 << s) for s in self.op.quanta)
        return found + tuple((-n, n) for n in self.full if self.clips)

    def call(self, ctype: str, cases: tuple[Range, ...]) -> Expression:
        """Return a call of the function, which returns q."""
        kept = "membrane++" if self.op.membrane else "generators"
        arguments = ["*z", *(f"*{name}++" for name in self.columns), kept, "&spikes"]
        return word(f"{self.routine.name}_fire({', '.join(arguments)})", ctype, *cases)


def spiking(program: Program, layout: Layout, op: Spiking, routine: Routine) -> SpikingCode:
    """Return the template data of ``op``."""
    chain, neurons = cascade(program, layout, op.cascade, routine), _Neurons.of(layout, op, routine)
    seeds = None
    if op.seeds:
        about = "Seeds of the generators"
        seeds = Table(name=f"{routine.name}_seeds", about=about, ctype="uint32_t", values=op.seeds)
    used = (neurons.quanta.table, neurons.lifts.table, seeds)
    firing = _integrating(layout, neurons) if op.membrane else _drawing(neurons)
    pairs = zip(firing.sent.cases, op.quanta, strict=True)
    counts = tuple((0, max(-low, high) >> s) for (low, high), s in pairs)
    most = (0, sum(high for _, high in counts))
    total = word("spikes", f"int{width_of((most,), WORD_BITS)}_t", most)
    count = word("(n ^ side) - side", f"int{firing.bits}_t", *counts)
    spikes = layout.places[op.spikes]
    return SpikingCode(
        kind=op.kind,
        about=f"{arrow(op)}; {op.neurons(program.vector)} neurons",
        multiplies=program.multiplies(op),
        routine=routine,
        channels=program.channels(op),
        tables=(*chain.tables, *(table for table in used if table)),
        scratch=0,
        accumulators=(
            *chain.accumulators,
            firing.accumulator,
            Accumulator.of(f"{routine.kind}_sections", total),
        ),
        chain=chain,
        kept=layout.places[op.membrane or op.generators],
        spikes=spikes,
        count=stored(replace(count, level=SUM), total.ctype),
        total_type=total.ctype,
        total=spikes.stored(total),
        population=op.population,
        order=len(op.quanta),
        rounds=(1 << op.population) // max(1, len(op.seeds)),
        quanta=neurons.quanta,
        lifts=neurons.lifts,
        seeds=seeds,
        firing=firing,
        states=_states(layout, op, firing.sent),
    )


def _integrating(layout: Layout, neurons: _Neurons) -> FiringCode:
    """Return what integrate-and-fire neurons do."""
    op, membrane = neurons.op, layout.places[neurons.op.membrane]
    fmt, halves = membrane.vector.fmt, [1 << s >> 1 for s in op.quanta]
    cases = tuple(
        (fmt.min + low + half, fmt.max + high + half)
        for (low, high), half in zip(neurons.ends, halves, strict=True)
    )
    bits = width_of((*cases, *neurons.words), WORD_BITS)
    v = word("v", f"int{bits}_t", *cases)
    z = word("z", v.ctype, *neurons.ends)
    if neurons.clips:
        z = replace(z, text="(size ^ sign) - sign", level=SUM)
    state = plus(word("*membrane", membrane.ctype, (fmt.min, fmt.max)), z, bits)
    total = plus(state, word("half", v.ctype, *((half, half) for half in halves)))
    rest = word("(v & (one - 1)) - half", v.ctype, (fmt.min, fmt.max))
    pairs = zip(cases, op.quanta, strict=True)
    sent = tuple((low >> s << s, high >> s << s) for (low, high), s in pairs)
    return FiringCode(
        bits=bits,
        clips=neurons.clips,
        v=total.text,
        rest=stored(replace(rest, level=SUM), membrane.ctype),
        sent=neurons.call(v.ctype, sent),
        accumulator=Accumulator.of(f"{neurons.routine.kind}_fire", v),
    )


def _drawing(neurons: _Neurons) -> FiringCode:
    """Return what Poisson neurons do."""
    op, lifts, h = neurons.op, neurons.lifts, neurons.op.population
    up = lifts.values * (len(op.quanta) // len(lifts.values))
    pairs = zip(neurons.ends, up, strict=True)
    lifted = tuple((0, max(-low, high) << n) for (low, high), n in pairs)
    peaks = tuple((0, n) for n in neurons.full)
    bits = width_of((*peaks, *lifted, *neurons.words), WORD_BITS)
    lift = "lift" if lifts.table else str(lifts.value)
    size = word("size" if lifts.is_all(0) else f"size << {lift}", f"int{bits}_t", *lifted)
    drops = tuple(s + h + n - DRAW_BITS for s, n in zip(op.quanta, up, strict=True))
    fixed = drops[0] - sum(column.values[0] for column in neurons.columns.values())
    names = " + ".join(neurons.columns)
    drop = f"{names} {'-' if fixed < 0 else '+'} {abs(fixed)}" if names else str(fixed)
    s = "s" if neurons.quanta.table else str(neurons.quanta.value)
    q = word("q", f"int{bits}_t", *peaks)
    return FiringCode(
        bits=bits,
        clips=neurons.clips,
        threshold=stored(half_up(size, drops, drop), "int32_t"),
        q=f"{'(int64_t)' if bits > WORD_BITS else ''}n << {s}",
        sent=neurons.call(q.ctype, tuple((-n, n) for n in neurons.full)),
        accumulator=Accumulator.of(f"{neurons.routine.kind}_fire", q),
    )


def _states(layout: Layout, op: Spiking, sent: Expression) -> dict[str, CarriedState]:
    """Return the states of a section by name; that of a real pole is an inner one."""
    found = {}
    for name, vector in (("outer", op.cascade.z_outer), ("inner", op.cascade.z_inner)):
        pairs = zip(sent.cases, op.places, strict=True)
        cases = tuple(case for case, (owner, _) in pairs if owner == vector)
        if not cases:
            continue
        place = layout.places[vector]
        fmt, limits = place.vector.fmt, (f"{place.macro}_MIN", f"{place.macro}_MAX")
        q = replace(sent, text=sent.text.replace("*z", f"*z_{name}"), cases=cases)
        old, new, before = (
            word(text, place.ctype, (fmt.min, fmt.max))
            for text in (f"*z_{name}", name, f"q_{name}")
        )
        total = minus(plus(old, new), before)
        found[name] = CarriedState(
            place=place,
            sent=stored(limited(q, fmt, *limits), place.ctype),
            new=stored(guarded(narrowed(total, fmt), fmt, *limits), place.ctype),
        )
    return found
