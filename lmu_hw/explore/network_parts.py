"""Memories, multiplications and sizes of a network whose layers work beside its memory.

Its figures are those of its memory, as `parallel_parts` has them, and of its layers: of lanes, as
for shared multipliers, or of a pipeline.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..measure.synthesis.families import Family, multiplier_units
from ..program.integer_program import Role
from ..rtl.inventory import LAYERS, Product, Storage
from ..rtl.layers.layer_plan import LayerPlan
from ..rtl.networks.network_plan import NetworkPlan
from ..rtl.schedule import payload_bits
from .design_parts import DesignParts, design_parts
from .layer_units import layer_registers, layer_storages, layer_units
from .logic_terms import Terms
from .parallel_parts import ParallelParts, parallel_parts
from .unit_sizes import UnitSizes, written_ram

MEMORY = "states"
"""Instance path of the memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkParts:
    """Memories, multiplications and layers of a network.

    Attributes
    ----------
    plan : NetworkPlan
    memory : ParallelParts
        Of the memory; its storages are all that are not those of lanes.
    lanes : DesignParts or None
        Of layers that are lanes.
    units : tuple of UnitSizes
        Of layers that are a pipeline.
    registers : int
        Bits of the registers between them.
    """

    plan: NetworkPlan
    memory: ParallelParts
    lanes: DesignParts | None
    units: tuple[UnitSizes, ...]
    registers: int

    @property
    def products(self) -> tuple[Product, ...]:
        """The multiplications."""
        own = [product for unit in self.units for product in unit.products]
        if self.lanes is not None:
            own += [replace(p, name=f"{LAYERS}.{p.name}") for p in self.lanes.products]
        return (*(replace(p, name=f"{MEMORY}.{p.name}") for p in self.memory.products), *own)

    @property
    def storages(self) -> tuple[Storage, ...]:
        """The memories."""
        own = self.lanes.storages if self.lanes is not None else ()
        return (*self.memory.storages, *(replace(s, name=f"{LAYERS}.{s.name}") for s in own))


def network_parts(plan: NetworkPlan) -> NetworkParts:
    """Return the parts of a network.

    Parameters
    ----------
    plan : NetworkPlan

    Returns
    -------
    NetworkParts
    """
    memory, layers = parallel_parts(plan.memory), plan.layers
    storages = (replace(s, name=f"{MEMORY}.{s.name}") for s in memory.storages)
    memory = replace(memory, storages=(*storages, *_between(plan)))
    if isinstance(layers, LayerPlan):
        return NetworkParts(
            plan=plan,
            memory=memory,
            lanes=None,
            units=tuple(layer_units(layers)),
            registers=layer_registers(layers),
        )
    return NetworkParts(plan=plan, memory=memory, lanes=design_parts(layers), units=(), registers=0)


def _between(plan: NetworkPlan) -> Iterator[Storage]:
    """Yield the FIFO of the input words, and that of a pipeline's output words."""
    if plan.split.passes_input:
        place = "inputs" if isinstance(plan.layers, LayerPlan) else "input_appender.fifo"
        width = payload_bits(plan.program.with_role(Role.INPUT))[0]
        yield written_ram(f"{place}.words", width, plan.input_depth)
    if isinstance(plan.layers, LayerPlan):
        for storage in layer_storages(plan.layers):
            yield replace(storage, name=f"{LAYERS}.{storage.name}")


def layer_terms(parts: NetworkParts, family: Family) -> dict[str, Terms]:
    """Return the sizes that the figures of the layers follow from, beside those of lanes.

    Parameters
    ----------
    parts : NetworkParts
    family : Family
        Decides which products are built from logic.

    Returns
    -------
    dict of str to dict of str to float
        As `pipeline_terms`.
    """
    found = pipeline_terms(parts.units, parts.registers, family)
    found["luts"]["selected"] += _passed_bits(parts)
    return found


def pipeline_terms(units: Sequence[UnitSizes], registers: int, family: Family) -> dict[str, Terms]:
    """Return the sizes that the figures of a pipeline of layers follow from.

    Parameters
    ----------
    units : sequence of UnitSizes
        Of the layers; empty for lanes.
    registers : int
        Bits of the registers between them.
    family : Family

    Returns
    -------
    dict of str to dict of str to float
        ``"luts"``, ``"ffs"`` and ``"period_ns"``: size by name; every name is there for every
        design.
    """
    products = [p for unit in units for p in unit.products]
    blocks = [multiplier_units(family, p.widths, p.result) for p in products]
    soft = [p.widths for p, n in zip(products, blocks, strict=True) if not n]
    return {
        "luts": {
            "adders": sum(unit.adders for unit in units)
            + sum(_partial_sums(p, family) for p, n in zip(products, blocks, strict=True) if n),
            "limits": sum(unit.limits for unit in units),
            "selected": sum(unit.selected for unit in units),
            "tables": sum(unit.tables for unit in units),
            "soft_products": sum(a * b for a, b in soft),
        },
        "ffs": {"registers": sum(unit.registers for unit in units) + registers},
        "period_ns": {
            "one": float(bool(units)),
            # the more of them, the farther they are from their registers
            "multipliers": math.log2(max(1, sum(blocks))),
            "soft": float(bool(soft)),
        },
    }


def _partial_sums(product: Product, family: Family) -> int:
    """Return the bits of the adders between the multipliers of a product that takes several."""
    a, b = product.widths
    parts = -(-a // family.multipliers[0].a_max) * -(-b // family.multipliers[0].b_max)
    return (parts - 1) * (a + b)


def _passed_bits(parts: NetworkParts) -> int:
    """Return the bits that the multiplexers between the memory and lanes choose."""
    plan = parts.plan.memory
    if plan.delivery is None or not plan.serial:
        return 0
    columns = [s.width for s in parts.memory.storages if ".column_" in s.name]
    word = payload_bits(tuple(map(plan.program.vector, plan.delivery.shown)))[0]
    words = len(plan.delivery.shown) + parts.plan.split.passes_input
    return (len(columns) - 1) * max(columns) + (words - 1) * word
