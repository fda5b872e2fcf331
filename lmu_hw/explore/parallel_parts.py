"""Memories, multiplications and sizes of a design with `--parallel full` or `--parallel ring`.

Its logic, flip-flops and clock rate follow from the registers and adders of its adaptors; a test
compares memories and multiplications with the elaborated hardware.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..measure.synthesis.families import Family, Style, multiplier_units, place
from ..program.integer_program import Role
from ..rtl.inventory import Product, Storage
from ..rtl.parallel.cascade_plan import COLUMN_GROUP, CascadePlan, choosing_cycles
from ..rtl.parallel.full_plan import FullPlan
from ..rtl.parallel.ring_plan import RingPlan
from ..rtl.parallel_style import Parallel
from .full_units import full_registers, full_storages, full_units
from .logic_terms import Terms, lut_cells
from .ring_units import ring_registers, ring_storages, ring_units
from .unit_sizes import UnitSizes, address_bits

SHORTEST = {Parallel.FULL: 3, Parallel.RING: 5}
"""Registers of an adaptor from which on more do not shorten the longest path."""
PORT_CONTROL = 10
"""Bits of a state port's commands and flags."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParallelParts:
    """Memories, multiplications and adaptors of a design.

    Attributes
    ----------
    plan : CascadePlan
    units : tuple of UnitSizes
        Its adaptors.
    storages : tuple of Storage
    registers : int
        Bits of the registers beside the adaptors.
    """

    plan: CascadePlan
    units: tuple[UnitSizes, ...]
    storages: tuple[Storage, ...]
    registers: int

    @property
    def products(self) -> tuple[Product, ...]:
        """The multiplications."""
        return tuple(product for unit in self.units for product in unit.products)

    def of_style(self, family: Family, style: Style) -> list[Storage]:
        """Return the memories that a family builds in a style."""
        return [s for s in self.storages if place(family, s).style is style]


def parallel_parts(plan: CascadePlan) -> ParallelParts:
    """Return the parts of a design.

    Parameters
    ----------
    plan : CascadePlan

    Returns
    -------
    ParallelParts
    """
    if isinstance(plan, RingPlan):
        units, storages = tuple(ring_units(plan)), tuple(ring_storages(plan))
        registers = ring_registers(plan)
    else:
        assert isinstance(plan, FullPlan)
        units, storages = tuple(full_units(plan)), tuple(full_storages(plan))
        registers = full_registers(plan)
    return ParallelParts(plan=plan, units=units, storages=storages, registers=registers)


def parallel_terms(parts: ParallelParts, family: Family) -> dict[str, Terms]:
    """Return the sizes that LUTs, flip-flops and the shortest clock period follow from.

    Parameters
    ----------
    parts : ParallelParts
    family : Family
        Decides which memories and products are built from logic.

    Returns
    -------
    dict of str to dict of str to float
        ``"luts"``, ``"ffs"`` and ``"period_ns"``: size by name; every name is there for every
        design.
    """
    return {
        "luts": _lut_terms(parts, family),
        "ffs": _ff_terms(parts, family),
        "period_ns": _clock_terms(parts, family),
    }


def _lut_terms(parts: ParallelParts, family: Family) -> Terms:
    soft = [p.widths for p in parts.products if not multiplier_units(family, p.widths, p.result)]
    lut_memories = parts.of_style(family, Style.DISTRIBUTED)
    return {
        "one": 1.0,
        "adders": sum(unit.adders for unit in parts.units),
        "limits": sum(unit.limits for unit in parts.units),
        "selected": sum(unit.selected for unit in parts.units),
        "tables": sum(unit.tables for unit in parts.units),
        "soft_products": sum(a * b for a, b in soft),
        "lut_memory": sum(map(lut_cells, lut_memories)),
        "ram_logic": _logic_bits(parts, family),
        "port": _port_bits(parts),
    }


def _ff_terms(parts: ParallelParts, family: Family) -> Terms:
    plan = parts.plan
    # a word that LUT memory gives is registered
    lut_memories = parts.of_style(family, Style.DISTRIBUTED)
    read = sum(s.width for s in lut_memories if s.registered)
    return {
        "one": 1.0,
        "registers": sum(unit.registers for unit in parts.units)
        + parts.registers
        + output_bits(parts)
        + read
        + _port_registers(plan),
        "ram_logic": _logic_bits(parts, family),
    }


def output_bits(parts: ParallelParts) -> int:
    """Return the bits of the registers between the RAMs of the output FIFO and the output."""
    plan = parts.plan
    word = max(v.fmt.width for v in plan.program.with_role(Role.OUTPUT))
    if not plan.serial:
        return plan.n_out * word
    # the words of a section, or first those of a section of each group, and the one that leaves
    groups = -(-plan.columns // COLUMN_GROUP) if choosing_cycles(plan.columns) > 1 else 0
    return (groups + 1) * _column_width(parts) + word


def _clock_terms(parts: ParallelParts, family: Family) -> Terms:
    logic = parts.of_style(family, Style.LOGIC)
    widest = max(unit.width for unit in parts.units)
    stages = min(parts.plan.pipeline, SHORTEST[parts.plan.style])
    soft = any(not multiplier_units(family, p.widths, p.result) for p in parts.products)
    return {
        "one": 1.0,
        "stage": 1 / stages,
        # coefficients, shifts and formats are chosen by slot
        "table": float(parts.plan.style is Parallel.RING) / stages,
        "width": widest / 16 / stages,
        "limits": float(any(unit.limits for unit in parts.units)) / stages,
        "soft": float(soft),
        # states of several signals in registers: a multiplexer before the first sum
        "stores": float(any(not s.registered for s in logic)) / stages,
    }


def _logic_bits(parts: ParallelParts, family: Family) -> int:
    return sum(s.width * s.depth for s in parts.of_style(family, Style.LOGIC))


def _port_bits(parts: ParallelParts) -> int:
    """Return the bits of the words that a state port chooses from: all, or those that pass."""
    plan = parts.plan
    if not plan.state_port:
        return 0
    words = (
        2 * len(parts.units) if plan.style is Parallel.RING else plan.program.n_words(Role.STATE)
    )
    return words * _state_width(plan)


def _port_registers(plan: CascadePlan) -> int:
    """Return the bits of a state port's registers: two words, an index and the command."""
    if not plan.state_port:
        return 0
    index = address_bits(plan.program.n_words(Role.STATE))
    return 2 * _state_width(plan) + index + 2 * address_bits(plan.interleave) + PORT_CONTROL


def _state_width(plan: CascadePlan) -> int:
    return max(v.fmt.width for v in plan.program.with_role(Role.STATE))


def _column_width(parts: ParallelParts) -> int:
    """Return the bits of a section's output words."""
    return max(s.width for s in parts.storages if "column_" in s.name)
