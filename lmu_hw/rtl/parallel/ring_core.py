"""Top level of a design whose neighbouring sections share multipliers."""

from __future__ import annotations

from itertools import pairwise

from amaranth.hdl import Module, Mux, Signal, Value

from ..constant_tables import lookup, one_of, requantized
from ..state_port import StateCommand
from .cascade_core import CascadeCore
from .column_layout import column_layout
from .moving_state import state_visits
from .output_columns import ColumnPart, OutputColumns
from .ring_plan import RingPlan
from .ring_unit import RingUnit, control_of
from .signal_state_port import SignalStatePort
from .word_columns import Walk, WordColumns, word_parts
from .zero_run_flags import ZeroRunFlags


class RingCore(CascadeCore[RingPlan]):
    """A memory in cascade form with a multiplier for a few neighbouring sections.

    Parameters
    ----------
    plan : RingPlan

    Members
    -------
    i : In(stream)
        The input words, one for each step. Ready in one cycle of a turn.
    o : Out(stream)
        All words of an output in one transfer, the first one in the lowest bits; each has the width
        of the widest and is sign-extended.
    o_last : Out(1)
        Always 1: a transfer ends an output.
    state_command, state_i, state_o, state_o_last
        With a state port: those of `SignalStatePort`, for one signal.

    Latency: `RingPlan.latency`, from an input word to the output of its step. After a reset the
    states are cleared first, which takes a turn.
    Throughput: one step every `RingPlan.cycles_per_step` cycles, a turn. Both are exact while the
    source is always valid and the sink always ready.

    Schedule: round the input word and count zero inputs; then section after section, in the slots
    of `RingSchedule`. A step starts only when the output has room for its words, so it never
    stalls. In a turn without a step the units hold their states.
    """

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        plan = self.plan
        units = [RingUnit(plan, k) for k in range(plan.multipliers)]
        m.submodules.output_columns = columns = self._columns(units)
        for number, unit in enumerate(units):
            m.submodules[f"unit_{number}"] = unit
        count = plan.program.vector(plan.op.silence).fmt.width
        flags = ZeroRunFlags(plan.op.window, count, len(self.i.payload), 1)
        m.submodules.zero_run_flags = flags
        # a word that is taken in the last slot starts in slot 0
        slot = Signal(range(plan.cycles_per_step), init=plan.cycles_per_step - 1)
        m.d.sync += slot.eq(Mux(slot == plan.cycles_per_step - 1, 0, slot + 1))
        clearing = Signal(init=1)
        with m.If(slot == plan.cycles_per_step - 2):
            m.d.sync += clearing.eq(0)
        self._count_slots(m, units, slot, clearing)
        held: Value = clearing
        if plan.state_port:
            port = self._state_port(m, units, flags, slot)
            held = clearing | port.hold
            with m.If(port.erase):
                m.d.sync += clearing.eq(1)
        ready = ~held & (slot == plan.cycles_per_step - 1)
        take = self._take(m, ready, clearing, columns)
        self._enter(m, take, units, flags, slot)
        for unit, following in pairwise(units):
            m.d.comb += [
                getattr(following, name).eq(getattr(unit, f"{name}_next"))
                for name in ("w", *control_of(plan))
            ]
        for number, unit in enumerate(units):
            m.d.comb += [
                getattr(columns, f"words_{number}").eq(unit.words),
                getattr(columns, f"write_{number}").eq(unit.done),
            ]
            if columns.rows > 1:
                m.d.comb += getattr(columns, f"place_{number}").eq(unit.place)
        self._out(m, columns)
        return m

    def _count_slots(
        self, m: Module, units: list[RingUnit], slot: Signal, clearing: Signal
    ) -> None:
        """Pass the slot and the clearing from unit to unit, one in a cycle, on short wires.

        A unit is cleared before a step or a state word can reach it: both take longer.
        """
        turn = self.plan.cycles_per_step
        for number, unit in enumerate(units):
            if number:
                before = {"slot": slot, "clearing": clearing}
                slot = Signal(range(turn), name=f"slot_{number}", init=(-1 - number) % turn)
                clearing = Signal(name=f"clearing_{number}", init=1)
                m.d.sync += [slot.eq(before["slot"]), clearing.eq(before["clearing"])]
            m.d.comb += [unit.slot.eq(slot), unit.erase.eq(clearing)]

    def _columns(self, units: list[RingUnit]) -> OutputColumns | WordColumns:
        """Return the output FIFO: a column for each unit, with a row for each of its sections."""
        plan, schedule = self.plan, self.plan.schedule
        parts = []
        for part in column_layout(plan)[1]:
            unit = schedule.unit(part.column)
            row = schedule.sections(unit).index(part.column)
            parts.append(ColumnPart(column=unit, row=row, low=part.low, width=part.width))
        widths = [len(unit.words) for unit in units]
        last = schedule.unit(plan.last_section)
        if self.word_shape is not None:
            return WordColumns(
                widths,
                word_parts(plan),
                self.word_shape.width,
                plan.fifo_depth,
                last,
                Walk(sections=len(plan.op.sections), run=schedule.run),
                rows=plan.rows,
                last_row=schedule.sections(last).index(plan.last_section),
            )
        return OutputColumns(
            widths,
            parts,
            self.out_shape.width,
            plan.fifo_depth,
            last,
            rows=plan.rows,
            last_row=schedule.sections(last).index(plan.last_section),
        )

    def _enter(
        self, m: Module, take: Signal, units: list[RingUnit], flags: ZeroRunFlags, slot: Signal
    ) -> None:
        """Round the input word, count zero inputs and number the step; begin later rounds."""
        plan, first, last = self.plan, units[0], units[-1]
        source = plan.program.vector(plan.op.source).fmt
        word = requantized(m, self.i.payload, source, plan.op.chain_fmt, "raised_input")
        step = Signal(range(plan.fifo_depth))
        m.d.sync += step.eq(step + (take & self.due if plan.gated else take))
        m.d.comb += [flags.word.eq(self.i.payload), flags.valid.eq(take)]
        entering: dict[str, Value] = {"silent": flags.silent}
        beside = {"w": word, "valid": take, "step": step}
        if plan.gated:
            beside["due"] = self.due
        for name, value in beside.items():
            entering[name] = Signal.like(
                getattr(first, name), name=f"entering_{name}", reset_less=name != "valid"
            )
            m.d.sync += entering[name].eq(value)
        rounds = -(-len(plan.op.sections) // plan.schedule.round)
        for name, value in entering.items():
            if rounds > 1:
                # the first section of a later round waits for a cycle
                waiting = Signal.like(
                    getattr(first, name), name=f"waiting_{name}", reset_less=name != "valid"
                )
                m.d.sync += waiting.eq(getattr(last, f"{name}_next"))
                value = Mux(slot == 0, value, waiting)
            m.d.comb += getattr(first, name).eq(value)

    def _state_port(
        self, m: Module, units: list[RingUnit], flags: ZeroRunFlags, slot: Signal
    ) -> SignalStatePort:
        """Add the state port, which waits until the word that it wants passes."""
        plan, visits = self.plan, state_visits(self.plan)
        turn = plan.cycles_per_step
        port = self._port(m, moving=True)
        ways = sorted({(visit.unit, visit.outer) for visit in visits})
        wanted_way = Signal(range(len(ways)), reset_less=True)
        wanted_slot = Signal.like(slot, name="wanted_slot", reset_less=True)
        stays = Signal(reset_less=True)
        place = [ways.index((visit.unit, visit.outer)) for visit in visits]
        m.d.sync += [
            wanted_way.eq(lookup(m, port.index, place, "way_of_word")),
            wanted_slot.eq(lookup(m, port.index, [v.slot for v in visits], "slot_of_word")),
            stays.eq(lookup(m, port.index, [int(v.unit < 0) for v in visits], "word_stays")),
        ]
        # a word to load is in a register for a cycle before
        following = Signal.like(slot, name="following_slot")
        m.d.comb += following.eq(Mux(slot == turn - 1, 0, slot + 1))
        now = Mux(port.active == StateCommand.LOAD, following, slot)
        erases = port.active == StateCommand.CLEAR
        m.d.comb += port.passes.eq(
            Mux(erases, slot == turn - 2, stays | (now == wanted_slot)),
        )
        words: list[Value] = []
        load_word = Signal.like(port.load_word, name="loaded_word", reset_less=True)
        m.d.sync += load_word.eq(port.load_word)
        for number, (unit, outer) in enumerate(ways):
            if unit < 0:
                words.append(flags.count)
                m.d.comb += flags.load.eq(port.load & stays)
                continue
            kind = "outer" if outer else "inner"
            words.append(getattr(units[unit], f"z_{kind}"))
            load = Signal(name=f"load_{kind}_{unit}")
            m.d.sync += load.eq(port.load & (wanted_way == number) & ~stays)
            m.d.comb += getattr(units[unit], f"load_{kind}").eq(load)
        m.d.comb += [unit.load_word.eq(load_word) for unit in units]
        m.d.comb += flags.load_word.eq(port.load_word)
        with m.If(port.erase):
            m.d.comb += [flags.load.eq(1), flags.load_word.eq(0)]
        wide = [Signal(port.state.shape(), name=f"word_{k}") for k in range(len(words))]
        m.d.comb += [new.eq(word) for new, word in zip(wide, words, strict=True)]
        m.d.comb += port.state.eq(one_of(m, wanted_way, wide, "word_of_way"))
        return port
