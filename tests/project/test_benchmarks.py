"""Benchmarks find the names that they import from lmu_hw and from each other, and their rows."""

from __future__ import annotations

import ast
import importlib
import json
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
OWN = {path.stem for path in BENCHMARKS.glob("*.py")}
FILES = [pytest.param(path, id=path.stem) for path in sorted(BENCHMARKS.glob("*.py"))]


def imported(path: Path) -> list[tuple[str, str | None]]:
    """Return the modules of this repository that a file imports, with each name."""
    found: list[tuple[str, str | None]] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(alias.name, None) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [(node.module, alias.name) for alias in node.names]
    return [
        (f"benchmarks.{module}" if module in OWN else module, name)
        for module, name in found
        if module in OWN or module.split(".")[0] in ("benchmarks", "lmu_hw")
    ]


@pytest.mark.parametrize("path", FILES)
def test_what_a_benchmark_imports_is_there(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # a benchmark finds the files beside it
    monkeypatch.syspath_prepend(BENCHMARKS)
    for module, name in imported(path):
        if name is None:
            importlib.import_module(module)
        elif not hasattr(importlib.import_module(module), name):
            importlib.import_module(f"{module}.{name}")


def test_measured_rows_have_designs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row whose design has another name would be left out of the fit."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    estimates = importlib.import_module("parallel_estimates")
    designs = *estimates.DESIGNS, *estimates.NETWORKS, *estimates.LAYERS, *estimates.LARGE
    keys = [design.key for design in designs]
    assert len(set(keys)) == len(keys)
    assert set(json.loads(estimates.ROWS.read_text())) <= set(keys)
