"""Lesson 5: the same words come out of C, on this machine or a microcontroller."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import lmu_hw as lh
from tests.tools import require, succeed

pytestmark = pytest.mark.cc

DESIGN = lh.compile(lh.Memory(3, theta=12), bits=8)
WORDS = np.random.default_rng(0).integers(-128, 128, 20)

# The caller owns the state; nothing is allocated, and two states are two memories.
MAIN = """
#include <stdio.h>
#include "lmu.h"

int main(void)
{
    static lmu_state state;
    lmu_in u[LMU_N_IN];
    lmu_out y[LMU_N_OUT];
    int word;
    lmu_init(&state);
    while (scanf("%d", &word) == 1) {
        u[0] = (lmu_in)word;
        if (lmu_step(&state, u, y) != LMU_OUTPUT)
            return 1;
        for (int i = 0; i < LMU_N_OUT; i++)
            printf("%d ", (int)y[i]);
    }
    return 0;
}
"""


def test_a_program_of_your_own_gives_the_words_of_the_design(tmp_path: Path) -> None:
    require("cc", "sh")
    c_dir = DESIGN.write(tmp_path / "out").path / "c"
    (tmp_path / "main.c").write_text(MAIN)
    (tmp_path / "words.txt").write_text(" ".join(map(str, WORDS)))
    main = tmp_path / "main"
    succeed("cc", "-std=c99", "-I", c_dir, tmp_path / "main.c", c_dir / "lmu.c", "-o", main)
    said = succeed("sh", "-c", "./main < words.txt", cwd=tmp_path)
    assert [int(word) for word in said.split()] == DESIGN.run(WORDS).outputs.ravel().tolist()


def test_a_build_directory_brings_its_own_test(tmp_path: Path) -> None:
    """`make` in `c` plays vectors into the C and compares every word."""
    require("make", "cc")
    build = DESIGN.write(tmp_path / "out")
    assert "PASS" in succeed("make", "-C", build.path / "c")
