"""Kit ``cortex-m``: an application for Cortex-M whose samples come from an interrupt."""

from __future__ import annotations

from .c_library import all_sources, vectors_header
from .kit import Files, Kit, KitDesign, placed, render


def _files(design: KitDesign) -> Files:
    context = {"version": design.version}
    names = (
        *("README.md", "Makefile", "main.c", "samples.h", "board.h", "board_qemu.c"),
        *("core.h", "startup.c", "link.ld"),
    )
    return {
        **{name: render(f"cortex-m/{name}.j2", design, **context) for name in names},
        f"{design.name}_vectors.h": vectors_header(design),
        **placed("src", all_sources(design)),
    }


CORTEX_M = Kit(
    name="cortex-m",
    summary="bare-metal application in CMSIS's names: samples from an interrupt, a queue, steps",
    tested="gcc-arm-none-eabi 12.2; QEMU 7.2 as Cortex-M0, M3, M4, M7, M33, M55; overruns provoked",
    not_run="on a board, and with a vendor's CMSIS headers",
    files=_files,
)
