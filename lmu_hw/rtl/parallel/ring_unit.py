"""A multiplier that neighbouring sections of a cascade share, with their states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..constant_tables import lookup
from ..ports import keep_on_reset
from .delay_line import DelayLine
from .ring_plan import RingPlan
from .ring_schedule import SlotKind
from .shown_state import shown_state
from .table_adaptor import TableAdaptor


class RingUnit(wiring.Component):
    """Updates the states of its sections in turn, and passes chain words on.

    Parameters
    ----------
    plan : RingPlan
    number : int

    Members
    -------
    slot : In(unsigned)
        Slot of the unit's turn: what the adaptor starts in this cycle.
    w : In(signed)
        Chain word from another unit, for a section whose own unit has not just computed it.
    valid, silent, step : In
        With ``w``: there is a step; it rounds toward zero; its number modulo the output FIFO.
    due : In(1)
        With ``w``, if the plan is gated: its states are delivered.
    w_next, valid_next, silent_next, step_next, due_next : Out
        The same for the next section, `RingPlan.pipeline` cycles later.
    words : Out(unsigned)
        New states of a section as output words, the inner one in the lowest bits.
    done : Out(1)
        With them.
    place : Out(unsigned)
        With them: number of the section in the unit, and above it the step.
    erase : In(1)
        Set the states that pass to zero; during a turn, all.

    With a state port also:

    z_inner, z_outer : Out(signed)
        States of the section that the adaptor starts with in this slot.
    load_inner, load_outer : In(1)
        Replace that state by ``load_word``. There must be no step in the unit.
    load_word : In(signed)
        Word to load.

    Latency: `RingPlan.pipeline` cycles to the next section; half a turn more to the states of a
    section with two adaptors, and one more cycle to the output words.
    Throughput: one step every turn.

    Schedule: the adaptor's results return to it after a fixed time, so that nothing has an address.
    ``b`` is the word of half a turn before: the outer state for the first adaptor of a section, its
    result for the second one. ``a`` is the chain word of the section before, or the inner state of
    a turn before. In a slot without a step the adaptor holds both.
    """

    def __init__(self, plan: RingPlan, number: int) -> None:
        self.plan, self.number = plan, number
        self.adaptor = TableAdaptor(plan.adaptor(number))
        kinds = plan.kinds(number)
        self.pairs, self.reals = SlotKind.INNER in kinds, SlotKind.REAL in kinds
        self.slots = plan.slots(number)
        op = plan.op
        chain = signed(op.chain_fmt.width)
        control = control_of(plan)
        members = {
            "slot": In(range(plan.cycles_per_step)),
            "w": In(chain),
            **{name: In(shape) for name, shape in control.items()},
            "w_next": Out(chain),
            **{f"{name}_next": Out(shape) for name, shape in control.items()},
            "words": Out(plan.shown_width(number)),
            "done": Out(1),
            "place": Out(place_width(plan)),
            "erase": In(1),
        }
        if plan.state_port:
            word = max(plan.inner_fmt.width, plan.outer_fmt.width)
            members |= {"load_word": In(signed(word)), "load_inner": In(1)}
            members |= {"z_inner": Out(signed(plan.inner_fmt.width))}
            if self.pairs:
                members |= {"load_outer": In(1), "z_outer": Out(signed(plan.outer_fmt.width))}
        super().__init__(members)
        keep_on_reset(self, "words", "place")

    @property
    def latency(self) -> int:
        """Cycles from the chain word to the output words of a section with two adaptors."""
        return self.plan.schedule.half + self.plan.pipeline + 1

    def model(self, section: int, w: int, outer: int, inner: int, silent: bool) -> tuple[int, ...]:
        """Return the new chain word, outer state (0 without one) and inner state."""
        slots = {s.kind: k for k, s in enumerate(self.slots) if s.section == section}
        if SlotKind.REAL in slots:
            at = slots[SlotKind.REAL]
            inner, w = self.adaptor.model(SlotKind.REAL, at, inner, w, silent)
            return w, 0, inner
        at, later = slots[SlotKind.OUTER], slots[SlotKind.INNER]
        w, f = self.adaptor.model(SlotKind.OUTER, at, w, outer, silent)
        inner, outer = self.adaptor.model(SlotKind.INNER, later, inner, f, silent)
        return w, outer, inner

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        plan, adaptor = self.plan, self.adaptor
        m.submodules.adaptor = adaptor
        table = adaptor.shape.table
        own = self._flag(m, "own", [self._hands_over(k) for k in range(len(self.slots))])
        states = self._is(m, "starts_with_state", SlotKind.INNER, SlotKind.REAL)
        real = self._is(m, "real", SlotKind.REAL)
        inner, outer = self._states(m)
        w = Signal(signed(plan.op.chain_fmt.width), name="chain_word")
        m.d.comb += w.eq(Mux(own, self.w_next, self.w))
        raised = w << (plan.grid - plan.op.chain_fmt.frac_bits)
        m.d.comb += [
            adaptor.a.eq(Mux(states, inner << (plan.grid - plan.inner_fmt.frac_bits), raised)),
            adaptor.b.eq(Mux(real, raised, outer << (plan.grid - plan.outer_fmt.frac_bits))),
            adaptor.coef.eq(lookup(m, self.slot, table.coefs, "coef")),
            adaptor.chain_a.eq(~states),
            adaptor.chain_b.eq(real),
            adaptor.erase.eq(self.erase),
        ]
        if len(table.shifts) > 1:
            m.d.comb += adaptor.choice.eq(lookup(m, self.slot, table.choices, "choice"))
        valid, silent = self._control(m, own)
        # without a step ``silent`` may be unknown to a simulator; nothing is rounded then
        m.d.comb += [adaptor.hold.eq(~valid), adaptor.silent.eq(silent & valid)]
        self._leave(m)
        return m

    def _control(self, m: Module, own: Value) -> tuple[Value, Value]:
        """Add what travels with the steps; return whether there is one, and its rounding."""
        plan = self.plan
        half, pipeline = plan.schedule.half, plan.pipeline
        second = self._is(m, "second", SlotKind.INNER)
        idle = self._is(m, "idle", SlotKind.IDLE)
        found = {}
        for name in control_of(plan):
            given = getattr(self, name)
            now = Signal.like(given, name=f"this_{name}")
            past = Signal(half * len(now), name=f"past_{name}", reset_less=name != "valid")
            m.d.sync += past.eq(Cat(now, past))
            before = [past[k * len(now) : (k + 1) * len(now)] for k in range(half)]
            m.d.comb += [
                now.eq(Mux(second, before[half - 1], Mux(own, before[pipeline - 1], given))),
                getattr(self, f"{name}_next").eq(before[pipeline - 1]),
            ]
            found[name] = now
        valid = Signal(name="works")
        m.d.comb += valid.eq(found["valid"] & ~idle)
        return valid, found["silent"]

    def _states(self, m: Module) -> tuple[Value, Value]:
        """Add the ways of the results back to the adaptor; return the states of this slot."""
        plan, adaptor = self.plan, self.adaptor
        half, pipeline = plan.schedule.half, plan.pipeline
        words = []
        for name, fmt, new, delay, there in (
            ("inner", plan.inner_fmt, adaptor.a_new, 2 * half - pipeline, True),
            ("outer", plan.outer_fmt, adaptor.b_new, half - pipeline, self.pairs),
        ):
            word: Value = Signal(signed(fmt.width), name=f"{name}_state")
            if there:
                line = DelayLine(signed(fmt.width), delay)
                m.submodules[f"{name}_line"] = line
                m.d.comb += line.i.eq(new >> (plan.grid - fmt.frac_bits))
                m.d.comb += word.eq(line.o)
                if plan.state_port:
                    m.d.comb += getattr(self, f"z_{name}").eq(line.o)
                    with m.If(getattr(self, f"load_{name}")):
                        m.d.comb += word.eq(self.load_word)
            words.append(word)
        return words[0], words[1]

    def _leave(self, m: Module) -> None:
        """Pass the chain word on, and the output words of a section that is done."""
        plan, adaptor, op = self.plan, self.adaptor, self.plan.op
        pipeline, grid = plan.pipeline, plan.grid
        was_real = self._is(m, "was_real", SlotKind.REAL, ago=pipeline)
        was_last = self._is(m, "was_last", SlotKind.INNER, SlotKind.REAL, ago=pipeline)
        chain = grid - op.chain_fmt.frac_bits
        inner = adaptor.a_new >> (grid - plan.inner_fmt.frac_bits)
        words: list[Value] = [shown_state(m, plan, op.z_inner, inner, "inner")]
        if self.pairs:
            outer = adaptor.b_new >> (grid - plan.outer_fmt.frac_bits)
            words.append(shown_state(m, plan, op.z_outer, outer, "outer"))
        places = {k: row for row, k in enumerate(plan.schedule.sections(self.number))}
        rows = [places.get(slot.section, 0) for slot in self.slots]
        row = Signal(row_width(plan), name="row")
        m.d.comb += [
            self.w_next.eq(Mux(was_real, adaptor.b_new >> chain, adaptor.a_new >> chain)),
            row.eq(lookup(m, self.slot, _ago(rows, pipeline), "row_of_slot")),
        ]
        done = self.valid_next & self.due_next if plan.gated else self.valid_next
        m.d.sync += [
            self.words.eq(Cat(words)),
            self.done.eq(done & was_last),
            self.place.eq(Cat(row, self.step_next)),
        ]

    def _hands_over(self, number: int) -> bool:
        """Return whether a slot's chain word comes from its own unit."""
        slot = self.slots[number]
        if slot.kind in (SlotKind.IDLE, SlotKind.INNER):
            return False
        return self.plan.schedule.hands_over(slot.section)

    def _is(self, m: Module, name: str, *kinds: SlotKind, ago: int = 0) -> Value:
        """Return whether the slot, or one some cycles ago, is of a kind."""
        return self._flag(m, name, _ago([slot.kind in kinds for slot in self.slots], ago))

    def _flag(self, m: Module, name: str, values: Sequence[bool]) -> Value:
        return lookup(m, self.slot, [int(value) for value in values], name)


def control_of(plan: RingPlan) -> dict[str, Any]:
    """Return what travels with a chain word: names and shapes, ``valid`` first."""
    shapes = {"valid": 1, "silent": 1, "step": range(plan.fifo_depth)}
    return shapes | ({"due": 1} if plan.gated else {})


def row_width(plan: RingPlan) -> int:
    """Return the bits of the number of a section in its unit."""
    return (plan.rows - 1).bit_length()


def place_width(plan: RingPlan) -> int:
    """Return the bits of `RingUnit.place`."""
    return row_width(plan) + (plan.fifo_depth - 1).bit_length()


def _ago(values: Sequence[int], cycles: int) -> list[int]:
    """Return the values of slots as seen some cycles later."""
    return [values[(k - cycles) % len(values)] for k in range(len(values))]
