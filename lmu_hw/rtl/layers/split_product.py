"""Products of wide words from multipliers of 18 x 18 bits."""

from __future__ import annotations

from amaranth.hdl import Module, Signal, Value

from .result_shape import LOW_BITS, PRODUCT_CYCLES, product_cycles
from .word_bus import delayed


def product_registers(m: Module, product: Value, name: str) -> Value:
    """Return a product, `PRODUCT_CYCLES` later, beginning with a register that synthesis keeps.

    Yosys 0.70 packs two registers behind a product into a multiplier of the iCE40, and then takes
    the bits of the second one as constants (``ice40_dsp``).
    """
    for cycle in range(PRODUCT_CYCLES):
        attrs = {} if cycle else {"keep": 1}
        later = Signal.like(product, name=f"{name}_{cycle + 1}", reset_less=True, attrs=attrs)
        m.d.sync += later.eq(product)
        product = later
    return product


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
        return product_registers(m, x * factor, name)
    high = product_registers(m, x[LOW_BITS:].as_signed() * factor, f"high_{name}")
    low = product_registers(m, x[:LOW_BITS] * factor, f"low_{name}")
    return delayed(m, high.shift_left(LOW_BITS) + low, 1, name)
