"""Fewest instructions of a multiply-accumulate that the packing of weights allows, by core.

Counted by hand from the instructions of each core, for the limits in docs/results/firmware.md: one
pass of the inner loop, as the kernels arrange it, with registers for everything and without the
loop itself.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class InnerPass:
    """Instructions of a pass of an inner loop.

    Attributes
    ----------
    loads : int
        Loads of words and of numbers that hold weights.
    splits : int
        Instructions that take weights out of a number.
    products : int
        Multiplications and additions.
    ends : int
        End of a loop that cannot be unrolled.
    macs : int
        Multiply-accumulates.
    """

    loads: int
    splits: int = 0
    products: int
    ends: int = 0
    macs: int

    @property
    def limit(self) -> float:
        """Instructions of a multiply-accumulate."""
        return (self.loads + self.splits + self.products + self.ends) / self.macs

    def __str__(self) -> str:
        parts = [n for n in (self.loads, self.splits, self.products, self.ends) if n]
        return f"({' + '.join(map(str, parts))}) / {self.macs}"


_DSP = {
    # two words at a time; SMLALD and SMLAD; UXTB16 or AND takes digits
    "8 x 16": InnerPass(loads=3, splits=2, products=4, macs=8),
    "4 x 16": InnerPass(loads=2, splits=3, products=4, macs=8),
    "16 x 16": InnerPass(loads=3, products=2, macs=4),
    # words of 8 bits do not help: there is no product of four
    "8 x 8": InnerPass(loads=3, splits=2, products=4, macs=8),
}
_HELIUM = {
    # eight words at a time, four rows; VMLALDAVA and VMLADAVA; VMOVLB or VBIC takes digits
    "8 x 16": InnerPass(loads=3, splits=2, products=4, ends=1, macs=32),
    "4 x 16": InnerPass(loads=2, splits=3, products=4, ends=1, macs=32),
    # 64-bit sums take two registers, so two rows
    "16 x 16": InnerPass(loads=3, products=2, ends=1, macs=16),
    # sixteen words, four rows
    "8 x 8": InnerPass(loads=5, products=4, ends=1, macs=64),
}
LIMITS = {
    "M0": {
        # MULS and ADDS; sums of 64 bits also shift and add the upper half; two shifts take a digit
        "8 x 16": InnerPass(loads=5, products=8, macs=4),
        "4 x 16": InnerPass(loads=2, splits=7, products=8, macs=4),
        "16 x 16": InnerPass(loads=3, products=8, macs=2),
        "8 x 8": InnerPass(loads=5, products=8, macs=4),
    },
    "M3": {
        # MLA or SMLAL; UBFX takes a digit
        "8 x 16": InnerPass(loads=5, products=4, macs=4),
        "4 x 16": InnerPass(loads=2, splits=4, products=4, macs=4),
        "16 x 16": InnerPass(loads=3, products=2, macs=2),
        "8 x 8": InnerPass(loads=5, products=4, macs=4),
    },
    "M4": _DSP,
    "M33": _DSP,
    "M55": _HELIUM,
    "RV32": {
        # mul and add; sums of 64 bits also need srai and another add; a digit is one or two
        "8 x 16": InnerPass(loads=5, products=8, macs=4),
        "4 x 16": InnerPass(loads=2, splits=6, products=8, macs=4),
        "16 x 16": InnerPass(loads=3, products=8, macs=2),
        "8 x 8": InnerPass(loads=5, products=8, macs=4),
    },
}
"""By core and by the bits of weights and words."""
