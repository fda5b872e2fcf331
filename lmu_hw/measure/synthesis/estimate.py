"""What a design will take of a device, before any tool is run.

Multipliers and block RAM are exact: the model of `lmu_hw.measure.synthesis.families`. LUTs and
flip-flops are a linear model of the parts of the design. Its coefficients are fitted by
``benchmarks/synthesis_fit.py`` (non-negative least squares on relative errors over its designs),
which says how far off they are there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...rtl.inventory import Inventory
from .devices import Device
from .expected import Expected
from .families import Style
from .fitted_coefficients import COEFFICIENTS

FEATURES = (
    "registers",
    "sums",
    "choices",
    "operators",
    "shifts",
    "memory in LUTs",
    "memory in registers",
    "ROM in LUTs",
    "reads",
    "products",
    "one",
)
"""Bits of registers, sums, choices, bitwise operators and variable shifts; of memories in LUTs (a
LUT for 16 words), in registers, and of ROMs in LUTs (a LUT for 16 words); of words read outside
block RAM; of products in logic, as bits of one factor times those of the other; and the constant.
"""
WORDS_IN_LUT = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a design will take."""

    luts: int
    ffs: int
    dsps: int
    block_rams: int


def features(target: Device, parts: Inventory) -> tuple[float, ...]:
    """Return the `FEATURES` of a design on a target."""
    expected = Expected(target, parts)
    distributed = registers = roms = reads = 0
    for m in expected.memories:
        bits, depth = m.storage.varying, m.storage.depth
        if m.style is not Style.BLOCK:
            reads += bits
        if m.style is Style.DISTRIBUTED:
            distributed += bits * math.ceil(depth / WORDS_IN_LUT)
        elif m.style is Style.LOGIC and m.storage.writable:
            registers += bits * depth
        elif m.style is Style.LOGIC:
            roms += bits * math.ceil(depth / WORDS_IN_LUT)
    products = sum(math.prod(p.widths) for p, units in expected.products if not units)
    return (
        parts.register_bits,
        parts.sum_bits,
        parts.choice_bits,
        parts.logic_bits,
        parts.shift_bits,
        distributed,
        registers,
        roms,
        reads,
        products,
        1.0,
    )


def estimate(target: Device, parts: Inventory) -> Estimate:
    """Return what a design will take of a target.

    Parameters
    ----------
    target : Device
    parts : Inventory
    """
    expected = Expected(target, parts)
    own = features(target, parts)
    fitted = COEFFICIENTS[target.family.name]

    def linear(what: str) -> int:
        return round(math.fsum(c * f for c, f in zip(fitted[what], own, strict=True)))

    return Estimate(
        luts=linear("luts"),
        ffs=linear("ffs"),
        dsps=expected.dsps,
        block_rams=expected.block_rams,
    )
