"""Kit ``python``: the C as a Python package for hosts, called through ctypes."""

from __future__ import annotations

import keyword
import sys

from .c_library import check_name, release
from .kit import Files, Kit, KitDesign, KitTool, placed, render

RESERVED = frozenset((*keyword.kwlist, *sys.stdlib_module_names, "numpy", "pip", "setuptools"))
"""Keywords, and modules that a package would hide or be hidden by."""


def _files(design: KitDesign) -> Files:
    from ..firmware import source_files
    from ..firmware.layout import lay_out
    from ..program import saved_state
    from ..program.integer_program import Role

    check_name(design, "python", RESERVED, "Python")
    name, program = design.name, design.program
    sources, layout = source_files(name), lay_out(program, name)
    context = {
        "release": release(design.version),
        "headers": sources[1:],
        "n_in": program.n_words(Role.INPUT),
        "n_out": program.n_words(Role.OUTPUT),
        "inputs": program.with_role(Role.INPUT),
        "outputs": program.with_role(Role.OUTPUT),
        "in_type": layout.in_type.removesuffix("_t"),
        "out_type": layout.out_type.removesuffix("_t"),
        "saved_bytes": saved_state.n_bytes(program),
    }
    templates = {
        "README.md": "README.md.j2",
        "pyproject.toml": "pyproject.toml.j2",
        "setup.py": "setup.py.j2",
        f"src/{name}/__init__.py": "package.py.j2",
        f"csrc/{name}_state_bytes.c": "state_bytes.c.j2",
        "tests/test_vectors.py": "test_vectors.py.j2",
    }
    return {
        **{path: render(f"python/{file}", design, **context) for path, file in templates.items()},
        f"src/{name}/py.typed": "",
        **placed("csrc", {file: design.c[file] for file in sources}),
        **placed("tests/vectors", design.vectors),
    }


PYTHON = Kit(
    name="python",
    summary="Python package for hosts: a wheel of the C, called through ctypes",
    tested="Python 3.11, pip, setuptools 84: wheel built offline, installed, words compared",
    not_run="on Windows or macOS",
    files=_files,
    tools=(
        KitTool(name="setuptools", package="setuptools", remedy="python -m pip install setuptools"),
    ),
)
