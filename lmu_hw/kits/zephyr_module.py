"""Kit ``zephyr``: the C as a module of Zephyr, with a sample that runs the test vectors."""

from __future__ import annotations

from .c_library import private_sources, public_headers, vectors_header
from .kit import Files, Kit, KitDesign, placed, render

_SAMPLE = "samples/vectors"


def _files(design: KitDesign) -> Files:
    templates = {
        "README.md": "README.md.j2",
        "zephyr/module.yml": "module.yml.j2",
        "CMakeLists.txt": "CMakeLists.txt.j2",
        "Kconfig": "Kconfig.j2",
        f"{_SAMPLE}/CMakeLists.txt": "sample.j2",
        f"{_SAMPLE}/prj.conf": "prj.conf.j2",
        f"{_SAMPLE}/sample.yaml": "sample.yaml.j2",
        f"{_SAMPLE}/src/main.c": "main.c.j2",
    }
    context = {
        "P": design.name.upper(),
        "version": design.version,
    }
    return {
        **{path: render(f"zephyr/{file}", design, **context) for path, file in templates.items()},
        **placed("include", public_headers(design)),
        **placed("src", private_sources(design)),
        f"{_SAMPLE}/src/{design.name}_vectors.h": vectors_header(design),
    }


ZEPHYR = Kit(
    name="zephyr",
    summary="module for Zephyr with Kconfig, and a sample that runs the test vectors",
    tested="CMake 3.25 with stand-ins for Zephyr's functions, Kconfig read by kconfiglib 14.1",
    not_run="in Zephyr's own tree, on a board",
    files=_files,
)
