"""Parallel-to-serial conversion of the lanes' sums for the requantizer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from amaranth.hdl import Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .constant_tables import lookup
from .ports import keep_on_reset
from .schedule.timing import addends, sum_turns


class ResultSerializer(wiring.Component):
    """Loads the sums of all lanes and outputs them one by one, or their total.

    Parameters
    ----------
    lanes, interval : int
        Number of sums; cycles from one result to the next.
    width, base_width : int
        Widths of a sum, and of the base it is added to [bits].
    gated : sequence of bool
        For each job of the schedule, whether its sums are added to a base: those of dense memories.

    Members
    -------
    totals : In(signed), one for each lane
        The lane's sum.
    load : In(1)
        Load the sums and bases.
    results : In(range(lanes))
        With ``load``: number of results, minus one.
    one_row : In(1)
        With ``load``: the lanes hold partial sums of one row; add them.
    job : In(jobs)
        With ``load``: the job of the sums.
    opens : In(1)
        With ``load``: they are the first ones of the job.
    total, base : Out(signed)
        A result; the word that it is added to.
    valid : Out(1)
        ``total`` is a result.
    result_job : Out(jobs)
        The job of the result.
    begins : Out(1)
        It is the first result of the job.

    With gated jobs also:

    word : In(signed)
        A word of the memory.
    keep : In(1)
        ``word`` is the base of the sum of lane ``keep_lane``.
    keep_lane : In(range(lanes))
        That lane.

    Latency: 1 cycle from ``load`` to the first result; with ``one_row`` up to 4 more.
    Throughput: one result every ``interval`` cycles.

    Schedule: hold the bases until the sums are complete. Shift the sums down one place per result;
    for a total, add a quarter of them in each cycle.
    """

    latency = 1

    def __init__(
        self, lanes: int, interval: int, width: int, base_width: int, gated: Sequence[bool]
    ) -> None:
        self.lanes, self.interval, self.gated = lanes, interval, tuple(gated)
        jobs = range(len(self.gated))
        bases = {"word": In(signed(base_width)), "keep": In(1), "keep_lane": In(range(lanes))}
        super().__init__(
            {
                "totals": In(signed(width)).array(lanes),
                "load": In(1),
                "results": In(range(lanes)),
                "one_row": In(1),
                "job": In(jobs),
                "opens": In(1),
                "total": Out(signed(width)),
                "base": Out(signed(base_width)),
                "valid": Out(1),
                "result_job": Out(jobs),
                "begins": Out(1),
                **(bases if any(self.gated) else {}),
            }
        )
        keep_on_reset(self, "result_job")

    def model(self, totals: Sequence[int], results: int, one_row: bool) -> list[int]:
        """Return the results of a load."""
        return [sum(totals)] if one_row else list(totals[: results + 1])

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        lanes, width, base_width = self.lanes, len(self.total), len(self.base)
        held = [Signal(signed(width), name=f"total_{i}", reset_less=True) for i in range(lanes)]
        bases = [
            Signal(signed(base_width), name=f"base_{i}", reset_less=True) for i in range(lanes)
        ]
        busy = Signal()
        adding = Signal()
        summed = Signal()
        opens = Signal(reset_less=True)
        left = Signal(range(lanes))
        idle = Signal(range(self.interval))
        hands_over = Signal()
        total = Signal(signed(width), name="sum_of_row", reset_less=True)

        m.d.comb += [
            hands_over.eq(busy & (idle == 0)),
            self.valid.eq(hands_over | summed),
            self.total.eq(Mux(summed, total, held[0])),
            self.base.eq(bases[0]),
            self.begins.eq(opens),
        ]
        with m.If(self.valid):
            m.d.sync += [opens.eq(0), idle.eq(self.interval - 1)]
        with m.Elif(idle != 0):
            m.d.sync += idle.eq(idle - 1)

        with m.If(hands_over):
            for low, high in (*pairwise(held), *pairwise(bases)):
                m.d.sync += low.eq(high)
            m.d.sync += left.eq(left - 1)
            with m.If(left == 0):
                m.d.sync += busy.eq(0)
        if lanes > 1:
            self._add(m, held, total, left, adding, summed)
        kept = self._kept(m)
        with m.If(self.load):
            m.d.sync += [low.eq(new) for low, new in zip(held, self.totals, strict=True)]
            m.d.sync += [low.eq(new) for low, new in zip(bases, kept, strict=True)]
            m.d.sync += [
                busy.eq(~self.one_row),
                adding.eq(self.one_row),
                left.eq(Mux(self.one_row, sum_turns(lanes) - 1, self.results)),
                total.eq(0),
                self.result_job.eq(self.job),
                opens.eq(self.opens),
            ]
        return m

    def _kept(self, m: Module) -> list[Value]:
        """Return the bases of the sums to load."""
        if not any(self.gated):
            return [Const(0)] * self.lanes
        is_gated = lookup(m, self.job, [int(g) for g in self.gated], "is_gated")
        kept = []
        for number in range(self.lanes):
            base = Signal.like(self.word, name=f"kept_{number}", reset_less=True)
            with m.If(self.keep & (self.keep_lane == number)):
                m.d.sync += base.eq(self.word)
            kept.append(Mux(is_gated, base, 0))
        return kept

    def _add(
        self,
        m: Module,
        held: list[Signal],
        total: Signal,
        left: Signal,
        adding: Signal,
        summed: Signal,
    ) -> None:
        """Add a group of sums per cycle, and shift the others down to its place."""
        together = addends(self.lanes)
        m.d.sync += summed.eq(0)
        with m.If(adding):
            for number, low in enumerate(held):
                high = held[number + together] if number + together < self.lanes else 0
                m.d.sync += low.eq(high)
            m.d.sync += [total.eq(sum(held[:together], total)), left.eq(left - 1)]
            with m.If(left == 0):
                m.d.sync += [adding.eq(0), summed.eq(1)]
