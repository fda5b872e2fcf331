"""The whole engine in Amaranth's simulator against the interpreter."""

from __future__ import annotations

import numpy as np
import pytest

from lmu_hw.interpreter import Interpreter
from lmu_hw.schedule import schedule
from tests.programs import PROGRAMS
from tests.rtl.bench import ALL, inputs_of, play


@pytest.mark.parametrize("name", ALL)
def test_every_word_and_the_published_cycles(name: str) -> None:
    program = ALL[name]
    inputs = inputs_of(program, 28)
    got, cycles = play(program, inputs)
    expected = Interpreter(program).run(inputs[:, None, :])[:, 0]
    np.testing.assert_array_equal(got, expected)
    assert cycles == {schedule(program).cycles_per_step}


@pytest.mark.parametrize("name", ["mixed", "dense_readout", "channels"])
def test_reset_at_any_moment(name: str) -> None:
    program = PROGRAMS[name]
    inputs = inputs_of(program, 6, seed=1)
    expected = Interpreter(program).run(inputs[:, None, :])[:, 0]
    length = schedule(program).cycles_per_step
    for moment in np.random.default_rng(0).integers(0, 3 * length, 6):
        got, _ = play(program, inputs, reset_at=(int(moment), int(moment) + length // 2))
        np.testing.assert_array_equal(got, expected)
