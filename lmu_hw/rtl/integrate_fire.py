"""Integrate-and-fire neurons: an accumulator for each state."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .constant_tables import lookup
from .neuron_levels import Level, limited, pipeline, shifted
from .ports import keep_on_reset
from .schedule.timing import INTEGRATE

REST = 4
"""Cycles from the read of a state to the write of its membrane."""


class IntegrateFire(wiring.Component):
    """Accumulates a state, sends the whole quanta of the sum, and keeps the rest.

    Parameters
    ----------
    levels : list of Level
    width : int
        Bits of a state.
    membrane_width : int
        Bits of a membrane.

    Members
    -------
    z, membrane : In(signed)
        The state and its membrane.
    level : In(range(len(levels)))
        Constants of the state, see `Level`.
    silent : In(1)
        With ``z``: a zero-input run.
    rest : Out(signed(membrane_width))
        The new membrane, 3 cycles after ``z``.
    count : Out(signed)
        The spikes with their sign, 5 cycles after ``z``.
    sent, residue : Out(signed)
        The word that the sections read, and ``z`` less that word, 6 cycles after ``z``.

    Latency: 6 cycles, see `lmu_hw.rtl.schedule.timing.INTEGRATE`.
    Throughput: one state per cycle.

    Schedule:

    - operand: register the words; look up the masks of the level.
    - clip: limit the state to the full scale of its neurons.
    - sum: add the membrane.
    - spike: add half a quantum and clear the bits below a quantum; keep these bits.
    - limit: saturate to the state's format, or send the state in a zero-input run; count.
    - residue: subtract.
    """

    latency = INTEGRATE.store - 1

    def __init__(self, levels: list[Level], width: int, membrane_width: int) -> None:
        self.levels = levels
        self.sum_width = max(width, membrane_width) + 1
        self.least = min(level.quantum for level in levels)
        super().__init__(
            {
                "z": In(signed(width)),
                "membrane": In(signed(membrane_width)),
                "level": In(range(len(levels))),
                "silent": In(1),
                "rest": Out(signed(membrane_width)),
                "count": Out(signed(self.sum_width + 1 - self.least)),
                "sent": Out(signed(width)),
                "residue": Out(signed(width + 1)),
            }
        )
        keep_on_reset(self, "count", "sent", "residue")

    def model(self, level: int, z: int, membrane: int) -> tuple[int, int]:
        """Return the spikes and the new membrane."""
        s, full = self.levels[level].quantum, 1 << self.levels[level].full
        v = membrane + max(-full, min(z, full))
        count = v + (1 << s >> 1) >> s
        return count, v - (count << s)

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        levels, width = self.levels, len(self.z)
        z = pipeline(m, self.z, 5, "z")
        silent = pipeline(m, self.silent, 4, "silent")
        level = pipeline(m, self.level, 4, "level")
        membrane = pipeline(m, self.membrane, REST - 2, "membrane")

        # operand: one bit for full scale, and all bits from there on
        full = Signal(signed(width), reset_less=True)
        beyond = Signal(signed(width), reset_less=True)
        # no state of the format reaches a larger full scale
        bits = [1 << e.full if e.full < width - 1 else 0 for e in levels]
        m.d.sync += [
            full.eq(lookup(m, self.level, bits, "full_scale")),
            beyond.eq(lookup(m, self.level, [-b for b in bits], "from_full_scale")),
        ]

        # clip
        clipped = Signal(signed(width), reset_less=True)
        sign = z[1][-1]
        over = (Mux(sign, ~z[1], z[1]) & beyond).any()
        # the bits from full scale on are also its negative
        m.d.sync += clipped.eq(Mux(over, Mux(sign, beyond, full), z[1]))

        # sum
        v = Signal(signed(self.sum_width), reset_less=True)
        m.d.sync += v.eq(membrane[2] + clipped)

        # spike
        quantum = [e.quantum for e in levels]
        half = Signal.like(v, reset_less=False)
        low = Signal.like(v, reset_less=False)
        m.d.comb += [
            half.eq(lookup(m, level[3], [1 << s >> 1 for s in quantum], "half_quantum")),
            low.eq(lookup(m, level[3], [(1 << s) - 1 for s in quantum], "below_quantum")),
        ]
        # the bits below a quantum, signed: the upper half of them belongs to the next quantum
        rest = Mux((v & half).any(), v | ~low, v & low)
        m.d.comb += self.rest.eq(Mux(silent[3], 0, rest))
        whole = Signal(signed(self.sum_width + 1), reset_less=True)
        m.d.sync += whole.eq((v + half) & ~low)

        # limit
        sent = Signal(signed(width), reset_less=True)
        word = limited(m, whole, level[4], levels, sent.shape())
        m.d.sync += sent.eq(Mux(silent[4], z[4], word))
        shift = lookup(m, level[4], [s - self.least for s in quantum], "shift")
        spikes = shifted(m, whole >> self.least, shift, "spikes", left=False)
        m.d.sync += self.count.eq(Mux(silent[4], 0, spikes))

        # residue
        m.d.sync += [self.sent.eq(sent), self.residue.eq(z[5] - sent)]
        return m
