"""Lesson 3: a program is vectors and operations of integers, and its meaning is arithmetic.

`lmu_hw.compile` writes programs for you. This one is written by hand: a filter that forgets, its
square, and the square in a word of three bits that ends below one half.
"""

from __future__ import annotations

import numpy as np

from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import Linear, Pointwise, Program, Role, Term, Vector
from lmu_hw.program.interpreter import Interpreter

# Q1.7 is 8 bits, 7 of them behind the point: the word 64 means 64 / 2**7 = 0.5.
FILTER = Program(
    title="a filter and its power",
    vectors=(
        Vector(name="x", length=1, fmt=QFormat(1, 7), role=Role.INPUT),
        Vector(name="s", length=1, fmt=QFormat(1, 7), role=Role.STATE),
        Vector(name="power", length=1, fmt=QFormat(2, 14), role=Role.OUTPUT),
        Vector(name="small", length=1, fmt=QFormat(-1, 4, signed=False), role=Role.OUTPUT),
    ),
    ops=(
        # s = (3 s + x) / 4: integer weights, then a shift by two bits
        Linear(
            sources=("s", "x"),
            target="s",
            n_channels=1,
            rows=((3, 1),),
            aligns=(0, 0),
            biases=(0,),
            multipliers=(1,),
            shifts=(2,),
        ),
        Pointwise(terms=(Term("s", "s"),), target="power"),
        Pointwise(terms=(Term("power"),), target="small"),
    ),
)


def test_every_word_follows_from_the_text() -> None:
    inputs = [127, 127, 127, 127, 127, 127, -128, 0]
    s, expected = 0, []
    for x in inputs:
        s = (3 * s + x + 2) >> 2  # rounded half up
        power = s * s  # 7 + 7 bits behind the point: 14, as in the format
        small = min((power + (1 << 9)) >> 10, 7)  # 10 bits less; what is too large saturates
        expected.append([power, small])
    words = np.array(inputs)[:, None, None]  # steps, streams, words
    assert Interpreter(FILTER).run(words)[:, 0].tolist() == expected
    assert expected[0] == [1024, 1]
    assert expected[5][1] == 7
