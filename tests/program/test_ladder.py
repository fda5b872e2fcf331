"""The ladder in the interpreter: words by hand, energy, the bilinear memory itself, bad fields."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from lmu_hw.errors import FormatError
from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import Adaptor, Ladder, Program, Scale
from lmu_hw.program.interpreter import Interpreter
from tests.factories.legendre_ladders import legendre_ladder
from tests.factories.programs import ladder_program, with_op
from tests.program.reference import three_port


def ladder(program: Program) -> Ladder:
    op = program.ops[0]
    assert isinstance(op, Ladder)
    return op


def test_one_section_by_hand() -> None:
    """e = 1/4, rho = 1/2, words of 2**-4: from rest, u = 1/2 gives l = 1.5 and w' = e l."""
    program = ladder_program(order=1, bits=5, state=QFormat(4, 4))
    program = with_op(program, 0, sections=(Adaptor(1, 2),), reflection=Adaptor(1, 1))
    interpreter = Interpreter(program)
    interpreter.run(np.array([[[8]]]))
    assert interpreter.save().tolist() == [[6, 0]]  # 1.5 / 4 in sixteenths
    # second step, u = 0: a + w = 6 goes left, l = -3, t = (6 + 3) / 4 = 2.25 and w' = 6 - 2
    interpreter.run(np.array([[[0]]]))
    assert interpreter.save().tolist() == [[4, 1]]


def test_halves_of_the_state_are_rounded_down() -> None:
    """t = 1/2 is rounded up to 1 in every sum, so that w' = w - 1."""
    program = ladder_program(order=1, bits=5, state=QFormat(4, 4))
    program = with_op(program, 0, sections=(Adaptor(1, 1),), reflection=Adaptor(0, 0))
    interpreter = Interpreter(program)
    interpreter.load(np.array([[9, 0]]))
    interpreter.run(np.array([[[4]]]))  # l = 8, t = (9 - 8) / 2
    assert interpreter.save().tolist() == [[8, 0]]


@pytest.mark.parametrize("i", [0, 1])
def test_sections_are_lossless_for_every_coefficient(i: int) -> None:
    for coef in (1, 7, 15):
        e = Fraction(coef, 16)
        left, right, w = Fraction(3), Fraction(-5, 3), Fraction(11)
        sent = three_port(i, Adaptor(coef, 4), left, right, w)
        # 1 / R of the left and right port and of the state
        weights = (1, 1 - e, e) if i else (1, 1 / (1 - e), 1 / e)
        before = sum(g * x * x for g, x in zip(weights, (left, right, w), strict=True))
        assert sum(g * x * x for g, x in zip(weights, sent, strict=True)) == before


@pytest.mark.parametrize("order", [1, 2, 3, 6])
def test_the_words_are_the_bilinear_memory(order: int) -> None:
    """Against the trapezoidal rule on equations 1 and 2, up to the roundings."""
    theta = 12.0
    program = legendre_ladder(order, theta, QFormat(10, 24), coef_bits=26)
    i, j = np.meshgrid(np.arange(order), np.arange(order), indexing="ij")
    A = (2 * i + 1) * np.where(i < j, -1.0, (-1.0) ** (i - j + 1)) / theta
    B = (2 * np.arange(order) + 1) * (-1.0) ** np.arange(order) / theta
    eye = np.eye(order)
    u = np.random.default_rng(order).integers(-2047, 2048, 60)
    watched: list[np.ndarray] = []
    run = Interpreter(program)
    run.run(u[:, None, None], watch=lambda words: watched.append(words["w"][0].copy()))
    m, scale = np.zeros(order), np.where(np.arange(order) % 2, (2 * np.arange(order) + 1), theta)
    for t, x in enumerate(u):
        m = np.linalg.solve(eye - A / 2, (eye + A / 2) @ m + B * x / 2048)
        got = watched[t] * 2.0**-24 * scale / (2 * theta)
        # 60 steps of d + 1 roundings by 2**-25, and coefficients rounded by 2**-25
        assert np.abs(got - m).max() < 60 * (order + 1) * 2.0**-24


def test_zero_input_dies_and_energy_never_rises() -> None:
    program = legendre_ladder(5, 12.0, QFormat(8, 6))
    op = ladder(program)
    R, G = 1.0, []
    for i in reversed(range(5)):
        e = math.ldexp(op.sections[i].coef, -op.sections[i].shift)
        R = R * (1 - e) if i % 2 else R / (1 - e)
        G.append(e / R if i % 2 else 1 / (e * R))
    weights = np.array(G[::-1])
    rng = np.random.default_rng(3)
    interpreter = Interpreter(program, 200)
    state = interpreter.save()
    state[:, :5] = rng.integers(-(1 << 13), 1 << 13, (200, 5))
    state[:, 5] = op.window - 1
    interpreter.load(state)
    energy = (state[:, :5] ** 2) @ weights
    for _ in range(2000):
        interpreter.run(np.zeros((1, 200, 1), dtype=np.int64))
        now = (interpreter.save()[:, :5] ** 2) @ weights
        assert np.all(now <= energy * (1 + 1e-12))
        energy = now
    assert not interpreter.save()[:, :5].any()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"sections": ()}, "at least one section"),
        ({"sections": (Adaptor(0, 3),) * 4}, "must have coef > 0"),
        ({"sections": (Adaptor(8, 3),) * 4}, "|coef * 2**-shift| < 1"),
        ({"reflection": Adaptor(-8, 3)}, "|coef * 2**-shift| < 1"),
        ({"sections": (Adaptor(1, 3),) * 3}, "w has length 4 but should be 3"),
        ({"substeps": 3}, "1, 2, 4 or 8 substeps, not 3"),
        ({"substeps": 2}, "must have previous if substeps > 1"),
        ({"previous": "silence"}, "must have previous if substeps > 1"),
        ({"substeps": 2, "previous": "silence"}, "must have the format of u"),
        ({"sections": (Adaptor(1, 62),) * 4}, "must fit 63"),
    ],
)
def test_bad_fields(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(FormatError, match=re.escape(message)):
        with_op(ladder_program(order=4), 0, **fields)


def test_an_unsigned_state_is_refused() -> None:
    program = ladder_program(order=4)
    unsigned = QFormat(7, 11, signed=False)
    vectors = tuple(replace(v, fmt=unsigned) if v.name == "w" else v for v in program.vectors)
    with pytest.raises(FormatError, match="w must have a signed format"):
        replace(program, vectors=vectors)


def test_multiplies() -> None:
    program = ladder_program(order=6, channels=2, substeps=4, scaled=True)
    assert program.multiplies(program.ops[0]) == (6 + 1) * 4 * 2
    # coefficients of 1, those of even rows, are shifts
    assert program.multiplies(program.ops[1]) == 3 * 2


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"coefs": (), "shifts": ()}, "at least one coefficient"),
        ({"shifts": (1,)}, "scale has 1 shifts but should have 4"),
        ({"shifts": (1, 1, 1, -1)}, "shifts from 0 to 61, not -1"),
        ({"coefs": (1, 2, 3), "shifts": (1, 1, 1)}, "w has length 4 but should be 3"),
        ({"coefs": (1 << 50, 1, 1, 1)}, "must fit 63"),
    ],
)
def test_bad_scales(fields: dict[str, Any], message: str) -> None:
    program = ladder_program(order=4, scaled=True)
    assert isinstance(program.ops[1], Scale)
    with pytest.raises(FormatError, match=re.escape(message)):
        with_op(program, 1, **fields)
