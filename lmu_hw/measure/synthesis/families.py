"""How Yosys maps memories and multiplications to the cells of each device family.

Two passes of Yosys are modelled exactly, for the memories of the emitted Verilog (one read port, at
most one write port, no word read while it is written): `memory_libmap` chooses the cheapest of
block RAM, LUT memory and logic for each memory, and `mul2dsp` splits a product into multipliers of
the device. ``tests/measure/test_synthesis_families.py`` compares both with Yosys.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from ...rtl.inventory import Storage

LOGIC_BIT = 1.0
"""Yosys's cost of a writable bit in registers."""
MUX_BIT = 0.5
"""Yosys's cost of a bit of a multiplexer between blocks, and of a write enable of a block."""
EMULATION = 2.0
"""Yosys's cost of the one thing that a block cannot do by itself: to begin with no known word."""


class Style(Enum):
    """Implementation of a memory."""

    BLOCK = "block RAM"
    DISTRIBUTED = "LUT memory"
    LOGIC = "logic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A kind of memory cell.

    Parameters
    ----------
    style : Style
    bits_log2 : int
        Address bits at the narrowest width.
    widths : tuple of int
        Widths of a word, each twice the one before, without counting parity bits.
    cost : float
        Yosys's cost of a cell.
    byte : int or None
        Write granularity [bits] of a writable memory; None: the whole port; 1: any width.
    min_write_width : int
        Narrowest width of a writable memory [bits].
    by_width : float
        Share of the cost that is proportional to the used bits.
    roms : bool
        Read-only memories may use these cells.
    units : int
        Block RAMs of the device in a cell.
    """

    style: Style = Style.BLOCK
    bits_log2: int
    widths: tuple[int, ...]
    cost: float
    byte: int | None = 1
    min_write_width: int = 1
    by_width: float = 0.0
    roms: bool = True
    units: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Multiplier:
    """A multiplier of the device.

    Parameters
    ----------
    a_max, b_max : int
        Largest widths of the factors [bits].
    a_min, b_min, product_min : int
        Narrower factors or products are built from logic.
    a_part, b_part : int or None
        Widths of the parts of larger factors. Default: the largest.
    headroom : int
        Bits of a part that its sign takes.
    units : int
        Multipliers of the device that it takes.
    """

    a_max: int
    b_max: int
    a_min: int = 2
    b_min: int = 2
    product_min: int = 0
    a_part: int | None = None
    b_part: int | None = None
    headroom: int = 0
    units: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A device family, as Yosys models it.

    Parameters
    ----------
    name : str
    synth : str
        Synthesis command of Yosys, with options.
    rom_bit : float
        Cost of a read-only bit in logic.
    blocks : tuple of Block
        Memory cells, in the order of Yosys.
    multipliers : tuple of Multiplier
        Multipliers, in the order in which Yosys tries them; may be empty.
    luts, ffs, dsps, rams : dict
        Number of LUTs, multipliers or block RAMs in a netlist cell, by cell type.
    """

    name: str
    synth: str
    rom_bit: float
    blocks: tuple[Block, ...]
    multipliers: tuple[Multiplier, ...]
    luts: Mapping[str, int] = field(hash=False)
    ffs: tuple[str, ...]
    dsps: Mapping[str, int] = field(hash=False)
    rams: Mapping[str, int] = field(hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Implementation of a memory, and its number of block RAMs."""

    storage: Storage
    style: Style
    blocks: int


def place(family: Family, storage: Storage) -> Placed:
    """Return the implementation that Yosys chooses for a memory.

    Parameters
    ----------
    family : Family
    storage : Storage
    """
    bit = LOGIC_BIT if storage.writable else family.rom_bit
    best = (bit * storage.varying * storage.depth, Style.LOGIC, 0)
    for block in family.blocks:
        if block.style is Style.BLOCK and not storage.registered:
            continue
        if storage.writable or block.roms:
            cost, cells = min(_geometries(block, storage))
            if cost < int(best[0]):  # Yosys stores the lowest cost as an integer
                units = cells * block.units if block.style is Style.BLOCK else 0
                best = (cost, block.style, units)
    return Placed(storage=storage, style=best[1], blocks=best[2])


def _geometries(block: Block, storage: Storage) -> list[tuple[float, int]]:
    """Return cost and number of cells of a memory for each width of a cell."""
    found = []
    for step, unit in enumerate(block.widths):
        width = storage.varying
        if storage.writable:
            if unit < block.min_write_width:
                continue
            byte = unit if block.byte is None else min(block.byte, unit)
            width = -(-width // byte) * byte
        deep = -(-storage.depth // (1 << (block.bits_log2 - step)))
        cells = -(-deep * width // unit)
        cost = (block.cost - block.by_width) * cells
        cost += block.by_width * deep * storage.varying / unit
        cost += MUX_BIT * (deep - 1) * storage.varying
        if storage.writable and deep > 1:
            cost += MUX_BIT * deep
        found.append((cost + EMULATION, cells))
    return found


def multiplier_units(family: Family, widths: tuple[int, int], result: int | None = None) -> int:
    """Return the number of multipliers of the device for a product.

    Parameters
    ----------
    family : Family
    widths : (int, int)
        Widths of the factors [bits].
    result : int, optional
        Bits of the product. Default: those of both factors.
    """
    units, left = 0, [(*widths, result or sum(widths))]
    for multiplier in family.multipliers:
        rest: list[tuple[int, int]] = []
        for a, b, bits in left:
            units += multiplier.units * _tiles(multiplier, max(a, b), min(a, b), bits, rest)
        left = [(a, b, a + b) for a, b in rest]
    return units


def _tiles(m: Multiplier, a: int, b: int, product: int, rest: list[tuple[int, int]]) -> int:
    """Return the number of multipliers of a product; append parts built from logic to ``rest``."""
    if a < m.a_min or b < m.b_min or product < m.product_min:
        rest.append((a, b))
        return 0
    if a > m.a_max:
        part = m.a_part or m.a_max
        n, last = _cut(a, m.a_max, part, m.headroom)
        return n * _tiles(m, part, b, min(product, b + part), rest) + _tiles(
            m, last, b, b + last, rest
        )
    if b > m.b_max:
        part = m.b_part or m.b_max
        n, last = _cut(b, m.b_max, part, m.headroom)
        return n * _tiles(m, a, part, min(product, a + part), rest) + _tiles(
            m, a, last, a + last, rest
        )
    return 1


def _cut(width: int, most: int, part: int, headroom: int) -> tuple[int, int]:
    """Return the number of full-width parts, and the width of the last part."""
    n = math.ceil((width - most) / (part - headroom))
    return n, width - n * (part - headroom)


def _lut_memory(bits_log2: int, width: int, cost: float, by_width: float) -> Block:
    return Block(
        style=Style.DISTRIBUTED,
        bits_log2=bits_log2,
        widths=(width,),
        cost=cost,
        byte=None,
        by_width=by_width,
        roms=False,
    )


_BLOCK_16K = (Block(bits_log2=14, widths=(1, 2, 4, 9, 18, 36), cost=128, byte=9),)

ICE40 = Family(
    name="ice40",
    synth="synth_ice40",
    rom_bit=1 / 16,
    blocks=(
        Block(bits_log2=11, widths=(2, 4, 8), cost=64, byte=None, roms=False),
        Block(bits_log2=11, widths=(2, 4, 8, 16), cost=64, min_write_width=16),
    ),
    multipliers=(),
    luts={"SB_LUT4": 1},
    ffs=("SB_DFF",),
    dsps={"SB_MAC16": 1},
    rams={"SB_RAM40_4K": 1},
)
ICE40_DSP = Family(
    name="ice40",
    synth="synth_ice40 -dsp -device u",
    rom_bit=ICE40.rom_bit,
    blocks=ICE40.blocks,
    multipliers=(Multiplier(a_max=16, b_max=16, product_min=11),),
    luts=ICE40.luts,
    ffs=ICE40.ffs,
    dsps=ICE40.dsps,
    rams=ICE40.rams,
)
ECP5 = Family(
    name="ecp5",
    synth="synth_ecp5",
    rom_bit=1 / 16,
    blocks=(_lut_memory(4, 4, 4, by_width=0), *_BLOCK_16K),
    multipliers=(Multiplier(a_max=18, b_max=18),),
    # a carry cell is two LUTs; a LUT memory is four, and two more for its write port
    luts={"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 6},
    ffs=("TRELLIS_FF",),
    dsps={"MULT18X18D": 1},
    rams={"DP16KD": 1, "PDPW16KD": 1},
)
GOWIN = Family(
    name="gowin",
    synth="synth_gowin -family gw1n -noiopads",
    rom_bit=1 / 16,
    blocks=(_lut_memory(4, 4, 4, by_width=4), *_BLOCK_16K),
    multipliers=(
        Multiplier(a_max=36, b_max=36, a_min=22, b_min=22, units=8),
        Multiplier(a_max=18, b_max=18, a_min=10, b_min=4, units=2),
        Multiplier(a_max=9, b_max=9, a_min=4, b_min=4),
    ),
    luts={"LUT1": 1, "LUT2": 1, "LUT3": 1, "LUT4": 1, "ALU": 1, "RAM16SDP4": 4},
    ffs=("DFF",),
    dsps={"MULT9X9": 1, "MULT18X18": 2, "MULT36X36": 8},
    rams={"SP": 1, "SPX9": 1, "SDPB": 1, "SDPX9B": 1, "DPB": 1, "DPX9B": 1, "pROM": 1, "pROMX9": 1},
)
XC7 = Family(
    name="xc7",
    synth="synth_xilinx -family xc7 -flatten -noiopad -noclkbuf",
    rom_bit=1 / 64,
    blocks=(
        _lut_memory(5, 6, 8, by_width=7),
        _lut_memory(6, 3, 8, by_width=7),
        Block(bits_log2=14, widths=(1, 2, 4, 9, 18, 36), cost=129, byte=9),
        Block(bits_log2=15, widths=(1, 2, 4, 9, 18, 36, 72), cost=257, byte=9, units=2),
    ),
    multipliers=(Multiplier(a_max=25, b_max=18, a_part=18, b_part=18, headroom=1, product_min=9),),
    luts={f"LUT{n}": 1 for n in range(1, 7)}
    | {"RAM32M": 4, "RAM64M": 4, "RAM32X1D": 2, "RAM64X1D": 2, "SRL16E": 1, "SRLC32E": 1},
    ffs=("FDRE", "FDSE", "FDCE", "FDPE"),
    dsps={"DSP48E1": 1},
    rams={"RAMB18E1": 1, "RAMB36E1": 2},
)
