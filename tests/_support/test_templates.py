"""What templates print: values that no generated file can hold are refused."""

from __future__ import annotations

import pytest

from lmu_hw._support import templates
from lmu_hw.errors import EmitError


def test_the_least_integer_of_64_bits_is_an_expression() -> None:
    """C reads ``-9223372036854775808`` as a minus before a constant that is too large."""
    assert templates.c_int(-(1 << 63)) == "(-INT64_C(9223372036854775807) - 1)"


@pytest.mark.parametrize("value", [1 << 63, -(1 << 63) - 1])
def test_constants_of_more_than_64_bits_are_refused(value: int) -> None:
    with pytest.raises(EmitError, match="C constant must fit 64 bits"):
        templates.c_int(value)


def test_a_word_wider_than_its_format_is_refused() -> None:
    assert templates.hex_word(15, 4) == "f"
    with pytest.raises(EmitError, match="word must fit 4 bits, not 16"):
        templates.hex_word(16, 4)


def test_a_name_that_c_does_not_allow_is_refused() -> None:
    with pytest.raises(EmitError, match="name must be an identifier"):
        templates.c_ident("3x")
