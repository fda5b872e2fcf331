"""Address counter for results: memory writes and the output stream."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .constant_tables import lookup
from .schedule import BankPlace, BufferHalf, Job, Schedule


class Writeback(wiring.Component):
    """Addresses the results of a job in the lanes' memory, and selects those to output.

    Parameters
    ----------
    plan : Schedule
    jobs : sequence of int
        Jobs that can occur at this unit.

    Members
    -------
    valid, begins : In(1)
        A result is valid; it is the first of its job.
    job : In(unsigned)
        The job of the result.
    swap : In(1)
        Selects the half of the double-buffered vectors that this step writes.
    write, stream : Out(1)
        Write the result to the memory; send it to the output stream.
    row, bank : Out(unsigned)
        With ``write``: the address.

    Latency: 0 cycles.
    Throughput: one result per cycle.

    Schedule: count the address up from that of the job's first result.
    """

    latency = 0

    def __init__(self, plan: Schedule, jobs: Sequence[int]) -> None:
        self.plan = plan
        chosen = set(jobs)
        # entries of other jobs are don't-cares
        self.jobs = [
            job if number in chosen else plan.jobs[jobs[0]] for number, job in enumerate(plan.jobs)
        ]
        super().__init__(
            {
                "valid": In(1),
                "begins": In(1),
                "job": In(range(len(plan.jobs))),
                "swap": In(1),
                "write": Out(1),
                "stream": Out(1),
                "row": Out(range(plan.rows)),
                "bank": Out(range(plan.lanes)),
            }
        )

    def model(self, job: int, result: int, swap: bool) -> tuple[int, int] | None:
        """Return the (row, bank) of the result with this number; None if it is not stored."""
        place = self.plan.places.get(self.jobs[job].target or ("", 0))
        if place is None:
            return None
        word = self.jobs[job].word + result
        copy = swap if place.half is BufferHalf.OLD else place.half is BufferHalf.NEW and not swap
        row = place.row + copy * self.plan.half_rows + word // self.plan.lanes
        return row, word % self.plan.lanes

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        plan, lanes = self.plan, self.plan.lanes

        def table(of: str, values: list[int]) -> Signal:
            return lookup(m, self.job, values, of)

        stored = table("stored", [int(self._place(t) is not None) for t in self.jobs])
        streamed = table("streamed", [int(t.to_stream) for t in self.jobs])
        m.d.comb += [self.write.eq(self.valid & stored), self.stream.eq(self.valid & streamed)]

        row = Signal.like(self.row, name="base")
        bank = Signal.like(self.bank)
        # the first result of a job sets them
        next_row = Signal.like(self.row, name="next_row", reset_less=True)
        next_bank = Signal.like(self.bank, name="next_bank", reset_less=True)
        first_row = table("first_row", [self._row(t) for t in self.jobs])
        first_bank = table("first_bank", [t.word % lanes for t in self.jobs])
        m.d.comb += [row.eq(next_row), bank.eq(next_bank)]
        with m.If(self.begins):
            m.d.comb += [row.eq(first_row), bank.eq(first_bank)]
        with m.If(self.valid):
            m.d.sync += next_row.eq(row + (bank == lanes - 1))
            m.d.sync += next_bank.eq(Mux(bank == lanes - 1, 0, bank + 1))
        old = table("old", [int(self._half(t) is BufferHalf.OLD) for t in self.jobs])
        new = table("new", [int(self._half(t) is BufferHalf.NEW) for t in self.jobs])
        copy = (old & self.swap) | (new & ~self.swap)
        m.d.comb += [self.row.eq(row + Mux(copy, plan.half_rows, 0)), self.bank.eq(bank)]
        return m

    def _place(self, job: Job) -> BankPlace | None:
        return self.plan.places.get(job.target) if job.target is not None else None

    def _row(self, job: Job) -> int:
        place = self._place(job)
        return 0 if place is None else place.row + job.word // self.plan.lanes

    def _half(self, job: Job) -> BufferHalf:
        place = self._place(job)
        return BufferHalf.ONLY if place is None else place.half
