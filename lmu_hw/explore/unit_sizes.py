"""Sizes of an adaptor or a layer, which the estimates of `--parallel` add up."""

from __future__ import annotations

from dataclasses import dataclass

from ..rtl.inventory import Product, Storage


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitSizes:
    """Sizes of an adaptor or a layer, with the registers and multiplexers that are its own.

    Attributes
    ----------
    products : tuple of Product
    width : int
        Wider of an adaptor's ports, aligned to the finer one [bits]; 0 for a layer.
    adders, limits, registers : int
        Bits of its adders, of the words that are saturated, and of its registers.
    selected : int
        Bits that multiplexers choose, once for each alternative beyond the first.
    tables : int
        Bits that LUTs look up by slot or turn.
    """

    products: tuple[Product, ...]
    width: int = 0
    adders: int
    limits: int
    registers: int
    selected: int = 0
    tables: int = 0


def written_ram(name: str, width: int, depth: int, *, registered: bool = True) -> Storage:
    """Return a memory that is written, all of whose bits vary."""
    return Storage(
        name=name, width=width, depth=depth, varying=width, writable=True, registered=registered
    )


def address_bits(n: int) -> int:
    """Return the bits of a number below n."""
    return (n - 1).bit_length()
