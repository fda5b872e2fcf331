"""Proofs of the state port: a save returns what a load has written."""

from __future__ import annotations

import re

from amaranth.asserts import AnyConst
from amaranth.hdl import Assume, Cat, Module, Mux, Shape, Signal, Value, signed

from lmu_hw.program.fixedpoint import Overflow, overflow
from lmu_hw.rtl.schedule.state import Segment, StateBank, segments
from lmu_hw.rtl.schedule.timing import POISSON
from lmu_hw.rtl.state_port import START, StateCommand
from tests.formal.prover import Design, Harness, module_text

IDLE = (
    "sequencer.running",
    "step_controller.swap",
    *(f"chain.section_sequencer.{n}" for n in ("left", "current", "previous", "port")),
    *(f"neurons.{n}" for n in ("neuron_pass.reads", "neuron_pass.valid")),
    *(f"neurons.valid_{n}" for n in range(1, POISSON.store + 1)),
    *(f"ladder.windows.{n}" for n in ("current", "coming")),
)
"""What only a step changes."""


class RoundTrip(Harness):
    """A SAVE gives every word of the LOAD before it, brought into its format.

    Commands and stalls are free, and so is when they come; no step runs. One word, chosen at will,
    is followed from where it is loaded to the memory where it stays and to where it is saved.
    """

    def __init__(self, design: Design) -> None:
        super().__init__(design)
        self.segments = segments(design.plan)
        self.n_words = sum(s.length for s in self.segments)
        self.port = {
            name: self.probe(f"state_port.{name}")
            for name in ("active", "pending", "pause", "segment", "left", "busy")
        }
        self.row = self.probe_if_there("state_port.row")
        self.bank = self.probe_if_there("state_port.bank")
        self.address = self.probe_if_there("state_port.address")
        self.clear = self.probe("step_controller.clear")
        self.places = [self._place(s, k) for s in self.segments for k in range(s.length)]
        self.idle = [p for p in map(self.probe_if_there, IDLE) if p is not None]

    def _place(self, segment: Segment, word: int) -> Signal:
        """Return what holds a word of the state before the first step."""
        lanes = self.design.plan.lanes
        if segment.memory is StateBank.CLOCK:
            return self.probe("step_controller.clock")
        if segment.memory is StateBank.LANES:
            row, bank = divmod(word, lanes)
            ram = f"memory.bank_{bank}"
            address = segment.place.row + row
        else:
            ram = {
                StateBank.CHAIN: "chain.states",
                StateBank.LADDER: "ladder.states",
                StateBank.COUNTS: "zero_run_counter.counts",
                StateBank.MEMBRANES: "neurons.membranes",
            }[segment.memory]
            address = segment.address + word
        return self.probe(f"{ram}.mem[{address}]", self._shape_of(ram))

    def _shape_of(self, ram: str) -> Shape:
        """Return the shape of the words of a memory."""
        *above, name = ram.split(".")
        body = module_text(self.design.text, "_".join([self.design.module, *above]))
        found = re.search(rf"lmu_ram #\(\s*\.WIDTH\((\d+)\)[^;]*?\) {name} \(", body)
        assert found, f"no {ram}"
        return signed(int(found[1]))

    def check(self, m: Module) -> None:
        formats = [s.fmt for s in self.segments for _ in range(s.length)]
        n, active = self.n_words, self.port["active"]
        payload, last = self["state_o_data"], self["state_o_last"]
        offered = self["state_o_valid"]
        asked, loaded, saved, clears = Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            Assume(~self["i_valid"]),
            asked.eq(self["state_command_valid"] & self["state_command_ready"]),
            clears.eq(asked & (self["state_command_data"] == StateCommand.CLEAR)),
            loaded.eq(self["state_i_valid"] & self["state_i_ready"]),
            saved.eq(offered & self["state_o_ready"]),
        ]
        number, chosen = Signal(range(n)), AnyConst(range(n))
        m.d.comb += [number.eq(chosen), Assume(number < n)]

        # the chosen word as it was loaded last, until a CLEAR is asked for
        n_loaded, n_saved = Signal(range(n + 1)), Signal(range(n + 1))
        word, holds = Signal.like(self["state_i_data"]), Signal()
        was_asked, coming = Signal(), Signal()
        m.d.sync += was_asked.eq(clears | coming)
        m.d.comb += coming.eq(was_asked & ~self["state_command_ready"])
        with m.If(loaded):
            m.d.sync += n_loaded.eq(Mux(n_loaded == n - 1, 0, n_loaded + 1))
            with m.If(n_loaded == number):
                m.d.sync += [word.eq(self["state_i_data"]), holds.eq(~coming)]
        with m.If(clears):
            m.d.sync += holds.eq(0)
        with m.If(saved):
            m.d.sync += n_saved.eq(Mux(n_saved == n - 1, 0, n_saved + 1))
        # the last word of a SAVE may still wait while the next LOAD runs
        stale = Signal()
        with m.If(saved):
            m.d.sync += stale.eq(0)
        with m.Elif(offered & loaded):
            m.d.sync += stale.eq(1)
        expected = Signal.like(payload)
        with m.Switch(number):
            for k, fmt in enumerate(formats):
                with m.Case(k):
                    m.d.comb += expected.eq(overflow(word, fmt, Overflow.WRAP))
        now = offered & (n_saved == number)
        self.claim(m, payload == expected, when=now & holds & ~stale)
        self.claim(m, last == (n_saved == n - 1), when=offered)

        # as every stream, it keeps what it offers
        stalled, before = Signal(), Signal(len(word) + 1)
        m.d.sync += [stalled.eq(offered & ~self["state_o_ready"]), before.eq(Cat(payload, last))]
        self.claim(m, offered & (Cat(payload, last) == before), when=stalled)

        # what that rests on: the memory, and where the walk over it is
        with m.Switch(number):
            for k, place in enumerate(self.places):
                with m.Case(k):
                    self.claim(m, place == expected, when=holds)
        for signal in self.idle:
            self.claim(m, signal == 0)
        self.claim(m, coming == (self.port["pending"] == StateCommand.CLEAR))
        self.claim(m, ~holds, when=coming | (active == StateCommand.CLEAR) | self.clear)
        self.claim(m, active == StateCommand.NONE, when=self.clear)
        self.claim(m, self.port["pause"] < START, when=active != StateCommand.NONE)
        self.claim(m, (n_loaded < n) & (n_saved < n))
        self.claim(m, n_loaded == 0, when=active != StateCommand.LOAD)
        self.claim(m, stale, when=offered & (n_loaded != 0))
        to_save = (n_saved + offered) % n
        self.claim(m, to_save == 0, when=active != StateCommand.SAVE)
        at = Signal(range(n))
        m.d.comb += at.eq(Mux(active == StateCommand.LOAD, n_loaded, to_save))
        walks = (active == StateCommand.LOAD) | (active == StateCommand.SAVE)
        for k, here in enumerate(self._walk()):
            self.claim(m, here, when=walks & (at == k))

    def _walk(self) -> list[Value]:
        """Return where the walk is for each word."""
        found = []
        for number, segment in enumerate(self.segments):
            for word in range(segment.length):
                here = self.port["segment"] == number
                here &= self.port["left"] == segment.length - 1 - word
                row, bank = divmod(word, self.design.plan.lanes)
                if segment.memory is StateBank.LANES:
                    here &= self.row == segment.place.row + row if self.row is not None else 1
                    here &= self.bank == bank if self.bank is not None else 1
                elif segment.memory is not StateBank.CLOCK and self.address is not None:
                    here &= self.address == segment.address + word
                found.append(here)
        return found
