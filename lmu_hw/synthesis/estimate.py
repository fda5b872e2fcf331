"""What a design will take of a device, before any tool is run.

Multipliers and block RAM are exact: the model of `lmu_hw.synthesis.families`. LUTs and flip-flops
are a linear model of what the design consists of. Its coefficients are fitted by
``benchmarks/synthesis_fit.py`` (non-negative least squares on relative errors over its designs),
which says how far off they are there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..rtl.inventory import Inventory
from .coefficients import COEFFICIENTS
from .expected import Expected
from .families import Style, multiplier_units
from .targets import Target

FEATURES = ("register", "sum", "choice", "logic", "shift", "memory", "product", "one")
"""Bits of: registers, sums, choices, bitwise operators, variable shifts; words of memories that
are not block RAM (words that are written, and registers of what is read); products in logic, as
factor bits times factor bits; and the constant.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a design will take."""

    luts: int
    ffs: int
    dsps: int
    block_rams: int


def features(target: Target, parts: Inventory) -> tuple[float, ...]:
    """Return the `FEATURES` of a design on a target."""
    expected = Expected(target, parts)
    # a memory in registers is written and read through logic; a LUT memory needs its read register
    memory = sum(
        m.storage.varying
        * (m.storage.depth if m.style is Style.LOGIC else math.ceil(m.storage.depth / 16))
        for m in expected.memories
        if m.style is not Style.BLOCK and m.storage.writable
    )
    product = sum(
        a * b
        for a, b in (p.widths for p in parts.products)
        if not multiplier_units(target.family, (a, b))
    )
    return (
        parts.register_bits,
        parts.sum_bits,
        parts.choice_bits,
        parts.logic_bits,
        parts.shift_bits,
        memory,
        product,
        1.0,
    )


def estimate(target: Target, parts: Inventory) -> Estimate:
    """Return what a design will take of a target.

    Parameters
    ----------
    target : Target
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
