"""Lesson 7: a stream goes on where it stopped, because the state is words too."""

from __future__ import annotations

import numpy as np

import lmu_hw as lh
from lmu_hw.program.interpreter import Interpreter

DESIGN = lh.compile(lh.Memory(5, theta=40), bits=12)
WORDS = np.random.default_rng(0).integers(-2048, 2048, 300)


def test_chunks_give_the_words_of_the_whole() -> None:
    whole = DESIGN.run(WORDS)
    first = DESIGN.run(WORDS[:123])
    second = DESIGN.run(WORDS[123:], state=first.state)
    outputs = np.concatenate([first.outputs, second.outputs])
    np.testing.assert_array_equal(outputs, whole.outputs)
    np.testing.assert_array_equal(second.state, whole.state)


def test_streams_do_not_hear_each_other() -> None:
    """An axis of streams runs many sensors through one program."""
    streams = np.stack([WORDS, WORDS[::-1]], axis=1)[:, :, None]  # steps, streams, inputs
    both = DESIGN.run(streams).outputs
    np.testing.assert_array_equal(both[:, 0], DESIGN.run(WORDS).outputs)
    np.testing.assert_array_equal(both[:, 1], DESIGN.run(WORDS[::-1]).outputs)


def test_a_state_belongs_to_the_program_not_to_the_backend() -> None:
    """What compiled C left, the interpreter takes up; so do Verilog and a microcontroller."""
    saved = DESIGN.run(WORDS).state
    interpreter = Interpreter(DESIGN.program)
    interpreter.load(saved[None])
    more = np.arange(50)
    got = interpreter.run(more[:, None, None])[:, 0]
    np.testing.assert_array_equal(got, DESIGN.run(more, state=saved).outputs)


def test_zero_input_leads_to_a_state_of_exactly_zero() -> None:
    """No limit cycle remains: in a zero-input run the memory rounds toward zero."""
    after = DESIGN.run(np.concatenate([WORDS, np.zeros(2000, dtype=int)]))
    assert not after.outputs[-1].any()
    *memory, zero_input_steps = after.state
    assert not any(memory)
    assert zero_input_steps > 0
