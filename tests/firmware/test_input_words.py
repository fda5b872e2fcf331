"""Input words outside their format, in every C type: limited to it, as the header says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lmu_hw.firmware import emit
from lmu_hw.firmware.c_types import type_bits
from lmu_hw.firmware.layout import lay_out
from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import Program, Role, Vector
from lmu_hw.program.interpreter import Interpreter
from tests.factories.builds import VERSION, write_c
from tests.factories.programs import cascade_program, copy, linear
from tests.firmware.compilers import C99, COMPILERS
from tests.tools import needs, succeed

pytestmark = pytest.mark.cc

FORMATS = [
    QFormat(1, 4),
    QFormat(1, 7),
    QFormat(0, 8, signed=False),
    QFormat(1, 11),
    QFormat(1, 15),
    QFormat(1, 19),
    QFormat(0, 24, signed=False),
    QFormat(2, 30),
    QFormat(1, 35),
]


tools = needs("gcc|clang")


def rows(fmt: QFormat) -> Program:
    """Return a row, a copy and a state of input words."""
    vectors = (
        Vector(name="x", length=3, role=Role.INPUT, fmt=fmt),
        Vector(name="s", length=3, role=Role.STATE, fmt=fmt),
        Vector(name="y", length=2, role=Role.OUTPUT, fmt=QFormat(20, 2)),
    )
    weights = ((90, -128, 127), (1, 1, 1))
    ops = (copy("x", "s"), linear(sources=("x",), target="y", rows=weights, shifts=(7, 3)))
    return Program(title="rows of an input", vectors=vectors, ops=ops)


def run_c(build_dir: Path, program: Program, words: np.ndarray) -> np.ndarray:
    """Return the outputs of steps under sanitizers that end the program."""
    write_c(program, build_dir)
    layout = lay_out(program, "lmu")
    (build_dir / "main.c").write_text(
        """
#include "lmu.h"
#include <stdio.h>
int main(void)
{
    lmu_state s;
    lmu_in u[LMU_N_IN];
    lmu_out y[LMU_N_OUT];
    lmu_init(&s);
    while (fread(u, sizeof u, 1, stdin) == 1) {
        if (lmu_step(&s, u, y) != LMU_OUTPUT)
            return 1;
        fwrite(y, sizeof y, 1, stdout);
    }
    return 0;
}
"""
    )
    checks = ("-fsanitize=undefined,address", "-fno-sanitize-recover=all", "-O1")
    sources = (build_dir / "main.c", build_dir / "lmu.c")
    succeed(COMPILERS[0], *C99, *checks, *sources, "-o", build_dir / "main")
    (build_dir / "in").write_bytes(words.astype(f"i{type_bits(layout.in_type) // 8}").tobytes())
    succeed("sh", "-c", "./main < in > out", cwd=build_dir)
    found = np.frombuffer((build_dir / "out").read_bytes(), f"i{type_bits(layout.out_type) // 8}")
    return found.reshape(len(words), -1).astype(np.int64)


@pytest.mark.some(7)
@pytest.mark.parametrize("fmt", FORMATS, ids=str)
@pytest.mark.parametrize("kind", ["rows", "memory"])
def test_words_beyond_a_format_are_limited(fmt: QFormat, kind: str, tmp_path: Path) -> None:
    if kind == "memory":
        program = cascade_program(sections="pr", bits=fmt.width, chain=QFormat(2, 12), seed=3)
        vectors = [v for v in program.vectors if v.role is not Role.INPUT]
        u = Vector(name="u", length=1, role=Role.INPUT, fmt=fmt)
        program = Program(title="memory", vectors=(u, *vectors), ops=program.ops)
    else:
        program = rows(fmt)
    bits = type_bits(lay_out(program, "lmu").in_type)
    ends = [-(1 << bits - 1), (1 << bits - 1) - 1, fmt.min, fmt.max, fmt.max + 1, fmt.min - 1]
    words = np.array([[e] * program.n_words(Role.INPUT) for e in ends], dtype=np.float64)
    words = np.clip(words, ends[0], min(ends[1], 1 << 62)).astype(np.int64)
    inside = np.clip(words, fmt.min, fmt.max)
    expected = Interpreter(program).run(inside[:, None])[:, 0]
    assert np.array_equal(run_c(tmp_path, program, words), expected)


def test_types_that_a_format_fills_need_no_look() -> None:
    """What cannot be outside costs nothing."""
    program = cascade_program(sections="pr", bits=16, seed=3)
    text = emit(program, version=VERSION)["lmu.c"]
    assert "lmu_clip32(u[" not in text
    text = emit(cascade_program(sections="pr", bits=15, seed=3), version=VERSION)["lmu.c"]
    assert "work.u[i] = (int16_t)lmu_clip32(u[LMU_U_AT + i], LMU_U_MIN, LMU_U_MAX);" in text
