"""When a design takes words: a step never hangs, and takes the cycles that the schedule says."""

from __future__ import annotations

from amaranth.hdl import Array, Assume, Module, Mux, ResetSignal, Signal

from lmu_hw.rtl.lane_widths import depth_to_clear
from lmu_hw.rtl.schedule import Listing, walk
from lmu_hw.rtl.sequencer import control_contents
from tests.formal.prover import Design, Harness


class PublishedCycles(Harness):
    """Words are taken whenever there is room for a step, but for the published cycles of each.

    ``i_ready`` is at all times what a counter of cycles says, whatever the source and the sink do.
    """

    def __init__(self, design: Design) -> None:
        super().__init__(design)
        self.room = self.probe("fifo_room")
        self.controller = {
            name: self.probe(f"step_controller.{name}")
            for name in ("loading", "clear", "clear_address")
        }
        self.loaded, self.clock = (
            self.probe_if_there("step_controller.loaded"),
            self.probe_if_there("step_controller.clock"),
        )
        self.running, self.address = (
            self.probe("sequencer.running"),
            self.probe("sequencer.next_address"),
        )
        self.cycle, self.turn = self.probe("sequencer.cycle"), self.probe_if_there("sequencer.turn")
        self.last_cycle = self.probe("sequencer.is_last_cycle")
        self.last_turn = self.probe_if_there("sequencer.last_turn")
        self.word, self.next_word = (
            self.probe("sequencer.run_word"),
            self.probe("sequencer.control_word"),
        )
        # the way back to the first run of a loop
        self.first, self.second = (
            self.probe_if_there("sequencer.first_of_loop"),
            self.probe_if_there("sequencer.second_of_loop"),
        )

    def check(self, m: Module) -> None:
        plan = self.design.plan
        every = plan.program.output_every
        listings = [plan.due] if every == 1 else [plan.due, plan.quiet]
        take = Signal()
        m.d.comb += take.eq(self["i_valid"] & self["i_ready"])

        # what is published: cleared rows, words of a step, steps to an output, cycles of a step
        depth = depth_to_clear(plan)
        cleared, loaded = Signal(range(depth + 1)), Signal(range(plan.n_in + 1))
        step, is_quiet = Signal(range(every + 1)), Signal()
        ran, length = Signal(range(max(x.cycles for x in listings) + 1)), Signal(16)
        starts = Signal()
        m.d.comb += [
            starts.eq(take & (loaded == plan.n_in - 1)),
            length.eq(Mux(is_quiet, listings[-1].cycles, plan.due.cycles) - plan.n_in),
        ]
        m.d.sync += cleared.eq(Mux(cleared == depth, depth, cleared + 1))
        with m.If(take):
            m.d.sync += loaded.eq(Mux(starts, 0, loaded + 1))
        with m.If(starts):
            m.d.sync += [ran.eq(1), is_quiet.eq(step != every - 1)]
            m.d.sync += step.eq(Mux(step == every - 1, 0, step + 1))
        with m.Elif(ran != 0):
            m.d.sync += ran.eq(Mux(ran == length, 0, ran + 1))
        is_clear = cleared == depth
        self.claim(m, self["i_ready"] == (is_clear & (ran == 0) & self.room))

        # what that rests on: where step controller and sequencer are
        self.claim(m, self.controller["clear"] == ~is_clear)
        self.claim(m, self.controller["clear_address"] == cleared, when=~is_clear)
        self.claim(m, self.controller["loading"] == (ran == 0))
        self.claim(m, loaded < plan.n_in)
        self.claim(m, loaded == 0, when=~is_clear | (ran != 0))
        self.claim(m, (ran == 0) | is_clear)
        self.claim(m, ran <= length)
        self.claim(m, self.running == (ran != 0))
        if self.loaded is not None:
            self.claim(m, self.loaded == loaded)
        if self.clock is not None:
            self.claim(m, self.clock == step)
            self.claim(m, step < every)
        else:
            self.claim(m, (step == 0) & ~is_quiet)
        words = control_contents(plan, "").words
        there = self.running & (self.address < len(words))
        self.claim(m, self.next_word == Array(words)[self.address], when=there)
        for number, listing in enumerate(listings):
            entry = len(plan.due.runs) if number else 0
            loops = loops_of(listing)
            for time, (run, cycle, turn) in enumerate(positions(listing)):
                here = (ran == time + 1) & (is_quiet == number)
                following = (entry + run + 1) % (1 << len(self.address))
                self.claim(m, (self.word == words[entry + run]) & (self.cycle == cycle), when=here)
                self.claim(m, self.address == following, when=here)
                last = cycle == listing.runs[run].cycles - 1
                self.claim(m, self.last_cycle == int(last), when=here)
                if self.turn is not None:
                    self.claim(m, self.turn == turn, when=here)
                first, times = loops[run]
                if self.last_turn is not None:
                    self.claim(m, self.last_turn == int(0 < turn == times - 1), when=here)
                if self.first is not None and first < run:
                    head = entry + first
                    back = (self.first == words[head]) & (self.second == head + 1)
                    self.claim(m, back, when=here)
        for idle in (self.turn, self.last_turn):
            if idle is not None:
                self.claim(m, idle == 0, when=ran == 0)


class OneWriter(PublishedCycles):
    """Nobody writes to the lanes' memory in a cycle in which another does: no word is lost there.

    The writers are the input, the clearing after a reset, and the results of a step, the last of
    which come when the next step may have begun.
    """

    WRITERS = ("step_controller_take", "step_controller_clear", "writeback_write")

    def __init__(self, design: Design) -> None:
        super().__init__(design)
        self.writers = [self.probe(name) for name in self.WRITERS]

    def check(self, m: Module) -> None:
        super().check(m)
        self.claim(m, sum(self.writers) <= 1)


class WordsOfAStep(Harness):
    """Steps put as many words into the output FIFO as they have reserved, when there was room.

    That is what `FifoOrder` assumes. `STEPS` steps come from a source that never waits, to a sink
    that never does; that a step which has begun hears nothing of either is what `PublishedCycles`
    says. All words are there `TAIL` cycles after the last step.
    """

    STEPS, TAIL = 3, 16

    def __init__(self, design: Design) -> None:
        super().__init__(design)
        self.reserve, self.room = self.probe("reserve"), self.probe("fifo_room")
        self.write, self.running = self.probe("fifo.write"), self.probe("sequencer.running")

    def check(self, m: Module) -> None:
        n_out, tail = self.design.plan.n_out, self.TAIL
        n_words = self.STEPS * self.design.plan.n_in
        taken, since = Signal(range(n_words + 1)), Signal(range(tail + 1))
        owed = Signal(range(self.STEPS * n_out + 1))
        m.d.comb += [
            Assume(~self.started | ~ResetSignal()),
            Assume(self["i_valid"] == (taken != n_words)),
            Assume(self["o_ready"]),
        ]
        m.d.sync += [
            taken.eq(taken + (self["i_valid"] & self["i_ready"])),
            owed.eq(owed + Mux(self.reserve, n_out, 0) - self.write),
            since.eq(Mux(self.running, 0, Mux(since == tail, tail, since + 1))),
        ]
        self.claim(m, self.room, when=self.reserve)
        self.claim(m, owed != 0, when=self.write)
        self.claim(m, owed == 0, when=(taken == n_words) & (since == tail))


def positions(listing: Listing) -> list[tuple[int, int, int]]:
    """Return the number of the run, the cycle in it and the turn, of every cycle of a step."""
    number = {id(run): k for k, run in enumerate(listing.runs)}
    assert len(number) == len(listing.runs)
    return [(number[id(c.run)], c.offset, c.turn) for c in walk(listing.runs)]


def loops_of(listing: Listing) -> list[tuple[int, int]]:
    """Return the first run and the turns of every run's loop; itself and 1 outside of loops."""
    found = [(number, 1) for number in range(len(listing.runs))]
    for end, run in enumerate(listing.runs):
        if run.times > 1:
            first = end - run.body + 1
            found[first : end + 1] = [(first, run.times)] * run.body
    return found
