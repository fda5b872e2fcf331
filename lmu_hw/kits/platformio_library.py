"""Kit ``platformio``: the C as a PlatformIO library."""

from __future__ import annotations

import json

from .c_library import all_sources, check_name, example_programs, release
from .kit import Files, Kit, KitDesign, KitTool, placed, render

RESERVED = ("arduino", "native")
"""A framework's main header in lower case, and the platform of the example."""


def _files(design: KitDesign) -> Files:
    check_name(design, "platformio", RESERVED, "PlatformIO")
    context = {"P": design.name.upper(), "release": release(design.version)}
    templates = {
        "README.md": "README.md.j2",
        "examples/vectors/platformio.ini": "platformio.ini.j2",
    }
    example = example_programs(design)
    return {
        **{path: render(f"platformio/{f}", design, **context) for path, f in templates.items()},
        "library.json": json.dumps(_manifest(design, sorted(example)), indent=2) + "\n",
        **placed("src", all_sources(design)),
        **placed("examples/vectors/src", example),
    }


def _manifest(design: KitDesign, example: list[str]) -> dict[str, object]:
    """Return what ``library.json`` holds."""
    name = design.name
    return {
        "name": name,
        "version": release(design.version),
        "description": f"{name}, a Legendre Memory Unit in integers: C99, and a C++11 class",
        "keywords": ["lmu", "memory", "recurrent", "fixed-point"],
        "authors": [{"name": "lmu-hw"}],
        "frameworks": "*",
        "platforms": "*",
        "headers": [f"{name}.h", f"{name}.hpp"],
        "examples": [
            {
                "name": "vectors",
                "base": "examples/vectors",
                "files": ["platformio.ini", *(f"src/{file}" for file in example)],
            }
        ],
    }


PLATFORMIO = Kit(
    name="platformio",
    summary="PlatformIO library of the C, with an example for this computer",
    tested="PlatformIO Core 6.2: packed; example in C and C++, on a stand-in for native",
    not_run="with packages of PlatformIO's registry, such as platform native, or on a board",
    files=_files,
    tools=(KitTool(name="PlatformIO", command="pio", remedy="python -m pip install platformio"),),
)
