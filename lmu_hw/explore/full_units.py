"""Adaptors and memories of a design with a multiplier for each coefficient."""

from __future__ import annotations

from collections.abc import Iterator

from ..program.integer_program import Role
from ..rtl.inventory import Product, Storage
from ..rtl.parallel.adaptor_shape import AdaptorShape, AdaptorStage
from ..rtl.parallel.column_layout import column_layout
from ..rtl.parallel.full_plan import FullPlan
from .unit_sizes import UnitSizes, address_bits, written_ram


def full_units(plan: FullPlan) -> Iterator[UnitSizes]:
    """Yield the adaptors, section by section."""
    for number in range(len(plan.op.sections)):
        for name, unit in zip(("first", "second"), plan.adaptors(number), strict=False):
            yield UnitSizes(
                products=tuple(_products(f"section_{number}.{name}", unit)),
                width=unit.width,
                adders=_adder_bits(unit),
                limits=unit.limit_a * unit.a_fmt.width + unit.limit_b * unit.b_fmt.width,
                registers=_registers(unit),
            )


def full_storages(plan: FullPlan) -> Iterator[Storage]:
    """Yield the columns of the output FIFO, and the states of several signals."""
    for number, width in enumerate(column_layout(plan)[0]):
        yield written_ram(f"output_columns.column_{number}", width, plan.fifo_depth)
    if plan.interleave == 1:
        return
    depth = 1 << address_bits(plan.interleave)
    for number, section in enumerate(plan.op.sections):
        path = f"section_{number}"
        yield written_ram(f"{path}.inner_states", plan.inner_fmt.width, depth, registered=False)
        if len(section) == 2:
            yield written_ram(f"{path}.outer_states", plan.outer_fmt.width, depth, registered=False)
    count = plan.program.vector(plan.op.silence).fmt.width
    yield written_ram("zero_run_flags.counts", count, depth, registered=False)


def full_registers(plan: FullPlan) -> int:
    """Return the bits of the registers beside the adaptors."""
    states = sum(v.length * v.fmt.width for v in plan.program.with_role(Role.STATE))
    steps = plan.finish * (2 + address_bits(plan.interleave))
    fetched = 0 if plan.serial else sum(column_layout(plan)[0])
    return steps + fetched + (states if plan.interleave == 1 else 0)


def _products(name: str, unit: AdaptorShape) -> Iterator[Product]:
    """Yield the products; the first one has a sign, and its constant factor a bit for one."""
    high, *low = unit.products
    yield Product(name=name, widths=high, result=sum(high) - 1)
    for widths in low:
        yield Product(name=name, widths=widths)


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
        AdaptorStage.FACTOR: unit.width + 1 + 1 + 2 * base,
        AdaptorStage.PRODUCT: sum(a + b for a, b in unit.products) + 1 + 2 * base,
        AdaptorStage.SHIFT: unit.product_width - unit.e.shift + 3 + 2 * base,
        AdaptorStage.ROUND: words + 4,
    }
    # with the tail whole the base of the rounding comes twice
    twice = base if _whole_tail(unit) and AdaptorStage.PRODUCT in unit.cuts else 0
    return words + sum(bits[stage] for stage in unit.cuts) + twice
