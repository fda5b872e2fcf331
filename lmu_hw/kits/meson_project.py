"""Kit ``meson``: the C as a Meson project with a pkg-config file."""

from __future__ import annotations

from .c_library import check_name, example_programs, library_files, release
from .kit import Files, Kit, KitDesign, KitTool, placed, render

RESERVED = (
    *("all", "benchmark", "clean", "coverage", "dist", "distcheck", "install", "phony"),
    *("reconfigure", "test", "uninstall"),
)
"""Names that no target may have."""


def _files(design: KitDesign) -> Files:
    check_name(design, "meson", RESERVED, "Meson")
    context = {"release": release(design.version)}
    templates = {
        "README.md": "README.md.j2",
        "meson.build": "meson.build.j2",
        "example/meson.build": "example.j2",
    }
    return {
        **{name: render(f"meson/{file}", design, **context) for name, file in templates.items()},
        **library_files(design),
        **placed("example", example_programs(design)),
    }


MESON = Kit(
    name="meson",
    summary="Meson project of the C with a pkg-config file: installed, or as a subproject",
    tested="Meson 1.0, Ninja, pkg-config, gcc and g++: vectors, installation, use from C and C++",
    not_run="on Windows or macOS",
    files=_files,
    tools=(
        KitTool(name="Meson", command="meson", remedy="apt-get install meson"),
        KitTool(name="Ninja", command="ninja", remedy="apt-get install ninja-build"),
        KitTool(name="pkg-config", command="pkg-config", remedy="apt-get install pkg-config"),
    ),
)
