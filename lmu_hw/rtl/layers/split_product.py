"""Products of wide words from multipliers of 18 x 18 bits."""

from __future__ import annotations

from amaranth.hdl import Module, Value

from .result_shape import LOW_BITS, PRODUCT_CYCLES, product_cycles
from .word_bus import delayed


def split_product(m: Module, x: Value, factor: Value, name: str) -> Value:
    """Return ``x * factor``, `product_cycles` later.

    The upper and the lower bits of a wide word are multiplied apart.

    Parameters
    ----------
    m : Module
    x : Value
        Signed.
    factor : Value
    name : str
        Of the product's register.
    """
    if product_cycles(len(x)) == PRODUCT_CYCLES:
        return delayed(m, x * factor, PRODUCT_CYCLES, name)
    high = delayed(m, x[LOW_BITS:].as_signed() * factor, PRODUCT_CYCLES, f"high_{name}")
    low = delayed(m, x[:LOW_BITS] * factor, PRODUCT_CYCLES, f"low_{name}")
    return delayed(m, high.shift_left(LOW_BITS) + low, 1, name)
