"""The names in the Verilog are the same whatever Python writes it.

Amaranth finds the name of a signal in the bytecode around its call. Of `a, b = Signal(), Signal()`
it does so in Python 3.11 and 3.12, and not in 3.10 and 3.13.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from lmu_hw import rtl

SOURCES = sorted(Path(rtl.__file__).parent.rglob("*.py"))


def nameless(text: str) -> list[int]:
    """Return the lines on which a tuple of targets leaves the name of a signal to be found."""
    return [
        part.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple)
        for part in (node.value.elts if isinstance(node.value, ast.Tuple) else ())
        if isinstance(part, ast.Call)
        and ast.unparse(part.func).split(".")[0] == "Signal"
        and "name" not in {keyword.arg for keyword in part.keywords}
    ]


def test_what_has_no_name_is_found() -> None:
    assert nameless("a, b = Signal(), Signal.like(c)") == [1, 1]
    assert nameless('a, b = Signal(name="a"), Signal(name="b")\nc = Signal()\nd = e = f()') == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_signal_is_named_by_a_tuple(path: Path) -> None:
    assert nameless(path.read_text(encoding="utf-8")) == []
