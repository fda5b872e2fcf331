"""The Doxygen comments of the headers: complete, and of the functions that are there."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lmu_hw.firmware import emit
from tests.factories.builds import VERSION, write_files
from tests.factories.network_programs import NETWORKS
from tests.factories.programs import LABELLED, PROGRAMS
from tests.tools import require, succeed

pytestmark = pytest.mark.cc

CASES = {
    "labelled": LABELLED,
    "wide": PROGRAMS["wide"],
    "every": NETWORKS["lmu_every_3"],
    "on_demand": NETWORKS["lmu_on_demand"],
}
HEADERS = ("lmu.h", "lmu_units.h", "lmu.hpp")
INTERNAL = re.compile(r"lmu_(nearest_\w+|rescale)")
"""Functions that only the conversions call."""
FUNCTION = re.compile(r"^(?!\s|#|typedef)[\w ]*?(\w+) \*?(\w+)\(([^)]*)\)[;\n]", re.MULTILINE)
DOXYFILE = """
INPUT = lmu.h lmu_units.h lmu.hpp
GENERATE_LATEX = NO
GENERATE_HTML = NO
GENERATE_XML = YES
QUIET = YES
EXTRACT_ALL = YES
EXTRACT_STATIC = YES
WARN_AS_ERROR = FAIL_ON_WARNINGS
MACRO_EXPANSION = YES
PREDEFINED = __cplusplus=201703L
"""


@pytest.fixture(params=CASES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a directory with the C of a program."""
    return write_files(tmp_path, emit(CASES[request.param], version=VERSION))


def functions(text: str) -> Iterator[tuple[str, str, list[str], str]]:
    """Yield result, name, parameters and the comment before each function of a header."""
    for found in FUNCTION.finditer(text):
        before = text[: found.start()].rstrip()
        comment = before[before.rfind("/*") :] if before.endswith("*/") else ""
        parameters = (
            [] if found[3] == "void" else [re.sub(r"\[.*", "", p) for p in _split(found[3])]
        )
        yield found[1], found[2], [re.findall(r"\w+", p)[-1] for p in parameters], comment


def _split(parameters: str) -> list[str]:
    return [p.strip() for p in parameters.split(",")]


def test_every_function_has_all_parameters_and_its_result(place: Path) -> None:
    names = []
    for header in HEADERS[:2]:
        for result, name, parameters, comment in functions((place / header).read_text()):
            if INTERNAL.fullmatch(name):
                continue
            names.append(name)
            assert comment.startswith("/**\n"), name
            documented = re.findall(r"@param\[(?:in|out|in,out)\] +(\w+) ", comment)
            assert documented == parameters, name
            assert ("@return " in comment) == (result != "void"), name
    steps = {f"lmu_{f}" for f in ("init", "reset", "ready", "step", "run", "save", "load")}
    assert steps <= set(names)
    assert {n for n in names if n.endswith("_word")}


def test_clang_understands_every_comment(place: Path) -> None:
    require("clang")
    checks = ["-Wdocumentation", "-Wdocumentation-pedantic", "-Werror", "-fsyntax-only"]
    for source, flags in (("lmu.c", ["-std=c99"]), ("test.cpp", ["-x", "c++", "-std=c++17"])):
        (place / "test.cpp").write_text('#include "lmu.hpp"\n')
        succeed("clang", *checks, *flags, place / source)


def test_doxygen_has_no_warning(place: Path) -> None:
    require("doxygen")
    done = subprocess.run(
        ["doxygen", "-"], input=DOXYFILE, cwd=place, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "lmu_step" in (place / "xml" / "lmu_8h.xml").read_text()
