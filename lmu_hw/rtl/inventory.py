"""Resources of a design before synthesis, the reference for the results of synthesis tools.

They are counted in the hierarchy that Amaranth elaborates, so no block is described twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from amaranth.back import rtlil

from ..program.integer_program import Program
from .block_memories import VerilogPlatform
from .emit import emit
from .engine import Engine
from .schedule import Schedule
from .verilog import parse
from .verilog.rtlil import Assign, Const, Module, RTLILCell, Statement
from .verilog.specs import width_of

SUMS = ("$add", "$sub", "$neg", "$lt", "$le", "$ge", "$gt")
"""Operators that take a carry chain."""
SHIFTS = ("$shl", "$shr", "$sshl", "$sshr", "$shift", "$shiftx")


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """A memory of the design.

    Parameters
    ----------
    name : str
        Instance path below the top module.
    width, depth : int
        Bits of a word, and number of words.
    varying : int
        Bit positions that differ between words; a synthesis tool stores only these.
    writable : bool
        Whether it is a RAM.
    """

    name: str
    width: int
    depth: int
    varying: int
    writable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A multiplication of two signals.

    Parameters
    ----------
    name : str
        Instance path of the block that contains it.
    widths : (int, int)
        Widths of the factors [bits].
    """

    name: str
    widths: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """All resources of a design.

    Parameters
    ----------
    top : str
        Name of the top module.
    blocks : tuple of str
        Instance paths of all blocks below the top module.
    storages : tuple of Storage
    products : tuple of Product
    register_bits, sum_bits, choice_bits, logic_bits, shift_bits : int
        Total width of registers, of sums and comparisons, of multiplexers, of bitwise operators,
        and of variable shifts (times the width of the shift amount).
    """

    top: str
    blocks: tuple[str, ...]
    storages: tuple[Storage, ...]
    products: tuple[Product, ...]
    register_bits: int
    sum_bits: int
    choice_bits: int
    logic_bits: int
    shift_bits: int


def inventory(program: Program, plan: Schedule) -> Inventory:
    """Return the resources of a program's hardware.

    Parameters
    ----------
    program : Program
    plan : Schedule
        Schedule of the same program.
    """
    top = program.name
    text = rtlil.convert(
        Engine(program, plan, top), name=top, platform=VerilogPlatform(top), emit_src=False
    )
    modules = parse(text)
    files = emit(program, plan)
    storages, products = [], []
    bits: Counter[str] = Counter()
    for module in modules:
        path = module.name.removeprefix(top).removeprefix(".")
        for cell in module.cells:
            if cell.kind in (f"{top}_rom", f"{top}_ram"):
                storages.append(_storage(cell, path, files))
            elif cell.kind == "$mul" and _is_product(cell):
                widths = (int(cell.parameters["A_WIDTH"]), int(cell.parameters["B_WIDTH"]))
                products.append(Product(name=path, widths=widths))
            else:
                bits[_class(cell)] += _weight(cell)
        bits["choice"] += sum(_choices(module))
    return Inventory(
        top=top,
        blocks=tuple(m.name.removeprefix(f"{top}.") for m in modules if m.name != top),
        storages=tuple(storages),
        products=tuple(products),
        register_bits=bits["register"],
        sum_bits=bits["sum"],
        choice_bits=bits["choice"],
        logic_bits=bits["logic"],
        shift_bits=bits["shift"],
    )


def _storage(cell: RTLILCell, path: str, files: dict[str, str]) -> Storage:
    width, depth = int(cell.parameters["WIDTH"]), int(cell.parameters["DEPTH"])
    file = cell.parameters.get("FILE")
    words = [] if file is None else list(_words(files[str(file)]))
    ones = zeros = 0
    for word in words:
        ones, zeros = ones | word, zeros | ~word
    varying = bin(ones & zeros & ((1 << width) - 1)).count("1") if words else width
    return Storage(name=path, width=width, depth=depth, varying=varying, writable=file is None)


def _words(text: str) -> Iterator[int]:
    """Yield the words of a ROM file."""
    for line in text.splitlines():
        if word := line.partition("//")[0].strip():
            yield int(word, 16)


def _is_product(cell: RTLILCell) -> bool:
    """Return whether both factors are signals; a constant factor becomes shifts and sums."""
    return not any(all(isinstance(c, Const) for c in cell.ports[port]) for port in ("A", "B"))


def _class(cell: RTLILCell) -> str:
    if cell.kind.endswith("dff") or cell.kind.endswith("dffe"):
        return "register"
    if cell.kind in SUMS:
        return "sum"
    if cell.kind in SHIFTS:
        return "shift"
    if cell.kind == "$mux":
        return "choice"
    return "logic" if cell.kind.startswith("$") else "instance"


def _weight(cell: RTLILCell) -> int:
    """Return the bits that an operator works on."""
    if cell.kind in SHIFTS:
        if all(isinstance(c, Const) for c in cell.ports["B"]):
            return 0
        return int(cell.parameters["Y_WIDTH"]) * int(cell.parameters["B_WIDTH"])
    widths = [int(cell.parameters.get(name, 0)) for name in ("A_WIDTH", "B_WIDTH", "WIDTH")]
    return max(widths) if cell.kind.startswith("$") else 0


def _choices(module: Module) -> Iterator[int]:
    """Yield the bits of every assignment under a condition."""

    def visit(statements: list[Statement], depth: int) -> Iterator[int]:
        for statement in statements:
            if isinstance(statement, Assign):
                if depth:
                    yield width_of((statement.target,))
            else:
                for _, inner in statement.cases:
                    yield from visit(inner, depth + 1)

    for process in module.processes:
        yield from visit(process, 0)
