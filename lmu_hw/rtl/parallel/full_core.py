"""Top level of a design with a multiplier for each coefficient."""

from __future__ import annotations

from itertools import pairwise

from amaranth.hdl import Module, Mux, Signal, Value

from ...program.integer_program import Role
from ..constant_tables import requantized
from .cascade_core import CascadeCore
from .cascade_plan import OUTER
from .column_layout import column_layout
from .full_plan import FullPlan
from .full_section import FullSection
from .output_columns import OutputColumns
from .word_columns import Walk, WordColumns, word_parts
from .zero_run_flags import ZeroRunFlags


class FullCore(CascadeCore[FullPlan]):
    """A memory in cascade form with a multiplier for each coefficient, for one or more signals.

    Input words belong to the signals in turn, beginning with signal 0 after a reset, and so do the
    outputs.

    Parameters
    ----------
    plan : FullPlan

    Members
    -------
    i : In(stream)
        The input words, one for each step.
    o : Out(stream)
        All words of an output in one transfer, the first one in the lowest bits; each has the width
        of the widest and is sign-extended.
    o_last : Out(1)
        Always 1: a transfer ends an output.
    state_command, state_i, state_o, state_o_last
        With a state port: those of `SignalStatePort`.

    Latency: `FullPlan.latency`, from an input word to the output of its step. After a reset the
    states are cleared first, one signal a cycle, if there are several.
    Throughput: one step every `FullPlan.cycles_per_step` cycles. Both are exact while the source is
    always valid and the sink always ready.

    Schedule: round the input word and count zero inputs; then section after section. A step starts
    only when the output has room for its words, so it never stalls.
    """

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        plan = self.plan
        m.submodules.output_columns = columns = self._columns()
        sections = [FullSection(plan, k) for k in range(len(plan.op.sections))]
        for number, section in enumerate(sections):
            m.submodules[f"section_{number}"] = section
        count = plan.program.vector(plan.op.silence).fmt.width
        m.submodules.zero_run_flags = flags = ZeroRunFlags(
            plan.op.window, count, len(self.i.payload), plan.interleave
        )
        clearing, clear_signal = self._clearing(m)
        held: Value = clearing
        if plan.state_port:
            held = clearing | self._state_port(m, sections, flags)
        take = self._pace(m, held, clearing, columns)
        self._enter(m, take, sections[0], flags)
        for section, following in pairwise(sections):
            m.d.comb += [
                following.w.eq(section.w_next),
                following.valid.eq(section.valid_next),
                following.silent.eq(section.silent_next),
                following.signal.eq(section.signal_next),
            ]
            if plan.gated:
                m.d.comb += following.due.eq(section.due_next)
        for number, section in enumerate(sections):
            m.d.comb += [
                getattr(columns, f"words_{number}").eq(section.words),
                getattr(columns, f"write_{number}").eq(section.done),
            ]
        if plan.clear_cycles:
            with m.If(clearing):
                self._erase(m, sections, flags, clear_signal)
        self._out(m, columns)
        return m

    def _columns(self) -> OutputColumns | WordColumns:
        """Return the output FIFO: a column for each section."""
        plan = self.plan
        widths, parts = column_layout(plan)
        if self.word_shape is not None:
            return WordColumns(
                widths,
                word_parts(plan),
                self.word_shape.width,
                plan.fifo_depth,
                plan.last_section,
                Walk(sections=len(widths), run=1),
            )
        return OutputColumns(
            widths, parts, self.out_shape.width, plan.fifo_depth, plan.last_section
        )

    def _clearing(self, m: Module) -> tuple[Signal, Signal]:
        """Add the counter that clears the states of all signals after a reset."""
        clearing = Signal(init=int(self.plan.clear_cycles > 0))
        signal = Signal(range(self.plan.interleave), name="clear_signal")
        if self.plan.clear_cycles:
            with m.If(clearing):
                m.d.sync += signal.eq(signal + 1)
                with m.If(signal == self.plan.interleave - 1):
                    m.d.sync += clearing.eq(0)
        return clearing, signal

    def _pace(
        self, m: Module, held: Value, clearing: Value, columns: OutputColumns | WordColumns
    ) -> Signal:
        """Accept an input word every `FullPlan.cycles_per_step` cycles; return when."""
        interval = self.plan.cycles_per_step
        start = Signal()
        ready = ~held
        if interval > 1:
            wait = Signal(range(interval))
            ready &= wait == 0
            m.d.sync += wait.eq(Mux(start, interval - 1, Mux(wait == 0, 0, wait - 1)))
        m.d.comb += start.eq(self._take(m, ready, clearing, columns))
        return start

    def _enter(self, m: Module, take: Signal, first: FullSection, flags: ZeroRunFlags) -> None:
        """Round the input word, count zero inputs, and number the signal."""
        plan = self.plan
        signal = Signal(range(plan.interleave), name="signal")
        source = plan.program.vector(plan.op.source).fmt
        word = requantized(m, self.i.payload, source, plan.op.chain_fmt, "raised_input")
        entering = Signal.like(first.w, name="entering_word", reset_less=True)
        entering_signal = Signal.like(signal, name="entering_signal", reset_less=True)
        entering_valid = Signal(name="entering_valid")
        m.d.sync += [
            entering.eq(word),
            entering_signal.eq(signal),
            entering_valid.eq(take),
        ]
        m.d.comb += [
            flags.word.eq(self.i.payload),
            flags.valid.eq(take),
            first.w.eq(entering),
            first.valid.eq(entering_valid),
            first.signal.eq(entering_signal),
            first.silent.eq(flags.silent),
        ]
        if plan.gated:
            entering_due = Signal(name="entering_due", reset_less=True)
            m.d.sync += entering_due.eq(self.due)
            m.d.comb += first.due.eq(entering_due)
        if not plan.state_port:
            m.d.comb += flags.signal.eq(signal)
        else:
            port = m.submodules.state_port
            m.d.comb += flags.signal.eq(Mux(port.busy, port.signal, signal))
        if plan.interleave > 1:
            with m.If(take):
                m.d.sync += signal.eq(Mux(signal == plan.interleave - 1, 0, signal + 1))

    def _erase(
        self, m: Module, sections: list[FullSection], flags: ZeroRunFlags, signal: Value
    ) -> None:
        """Set the state of a signal to zero."""
        m.d.comb += [flags.load.eq(1), flags.load_word.eq(0), flags.signal.eq(signal)]
        for section in sections:
            m.d.comb += [section.load_signal.eq(signal), section.load_word.eq(0)]
            m.d.comb += [getattr(section, f"load_{kind}").eq(1) for kind in section.kinds]

    def _state_port(self, m: Module, sections: list[FullSection], flags: ZeroRunFlags) -> Value:
        """Add the state port; return whether it keeps steps from starting."""
        plan, op = self.plan, self.plan.op
        port = self._port(m, moving=False)
        m.d.comb += flags.load_word.eq(port.load_word)
        for section in sections:
            m.d.comb += [
                section.access.eq(port.busy),
                section.load_signal.eq(port.signal),
                section.load_word.eq(port.load_word),
            ]
        words: dict[str, list[tuple[Value, Value]]] = {
            op.z_inner: [(s.z_inner, s.load_inner) for s in sections],
            op.z_outer: [(s.z_outer, s.load_outer) for s in sections if OUTER in s.kinds],
            op.silence: [(flags.count, flags.load)],
        }
        states = plan.program.with_role(Role.STATE)
        in_order = [pair for v in states for pair in words[v.name]]
        with m.Switch(port.index):
            for number, (word, load) in enumerate(in_order):
                with m.Case(number):
                    m.d.comb += [port.state.eq(word), load.eq(port.load)]
        with m.If(port.erase):
            self._erase(m, sections, flags, port.signal)
        return port.hold
