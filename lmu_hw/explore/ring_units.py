"""Adaptors and memories of a design whose neighbouring sections share multipliers."""

from __future__ import annotations

from collections.abc import Iterator

from ..rtl.inventory import Product, Storage
from ..rtl.parallel.ring_plan import RingPlan
from ..rtl.parallel.ring_schedule import SlotKind
from ..rtl.parallel.ring_unit import control_of, place_width, row_width
from ..rtl.parallel.table_shape import TableShape, TableStage
from .unit_sizes import UnitSizes, address_bits, written_ram

LUT_SLOTS = 16
"""Slots of a table that a LUT holds for each bit."""


def ring_units(plan: RingPlan) -> Iterator[UnitSizes]:
    """Yield the units."""
    for number in range(plan.multipliers):
        unit = plan.adaptor(number)
        yield UnitSizes(
            products=tuple(
                Product(name=f"unit_{number}.adaptor", widths=each) for each in unit.products
            ),
            width=max(unit.a_width, unit.b_width),
            adders=_adder_bits(unit),
            limits=sum(w.fmt.width for port in (0, 1) for w in unit.words(port) if w.limited),
            registers=_registers(unit) + _kept(plan, number),
            selected=_selected(plan, number, unit),
            tables=-(-plan.cycles_per_step // LUT_SLOTS)
            * (unit.table.width + address_bits(len(unit.table.shifts)) + row_width(plan)),
        )


def ring_storages(plan: RingPlan) -> Iterator[Storage]:
    """Yield the columns of the output FIFO."""
    depth = plan.fifo_depth << row_width(plan)
    for number in range(plan.multipliers):
        width = plan.shown_width(number)
        yield written_ram(f"output_columns.column_{number}", width, depth)


def ring_registers(plan: RingPlan) -> int:
    """Return the bits of the registers beside the units."""
    # slot and clearing pass from unit to unit
    total = (plan.multipliers - 1) * (address_bits(plan.cycles_per_step) + 1)
    if plan.serial:
        return total  # one word at a time stays in the output register
    for number in range(plan.multipliers):
        # fetched, and passed on in the rows that the unit has no section in
        rows = 1 + plan.rows - len(plan.schedule.sections(number))
        total += rows * plan.shown_width(number)
    return total


def _adder_bits(unit: TableShape) -> int:
    """Return the bits of the adders: factor, base, product, and three sums of each rounder."""
    product = unit.product_width - unit.low_bits if unit.low_bits else 0
    bases = unit.base_width * (1 if TableStage.SHIFT in unit.cuts else 2)
    return (unit.width + 1) + bases + product + 3 * (unit.a_width + unit.base_width)


def _selected(plan: RingPlan, number: int, unit: TableShape) -> int:
    """Return the bits of the multiplexers: words in and out, shifts, and loading of states."""
    kinds = plan.kinds(number)
    given = plan.op.chain_fmt.width
    given += unit.a_width * (len(kinds) > 1) + unit.width * (SlotKind.REAL in kinds)
    shifts = (len(unit.table.shifts) - 1) * (unit.product_width - unit.table.shifts[0])
    ends = sum(len(unit.words(port)) - 1 for port in (0, 1)) * unit.width
    return given + shifts + ends + 2 * len(control_of(plan))


def _kept(plan: RingPlan, number: int) -> int:
    """Return the bits of a unit's states, of what travels with the steps, and of its outputs."""
    states = plan.state_registers // plan.multipliers
    control = plan.schedule.half * (2 + address_bits(plan.fifo_depth))
    out = plan.shown_width(number) + place_width(plan) + 1
    return states + control + out


def _registers(unit: TableShape) -> int:
    """Return the bits of an adaptor's registers."""
    flags = 3 + address_bits(len(unit.table.shifts))
    bases = unit.a_width + unit.base_width
    words = unit.a_width + unit.b_width
    ends = sum(len(unit.words(port)) for port in (0, 1))
    late = TableStage.SHIFT in unit.cuts
    bits = {
        TableStage.READ: words + unit.table.width + flags + 1,
        TableStage.OPERAND: unit.width + 1 + unit.table.width + late * unit.a_width + flags + 1,
        TableStage.FACTOR: unit.width + 1 + unit.table.width + late * bases + flags,
        TableStage.PRODUCT: sum(a + b for a, b in unit.products) + late * bases + flags,
        TableStage.SHIFT: unit.product_width - unit.table.shifts[0] + 4,
        TableStage.ROUND: words + 2 * ends + 2,
    }
    # a rounder registers its base twice
    return words + 2 * bases + 4 + sum(bits[stage] for stage in unit.cuts)
