"""Poisson neurons: a random number for each neuron, compared with a threshold for each state."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..program.spiking_update import DRAW_BITS
from .constant_tables import lookup
from .neuron_levels import Level, limited, magnitude, pipeline, shifted
from .ports import keep_on_reset
from .schedule.timing import POISSON


class PoissonNeurons(wiring.Component):
    """Counts the neurons of a state that fire: those whose random number is below its threshold.

    Parameters
    ----------
    levels : list of Level
    width : int
        Bits of a state.
    population : int
        Log2 of the neurons for one sign of a state.
    generators : int

    Members
    -------
    z : In(signed(width))
        The state, for as many cycles as there are rounds of draws.
    level : In(range(len(levels)))
    silent : In(1)
        With ``z``: a zero-input run.
    valid, first : In(1)
        With ``z``: it is a state, in its first cycle.
    draw : Out(1)
        To `RandomGenerators`, 3 cycles after ``z``.
    numbers : In(16), one for each generator
        One cycle later.
    count : Out(unsigned)
        The spikes without their sign, 7 cycles after the last cycle of ``z``.
    sent, residue : Out(signed)
        The word that the sections read, and ``z`` less that word, 10 cycles after that cycle.

    Latency: 10 cycles, see `lmu_hw.rtl.schedule.timing.POISSON`.
    Throughput: one draw of every generator per cycle.

    Schedule:

    - operand, magnitude, align: the magnitude, shifted so that all full scales are equal.
    - threshold: limit it to full scale and round it to the width of a draw; draw.
    - hits: compare.
    - votes: count the hits of this cycle.
    - count: add those of the cycles before.
    - spike: shift the count to the quantum of the state, with its sign.
    - limit: saturate to the state's format, or send the state in a zero-input run.
    - residue: subtract.
    """

    latency = POISSON.store - 1

    def __init__(self, levels: list[Level], width: int, population: int, generators: int) -> None:
        self.levels, self.population = levels, population
        super().__init__(
            {
                "z": In(signed(width)),
                "level": In(range(len(levels))),
                "silent": In(1),
                "valid": In(1),
                "first": In(1),
                "draw": Out(1),
                "numbers": In(DRAW_BITS).array(generators),
                "count": Out(population + 1),
                "sent": Out(signed(width)),
                "residue": Out(signed(width + 1)),
            }
        )
        keep_on_reset(self, "count", "sent", "residue")

    def model(self, level: int, z: int, numbers: list[int]) -> int:
        """Return the spikes for the random numbers of all neurons of a sign."""
        shift = DRAW_BITS - self.levels[level].full
        a = min(abs(z), 1 << self.levels[level].full)
        threshold = a << shift if shift >= 0 else (a + (1 << -shift >> 1)) >> -shift
        hits = sum(number < threshold for number in numbers)
        return -hits if z < 0 else hits

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        levels, width = self.levels, len(self.z)
        z = pipeline(m, self.z, 9, "z")
        silent = pipeline(m, self.silent, 8, "silent")
        level = pipeline(m, self.level, 8, "level")
        first = pipeline(m, self.first, 6, "first")
        # drawing changes a state, so it must not follow from what was there before a reset
        valid = pipeline(m, self.valid, 3, "valid", reset_less=False)

        # magnitude, align
        size = Signal(width, reset_less=True)
        m.d.sync += size.eq(magnitude(z[1]))
        fulls = [entry.full for entry in levels]
        top = max(fulls)
        aligned = Signal(width + top - min(fulls), reset_less=True)
        align = lookup(m, level[2], [top - f for f in fulls], "align")
        m.d.sync += aligned.eq(shifted(m, size, align, "aligned", left=True))

        # threshold
        threshold = Signal(DRAW_BITS + 1, reset_less=True)
        over = aligned[top:].any() if len(aligned) > top else 0
        m.d.sync += threshold.eq(Mux(over, 1 << DRAW_BITS, self._rounded(aligned[:top], top)))
        m.d.comb += self.draw.eq(valid[3] & ~silent[3])

        # hits
        hits = [Signal(name=f"hit_{i}", reset_less=True) for i in range(len(self.numbers))]
        for hit, number in zip(hits, self.numbers, strict=True):
            m.d.sync += hit.eq((number < threshold) & ~silent[4])

        # votes, count
        votes = Signal(range(len(hits) + 1), reset_less=True)
        m.d.sync += [votes.eq(_ones(Cat(*hits))), self.count.eq(votes)]
        if len(hits) < 1 << self.population:
            with m.If(~first[6]):
                m.d.sync += self.count.eq(self.count + votes)

        # spike
        quanta = [entry.quantum for entry in levels]
        least = min(quanta)
        shift = lookup(m, level[7], [s - least for s in quanta], "shift")
        spike = Signal(signed(self.population + 2 + max(quanta)), reset_less=True)
        up = Signal.like(spike, name="size_sent", reset_less=False)
        m.d.comb += up.eq(shifted(m, self.count, shift, "sent", left=True) << least)
        m.d.sync += spike.eq(Mux(z[7][-1], 0 - up, up))

        # limit, residue
        sent = Signal(signed(width), reset_less=True)
        word = limited(m, spike, level[8], levels, sent.shape())
        m.d.sync += sent.eq(Mux(silent[8], z[8], word))
        m.d.sync += [self.sent.eq(sent), self.residue.eq(z[9] - sent)]
        return m

    def _rounded(self, aligned: Value, top: int) -> Value:
        """Return a magnitude below full scale in units of a draw."""
        drop = top - DRAW_BITS
        if drop <= 0:
            return aligned << -drop
        return (aligned + (1 << drop >> 1)) >> drop


def _ones(bits: Value) -> Value:
    """Return the number of bits that are set, as a tree of sums."""
    if len(bits) == 1:
        return bits
    half = len(bits) // 2
    return _ones(bits[:half]) + _ones(bits[half:])
