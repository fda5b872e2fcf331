"""Loading of input words, start of steps, and counting of steps without an output."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..program.integer_program import Role
from .schedule import Schedule
from .schedule.timing import QUEUE


class StepController(wiring.Component):
    """Loads the input words of a step, starts it, and counts the steps between two outputs.

    After a reset it clears every memory before it accepts the first word.

    Parameters
    ----------
    plan : Schedule
    depth : int
        Words of the deepest memory to clear.

    Members
    -------
    valid : In(1)
        An input word is offered.
    last : In(1)
        With ``valid``: request an output, if the caller decides which steps have one.
    room : In(1)
        The output FIFO has space for a step.
    ready, take : Out(1)
        An input word can be accepted; it is accepted in this cycle.
    row, bank : Out(unsigned)
        With ``take``: where the word is stored.
    start : Out(1)
        The last word of a step is accepted.
    quiet : Out(1)
        With ``start``: the step has no output.
    done : In(1)
        Last cycle of the step.
    swap : Out(1)
        Selects the half of the double-buffered vectors that this step writes.
    clear : Out(1)
        Set the word at ``clear_address`` of every memory to zero.
    clear_address : Out(unsigned)
        Address of the words to clear.

    With a state port also:

    between : Out(1)
        No step is running, no word of the next one has been accepted, and no input waits for a
        chain.
    hold : In(1)
        Do not accept the first word of a step.
    erase : In(1)
        Clear all memories, as after a reset.
    clock : Out(unsigned)
        Steps since the last output, if the program counts them.
    set_clock, clock_word : In
        Write ``clock_word`` to that counter.

    Latency: 0 cycles; ``depth`` cycles after a reset.
    Throughput: one word per cycle.

    Schedule: clear the memories; then alternate between loading words and running a step.
    """

    latency = 0

    def __init__(self, plan: Schedule, depth: int) -> None:
        self.plan, self.depth = plan, depth
        port: dict[str, Any] = {}
        if plan.state_port:
            port = {"between": Out(1), "hold": In(1), "erase": In(1)}
            if plan.program.clock:
                width = plan.program.vector(plan.program.clock).fmt.width
                port |= {"clock": Out(width), "set_clock": In(1), "clock_word": In(width)}
        super().__init__(
            {
                "valid": In(1),
                "last": In(1),
                "room": In(1),
                "ready": Out(1),
                "take": Out(1),
                "row": Out(range(plan.rows)),
                "bank": Out(range(plan.lanes)),
                "start": Out(1),
                "quiet": Out(1),
                "done": In(1),
                "swap": Out(1),
                "clear": Out(1, init=1),
                "clear_address": Out(range(depth)),
                **port,
            }
        )

    def model(self, n_steps: int, clock: int = 0) -> list[bool]:
        """Return which of the next steps have no output, if the program counts them."""
        every, quiet = self.plan.program.output_every, []
        for _ in range(n_steps):
            clock = clock + 1 if clock + 1 < every else 0
            quiet.append(clock != 0)
        return quiet

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        loading = Signal(init=1)
        loaded = Signal(range(self.plan.n_in))
        ready = loading & self.room & ~self.clear
        if self.plan.state_port:
            ready &= ~(self.hold & (loaded == 0))
        m.d.comb += [
            self.ready.eq(ready),
            self.take.eq(self.valid & self.ready),
            self.start.eq(self.take & (loaded == self.plan.n_in - 1)),
        ]
        with m.If(self.clear):
            m.d.sync += self.clear_address.eq(self.clear_address + 1)
            with m.If(self.clear_address == self.depth - 1):
                m.d.sync += self.clear.eq(0)
        with m.If(self.done):
            m.d.sync += [loading.eq(1), self.swap.eq(~self.swap)]
        self._address(m, loading, loaded)
        self._count_steps(m)
        if self.plan.state_port:
            m.d.comb += self.between.eq(
                loading & (loaded == 0) & ~self.clear & self._inputs_have_arrived(m)
            )
            with m.If(self.erase):
                m.d.sync += [self.clear.eq(1), self.clear_address.eq(0)]
        return m

    def _address(self, m: Module, loading: Signal, loaded: Signal) -> None:
        """Address the next word, or the first word of the next vector."""
        ends, count = [], 0
        for v in self.plan.program.with_role(Role.INPUT):
            count += v.length
            ends.append(loaded == count - 1)
        with m.If(self.start):
            m.d.sync += [loaded.eq(0), self.row.eq(0), self.bank.eq(0), loading.eq(0)]
        # a single word always has the first place
        with m.Elif(self.take if self.plan.n_in > 1 else 0):
            m.d.sync += [loaded.eq(loaded + 1), self.bank.eq(self.bank + 1)]
            with m.If(self.bank == self.plan.lanes - 1):
                m.d.sync += [self.bank.eq(0), self.row.eq(self.row + 1)]
            for end in ends[:-1]:
                with m.If(end):
                    m.d.sync += [self.bank.eq(0), self.row.eq(self.row + 1)]

    def _count_steps(self, m: Module) -> None:
        """Say which steps have no output."""
        plan, every = self.plan, self.plan.program.output_every
        if every == 0:
            m.d.comb += self.quiet.eq(~self.last)
        elif every > 1:
            clock = Signal(plan.program.vector(plan.program.clock).fmt.width)
            # a loaded clock may be beyond the last count
            full = Signal()
            m.d.comb += [full.eq(clock >= every - 1), self.quiet.eq(~full)]
            with m.If(self.start):
                m.d.sync += clock.eq(Mux(full, 0, clock + 1))
            if plan.state_port:
                m.d.comb += self.clock.eq(clock)
                with m.If(self.erase | self.set_clock):
                    m.d.sync += clock.eq(Mux(self.erase, 0, self.clock_word))

    def _inputs_have_arrived(self, m: Module) -> Value:
        """Return whether the inputs of a step have passed the FIFO in front of the chain."""
        if not self.plan.queued:
            return Const(1)
        behind = Signal(range(QUEUE + 1))
        m.d.sync += behind.eq(Mux(behind == 0, 0, behind - 1))
        with m.If(self.done):
            m.d.sync += behind.eq(QUEUE)
        return behind == 0
