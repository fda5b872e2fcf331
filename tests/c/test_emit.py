"""The generated text itself: no compiler is needed here."""

from __future__ import annotations

import doctest
import re
from dataclasses import replace

import pytest

from lmu_hw.errors import EmitError
from lmu_hw.firmware import emit, layout, words
from lmu_hw.program import Linear, Program, Requantize, Role
from tests.c.build import VERSION
from tests.c.special import SPECIAL, copy
from tests.programs import PROGRAMS, cascade_program

ALL = PROGRAMS | SPECIAL


@pytest.mark.parametrize("name", ALL)
def test_text_is_plain_and_the_same_every_time(name: str) -> None:
    files = emit(ALL[name], version=VERSION)
    assert list(files) == ["lmu.h", "lmu.c", "test_lmu.c", "Makefile"]
    assert files == emit(ALL[name], version=VERSION)
    for text in files.values():
        assert text.isascii()
        assert text.endswith("\n")
        assert "\n\n\n" not in text
        assert not re.search(r"[ \t]$", text, re.MULTILINE)
        assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("name", ALL)
def test_product_has_no_floating_point_and_no_heap(name: str) -> None:
    files = emit(ALL[name], version=VERSION)
    code = re.sub(r"/\*.*?\*/", "", files["lmu.h"] + files["lmu.c"], flags=re.DOTALL)
    assert not re.search(r"\b(float|double|malloc|calloc|free|printf)\b|\d\.\d", code)
    assert set(re.findall(r"#include (.*)", code)) == {
        "<stdint.h>",
        "<stddef.h>",
        "<string.h>",
        '"lmu.h"',
    }
    assert "static const" in code or "cascade" not in code
    assert not re.search(r"^static (?!const|inline|int lmu_in_range|void)", code, re.MULTILINE)


def test_header_says_what_the_design_is() -> None:
    program = PROGRAMS["odd_widths"]
    header = emit(program, version="1.2.3")["lmu.h"]
    for text in (
        program.title,
        program.digest,
        "lmu-hw 1.2.3. Do not edit.",
        " *   u        1      Q1.10   -1024 .. 1023        int16_t\n",
        f"{program.multiplies_per_step} multiplications",
        "#define LMU_N_STATE 6\n",
        "#define LMU_Z_INNER_FRAC_BITS 18\n",
        "#define LMU_Z_INNER_MIN (-1048576)\n",
        "    int32_t z_outer[LMU_Z_OUTER_LEN];\n",
    ):
        assert text in header


def test_prefix_is_everywhere() -> None:
    files = emit(replace(PROGRAMS["mixed"], name="gyro"), version=VERSION)
    assert list(files) == ["gyro.h", "gyro.c", "test_gyro.c", "Makefile"]
    for text in files.values():
        assert not re.search(r"\b(lmu|LMU)_", re.sub(r"lmu-hw", "", text))


def test_narrow_sums_are_32_bits_wide_and_wide_ones_64() -> None:
    assert "round64" not in emit(PROGRAMS["odd_widths"], version=VERSION)["lmu.c"]
    assert "round32" not in emit(PROGRAMS["wide"], version=VERSION)["lmu.c"]
    text = emit(SPECIAL["narrow_difference"], version=VERSION)["lmu.c"]
    assert "(int64_t)coef * (int32_t)(y - x)" in text


def test_shifts_that_are_all_equal_are_no_table() -> None:
    program = cascade_program(sections="pp")
    (cascade, *rest) = program.ops
    sections = tuple(tuple(replace(e, shift=13) for e in s) for s in cascade.sections)
    equal = replace(program, ops=(replace(cascade, sections=sections), *rest))
    assert "_shift[k]" in emit(program, version=VERSION)["lmu.c"]
    assert "_shift[k]" not in emit(equal, version=VERSION)["lmu.c"]


@pytest.mark.parametrize("name", ["class", "int", "word_t"])
def test_vector_name_that_c_cannot_take(name: str) -> None:
    with pytest.raises(EmitError, match="must not be a word that C"):
        emit(copy(state=name), version=VERSION)


def test_names_that_differ_in_case_only() -> None:
    with pytest.raises(EmitError, match="differ in more than case"):
        emit(copy(state="Y"), version=VERSION)


def test_flow_without_a_place_in_c() -> None:
    program = copy()
    u_to_s, s_to_y = program.ops
    cases = {
        "must not write the input 'u'": (Requantize(source="s", target="u"), s_to_y),
        "must not read the output 'y' before": (Requantize(source="y", target="s"), s_to_y),
        "output 'y' must be written": (u_to_s,),
    }
    for text, ops in cases.items():
        with pytest.raises(EmitError, match=text):
            emit(replace(program, ops=ops), version=VERSION)
    in_itself = replace(PROGRAMS["one_real"].ops[0], source="z_inner")
    with pytest.raises(EmitError, match="must not read what it writes"):
        emit(replace(PROGRAMS["one_real"], ops=(in_itself,)), version=VERSION)


def test_program_without_state() -> None:
    vectors = tuple(v for v in copy().vectors if v.role is not Role.STATE)
    op = Linear(sources=("u",), target="y", channels=1, rows=((1,),), shifts=(0,), biases=(0,))
    with pytest.raises(EmitError, match="at least one state vector"):
        emit(Program(title="t", vectors=vectors, ops=(op,)), version=VERSION)


@pytest.mark.parametrize("module", [words, layout])
def test_examples_in_docstrings(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]
