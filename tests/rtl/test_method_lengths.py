"""Descriptions of hardware fit a screen: a longer one is split into blocks, or into methods."""

from __future__ import annotations

import ast
from pathlib import Path

from lmu_hw import rtl

LONGEST = 60
"""Lines of a method."""
ROOM = Path(rtl.__file__).parent


def test_every_method_fits_a_screen() -> None:
    lengths = {
        (path.relative_to(ROOM).as_posix(), node.name): (node.end_lineno or 0) - node.lineno + 1
        for path in sorted(ROOM.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    }
    assert ("engine.py", "elaborate") in lengths
    assert {name: n for name, n in lengths.items() if n > LONGEST} == {}
