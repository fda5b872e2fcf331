"""Blocks, memories and multiplications of a design, counted before synthesis.

`lmu_hw.measure.synthesis` compares the result of a synthesis tool with them. They are read from the
hierarchy that Amaranth elaborates, by instance path, so that nothing here repeats how a block is
built.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from amaranth.back import rtlil
from amaranth.lib import wiring

from ..program.integer_program import Program
from .block_memories import VerilogPlatform
from .engine import Engine
from .hardware_plan import HardwarePlan, emit
from .layers.layer_plan import LayerPlan
from .networks.network_core import NetworkCore
from .networks.network_plan import NetworkPlan
from .parallel.cascade_plan import CascadePlan
from .parallel.full_plan import FullPlan
from .parallel.parallel_core import parallel_core
from .verilog import inlined, parse
from .verilog.rtlil import Const, RTLILCell

LAYERS = "layers"
"""Instance path of the layers of a network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """A memory of the design.

    Parameters
    ----------
    name : str
        Instance path below the top module, in the Verilog.
    width, depth : int
        Bits of a word, and number of words.
    varying : int
        Bit positions that differ between words; a synthesis tool stores only these.
    writable : bool
        Whether it is a RAM.
    registered : bool
        Whether a word is read a cycle after its address, as block RAM does.
    """

    name: str
    width: int
    depth: int
    varying: int
    writable: bool
    registered: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A multiplication of two signals.

    Parameters
    ----------
    name : str
        Instance path of the block that contains it.
    widths : (int, int)
        Widths of the factors [bits].
    result : int, optional
        Bits of the product, where a constant factor makes them fewer than those of both factors.
    """

    name: str
    widths: tuple[int, int]
    result: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """Blocks, memories and multiplications of a design.

    Parameters
    ----------
    top : str
        Name of the top module.
    blocks : tuple of str
        Instance paths of all blocks below the top module.
    storages : tuple of Storage
    products : tuple of Product
    """

    top: str
    blocks: tuple[str, ...]
    storages: tuple[Storage, ...]
    products: tuple[Product, ...]


def inventory(program: Program, plan: HardwarePlan) -> Inventory:
    """Return the inventory of the hardware of a program.

    Parameters
    ----------
    program : Program
    plan : HardwarePlan
        Plan of the same program.
    """
    top = program.name
    design = _component(program, plan)
    text = rtlil.convert(design, name=top, platform=VerilogPlatform(top), emit_src=False)
    modules = parse(text)
    blocks = tuple(m.name.removeprefix(f"{top}.") for m in modules if m.name != top)
    files = emit(program, plan)
    storages, products = [], []
    # as in the Verilog, without modules that only pass signals on
    for module in inlined(modules):
        path = module.name.removeprefix(top).removeprefix(".")
        for cell in module.cells:
            if cell.kind in (f"{top}_rom", f"{top}_ram", f"{top}_store"):
                registered = cell.kind != f"{top}_store"
                place = f"{path}.{cell.name}".removeprefix(".")
                storages.append(_storage(cell, place, files, registered=registered))
            elif cell.kind == "$mul" and (_is_product(cell) or _has_constants(plan, path)):
                a, b, y = (int(cell.parameters[f"{port}_WIDTH"]) for port in "ABY")
                result = y if _has_constants(plan, path) and y < a + b else None
                products.append(Product(name=path, widths=(a, b), result=result))
    return Inventory(top=top, blocks=blocks, storages=tuple(storages), products=tuple(products))


def _has_constants(plan: HardwarePlan, path: str) -> bool:
    """Return whether products of a block with constants take multipliers, as other products do."""
    if isinstance(plan, NetworkPlan):
        pipelined = isinstance(plan.layers, LayerPlan)
        return pipelined if path.startswith(LAYERS) else isinstance(plan.memory, FullPlan)
    return isinstance(plan, FullPlan)


def _component(program: Program, plan: HardwarePlan) -> wiring.Component:
    """Return the component of a plan."""
    if isinstance(plan, NetworkPlan):
        return NetworkCore(plan, program.name)
    if isinstance(plan, CascadePlan):
        return parallel_core(plan)
    return Engine(program, plan, program.name)


def _storage(cell: RTLILCell, path: str, files: dict[str, str], *, registered: bool) -> Storage:
    width, depth = int(cell.parameters["WIDTH"]), int(cell.parameters["DEPTH"])
    file = cell.parameters.get("FILE")
    words = [] if file is None else list(_words(files[str(file)]))
    ones = zeros = 0
    for word in words:
        ones, zeros = ones | word, zeros | ~word
    varying = bin(ones & zeros & ((1 << width) - 1)).count("1") if words else width
    return Storage(
        name=path,
        width=width,
        depth=depth,
        varying=varying,
        writable=file is None,
        registered=registered,
    )


def _words(text: str) -> Iterator[int]:
    """Yield the words of a ROM file."""
    for line in text.splitlines():
        if word := line.partition("//")[0].strip():
            yield int(word, 16)


def _is_product(cell: RTLILCell) -> bool:
    """Return whether both factors are signals; a constant factor becomes shifts and sums."""
    return not any(all(isinstance(c, Const) for c in cell.ports[port]) for port in ("A", "B"))
