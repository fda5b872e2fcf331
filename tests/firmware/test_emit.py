"""The generated text itself: no compiler is needed here."""

from __future__ import annotations

import doctest
import re
from dataclasses import replace

import pytest

from lmu_hw.errors import EmitError
from lmu_hw.firmware import c_types, emit, layout, source_files
from lmu_hw.program.integer_program import Program, Role
from tests.factories.builds import VERSION
from tests.factories.corners import CORNERS, through
from tests.factories.network_programs import NETWORKS
from tests.factories.programs import PROGRAMS, cascade_program, linear

ALL = PROGRAMS | CORNERS | NETWORKS


@pytest.mark.parametrize("name", ALL)
def test_text_is_plain_and_the_same_every_time(name: str) -> None:
    files = emit(ALL[name], version=VERSION)
    assert set(files) == {*source_files("lmu"), "lmu.hpp", "test_lmu.c", "Makefile"}
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
    product = files["lmu.h"] + files["lmu.c"] + files["lmu_tables.h"]
    code = re.sub(r'/\*.*?\*/|#(define LMU_VERSION|error) "[^"]*"', "", product, flags=re.DOTALL)
    assert not re.search(r"\b(float|double|malloc|calloc|free|printf)\b|\d\.\d", code)
    assert set(re.findall(r"#include (.*)", code)) == {
        "<stdint.h>",
        "<stddef.h>",
        '"lmu.h"',
        '"lmu_kernels.h"',
        '"lmu_tables.h"',
        '"lmu_units.h"',
    }
    assert "static LMU_KERNELS_TABLE" in code or "cascade" not in code
    allowed = "const|inline|int lmu_header_is|void|LMU_KERNELS_TABLE"
    assert not re.search(rf"^static (?!{allowed})", code, re.MULTILINE)


def test_header_says_what_the_design_is() -> None:
    program = PROGRAMS["odd_widths"]
    header = emit(program, version="1.2.3")["lmu.h"]
    for text in (
        program.title,
        program.digest,
        "lmu-hw 1.2.3. Do not edit.",
        "   u        1      Q1.10   -1024 .. 1023        int16_t\n",
        f"{program.multiplies_per_step} multiplications",
        "#define LMU_N_STATE 6\n",
        "#define LMU_Z_INNER_FRAC_BITS 18\n",
        "#define LMU_Z_INNER_MIN (-1048576)\n",
        "    int32_t z_outer[LMU_Z_OUTER_LEN];\n",
    ):
        assert text in header


def test_prefix_is_everywhere() -> None:
    files = emit(replace(PROGRAMS["mixed"], name="gyro"), version=VERSION)
    own = ["gyro.h", "gyro.c", "gyro_tables.h", "gyro_units.h", "gyro.hpp"]
    assert list(files) == [*own, "lmu_kernels.h", "test_gyro.c", "Makefile"]
    kernels = files.pop("lmu_kernels.h")
    assert kernels == emit(PROGRAMS["dense_channels"], version=VERSION)["lmu_kernels.h"]
    shared = set(re.findall(r"\blmu_\w+", kernels, re.IGNORECASE)) | {"lmu_kernels", "lmu_hw"}
    for text in files.values():
        assert set(re.findall(r"\blmu_\w+", text, re.IGNORECASE)) <= shared


def test_narrow_sums_are_32_bits_wide_and_wide_ones_64() -> None:
    assert "round64" not in emit(PROGRAMS["odd_widths"], version=VERSION)["lmu.c"]
    assert "round32" not in emit(PROGRAMS["wide"], version=VERSION)["lmu.c"]
    text = emit(CORNERS["narrow_difference"], version=VERSION)["lmu.c"]
    assert "const int32_t d = (int32_t)(y - x);" in text


def test_coefficients_of_an_adaptor_get_one_shift() -> None:
    """Bits of the product that are wanted are its upper half; or else the shift is a constant."""
    text = emit(cascade_program(sections="ppr"), version=VERSION)["lmu.c"]
    assert "_shift" not in text
    assert len(re.findall(r"lmu_round32\(.*, t, 32, ", text)) == 6
    text = emit(CORNERS["narrow_difference"], version=VERSION)["lmu.c"]
    assert len(re.findall(r"lmu_two_port\(\*a, \*b, e, \d+, ", text)) == 2


def test_shifts_are_a_table_only_where_they_differ() -> None:
    """Words of more than 32 bits leave coefficients as they are."""
    program = PROGRAMS["wide"]
    (cascade, *rest) = program.ops
    sections = tuple(tuple(replace(e, shift=13) for e in s) for s in cascade.sections)
    equal = replace(program, ops=(replace(cascade, sections=sections), *rest))
    assert "_cascade_shift[" in emit(program, version=VERSION)["lmu_tables.h"]
    files = emit(equal, version=VERSION)
    assert "_cascade_shift" not in files["lmu.c"] + files["lmu_tables.h"]
    assert "x, t, 13, " in files["lmu.c"]


def test_columns_that_say_nothing_are_left_out() -> None:
    """Multipliers of 1, equal shifts, no biases, equal multipliers: no table for any of them."""
    files = emit(CORNERS["network"], version=VERSION)
    text = files["lmu.c"] + files["lmu_tables.h"]
    assert "_scale[" not in text
    assert "int64_t x = (int64_t)sum * 3;" in text
    assert "(x, 22)" in text
    assert "lmu_linear_1_shift" not in text
    assert "lmu_linear_1_bias" not in text
    text = emit(NETWORKS["lmu"], version=VERSION)["lmu_tables.h"]
    for column in ("bias", "scale", "shift"):
        assert re.search(rf"static LMU_KERNELS_TABLE \w+ lmu_linear_2_{column}\[5\]", text)


@pytest.mark.parametrize(
    ("name", "bits"), [("scales_112", 32), ("scales_113", 64), ("scales_40000", 64)]
)
def test_scaled_sums_take_64_bits_where_they_must(name: str, bits: int) -> None:
    text = emit(CORNERS[name], version=VERSION)["lmu.c"]
    assert f"        const int{bits}_t x = " in text


def test_equal_functions_share_one() -> None:
    files = emit(NETWORKS["gates"], version=VERSION)
    table = r"^static LMU_KERNELS_TABLE .* lmu_apply_(.*)_values"
    assert re.findall(table, files["lmu_tables.h"], re.MULTILINE) == ["noise", "noise_2"]
    code = re.sub(r"/\*.*?\*/", "", files["lmu.c"], flags=re.DOTALL)
    assert code.count("lmu_apply_noise(") == 1 + 3
    assert code.count("lmu_apply_noise_2(") == 1 + 2


def test_pieces_beyond_a_limit_are_left_out() -> None:
    text = emit(CORNERS["flat_ends"], version=VERSION)["lmu_tables.h"]
    kept = re.findall(r"lmu_apply_(\w+)_values\[(\d+)\]", text)
    rising = {"both": "8", "start": "5", "end": "5", "bottom": "1", "top": "1"}
    falling = {"both_2": "6", "start_2": "5", "end_2": "7", "bottom_2": "1", "top_2": "1"}
    # the first has one more target, of a bit more: there no piece is at a limit
    assert dict(kept) == rising | falling


def test_types_of_words() -> None:
    files = emit(NETWORKS["stack"], version=VERSION)
    for text in (
        "    int8_t z_read[LMU_Z_READ_LEN] LMU_ALIGNED;\n",
        "    int16_t a_z_outer[LMU_A_Z_OUTER_LEN];\n",
        "    int32_t a_z_inner[LMU_A_Z_INNER_LEN];\n",
        "    int16_t quiet[LMU_QUIET_LEN];\n",
    ):
        assert text in files["lmu.h"]
    assert re.search(r"    int16_t u1\[LMU_U1_LEN\].*;\n    int16_t h1\[", files["lmu.c"])


def test_step_says_when_an_output_is_due() -> None:
    step = {name: emit(NETWORKS[name], version=VERSION)["lmu.h"] for name in NETWORKS}
    signature = "lmu_status lmu_step(lmu_state *s, const lmu_in u[LMU_N_IN], lmu_out *y);"
    for name, every in (("lmu", 1), ("lmu_every_3", 3), ("lmu_on_demand", 0)):
        assert f"\nLMU_NODISCARD {signature}" in step[name]
        assert f"#define LMU_OUTPUT_EVERY {every}\n" in step[name]
    assert "1 in every 3-th step after a reset" in step["lmu_every_3"]
    assert "1, because the caller decides" in step["lmu_on_demand"]
    program = NETWORKS["lmu_on_demand"]
    costs = f"{program.multiplies_per_step} multiplications, plus {program.multiplies_per_output}"
    assert costs in step["lmu_on_demand"]
    assert "4. linear: h -> logits (20, with an output)" in step["lmu_on_demand"]
    # outputs that no state needs are written in place, in programs of every output rule
    for name in ("lmu", "lmu_every_3", "lmu_on_demand"):
        code = emit(NETWORKS[name], version=VERSION)["lmu.c"]
        assert (
            "    if (due) {\n        lmu_linear_3(s, y);\n        lmu_argmax(y);\n    }\n" in code
        )


@pytest.mark.parametrize("name", ["class", "int", "int16_t", "size_t"])
def test_vector_name_that_c_cannot_take(name: str) -> None:
    with pytest.raises(EmitError, match="must not be a reserved word of C"):
        emit(through(state=name), version=VERSION)


def test_names_that_differ_in_case_only() -> None:
    with pytest.raises(EmitError, match="differ in more than case"):
        emit(through(state="Y"), version=VERSION)


def test_program_without_state() -> None:
    vectors = tuple(v for v in through().vectors if v.role is not Role.STATE)
    op = linear(sources=("u",), target="y", rows=((1,),), shifts=(0,))
    with pytest.raises(EmitError, match="at least one state vector"):
        emit(Program(title="t", vectors=vectors, ops=(op,)), version=VERSION)


@pytest.mark.parametrize("module", [c_types, layout])
def test_examples_in_docstrings(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]
