"""Kit ``cmake``: the C as a CMake package, for find_package and FetchContent."""

from __future__ import annotations

from .c_library import check_name, example_programs, library_files, release
from .kit import Files, Kit, KitDesign, KitTool, placed, render

RESERVED = ("all", "clean", "help", "install", "package", "preinstall", "test")
"""Names that no target may have, in lower case."""

TOOL = KitTool(name="CMake", command="cmake", remedy="apt-get install cmake")


def _files(design: KitDesign) -> Files:
    check_name(design, "cmake", RESERVED, "CMake")
    context = {"P": design.name.upper(), "release": release(design.version)}
    templates = {
        "README.md": "README.md.j2",
        "CMakeLists.txt": "CMakeLists.txt.j2",
        "example/CMakeLists.txt": "example.j2",
    }
    return {
        **{name: render(f"cmake/{file}", design, **context) for name, file in templates.items()},
        **library_files(design),
        **placed("example", example_programs(design)),
    }


CMAKE = Kit(
    name="cmake",
    summary="CMake package of the C: target NAME::NAME, by find_package or FetchContent",
    tested="CMake 3.25, gcc and g++: vectors, installation, use from C and C++; for a Cortex-M4",
    not_run="on Windows or macOS",
    files=_files,
    tools=(TOOL,),
)
