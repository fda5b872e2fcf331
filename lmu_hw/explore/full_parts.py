"""Memories, multiplications and sizes of a design with a multiplier for each coefficient.

Its logic, flip-flops and clock rate follow from the registers and adders of its adaptors; a test
compares memories and multiplications with the elaborated hardware.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..measure.synthesis.families import Family, Style, multiplier_units, place
from ..program.integer_program import Role
from ..rtl.inventory import Product, Storage
from ..rtl.parallel.adaptor_shape import AdaptorShape, AdaptorStage
from ..rtl.parallel.column_layout import column_layout
from ..rtl.parallel.full_plan import FullPlan
from .logic_terms import Terms, lut_cells

SHORTEST = 3
"""Registers of an adaptor from which on its product is the longest path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FullParts:
    """Memories, multiplications and adaptors of a design.

    Attributes
    ----------
    plan : FullPlan
    sections : tuple of tuple of AdaptorShape
        The adaptors of each section.
    storages : tuple of Storage
    products : tuple of Product
    """

    plan: FullPlan
    sections: tuple[tuple[AdaptorShape, ...], ...]
    storages: tuple[Storage, ...]
    products: tuple[Product, ...]

    @property
    def adaptors(self) -> list[AdaptorShape]:
        """All adaptors, section by section."""
        return [unit for section in self.sections for unit in section]


def full_parts(plan: FullPlan) -> FullParts:
    """Return the parts of a design.

    Parameters
    ----------
    plan : FullPlan

    Returns
    -------
    FullParts
    """
    sections = tuple(tuple(plan.adaptors(k)) for k in range(len(plan.op.sections)))
    return FullParts(
        plan=plan,
        sections=sections,
        storages=tuple(_storages(plan)),
        products=tuple(_products(sections)),
    )


def full_lut_terms(parts: FullParts, family: Family) -> Terms:
    """Return the sizes that LUTs follow from.

    Parameters
    ----------
    parts : FullParts
    family : Family
        Decides which memories and products are built from logic.

    Returns
    -------
    dict of str to float
        Size by name; every name is there for every design.
    """
    soft = [p.widths for p in parts.products if not multiplier_units(family, p.widths)]
    lut_memories = _of_style(parts, family, Style.DISTRIBUTED)
    return {
        "one": 1.0,
        "adders": sum(map(_adder_bits, parts.adaptors)),
        "limits": sum(
            u.limit_a * u.a_fmt.width + u.limit_b * u.b_fmt.width for u in parts.adaptors
        ),
        "soft_products": sum(a * b for a, b in soft),
        "lut_memory": sum(map(lut_cells, lut_memories)),
        "ram_logic": sum(s.width * s.depth for s in _of_style(parts, family, Style.LOGIC)),
        "port": _port_words(parts.plan),
    }


def full_ff_terms(parts: FullParts, family: Family) -> Terms:
    """Return the sizes that flip-flops follow from; as `full_lut_terms`."""
    plan = parts.plan
    states = sum(v.length * v.fmt.width for v in plan.program.with_role(Role.STATE))
    steps = plan.finish * (2 + _address_bits(plan.interleave))
    shown = plan.n_out * max(v.fmt.width for v in plan.program.with_role(Role.OUTPUT))
    # a word that LUT memory gives is registered
    read = sum(s.width for s in _of_style(parts, family, Style.DISTRIBUTED) if s.registered)
    return {
        "one": 1.0,
        "registers": sum(map(_registers, parts.adaptors))
        + (states if plan.interleave == 1 else 0)
        + steps
        + shown
        + read,
        "ram_logic": sum(s.width * s.depth for s in _of_style(parts, family, Style.LOGIC)),
        "port": _port_words(plan),
    }


def _address_bits(n: int) -> int:
    return (n - 1).bit_length()


def _of_style(parts: FullParts, family: Family, style: Style) -> list[Storage]:
    return [s for s in parts.storages if place(family, s).style is style]


def _port_words(plan: FullPlan) -> int:
    return plan.program.n_words(Role.STATE) if plan.state_port else 0


def full_clock_terms(parts: FullParts) -> Terms:
    """Return the sizes that the shortest clock period follows from.

    Parameters
    ----------
    parts : FullParts

    Returns
    -------
    dict of str to float
    """
    widest = max(unit.width for unit in parts.adaptors)
    stages = min(parts.plan.pipeline, SHORTEST)
    limited = any(u.limit_a or u.limit_b for u in parts.adaptors)
    return {
        "one": 1.0,
        "stage": 1 / stages,
        "width": widest / 16 / stages,
        "limits": float(limited) / stages,
    }


def _storages(plan: FullPlan) -> Iterator[Storage]:
    """Yield the columns of the output FIFO, and the states of several signals."""
    for number, width in enumerate(column_layout(plan)[0]):
        yield _ram(f"output_columns.column_{number}", width, plan.fifo_depth)
    if plan.interleave == 1:
        return
    depth = 1 << _address_bits(plan.interleave)
    for number, section in enumerate(plan.op.sections):
        yield _ram(f"section_{number}.inner_states", plan.inner_fmt.width, depth, registered=False)
        if len(section) == 2:
            name = f"section_{number}.outer_states"
            yield _ram(name, plan.outer_fmt.width, depth, registered=False)
    count = plan.program.vector(plan.op.silence).fmt.width
    yield _ram("zero_run_flags.counts", count, depth, registered=False)


def _ram(name: str, width: int, depth: int, *, registered: bool = True) -> Storage:
    return Storage(
        name=name, width=width, depth=depth, varying=width, writable=True, registered=registered
    )


def _products(sections: tuple[tuple[AdaptorShape, ...], ...]) -> Iterator[Product]:
    for number, section in enumerate(sections):
        for name, unit in zip(("first", "second"), section, strict=False):
            for widths in unit.products:
                yield Product(name=f"section_{number}.{name}", widths=widths)


def _adder_bits(unit: AdaptorShape) -> int:
    """Return the bits of an adaptor's adders: factor, bases, product, and two sums a port."""
    product = unit.product_width - unit.low_bits if unit.low_bits else 0
    words = 3 * (unit.a_fmt.width + unit.b_fmt.width)
    tails = 2 * unit.e.shift if _whole_tail(unit) else 0
    return (unit.width + 1) + (unit.width + 2) + product + words + tails


def _whole_tail(unit: AdaptorShape) -> bool:
    """Return whether all bits below the binary point are in the sums."""
    return AdaptorStage.SHIFT not in unit.cuts


def _registers(unit: AdaptorShape) -> int:
    """Return the bits of an adaptor's registers."""
    words, base = unit.a_fmt.width + unit.b_fmt.width, unit.width + 2
    bits = {
        AdaptorStage.READ: words + 1,
        AdaptorStage.OPERAND: unit.width + 1 + unit.a_fmt.width + 1,
        AdaptorStage.PRODUCT: sum(a + b for a, b in unit.products) + 1 + 2 * base,
        AdaptorStage.SHIFT: unit.product_width - unit.e.shift + 3 + 2 * base,
        AdaptorStage.ROUND: words + 4,
    }
    # with the tail whole the base of the rounding comes twice
    twice = base if _whole_tail(unit) and AdaptorStage.PRODUCT in unit.cuts else 0
    return words + sum(bits[stage] for stage in unit.cuts) + twice
