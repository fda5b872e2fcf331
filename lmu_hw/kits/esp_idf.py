"""Kit ``esp-idf``: the C as a component of ESP-IDF, in a project that runs the test vectors."""

from __future__ import annotations

from .c_library import check_name, private_sources, public_headers, release, vectors_header
from .kit import Files, Kit, KitDesign, placed, render

RESERVED = ("bt", "driver", "efuse", "hal", "heap", "json", "log", "lwip", "main", "newlib", "soc")
"""Components of ESP-IDF with names that a design could have."""


def _files(design: KitDesign) -> Files:
    check_name(design, "esp-idf", RESERVED, "ESP-IDF")
    name = design.name
    templates = {
        "README.md": "README.md.j2",
        "CMakeLists.txt": "project.j2",
        "main/CMakeLists.txt": "main_component.j2",
        "main/main.c": "main.c.j2",
        f"components/{name}/CMakeLists.txt": "component.j2",
        f"components/{name}/idf_component.yml": "idf_component.yml.j2",
        f"components/{name}/Kconfig": "Kconfig.j2",
    }
    context = {
        "P": name.upper(),
        "version": design.version,
        "release": release(design.version),
    }
    return {
        **{path: render(f"esp-idf/{file}", design, **context) for path, file in templates.items()},
        **placed(f"components/{name}/include", public_headers(design)),
        **placed(f"components/{name}/src", private_sources(design)),
        f"main/{name}_vectors.h": vectors_header(design),
    }


ESP_IDF = Kit(
    name="esp-idf",
    summary="component for ESP-IDF, in a project that runs the test vectors",
    tested="CMake 3.25 with stand-ins for ESP-IDF's functions, Kconfig read by kconfiglib 14.1",
    not_run="in ESP-IDF, on an ESP32",
    files=_files,
)
