"""Section ROM of the chains: the kind of the next section, and the coefficients of this one."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum

from amaranth.hdl import Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .adaptor import coefficient_widths
from .block_memories import Rom, RomContents
from .chain_channels import chain_of, later
from .constant_tables import lookup
from .schedule import Schedule
from .schedule.timing import WINDOW


class SectionWord(IntEnum):
    """Kind of a word in the section ROM."""

    NONE = 0
    """No section."""
    PAIR = 1
    REAL = 2
    HOLD = 3
    """A gap that keeps the state writes in order: an adaptor with coefficient zero, which
    recirculates the chain word."""


class SectionFetch(wiring.Component):
    """Reads the sections of a chain from the ROM, one word per window.

    Parameters
    ----------
    plan : Schedule
        Must have at least one chain.
    file : str
        File of the ROM.

    Members
    -------
    start, feed : In
        Start with the first section of this feed's chain.
    next : In(1)
        Go on to the next section; in the last cycle of a window.
    phase : In(range(WINDOW))
        Cycle of the window.
    section : Out(2)
        Kind of the section of the next window, a cycle before it is needed; see `SectionWord`.
    coef, shift : Out(unsigned)
        Coefficient of the adaptor that runs; its right shift.

    Latency: 2 cycles from ``start`` or ``next`` to ``section``, 3 to the first ``coef``.
    Throughput: one section every 4 cycles.

    Schedule: address the ROM; register its word. ``coef`` is that of the outer or real adaptor of
    this section in cycle 0 of a window, of the inner one of the section before in cycle 1; for a
    second channel two cycles later.
    """

    latency = 3

    def __init__(self, plan: Schedule, file: str = "sections.mem") -> None:
        self.plan = plan
        self.layout = section_layout(plan)
        self.contents = section_contents(plan, file)
        coef, _, shift = coefficient_widths(plan)
        super().__init__(
            {
                "start": In(1),
                "feed": In(range(len(plan.feeds))),
                "next": In(1),
                "phase": In(range(WINDOW)),
                "section": Out(2),
                "coef": Out(unsigned(coef)),
                "shift": Out(unsigned(shift)),
            }
        )

    def model(self, chain: int) -> Iterator[tuple[int, int, int]]:
        """Yield cycle, coefficient and shift of each adaptor; the cycle from that of ``start``."""
        _, least, _ = coefficient_widths(self.plan)
        for k, section in enumerate(self.plan.chains[chain].sections):
            for inner, (coef, shift) in enumerate(section):
                yield 1 + WINDOW * (k + 1 + inner) + inner, coef, shift - least

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        plan = self.plan
        m.submodules.sections = rom = Rom(self.contents)
        # the address is reset for simulators: to them 0 times X is X
        address = Signal.like(rom.address)
        number = chain_of(m, plan, self.feed, "chain_fetched")
        first = lookup(m, number, [c.first_section for c in plan.chains], "first_section")
        with m.If(self.next):
            m.d.sync += address.eq(address + 1)
        with m.If(self.start):
            m.d.sync += address.eq(first)
        word = data.View(self.layout, rom.word)
        m.d.comb += [rom.address.eq(address), self.section.eq(word.section)]

        fields: dict[str, Value] = {}
        for name, field in self.layout:
            fields[name] = Const(0)
            if field.width and name != "section":
                fields[name] = own = Signal(field.width, name=name, reset_less=True)
                m.d.sync += own.eq(word[name])
        for name, port in (("coef", self.coef), ("shift", self.shift)):
            value = self._of_phase(m, fields[f"outer_{name}"], fields[f"inner_{name}"], name)
            m.d.comb += port.eq(value)
        return m

    def _of_phase(self, m: Module, outer: Value, inner: Value, name: str) -> Value:
        """Return the value of the adaptor that runs in this cycle."""
        width = self.layout[f"inner_{name}"].width
        held = Signal(width, name=f"held_{name}", reset_less=True)
        with m.If(self.phase == 1):
            m.d.sync += held.eq(inner)
        value = Mux(self.phase == 1, held, outer)
        if self.plan.paired:
            return Mux(self.phase[1], later(m, value, f"second_{name}"), value)
        return value


def section_layout(plan: Schedule) -> data.StructLayout:
    """Return the fields of a section ROM word."""
    coef, _, shift = coefficient_widths(plan)
    pairs = any(len(s) == 2 for chain in plan.chains for s in chain.sections)
    return data.StructLayout(
        {
            "section": 2,
            "outer_coef": coef,
            "outer_shift": shift,
            "inner_coef": coef if pairs else 0,
            "inner_shift": shift if pairs else 0,
        }
    )


def section_contents(plan: Schedule, file: str) -> RomContents:
    """Return the section ROM; a real section's adaptor takes the place of a pair's outer one."""
    layout, (_, least, _) = section_layout(plan), coefficient_widths(plan)
    words = []
    for chain in plan.chains:
        for section in chain.sections:
            outer, inner = (*section, (0, least), (0, least))[:2]
            values = {
                "section": (SectionWord.HOLD, SectionWord.REAL, SectionWord.PAIR)[len(section)],
                "outer_coef": outer[0],
                "outer_shift": outer[1] - least,
                "inner_coef": inner[0],
                "inner_shift": inner[1] - least,
            }
            words.append(sum(int(v) << layout[name].offset for name, v in values.items()))
    return RomContents(width=layout.size, words=tuple(words), file=file)
