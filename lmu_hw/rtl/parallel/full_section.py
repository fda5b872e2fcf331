"""A section of a cascade with a multiplier for each of its adaptors."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...program.fixedpoint import QFormat
from ..ports import keep_on_reset
from .cascade_plan import INNER, OUTER
from .constant_adaptor import ConstantAdaptor
from .full_plan import FullPlan
from .shown_state import shown_state
from .signal_store import SignalStore


class FullSection(wiring.Component):
    """Updates the states of a section, and passes the chain word on.

    Parameters
    ----------
    plan : FullPlan
    number : int
        Index of the section.

    Members
    -------
    w : In(signed)
        Chain word.
    valid, silent, signal : In
        With ``w``: there is a step; it rounds toward zero; number of its signal.
    due : In(1)
        With ``w``, if the plan is gated: its states are delivered.
    w_next, valid_next, silent_next, signal_next, due_next : Out
        The same for the next section, `FullPlan.pipeline` cycles later.
    words : Out(unsigned)
        New states as output words, the inner one in the lowest bits.
    done : Out(1)
        With them.
    load_inner, load_outer : In(1)
        Write ``load_word`` as the state of ``load_signal``. No step may be in the section.
    load_signal : In(unsigned)
        Signal whose state is written or read.
    load_word : In(signed)
        Word to write.

    With a state port also:

    access : In(1)
        Read the states of ``load_signal``.
    z_inner, z_outer : Out(signed)
        Those states, in the same cycle.

    Latency: `FullPlan.pipeline` cycles to the next section; as many for each adaptor to the states,
    and one more to the output words.
    Throughput: one step per cycle, and one of a signal every `FullPlan.loop` cycles.

    Schedule: the outer adaptor takes the chain word and the outer state; the inner one takes its
    result and the inner state, while the next section's outer adaptor works on the same step.
    """

    def __init__(self, plan: FullPlan, number: int) -> None:
        self.plan = plan
        op = plan.op
        self.names = {INNER: op.z_inner, OUTER: op.z_outer}
        self.formats = {INNER: plan.inner_fmt, OUTER: plan.outer_fmt}
        self.units = [ConstantAdaptor(shape) for shape in plan.adaptors(number)]
        self.kinds = (INNER, OUTER) if len(self.units) == 2 else (INNER,)
        control = control_of(plan)
        chain = signed(op.chain_fmt.width)
        word = signed(max(fmt.width for fmt in self.formats.values()))
        super().__init__(
            {
                "w": In(chain),
                **{name: In(shape) for name, shape in control.items()},
                "w_next": Out(chain),
                **{f"{name}_next": Out(shape) for name, shape in control.items()},
                "done": Out(1),
                "load_signal": In(range(plan.interleave)),
                "load_word": In(word),
                "words": Out(sum(self._shown(k).width for k in self.kinds)),
                **{f"load_{k}": In(1) for k in self.kinds},
                **({"access": In(1)} if plan.state_port else {}),
                **{
                    f"z_{k}": Out(signed(self.formats[k].width))
                    for k in self.kinds
                    if plan.state_port
                },
            }
        )
        keep_on_reset(self, "words")

    @property
    def latency(self) -> int:
        """Cycles from the chain word to the output words."""
        return self.plan.pipeline * len(self.units) + 1

    def model(self, w: int, outer: int, inner: int, silent: bool) -> tuple[int, int, int]:
        """Return the new chain word, outer state (0 without one) and inner state."""
        if len(self.units) == 1:
            inner, w = self.units[0].model(inner, w, silent)
            return w, 0, inner
        w, f = self.units[0].model(w, outer, silent)
        inner, outer = self.units[1].model(inner, f, silent)
        return w, outer, inner

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        first = m.submodules.first = self.units[0]
        steps = self._steps(m)
        entering, passing, leaving = steps[0], steps[self.plan.pipeline], steps[-1]
        m.d.comb += [
            first.silent.eq(self.silent),
            self.valid_next.eq(passing.valid),
            self.silent_next.eq(passing.silent),
            self.signal_next.eq(passing.signal),
        ]
        done = leaving.valid
        if self.plan.gated:
            m.d.comb += self.due_next.eq(passing.due)
            done &= leaving.due
        # the step whose states are written at the end of this cycle
        written = steps[-2]
        if len(self.units) == 1:
            m.d.comb += [
                first.a.eq(self._store(m, INNER, entering, written, first.coming_a)),
                first.b.eq(self.w),
                self.w_next.eq(first.b_new),
            ]
            results = {INNER: first.a_new}
        else:
            m.submodules.second = second = self.units[1]
            m.d.comb += [
                first.a.eq(self.w),
                first.b.eq(self._store(m, OUTER, entering, written, second.coming_b)),
                self.w_next.eq(first.a_new),
                second.a.eq(self._store(m, INNER, passing, written, second.coming_a)),
                second.b.eq(first.b_new),
                second.silent.eq(passing.silent),
            ]
            results = {INNER: second.a_new, OUTER: second.b_new}
        words = Cat(self._output(m, kind, word) for kind, word in results.items())
        m.d.sync += [self.words.eq(words), self.done.eq(done)]
        return m

    def _steps(self, m: Module) -> list[SimpleNamespace]:
        """Return what travels with the step at each stage of the adaptors."""
        names = control_of(self.plan)
        found = [SimpleNamespace(**{name: getattr(self, name) for name in names})]
        for k in range(1, self.plan.pipeline * len(self.units) + 1):
            step = SimpleNamespace(valid=Signal(name=f"valid_{k}"))
            m.d.sync += step.valid.eq(found[-1].valid)
            for name in list(names)[1:]:
                old = getattr(found[-1], name)
                new = Signal.like(old, name=f"{name}_{k}", reset_less=True)
                m.d.sync += new.eq(old)
                setattr(step, name, new)
            found.append(step)
        return found

    def _store(
        self,
        m: Module,
        kind: str,
        read: SimpleNamespace,
        written: SimpleNamespace,
        word: Value,
    ) -> Value:
        """Add the states of a kind; return that of the step ``read``."""
        fmt = self.formats[kind]
        m.submodules[f"{kind}_states"] = store = SignalStore(
            signed(fmt.width), self.plan.interleave
        )
        load = getattr(self, f"load_{kind}")
        m.d.comb += [
            store.read_signal.eq(read.signal),
            store.write.eq(written.valid | load),
            store.write_signal.eq(Mux(load, self.load_signal, written.signal)),
            store.write_word.eq(Mux(load, self.load_word, word)),
        ]
        if self.plan.state_port:
            m.d.comb += getattr(self, f"z_{kind}").eq(store.word)
            if self.plan.interleave > 1:
                with m.If(self.access):
                    m.d.comb += store.read_signal.eq(self.load_signal)
        return store.word

    def _shown(self, kind: str) -> QFormat:
        return self.plan.output_of(self.names[kind]).fmt

    def _output(self, m: Module, kind: str, word: Value) -> Value:
        """Return a state as an output word."""
        return shown_state(m, self.plan, self.names[kind], word, kind)


def control_of(plan: FullPlan) -> dict[str, Any]:
    """Return what travels with a chain word: names and shapes, ``valid`` first."""
    shapes = {"valid": 1, "silent": 1, "signal": range(plan.interleave)}
    return shapes | ({"due": 1} if plan.gated else {})
