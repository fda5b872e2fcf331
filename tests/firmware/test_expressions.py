"""C expressions: their types by C's rules, their ranges, and what is refused."""

from __future__ import annotations

import doctest
import itertools
from pathlib import Path

import pytest

from lmu_hw._support.templates import c_int
from lmu_hw.errors import EmitError
from lmu_hw.firmware import c_expressions
from lmu_hw.firmware.c_expressions import (
    Expression,
    binary,
    cast,
    constant,
    linear_ends,
    minus,
    negative,
    plus,
    reach,
    stored,
    times,
    word,
)
from lmu_hw.firmware.kernels import half_up, limited, rescaled, rounded
from lmu_hw.program.fixedpoint import QFormat, Rounding, round_shift, round_sum
from tests.tools import require, succeed

INT16, INT32 = (-(1 << 15), (1 << 15) - 1), (-(1 << 31), (1 << 31) - 1)
OPERATORS = {"+": plus, "-": minus, "*": times}


def short(name: str, *cases: tuple[int, int]) -> Expression:
    return word(name, "int16_t", *(cases or (INT16,)))


@pytest.mark.parametrize("operator", OPERATORS)
def test_ends_of_a_result_are_those_of_its_operands(operator: str) -> None:
    ranges = [(-3, 2), (0, 4), (-5, -1), (7, 7)]
    for a, b in itertools.product(ranges, ranges):
        x = OPERATORS[operator](short("a", a), short("b", b))
        found = [
            eval(f"{i} {operator} ({j})")
            for i in range(a[0], a[1] + 1)
            for j in range(b[0], b[1] + 1)
        ]
        assert x.cases == ((min(found), max(found)),)


def test_products_of_16_bits_are_cast_for_an_int_of_16_bits() -> None:
    """On a machine with an int of 32 bits the cast changes nothing."""
    assert times(short("a"), short("b")).text == "(int32_t)a * b"
    assert times(short("a", (0, 100)), short("b", (0, 100))).text == "a * b"
    with pytest.raises(EmitError, match=r"C of 16 bits cannot hold a \* b: "):
        binary("*", short("a"), short("b"))


def test_unsigned_words_of_16_bits_are_cast() -> None:
    """Where an int has 16 bits, C would go on with them unsigned."""
    table = word("t[r]", "uint16_t", (0, 65535))
    assert plus(table, constant(-1)).text == "(int32_t)t[r] - 1"
    assert times(word("x", "int64_t", (-5, 5)), table).text == "x * t[r]"
    assert plus(word("t[r]", "uint8_t", (0, 255)), short("a", (0, 9))).text == "t[r] + a"
    with pytest.raises(EmitError, match="unsigned"):
        binary("+", table, constant(1))


def test_a_bias_and_a_sum_that_leave_32_bits_are_added_in_64() -> None:
    dots = word("dots[r]", "int32_t", INT32)
    assert plus(constant(1), dots).text == "1 + (int64_t)dots[r]"
    assert plus(constant(0), dots).text == "0 + dots[r]"
    with pytest.raises(EmitError, match=r"C of 32 bits cannot hold 1 \+ dots\[r\]"):
        binary("+", constant(1), dots)


@pytest.mark.parametrize("end", [1 << 15, 1 << 31, 1 << 63])
def test_constants_have_the_type_that_c_gives_them(end: int, tmp_path: Path) -> None:
    values = [v for v in (-end, 1 - end, -end - 1, end - 1, end) if -(1 << 63) <= v < 1 << 63]
    sizes = ",".join(f"sizeof({c_int(v)})" for v in values)
    source = f"#include <stdint.h>\nunsigned char sizes[] = {{{sizes}}};\n"
    (tmp_path / "sizes.c").write_text(source)
    for at, compiler in enumerate(("avr-gcc", "gcc")):
        require(compiler)
        succeed(compiler, "-std=c99", "-c", "sizes.c", "-o", "sizes.o", cwd=tmp_path)
        objcopy = compiler.replace("gcc", "objcopy")
        succeed(objcopy, "-O", "binary", "-j", ".data", "sizes.o", "sizes.bin", cwd=tmp_path)
        found = [8 * n for n in (tmp_path / "sizes.bin").read_bytes()[: len(values)]]
        assert found == [constant(v).widths[at] for v in values]


def test_the_least_bias_is_added_in_64_bits() -> None:
    dots = word("dots[r]", "int32_t", (-1, 1))
    assert plus(constant(-(1 << 31)), dots).text == "(-2147483647 - 1) + (int64_t)dots[r]"


def test_what_no_type_holds_is_refused() -> None:
    wide = word("x", "int64_t", (-(1 << 62), 1 << 62))
    with pytest.raises(EmitError, match="no C type holds"):
        plus(wide, wide)
    with pytest.raises(EmitError, match="cannot hold"):
        cast(32, wide)
    with pytest.raises(EmitError, match="cannot hold"):
        stored(wide, "int32_t")


def test_negative_words() -> None:
    assert negative(short("a", (-5, 5))).text == "-a"
    assert negative(short("a")).text == "-(int32_t)a"
    assert negative(word("a", "int32_t", INT32)).text == "-(int64_t)a"
    assert negative(negative(short("a", (0, 5)))).text == "-(-a)"


def test_operators_keep_the_order_in_which_they_were_applied() -> None:
    a, b, c = (short(name, (0, 9)) for name in "abc")
    assert minus(a, minus(b, c)).text == "a - (b - c)"
    assert times(plus(a, b), c).text == "(a + b) * c"
    assert plus(times(a, b), c).text == "a * b + c"
    assert times(a, times(b, c)).text == "a * (b * c)"
    assert minus(a, constant(-3)).text == "a + 3"


def test_cases_do_not_mix() -> None:
    """Each row has its own factor: the largest of both are not multiplied."""
    x = times(word("x", "int32_t", (0, 1 << 20), (0, 4)), word("k", "int32_t", (2, 2), (99, 99)))
    assert x.cases == ((0, 1 << 21), (0, 396))


def test_partial_sums_in_any_order() -> None:
    terms = [(-4, 7), (2, 3), (-9, -8)]
    sums = [
        sum(values)
        for n in range(4)
        for subset in itertools.combinations(terms, n)
        for values in itertools.product(*subset)
    ]
    assert reach(terms) == (min(sums), max(sums))
    assert linear_ends((3, (-1, 2)), (-2, (0, 5))) == (-13, 6)


@pytest.mark.parametrize("shift", [0, 1, 3, 30, 31, 40])
def test_rounding_takes_64_bits_where_its_half_needs_them(shift: int) -> None:
    x = half_up(word("x", "int32_t", INT32), (shift,), str(shift))
    assert x.text == f"lmu_half_up{64 if shift else 32}(x, {shift})"
    assert x.cases == (tuple(round_shift(end, shift, Rounding.RND) for end in INT32),)
    assert half_up(short("x", (0, 1)), (31,), "31").text == "lmu_half_up64(x, 31)"


def test_rounding_of_a_sum_with_a_product() -> None:
    base, t = word("x", "int32_t", (-9, 9)), word("t", "int64_t", (-100, 100))
    whole = (((-9 << 3) - 100, (9 << 3) + 100),)
    x = rounded(base, t, whole, (3,), "3", 1)
    assert x.text == "lmu_round32(x, t, 3, 1, silent)"
    for mode in (Rounding.RND, Rounding.TRN_ZERO):
        found = [
            round_shift((b << 3) + p, 4, mode) for b in range(-9, 10) for p in range(-100, 101)
        ]
        assert x.low <= min(found) <= max(found) <= x.high
    assert round_sum(-9, -100, 3, Rounding.RND) >= x.low * 2
    # from its largest word on, rounding up takes a bit more
    top = word("x", "int32_t", (0, INT32[1]))
    assert rounded(top, t, ((0, INT32[1] << 3),), (3,), "3", 1).text.startswith("lmu_round64(")


def test_limits_and_scales() -> None:
    fmt = QFormat(4, 4)
    assert limited(short("x", (-128, 127)), fmt, "MIN", "MAX").text == "x"
    x = limited(short("x", (-128, 128)), fmt, "MIN", "MAX")
    assert (x.text, x.cases) == ("lmu_clip32(x, MIN, MAX)", ((-128, 127),))
    assert rescaled(short("x"), -4).text == "(int32_t)x * 16"
    assert rescaled(short("x"), 0).text == "x"


def test_examples_in_docstrings() -> None:
    assert doctest.testmod(c_expressions).failed == 0
