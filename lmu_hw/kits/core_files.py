"""The Verilog core as kits instantiate it: its files, module and ports."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

PERIOD = "10.000"
"""Of the clock in timing constraints [ns]."""

if TYPE_CHECKING:
    from ..program.integer_program import Vector
    from .kit import KitDesign


def core_files(design: KitDesign) -> dict[str, str]:
    """Return the Verilog of the core and its ROM files, by name."""
    return {
        name: text
        for name, text in design.rtl.items()
        if name == f"{design.name}.v" or name.endswith(".mem")
    }


def rom_files(design: KitDesign) -> tuple[str, ...]:
    """Return the names of the core's ROM files."""
    return tuple(sorted(name for name in design.rtl if name.endswith(".mem")))


def vector_files(design: KitDesign) -> dict[str, str]:
    """Return the files of the directory ``vectors`` in a kit."""
    return {f"vectors/{name}": text for name, text in design.vectors.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class CorePort:
    """A port of the module ``NAME``.

    Attributes
    ----------
    name : str
    direction : str
        ``"in"`` or ``"out"``.
    width : int
        Bits of a vector; 0: the port is no vector.
    """

    name: str
    direction: str
    width: int


def core_ports(design: KitDesign) -> tuple[CorePort, ...]:
    """Return the ports of the module ``NAME``, as its Verilog declares them."""
    text = design.rtl[f"{design.name}.v"]
    start = text.index(f"\nmodule {design.name} #(")
    head = text[start : text.index("\n);", start)]
    pattern = r"^ +(in|out)put +(?:wire|reg) +(?:signed +)?(?:\[(\d+):0\] +)?(\w+)"
    return tuple(
        CorePort(name=name, direction=way, width=int(left) + 1 if left else 0)
        for way, left, name in re.findall(pattern, head, re.MULTILINE)
    )


def clock_of(design: KitDesign) -> dict[str, object]:
    """Return what templates need to know of the module ``NAME`` and its clock."""
    axi = design.hardware.streams.value == "axi"
    return {
        "axi": axi,
        "clock": "aclk" if axi else "clk",
        "reset": "aresetn" if axi else "rst",
        "period": PERIOD,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainCore:
    """The core with plain ports, whichever names the design's streams have.

    Attributes
    ----------
    module : str
        Module with the ports ``clk``, ``rst``, ``i_*`` and ``o_*``.
    inputs, outputs : tuple of Vector
        Vectors whose words a step takes and an output has, in their order.
    n_in, n_out : int
        Words of a step and of an output.
    in_width, out_width, state_width : int
        Width of a word on its port [bits]; 0 without a state port.
    in_signed, out_signed : bool
        Words on the port are two's complement.
    every : int
        Steps per output; 0: an output comes where it is asked for.
    cycles_per_step : int
    """

    module: str
    inputs: tuple[Vector, ...]
    outputs: tuple[Vector, ...]
    n_in: int
    n_out: int
    in_width: int
    out_width: int
    state_width: int
    in_signed: bool
    out_signed: bool
    every: int
    cycles_per_step: int


def core_of(design: KitDesign) -> PlainCore:
    """Return the core of a design."""
    from ..program.integer_program import Role
    from ..rtl.interface import interface_context

    program, plan = design.program, design.schedule
    ports = interface_context(plan, design.name, design.hardware.streams, 0)
    return PlainCore(
        module=ports["top"],
        inputs=program.with_role(Role.INPUT),
        outputs=program.with_role(Role.OUTPUT),
        n_in=plan.n_in,
        n_out=plan.n_out,
        in_width=ports["in_width"],
        out_width=ports["out_width"],
        state_width=ports.get("state_width", 0),
        in_signed=ports["in_signed"],
        out_signed=ports["out_signed"],
        every=program.output_every,
        cycles_per_step=plan.due.cycles,
    )
