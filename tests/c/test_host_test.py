"""`make` in a generated ``c`` folder: passes as generated, fails on anything broken."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lmu_hw.program import Role
from tests.c.build import run, succeed, write_folder
from tests.c.special import SPECIAL
from tests.programs import PROGRAMS
from tests.tools import require

pytestmark = pytest.mark.cc


@pytest.fixture(autouse=True)
def tools() -> None:
    require("make", "cc|gcc|clang")


@pytest.mark.parametrize("name", ["mixed", "dense_readout", "network"])
def test_make_builds_and_passes(name: str, tmp_path: Path) -> None:
    program = (PROGRAMS | SPECIAL)[name]
    c_dir = write_folder(tmp_path, program, n_steps=90)
    said = succeed("make", "-s", "-C", c_dir, "--no-print-directory")
    n_out, n_state = program.n_words(Role.OUTPUT), program.n_words(Role.STATE)
    assert said == f"PASS {(4 * 90 + 1) * n_out + 4 * n_state} words\n"
    assert (c_dir / "build").is_dir()
    succeed("make", "-s", "-C", c_dir, "clean", "--no-print-directory")
    assert sorted(p.name for p in c_dir.iterdir()) == ["Makefile", "lmu.c", "lmu.h", "test_lmu.c"]


def test_corrupted_vectors(tmp_path: Path) -> None:
    c_dir = write_folder(tmp_path, PROGRAMS["mixed"], n_steps=60)
    vectors = tmp_path / "vectors"
    for file, line, text, said in (
        ("output.hex", 8 * 17 + 4, "7b", r"FAIL run: step 17, y_z_inner\[1\]: expected 123, got "),
        ("state.hex", 3, "1234", r"FAIL run: step 60, z_inner\[0\]: expected 4660, got "),
        ("output.hex", 5, "100", r"FAIL .*output.hex, line 6: no word of 8 bits"),
        ("input.hex", 2, "zz", r"FAIL .*input.hex, line 3: no word of 8 bits"),
        ("input.hex", 2, None, r"FAIL ../vectors: 59 steps of input, 60 of output"),
        ("output.hex", 2, None, r"FAIL .*output.hex holds 479 words, not a multiple of 8"),
    ):
        good = (vectors / file).read_text()
        lines = good.splitlines()
        lines[line : line + 1] = [] if text is None else [text]
        (vectors / file).write_text("\n".join(lines) + "\n")
        result = run("make", "-s", "-C", c_dir, "--no-print-directory")
        assert result.returncode != 0
        assert re.match(said, result.stdout), result.stdout
        (vectors / file).write_text(good)


def test_missing_vectors(tmp_path: Path) -> None:
    c_dir = write_folder(tmp_path, PROGRAMS["one_real"], n_steps=8)
    (tmp_path / "vectors" / "state.hex").unlink()
    result = run("make", "-s", "-C", c_dir, "--no-print-directory")
    assert result.returncode != 0
    assert result.stdout == (
        "FAIL cannot read ../vectors/state.hex: generate the vectors, or name their folder\n"
    )


BROKEN = {
    "half": ("<< n) >> 1), n)", "<< n) >> 2), n)"),
    "never silent": ("return *count == window;", "return 0;"),
    "silent one step late": ("return *count == window;", "return *count == window + 0 * zero - 1;"),
    "silent is floor": ("return word + (word < 0 && lost);", "return word;"),
    "silent forgets base": ("|| (sum & (((int32_t)1 << drop) - 1)) != 0;", ";"),
    "no saturation": (
        "return x < low ? low : x > high ? high : x;",
        "(void)low; (void)high; return x;",
    ),
    "upper end only": ("x < low ? low : x", "(void)low, x"),
    "coefficient shift": ("_shift[3] = {\n    ", "_shift[3] = {\n    1 + "),
    "port": ("2 * x - y", "x + x + y"),
    "reset": ("memset(s, 0, sizeof *s);", "s->silence[0] = 0;"),
    "save": (
        "words[LMU_Z_INNER_AT + i] = s->z_inner[i]",
        "words[LMU_Z_INNER_AT + i] = s->z_inner[0]",
    ),
    "load": ("s->silence[i] = words[LMU_SILENCE_AT + i]", "s->silence[i] = 0"),
    "load refuses": ("    return 0;\n}\n", "    return -1;\n}\n"),
    "global state": (
        "    lmu_cascade(s, u);",
        "    static lmu_state g; (void)s;\n    lmu_cascade(&g, u);",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_code(case: str, tmp_path: Path) -> None:
    """A bench is worth something only if a broken design fails it."""
    c_dir = write_folder(tmp_path, SPECIAL["saturating"], n_steps=240)
    code = (c_dir / "lmu.c").read_text()
    good, bad = BROKEN[case]
    assert good in code
    (c_dir / "lmu.c").write_text(code.replace(good, bad))
    result = run("make", "-s", "-C", c_dir, "--no-print-directory", "CFLAGS=-O1 -w")
    assert result.returncode != 0
    assert result.stdout.startswith("FAIL "), result.stdout + result.stderr
