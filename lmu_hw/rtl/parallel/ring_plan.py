"""Timing and ports of a design whose neighbouring sections share multipliers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from ...program.integer_program import Program
from ..parallel_style import Parallel
from .cascade_plan import CHAIN, ENTER, LEAVE, CascadePlan, limited_words
from .coefficient_table import CoefficientTable, coefficient_table
from .ring_schedule import RingSchedule, Slot, SlotKind
from .table_shape import PortWord, TableShape


@dataclass(frozen=True, kw_only=True)
class RingPlan(CascadePlan):
    """A memory in cascade form with a multiplier for a few neighbouring sections.

    Parameters
    ----------
    sections_per_multiplier : int
        Most sections that share a multiplier, K.
    """

    sections_per_multiplier: int

    @property
    def style(self) -> Parallel:
        """The style of the design."""
        return Parallel.RING

    @cached_property
    def schedule(self) -> RingSchedule:
        """Slots of the adaptors."""
        return RingSchedule(
            adaptors=tuple(map(len, self.op.sections)),
            per_unit=self.sections_per_multiplier,
            pipeline=self.pipeline,
        )

    @property
    def cycles_per_step(self) -> int:
        """Initiation interval: cycles from the start of a step to the next one."""
        return self.schedule.interval

    @property
    def cycle_formula(self) -> str:
        """`cycles_per_step` as an expression."""
        return f"2 * max({self.rows}, {self.pipeline}) = {self.cycles_per_step}"

    @property
    def multipliers(self) -> int:
        """Adaptors of the design, each with a multiplier."""
        return self.schedule.n_units

    @property
    def columns(self) -> int:
        """Columns of the output FIFO: one for each multiplier."""
        return self.multipliers

    @property
    def ends(self) -> tuple[int, ...]:
        """Cycles from the start of a step in the first section to the states of each section."""
        return tuple(map(self.schedule.end, range(len(self.op.sections))))

    @cached_property
    def rows(self) -> int:
        """Most sections that a multiplier has."""
        return max(len(self.schedule.sections(unit)) for unit in range(self.multipliers))

    @property
    def latency_formula(self) -> str:
        """`latency` as an expression."""
        plan, last = self.schedule, self.last_section
        wait = plan.end(last) - plan.start(last) - self.pipeline
        terms = [ENTER, f"{last + 1} * {self.pipeline}", last // plan.round, wait]
        shown = [str(term) for term in terms if term]
        return " + ".join([*shown, str(LEAVE), str(self.rows)]) + f" = {self.latency}"

    @property
    def clear_cycles(self) -> int:
        """Cycles after a reset in which no word is accepted: a turn, which clears the states."""
        return self.cycles_per_step

    @property
    def grid(self) -> int:
        """Fractional bits of the words inside the units: the finest of all."""
        formats = (self.op.chain_fmt, self.outer_fmt, self.inner_fmt)
        return max(fmt.frac_bits for fmt in formats)

    @property
    def state_registers(self) -> int:
        """Bits of the shift registers that keep the states from slot to slot."""
        plan = self.schedule
        inner = (plan.interval - self.pipeline) * self.inner_fmt.width
        outer = (plan.half - self.pipeline) * self.outer_fmt.width if self.op.n_pairs else 0
        return self.multipliers * (inner + outer)

    def kinds(self, unit: int) -> frozenset[SlotKind]:
        """Return the kinds of adaptors of a unit."""
        return frozenset(slot.kind for slot in self.schedule.slots[unit]) - {SlotKind.IDLE}

    @property
    def ports(self) -> Mapping[SlotKind, tuple[PortWord, PortWord]]:
        """The words at the two ports of each kind of adaptor."""
        op = self.op
        chain = PortWord(fmt=op.chain_fmt, limited=CHAIN in self.limited)
        inner = PortWord(fmt=self.inner_fmt, limited=op.z_inner in self.limited)
        outer = PortWord(fmt=self.outer_fmt, limited=op.z_outer in self.limited)
        return {
            SlotKind.OUTER: (chain, outer),
            SlotKind.INNER: (inner, outer),
            SlotKind.REAL: (inner, chain),
        }

    def adaptor(self, unit: int) -> TableShape:
        """Return the adaptor of a unit."""
        kinds = self.kinds(unit)
        return TableShape(
            table=self.coefficients(unit),
            ports={kind: self.ports[kind] for kind in SlotKind if kind in kinds},
            grid=self.grid,
            pipeline=self.pipeline,
        )

    def shown_width(self, unit: int) -> int:
        """Return the bits of the output words of a section of a unit."""
        inner, outer = (self.output_of(z).fmt.width for z in (self.op.z_inner, self.op.states[0]))
        return inner + (outer if SlotKind.INNER in self.kinds(unit) else 0)

    def slots(self, unit: int) -> tuple[Slot, ...]:
        """Return the slots of a unit's turn as it counts them: each unit a cycle later."""
        slots, late = self.schedule.slots[unit], unit % self.cycles_per_step
        return slots[late:] + slots[:late]

    def coefficients(self, unit: int) -> CoefficientTable:
        """Return the coefficients of a unit, slot by slot."""
        sections = self.op.sections
        return coefficient_table(
            [
                None
                if slot.kind is SlotKind.IDLE
                else sections[slot.section][-1 if slot.kind is SlotKind.INNER else 0]
                for slot in self.slots(unit)
            ]
        )


def ring_plan(
    program: Program,
    *,
    sections_per_multiplier: int,
    pipeline: int,
    state_port: bool,
    proven: frozenset[str] = frozenset(),
) -> RingPlan:
    """Return the plan of a design whose neighbouring sections share multipliers.

    Parameters
    ----------
    program : Program
    sections_per_multiplier, pipeline : int
        As in `RingPlan`.
    state_port : bool
    proven : frozenset of str
        As in `limited_words`.

    Raises
    ------
    ScheduleError
        If the hardware cannot run the program.
    """
    return RingPlan(
        program=program,
        pipeline=pipeline,
        state_port=state_port,
        limited=limited_words(program, proven=proven, state_port=state_port, style=Parallel.RING),
        sections_per_multiplier=sections_per_multiplier,
    )
