"""The programs that several kits hand out: C and C++ on vectors in a header."""

from __future__ import annotations

from pathlib import Path

import pytest

from lmu_hw.kits.c_library import all_sources, example_programs, release
from lmu_hw.kits.kit import KitDesign
from tests.factories import network_programs, programs
from tests.factories.builds import write_files
from tests.factories.kit_designs import c_design
from tests.firmware.compilers import STRICT
from tests.kits.designs import PROGRAMS
from tests.kits.readme import damage
from tests.tools import require, run, succeed

SOME = ("wide", "output at will", "no output in so few steps")
COMMANDS = {
    "main.c": ("gcc", "-std=c99", *STRICT),
    "main.cpp": ("g++", "-std=c++11", *STRICT),
}


def write(design: KitDesign, place: Path) -> Path:
    files = {**all_sources(design), **example_programs(design)}
    return write_files(place, {name: str(text) for name, text in files.items()})


def build(place: Path, source: str, name: str) -> Path:
    succeed("gcc", "-std=c99", "-c", place / f"{name}.c", "-o", place / "design.o")
    program = place / "program"
    succeed(*COMMANDS[source], place / source, place / "design.o", "-o", program)
    return program


@pytest.mark.cc
@pytest.mark.parametrize("source", COMMANDS)
@pytest.mark.parametrize(
    "name", [n if n in SOME else pytest.param(n, marks=pytest.mark.kits) for n in PROGRAMS]
)
def test_words_are_those_of_the_vectors(name: str, source: str, tmp_path: Path) -> None:
    require("gcc", "g++")
    design = c_design(PROGRAMS[name]())
    place = write(design, tmp_path)
    said = succeed(build(place, source, design.name))
    assert said.startswith("PASS")
    n_outputs = {0: 1, 1: 96, 3: 32, 200: 0}[design.program.output_every]
    assert f" {n_outputs} outputs" in said


@pytest.mark.cc
@pytest.mark.parametrize("source", COMMANDS)
@pytest.mark.parametrize(
    ("table", "what"), [("vector_out", "the output of step 0"), ("vector_saved", "the last state")]
)
def test_a_damaged_vector_fails(table: str, what: str, source: str, tmp_path: Path) -> None:
    require("gcc", "g++")
    design = c_design(programs.cascade_program())
    place = write(design, tmp_path)
    damage(place / "lmu_vectors.h", rf"{table}\[[^=]*= \{{\s*\{{?-?\s*\d*(?=\d\D)")
    done = run(build(place, source, "lmu"))
    assert done.returncode == 1
    assert done.stdout.startswith("FAIL")
    assert what in done.stdout


@pytest.mark.cc
def test_vectors_of_another_design_do_not_compile(tmp_path: Path) -> None:
    require("gcc")
    first, second = (c_design(network_programs.lmu(every)) for every in (1, 3))
    place = write(first, tmp_path)
    (place / "lmu_vectors.h").write_text(str(example_programs(second)["lmu_vectors.h"]))
    done = run("gcc", "-std=c99", "-fsyntax-only", place / "main.c")
    assert "these vectors are of another design with the name lmu" in done.stderr


def test_releases() -> None:
    assert [release(v) for v in ("0.1.0", "12.0.3rc1", "", "1.2")] == [
        "0.1.0",
        "12.0.3",
        "0.0.0",
        "0.0.0",
    ]
