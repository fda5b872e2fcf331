"""Random programs as strict C under sanitizers, against the interpreter."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lmu_hw.errors import FormatError
from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import Program, Role
from tests.factories import random_programs
from tests.factories.builds import write_c_build
from tests.firmware.compilers import C99, COMPILERS
from tests.tools import needs, succeed

EXAMPLES = [4, pytest.param(16, marks=pytest.mark.soak)]

pytestmark = pytest.mark.cc


tools = needs("gcc|clang")


@pytest.mark.parametrize("n_examples", EXAMPLES)
def test_narrow_words(n_examples: int) -> None:
    settings(max_examples=n_examples)(given(random_programs.programs())(_check))()


@st.composite
def wide_formats(draw: Any) -> QFormat:
    """Return a format on either side of every C type."""
    width = draw(st.integers(1, 40) | st.sampled_from([8, 15, 16, 17, 31, 32, 33]))
    frac = draw(st.integers(-2, min(width + 2, 30)))
    return QFormat(width - frac, frac, draw(st.booleans()))


@pytest.mark.parametrize("n_examples", EXAMPLES)
def test_words_of_any_width(n_examples: int) -> None:
    settings(max_examples=n_examples)(given(st.data())(_check_any_width))()


def _check_any_width(data: st.DataObject) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(random_programs, "formats", wide_formats)
        try:
            program = data.draw(random_programs.programs())
        except FormatError:  # an intermediate of more than 63 bits
            assume(False)
    _check(program)


def _check(program: Program) -> None:
    assume(program.with_role(Role.STATE))
    checks = ["-fsanitize=undefined,address", "-fno-sanitize-recover=all", "-O1"]
    with tempfile.TemporaryDirectory() as build_dir:
        c_dir = write_c_build(program, Path(build_dir), 60)
        sources = [c_dir / "lmu.c", c_dir / "test_lmu.c"]
        succeed(COMPILERS[0], *C99, *checks, *sources, "-o", c_dir / "test")
        assert re.fullmatch(r"PASS \d+ words\n", succeed(c_dir / "test", c_dir / "../vectors"))
