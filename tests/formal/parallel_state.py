"""Proofs of the parallel styles' state port: each signal has the state that was loaded for it."""

from __future__ import annotations

from amaranth.asserts import AnyConst
from amaranth.hdl import Array, Assume, Cat, Module, Mux, Shape, Signal, Value

from lmu_hw.program.fixedpoint import Overflow, overflow
from lmu_hw.program.integer_program import Role
from lmu_hw.rtl.parallel.full_plan import FullPlan
from lmu_hw.rtl.parallel.moving_state import StateVisit, state_visits
from lmu_hw.rtl.state_port import StateCommand
from tests.formal.prover import Design, Harness


class SignalRoundTrip(Harness):
    """A SAVE gives every word as it was loaded last for its signal, or zero after a CLEAR of it.

    Commands and stalls are free, and so is when they come; no step runs. One word of one signal,
    both chosen at will, is followed from where it is loaded to where it is saved. It is zero after
    a reset, and no command for another signal changes it.
    """

    def __init__(self, design: Design) -> None:
        super().__init__(design)
        plan = self.plan = design.plan
        self.vectors = plan.program.with_role(Role.STATE)
        self.n_words = plan.program.n_words(Role.STATE)
        names = ("active", "pending", "index", "fetching", "held")
        self.port = {name: self.probe(f"state_port.{name}") for name in names}
        self.executed, self.coming = (
            self.probe_if_there(f"state_port.{name}") for name in ("signal", "coming_signal")
        )
        self.clearing = self.probe("clearing")
        self.idle = [
            self.probe(name)
            for name in ("left", "entering_valid", "waiting_valid")
            if self.declared(name)
        ]

    def check(self, m: Module) -> None:
        n, active = self.n_words, self.port["active"]
        payload, last = self["state_o_data"], self["state_o_last"]
        offered = self["state_o_valid"]
        loaded, saved = Signal(), Signal()
        m.d.comb += [
            Assume(~self["i_valid"]),
            loaded.eq(self["state_i_valid"] & self["state_i_ready"]),
            saved.eq(offered & self["state_o_ready"]),
        ]
        number, chosen = Signal(range(n)), AnyConst(range(n))
        own = AnyConst(range(self.plan.interleave))
        m.d.comb += [number.eq(chosen), Assume(number < n)]
        mine = self._commands(m, own)

        # the chosen word: as it was loaded last
        n_loaded, n_saved = Signal(range(n + 1)), Signal(range(n + 1))
        word = Signal.like(self["state_i_data"])
        with m.If(loaded):
            m.d.sync += n_loaded.eq(Mux(n_loaded == n - 1, 0, n_loaded + 1))
            with m.If(mine & (n_loaded == number)):
                m.d.sync += word.eq(self["state_i_data"])
        with m.If(mine & (active == StateCommand.CLEAR)):
            m.d.sync += word.eq(0)
        with m.If(saved):
            m.d.sync += n_saved.eq(Mux(n_saved == n - 1, 0, n_saved + 1))
        # the last word of a SAVE may still wait while a later command runs, for whichever signal
        stale, of_mine = Signal(), Signal()
        m.d.sync += stale.eq((stale | (active != StateCommand.SAVE)) & offered & ~saved)
        with m.If(active == StateCommand.SAVE):
            m.d.sync += of_mine.eq(mine)
        expected = Signal.like(payload)
        formats = [v.fmt for v in self.vectors for _ in range(v.length)]
        with m.Switch(number):
            for k, fmt in enumerate(formats):
                with m.Case(k):
                    m.d.comb += expected.eq(overflow(word, fmt, Overflow.WRAP))
        now = offered & of_mine & (n_saved == number)
        self.claim(m, payload == expected, when=now & ~stale)
        self.claim(m, last == (n_saved == n - 1), when=offered)

        # as every stream, it keeps what it offers
        stalled, before = Signal(), Signal(len(payload) + 1)
        m.d.sync += [stalled.eq(offered & ~self["state_o_ready"]), before.eq(Cat(payload, last))]
        self.claim(m, offered & (Cat(payload, last) == before), when=stalled)
        self._inside(m, number, expected, own, (n_loaded, n_saved, offered))

    def _commands(self, m: Module, own: Value) -> Value:
        """Return whether the command that is executed is for the chosen signal."""
        if self.plan.interleave == 1:
            return Signal(init=1, name="mine") | 1
        asked = self["state_command_valid"] & self["state_command_ready"]
        coming, executed = (Signal(range(self.plan.interleave), name=n) for n in ("ask", "run"))
        with m.If(asked):
            m.d.sync += coming.eq(self["state_command_data"][2:])
        idle = self.port["active"] == StateCommand.NONE
        with m.If(idle):
            m.d.sync += executed.eq(coming)
        self.claim(m, self.executed == executed, when=~idle)
        self.claim(m, self.coming == coming, when=self.port["pending"] != StateCommand.NONE)
        return executed == own

    def _inside(
        self,
        m: Module,
        number: Value,
        expected: Value,
        own: Value,
        counts: tuple[Value, Value, Value],
    ) -> None:
        """Claim what that rests on: the place of the word, and where the walk is."""
        n, active = self.n_words, self.port["active"]
        n_loaded, n_saved, offered = counts
        self._place(m, number, expected, own)
        for signal in self.idle:
            self.claim(m, signal == 0)
        self.claim(m, active == StateCommand.NONE, when=self.clearing)
        self.claim(m, (n_loaded < n) & (n_saved < n))
        self.claim(m, n_loaded == 0, when=active != StateCommand.LOAD)
        to_save = (n_saved + offered) % n
        self.claim(m, to_save == 0, when=active != StateCommand.SAVE)
        at = Mux(active == StateCommand.LOAD, n_loaded, to_save)
        walks = (active == StateCommand.LOAD) | (active == StateCommand.SAVE)
        self.claim(m, self.port["index"] == at, when=walks)

    def _place(self, m: Module, number: Value, expected: Value, own: Value) -> None:
        """Claim that the memory of the chosen word holds it for its signal."""
        raise NotImplementedError


class FullRoundTrip(SignalRoundTrip):
    """The same where a word stays in the memory of its section."""

    def __init__(self, design: Design) -> None:
        super().__init__(design)
        plan: FullPlan = self.plan
        op = plan.op
        both = [k for k, section in enumerate(op.sections) if len(section) == 2]
        stores = {
            op.z_inner: [f"section_{k}.inner_states" for k in range(len(op.sections))],
            op.z_outer: [f"section_{k}.outer_states" for k in both],
            op.silence: ["zero_run_flags.counts"],
        }
        places = [(name, v.fmt) for v in self.vectors for name in stores[v.name]]
        self.places = [
            [
                self.probe(f"{name}.mem[{k}]", Shape(fmt.width, fmt.signed))
                for k in range(plan.interleave)
            ]
            for name, fmt in places
        ]
        self.cleared = self.probe("clear_signal")

    def _place(self, m: Module, number: Value, expected: Value, own: Value) -> None:
        known = ~self.clearing | (self.cleared > own)
        known &= self.port["active"] != StateCommand.CLEAR
        with m.Switch(number):
            for k, signals in enumerate(self.places):
                with m.Case(k):
                    self.claim(m, Array(signals)[own] == expected, when=known)
        held, active = self.port["held"], self.port["active"]
        executed = self.executed
        ready = (active == StateCommand.SAVE) & ~self.port["fetching"] & (executed == own)
        self.claim(m, held == expected, when=ready & (self.port["index"] == number))


class RingRoundTrip(SignalRoundTrip):
    """The same where the words move: each passes its unit in one slot of a turn."""

    def __init__(self, design: Design) -> None:
        super().__init__(design)
        self.slot, self.passed = self.probe("slot"), self.probe("state_port.passed")
        self.visits = state_visits(self.plan)
        names = ["zero_run_flags.count" if v.unit < 0 else _way(v) for v in self.visits]
        # two probes of the same signal would be two signals
        ways = {name: self.probe(name) for name in dict.fromkeys(names)}
        self.places = [ways[name] for name in names]

    def _place(self, m: Module, number: Value, expected: Value, own: Value) -> None:
        active = self.port["active"]
        known = ~self.clearing & (active != StateCommand.CLEAR)
        # a word that was loaded replaces the one that passes
        before = Signal.like(expected, name="expected_before")
        m.d.sync += before.eq(expected)
        with m.Switch(number):
            for k, (visit, place) in enumerate(zip(self.visits, self.places, strict=True)):
                with m.Case(k):
                    if visit.unit < 0:
                        self.claim(m, place == expected, when=known)
                    else:
                        here = known & (self.slot == visit.slot)
                        self.claim(m, place == before, when=here)
        ready = (active == StateCommand.SAVE) & ~self.port["fetching"] & self.passed
        here = ready & (self.port["index"] == number)
        self.claim(m, self.port["held"] == expected, when=here)
        self.claim(m, self.slot < self.plan.cycles_per_step)


def _way(visit: StateVisit) -> str:
    return f"unit_{visit.unit}.z_{'outer' if visit.outer else 'inner'}"
