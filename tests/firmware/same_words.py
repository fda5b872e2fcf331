"""The generated C of a program on the host and on boards, against the interpreter."""

from __future__ import annotations

import re
from pathlib import Path

from lmu_hw.firmware.boards import installed
from lmu_hw.firmware.boards.microcontrollers import TARGETS
from lmu_hw.program.integer_program import Program
from lmu_hw.verify.backends import board_c
from tests.firmware.compilers import C99
from tests.firmware.test_targets import play
from tests.tools import require, succeed


def check_on_the_host(c_dir: Path, cc: str, options: tuple[str, ...], binary: Path) -> None:
    """Compile the host test of a ``c`` directory, and play the vectors beside it."""
    require(cc)
    sources = (c_dir / "lmu.c", c_dir / "test_lmu.c")
    succeed(cc, *C99, *options, *sources, "-o", binary)
    assert re.fullmatch(r"PASS \d+ words\n", succeed(binary, c_dir / "../vectors"))


def check_on_a_board(program: Program, c_dir: Path, target: str) -> None:
    """Run two streams of 30 steps, twice, on a board in QEMU."""
    tools = TARGETS[target].toolchain
    require(tools.compiler, tools.qemu)
    assert installed.missing(tools) == ()
    result = board_c.run(TARGETS[target], c_dir.parent, program, play(program, 30, 2), 2)
    assert (result.first, result.mismatches, result.steps) == (None, 0, 120)
