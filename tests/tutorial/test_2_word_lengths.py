"""Lesson 2: `compile` replaces floats by integer words and keeps an error budget."""

from __future__ import annotations

import numpy as np
import pytest

import lmu_hw as lh
from lmu_hw.errors import SpecError

MEMORY = lh.Memory(8, theta=64)
U = np.random.default_rng(0).uniform(-1, 1, 4000)


def test_a_word_is_an_integer_in_a_format() -> None:
    design = lh.compile(MEMORY, bits=12)
    fmt = design.formats["u"]
    assert str(fmt) == "Q1.11"  # 12 bits, the sign among them, 11 behind the point
    assert fmt.lsb == 2.0**-11
    # real values in and out are words times their LSB
    words = np.round(U / fmt.lsb).clip(fmt.min, fmt.max).astype(int)
    real = design.run(words).outputs * design.formats["y"].lsb
    np.testing.assert_array_equal(design.predict(words * fmt.lsb), real)


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_every_output_is_within_one_lsb_of_the_float_memory(bits: int) -> None:
    """The error budget: an RMS error of at most one LSB in every output word."""
    design = lh.compile(MEMORY, bits=bits)
    u = np.floor(U / design.formats["u"].lsb) * design.formats["u"].lsb  # whole input words
    error = design.predict(u) - MEMORY.simulate(u)
    rms = np.sqrt(np.mean(error**2, axis=0)) / design.formats["y"].lsb
    assert design.error <= 1.0
    assert rms.max() <= 1.0


def test_widths_can_be_chosen_and_too_narrow_ones_are_refused() -> None:
    assert lh.compile(MEMORY, bits=12, widths={"state_bits": 24}).error <= 1.0
    with pytest.raises(SpecError, match="state_bits"):
        lh.compile(MEMORY, bits=12, widths={"state_bits": 70})
