"""Kit ``quartus``: files that add the core to a project, and a project of the core alone."""

from __future__ import annotations

from .._support.identifiers import COLLISION_MACRO
from .core_files import clock_of, core_files, core_ports, rom_files
from .kit import Files, Kit, KitDesign, render


def _files(design: KitDesign) -> Files:
    name = design.name
    context = {
        "roms": rom_files(design),
        "ports": core_ports(design),
        "collision_macro": COLLISION_MACRO,
        **clock_of(design),
    }
    return {
        **core_files(design),
        f"{name}.qpf": render("quartus/project.qpf.j2", design, **context),
        f"{name}.qsf": render("quartus/project.qsf.j2", design, **context),
        f"{name}.qip": render("quartus/core.qip.j2", design, **context),
        f"{name}.sdc": render("core/core.sdc.j2", design, **context),
        "README.md": render("quartus/README.md.j2", design, **context),
    }


QUARTUS = Kit(
    name="quartus",
    summary="a .qip file for projects of Quartus, a project of the core alone, its clock",
    tested="the files as Tcl with stubs of Quartus's commands; Yosys 0.70 for Cyclone V",
    not_run="in Quartus",
    files=_files,
    verilog=True,
)
