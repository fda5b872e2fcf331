"""The ``litex`` kit: a LiteX module, a simulated SoC with firmware, and a design for a board."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from ..errors import SpecError
from .c_library import all_sources
from .core_files import core_files
from .kit import Files, Kit, KitDesign, KitTool, placed, render

if TYPE_CHECKING:
    from ..program.integer_program import Vector

_TEMPLATES = {
    "README.md": "README.md.j2",
    "sim.py": "sim.py.j2",
    "radiona_ulx3s.py": "radiona_ulx3s.py.j2",
    "main.c": "main.c.j2",
    "linker.ld": "linker.ld",
}
PACKAGES = " ".join(
    (
        "litex==2024.12",
        "migen==0.10",
        "litex-boards==2023.12",
        "pythondata-cpu-vexriscv==1.0.1.post407",
        "pythondata-cpu-picorv32==1.0.post218",
        "pythondata-software-picolibc==1.7.9.post181",
        "pythondata-software-compiler-rt==0.0.post6206",
    )
)
"""What pip installs; LiteX's builder looks for the last two even if it compiles nothing."""
_TAKEN = {"sim", "main", "crt0", "radiona_ulx3s", "litex", "litex_boards", "migen"}
TRANSFER = 32
"""Bits that a CPU moves at once."""


def _files(design: KitDesign) -> Files:
    """Return the files of the kit.

    Raises
    ------
    SpecError
        If a word of input or output has more than 32 bits, or the name is another module's.
    """
    name = design.name
    if name in _TAKEN or name in sys.stdlib_module_names:
        raise SpecError(
            f"the litex kit cannot have a Python module called {name}: choose another --name"
        )
    context = _context(design)
    texts = {
        path: render(f"litex/{source}", design, **context) for path, source in _TEMPLATES.items()
    }
    texts[f"{name}.py"] = render("litex/module.py.j2", design, **context)
    texts[f"{name}_litex.h"] = render("litex/driver.h.j2", design, **context)
    return {
        **texts,
        **placed("rtl", core_files(design)),
        **placed("c", all_sources(design)),
        **placed("vectors", design.vectors),
    }


def _context(design: KitDesign) -> dict[str, Any]:
    """Return what the templates see."""
    from ..firmware.c_types import type_bits
    from ..firmware.layout import lay_out
    from ..program.integer_program import Role
    from ..rtl.interface import interface_context
    from ..rtl.lane_widths import depth_to_clear

    program, plan = design.program, design.schedule
    ports = interface_context(plan, design.name, design.hardware.streams, depth_to_clear(plan))
    layout = lay_out(program, design.name)
    in_bits, out_bits = type_bits(layout.in_type), type_bits(layout.out_type)
    if max(in_bits, out_bits) > TRANSFER:
        widths = f"{ports['in_width']} and {ports['out_width']}"
        raise SpecError(
            f"the litex kit needs input and output words of up to 32 bits, not {widths}"
        )
    state_bits = TRANSFER if ports["state_width"] <= TRANSFER else 2 * TRANSFER
    return {
        "P": design.name.upper(),
        "top": ports["top"],
        "ports": ports,
        "n_in": plan.n_in,
        "n_out": plan.n_out,
        "on_demand": program.output_every == 0,
        "in_bits": in_bits,
        "out_bits": out_bits,
        "state_bits": state_bits,
        "state_type": f"int{state_bits}_t",
        "in_pack": TRANSFER // in_bits,
        "out_pack": TRANSFER // out_bits,
        "n_steps": len(design.vectors["input.hex"].split()) // plan.n_in,
        "example_outputs": 100 // program.output_every if program.output_every else 1,
        "packages": PACKAGES,
        "kit_tested": LITEX.tested,
        "kit_not_run": LITEX.not_run,
        "settle": 4 * plan.cycles_per_step + 2 * plan.latency + 500,
        "formats": {
            key: _formats(program.with_role(role))
            for key, role in (("input", Role.INPUT), ("output", Role.OUTPUT), ("state", Role.STATE))
        },
    }


def _formats(vectors: tuple[Vector, ...]) -> list[tuple[int, int, bool]]:
    """Return length, bits and sign of vectors."""
    return [(v.length, v.fmt.width, v.fmt.signed) for v in vectors]


LITEX = Kit(
    name="litex",
    summary="LiteX module with CSRs, streams, interrupt and DMA; a simulated SoC; a ULX3S design",
    tested="LiteX 2024.12 with VexRiscv and PicoRV32, Verilator 5.006; bitstream by nextpnr 0.11",
    not_run="on a board; under LiteX's BIOS or Linux",
    files=_files,
    tools=(
        KitTool(name="LiteX", package="litex", remedy=f"python -m pip install {PACKAGES}"),
        KitTool(
            name="LiteX boards",
            package="litex-boards",
            module="litex_boards",
            remedy=f"python -m pip install {PACKAGES}",
        ),
    ),
    verilog=True,
    state_port=True,
)
