"""Runs the code blocks of a Markdown page, top to bottom, in one directory.

| block | what is done |
|---|---|
| ``python`` | run in the page's namespace; what it prints is the ``text`` block that follows it |
| ``console`` | each ``$`` line is run; what it prints is below it; ``# exit code N`` may follow |
| ``verilog`` | the body of a module, elaborated by Icarus with a design that the page generates |
| ``c``, ``cpp`` | compiled as C99, C++11 against the generated headers, warnings are errors |
| ``toml``, ``json`` | parsed |

``...`` in an expected text stands for anything. Blocks in ``sh`` install or build things and are
not run. ``<!-- requires: NAME ... -->`` skips the rest of the page where a program, a Python module
(``python:NAME``) or the data sets (``data``) are missing.
"""

from __future__ import annotations

import contextlib
import doctest
import importlib
import io
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sybil import Document, Example, Region, Sybil
from sybil.parsers.markdown import CodeBlockParser

from lmu_hw.cli.main import main as lmu_hw
from tests.tools import require

LANGUAGES = ("python", "text", "console", "verilog", "c", "cpp", "toml", "json")
RUN = {"sh", *LANGUAGES}
"""Languages that a block may have."""
ELLIPSIS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
VERILOG_WIRES = "wire clk, swap;"
"""Names of the surrounding design that a fragment reads in an ``always`` block."""


def same(want: str, got: str, where: str) -> None:
    """Fail unless a text is as expected, ``...`` standing for anything."""
    want, got = want.strip() + "\n", got.strip() + "\n"
    if not doctest.OutputChecker().check_output(want, got, ELLIPSIS):
        pytest.fail(f"{where} prints\n{got}\nbut the page says\n{want}", pytrace=False)


def python(example: Example) -> None:
    """Run a block of Python; keep what it prints."""
    nothing_left(example)
    text = "\n" * (example.line + example.parsed.line_offset) + example.parsed
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(text, example.path, "exec", dont_inherit=True), example.namespace)
    example.namespace["_printed"] = printed.getvalue()


def text(example: Example) -> None:
    """Compare what the Python block before printed; any other text is only shown."""
    if printed := example.namespace.pop("_printed", ""):
        same(example.parsed, printed, f"{example.path}:{example.line}")


def nothing_left(example: Example) -> None:
    """Fail where a block printed what no text block shows."""
    assert not example.namespace.pop("_printed", ""), f"show what is printed before {example.line}"


def console(example: Example) -> None:
    """Run the commands of a block and compare what each prints."""
    nothing_left(example)
    for part in re.split(r"^\$ ", example.parsed, flags=re.M)[1:]:
        lines = part.splitlines(keepends=True)
        n = 1 + next(k for k, line in enumerate(lines) if not line.endswith("\\\n"))
        command = "".join(lines[:n]).replace("\\\n", "").strip()
        command, _, wanted = command.partition("  # exit code ")
        code, printed = shell(command)
        assert code == int(wanted or 0), f"{example.path}:{example.line}: {command}\n{printed}"
        same("".join(lines[n:]), printed, f"{example.path}:{example.line}: {command}")


def shell(command: str) -> tuple[int, str]:
    """Return exit code and standard output of a command; lmu-hw runs in this process."""
    command = command.partition("  #")[0]
    words = shlex.split(command)
    if words[0] == "lmu-hw":
        printed = io.StringIO()
        errors = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(errors):
            code = lmu_hw(words[1:])
        return code, printed.getvalue() + (errors.getvalue() if code else "")
    done = subprocess.run(
        [sys.executable if w == "python" and not k else w for k, w in enumerate(words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def verilog(example: Example) -> None:
    """Elaborate a fragment beside the design that the page has generated."""
    require("iverilog")
    source = Path("fragment.v")
    source.write_text(f"module fragment;\n{VERILOG_WIRES}\n{example.parsed}\nendmodule\n")
    designs: list[list[str]] = [[str(path)] for path in sorted(Path().glob("*/rtl/lmu.v"))]
    messages = []
    for design in designs or [[]]:
        line = ["iverilog", "-g2005", "-t", "null", "-s", "fragment", str(source), *design]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        messages.append(done.stderr)
    pytest.fail(f"{example.path}:{example.line}\n" + "\n".join(messages), pytrace=False)


def c(example: Example) -> None:
    """Compile a file against the generated headers."""
    require("gcc|clang|cc")
    compiles(example, "fragment.c", "cc -std=c99")


def cpp(example: Example) -> None:
    """Compile a file against the generated headers of the C++ classes."""
    require("g++|clang++|c++")
    compiles(example, "fragment.cpp", "c++ -std=c++11")


def compiles(example: Example, name: str, compiler: str) -> None:
    """Fail unless a file compiles with the C and the drivers of the page's designs."""
    Path(name).write_text(example.parsed)
    places = [f"-I{path}" for path in sorted([*Path().glob("*/c"), *Path().glob("*/bus")])]
    flags = ["-Wall", "-Wextra", "-Werror", *places, "-c", name, "-o", "fragment.o"]
    done = subprocess.run([*compiler.split(), *flags], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{example.path}:{example.line}\n{done.stderr}"


def toml(example: Example) -> None:
    """Parse a block of TOML."""
    module = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    module.loads(example.parsed)


def evaluator(language: str) -> Callable[[Example], Any]:
    """Return what a block of a language is given to."""
    if language == "json":
        return lambda example: json.loads(example.parsed) and None
    return globals()[language]


def requirements(document: Document) -> list[Region]:
    """Return the comments that say what the rest of a page needs."""
    return [
        Region(found.start(), found.end(), found[1].split(), needs)
        for found in re.finditer(r"<!-- requires: (.+?) -->", document.text)
    ]


def needs(example: Example) -> None:
    """Skip the rest of a page where something is missing."""
    for name in example.parsed:
        if name.startswith("python:"):
            pytest.importorskip(name.removeprefix("python:"))
        else:
            require(name)


PAGES = Sybil(
    [requirements, *(CodeBlockParser(name, evaluator(name)) for name in LANGUAGES)],
    pattern="*.md",
)


def run(page: Path) -> int:
    """Run all blocks of a page in the current directory; return their number."""
    document = PAGES.parse(page)
    examples = list(document.examples())
    for example in examples:
        example.evaluate()
    assert not document.namespace.get("_printed"), f"{page} ends without the last block's text"
    return len(examples)
