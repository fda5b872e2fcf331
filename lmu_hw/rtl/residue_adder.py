"""What is left of the states that travel as spikes, and its return to them."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..program.fixedpoint import Overflow, QFormat, overflow
from .block_memories import Ram
from .constant_tables import lookup, one_of, saturated
from .ports import keep_on_reset
from .schedule.timing import SETTLE


class ResidueAdder(wiring.Component):
    """Keeps ``z - q`` for every state z that travels as q, and adds it to the section's result.

    Parameters
    ----------
    formats : sequence of (QFormat, QFormat)
        For each chain those of its outer and inner states.
    spiking : sequence of bool
        Whether the states of the chain travel as spikes; the others have no residue.
    width, depth : int
        Bits of a state, number of states.

    Members
    -------
    store, store_address, residue : In
        Keep ``residue`` for the state at this address.
    word, address : In
        The result for a state, and its address.
    chain_number : In(range(len(formats)))
    inner : In(1)
        With ``word``: it is an inner state.
    total : Out(signed(width))
        The state: the sum, saturated to its format.

    Latency: 4 cycles (`lmu_hw.rtl.schedule.timing.SETTLE`).
    Throughput: one word per cycle.

    Schedule: read the residue; register it; add; saturate.
    """

    latency = SETTLE

    def __init__(
        self,
        formats: list[tuple[QFormat, QFormat]],
        spiking: list[bool],
        width: int,
        depth: int,
    ) -> None:
        self.formats, self.spiking, self.depth = formats, spiking, depth
        self.widths = sorted({fmt.width for pair in formats for fmt in pair})
        super().__init__(
            {
                "store": In(1),
                "store_address": In(range(depth)),
                "residue": In(signed(width + 1)),
                "word": In(signed(width)),
                "address": In(range(depth)),
                "chain_number": In(range(len(formats))),
                "inner": In(1),
                "total": Out(signed(width)),
            }
        )
        keep_on_reset(self, "total")

    def model(self, chain: int, word: int, residue: int, *, inner: bool) -> int:
        """Return the state for a section's result."""
        kept = residue if self.spiking[chain] else 0
        return int(overflow(word + kept, self.formats[chain][inner], Overflow.SAT))

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        m.submodules.residues = ram = Ram(len(self.residue), self.depth)
        word = Signal.like(self.word, name="read_with", reset_less=True)
        added = Signal.like(self.word, name="added_to", reset_less=True)
        residue = Signal.like(self.residue, name="kept", reset_less=True)
        total = Signal(signed(len(self.residue) + 1), name="unlimited", reset_less=True)
        inner = self.inner
        for stage in ("read", "registered", "added"):
            later = Signal(name=f"{stage}_inner", reset_less=True)
            m.d.sync += later.eq(inner)
            inner = later
        number = self.chain_number
        spiking = lookup(m, number, [int(s) for s in self.spiking], "is_spiking")
        m.d.comb += [
            ram.read_address.eq(self.address),
            ram.write.eq(self.store),
            ram.write_address.eq(self.store_address),
            ram.write_word.eq(self.residue),
        ]
        m.d.sync += [word.eq(self.word), added.eq(word), total.eq(added + residue)]
        m.d.sync += residue.eq(Mux(spiking, ram.read_word, 0))
        limited = []
        for width in self.widths:
            limited.append(Signal.like(self.total, name=f"limited_{width}"))
            value = saturated(total, -1 << (width - 1), (1 << (width - 1)) - 1)
            m.d.comb += limited[-1].eq(value)
        kind = Signal(range(len(self.widths)))
        kinds = [[self.widths.index(f.width) for f in pair] for pair in self.formats]
        m.d.comb += kind.eq(lookup(m, number, [outer for outer, _ in kinds], "outer_kind"))
        with m.If(inner):
            m.d.comb += kind.eq(lookup(m, number, [i for _, i in kinds], "inner_kind"))
        m.d.sync += self.total.eq(one_of(m, kind, limited, "limited"))
        return m
