"""When the parallel styles take words, and when the words of each step reach the output."""

from __future__ import annotations

from amaranth.hdl import Assume, Cat, Module, Mux, Signal, Value

from lmu_hw.rtl.parallel.cascade_plan import ENTER
from lmu_hw.rtl.parallel.full_plan import FullPlan
from lmu_hw.rtl.parallel.ring_plan import RingPlan
from tests.formal.prover import Design, Harness


class Paced(Harness):
    """Words are taken when the published cycles say so and a place in the output is free.

    ``i_ready`` is at all times what a counter of cycles and one of steps say, whatever the source
    and the sink do.
    """

    def __init__(self, design: Design) -> None:
        super().__init__(design)
        self.reserved = self.probe("output_columns.reserved")
        self.slot = self.probe_if_there("slot")

    def check(self, m: Module) -> None:
        plan = self.design.plan
        take, inside = self._transfers(m)
        cleared = Signal(range(plan.clear_cycles + 1))
        is_clear = cleared == plan.clear_cycles
        m.d.sync += cleared.eq(Mux(is_clear, cleared, cleared + 1))
        due = self._due(m, take)
        has_room = inside != plan.fifo_depth
        self.claim(m, self["i_ready"] == (is_clear & due & has_room))

        # what `StepsInOrder` proves: an output is that of a step
        m.d.comb += Assume(~self["o_valid"] | (inside != 0))
        self.claim(m, self["o_last"] == 1)
        # what that rests on
        self.claim(m, self.reserved == inside)
        self.claim(m, inside <= plan.fifo_depth)
        self.claim(m, is_clear | (inside == 0))

    def _transfers(self, m: Module) -> tuple[Signal, Signal]:
        """Return whether a word is taken, and how many steps are inside."""
        take, given = Signal(), Signal()
        inside = Signal(range(self.design.plan.fifo_depth + 2))
        m.d.comb += [
            take.eq(self["i_valid"] & self["i_ready"]),
            given.eq(self["o_valid"] & self["o_ready"]),
        ]
        m.d.sync += inside.eq(inside + take - given)
        return take, inside

    def _due(self, m: Module, take: Value) -> Value:
        """Return whether a step may begin: some cycles after another, or once in a turn."""
        cycles = self.design.plan.cycles_per_step
        phase = Signal(range(cycles))
        if isinstance(self.design.plan, FullPlan):
            m.d.sync += phase.eq(Mux(take, cycles - 1, Mux(phase == 0, 0, phase - 1)))
        else:
            m.d.sync += phase.eq(Mux(phase == cycles - 1, 0, phase + 1))
            self.claim(m, self.slot == Mux(phase == 0, cycles - 1, phase - 1))
        return phase == 0


class ColumnsInTime(Harness):
    """Each step writes its words to the output once, in the published cycles, under its number.

    That is what `StepsInOrder` assumes of the columns of the output.
    """

    def __init__(self, design: Design) -> None:
        super().__init__(design)
        plan = design.plan
        self.rows = plan.rows if isinstance(plan, RingPlan) else 1
        columns = range(plan.multipliers if isinstance(plan, RingPlan) else len(plan.ends))
        self.writes = [self.probe(f"output_columns.write_{k}") for k in columns]
        self.places = [
            self.probe(f"output_columns.place_{k}") if self.rows > 1 else None for k in columns
        ]
        self.step = self.probe("step") if self.rows > 1 else None

    def check(self, m: Module) -> None:
        plan = self.design.plan
        take = Signal()
        m.d.comb += take.eq(self["i_valid"] & self["i_ready"])
        # a bit for each cycle before this one, and the number of the step that was taken
        length = ENTER + plan.finish + 1
        taken = Signal(length)
        number = Signal(range(plan.fifo_depth))
        numbers = [Signal.like(number, name=f"number_{k}") for k in range(length)]
        m.d.sync += [
            taken.eq(Cat(take, taken)),
            number.eq(number + take),
            *(new.eq(old) for new, old in zip(numbers, [number, *numbers], strict=False)),
        ]
        if self.step is not None:
            self.claim(m, self.step == number)
        for column, (write, place) in enumerate(zip(self.writes, self.places, strict=True)):
            arrivals = {row: ENTER + plan.ends[k] for row, k in enumerate(self._sections(column))}
            self.claim(m, write == sum(taken[at] for at in arrivals.values()))
            if place is None:
                continue
            bits = (self.rows - 1).bit_length()
            for row, at in arrivals.items():
                here = (place[:bits] == row) & (place[bits:] == numbers[at])
                self.claim(m, here, when=write & taken[at])

    def _sections(self, column: int) -> tuple[int, ...]:
        """Return the sections whose words a column has, row by row."""
        plan = self.design.plan
        return plan.schedule.sections(column) if isinstance(plan, RingPlan) else (column,)
