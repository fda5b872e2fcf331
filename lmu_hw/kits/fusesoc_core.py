"""Kit ``fusesoc``: a ``.core`` file with targets for simulation, lint and synthesis."""

from __future__ import annotations

from .._support.identifiers import COLLISION_MACRO
from .board_top import ICEBREAKER, ULX3S, board_files
from .core_files import clock_of, core_files, rom_files, vector_files
from .kit import Files, Kit, KitDesign, KitTool, render

BOARDS = (ICEBREAKER, ULX3S)


def _files(design: KitDesign) -> Files:
    vectors = vector_files(design)
    name = design.name
    context = {
        "version": design.version,
        "roms": rom_files(design),
        "vectors": sorted(vectors),
        "boards": BOARDS,
        "collision_macro": COLLISION_MACRO,
        **clock_of(design),
    }
    files = {
        **core_files(design),
        **vectors,
        f"tb_{name}.v": design.rtl[f"tb_{name}.v"],
        f"{name}.vlt": design.rtl[f"{name}.vlt"],
        f"{name}.core": render("fusesoc/core.core.j2", design, **context),
        f"{name}.xdc": render("core/core.xdc.j2", design, **context),
        f"{name}.sdc": render("core/core.sdc.j2", design, **context),
        "README.md": render("fusesoc/README.md.j2", design, **context),
    }
    for board in BOARDS:
        # frames and UART are the same on every board
        own = board_files(board, design)
        files |= {f"board/{file}": own[file] for file in ("frames.v", "uart.v")}
        files |= {f"{board.kit}/{file}": own[file] for file in ("top.v", board.constraints)}
    return files


FUSESOC = Kit(
    name="fusesoc",
    summary="a .core file: simulation, lint, bitstreams for two boards, projects of two vendors",
    tested="FuseSoC 2.4.7 with Edalize 0.6.8: Icarus Verilog, Verilator, lint, icestorm, trellis; "
    "projects of Vivado and Quartus written",
    not_run="in Vivado and Quartus",
    files=_files,
    tools=(
        KitTool(name="FuseSoC", remedy="python -m pip install fusesoc edalize", package="fusesoc"),
        KitTool(name="Edalize", remedy="python -m pip install fusesoc edalize", package="edalize"),
    ),
    verilog=True,
)
