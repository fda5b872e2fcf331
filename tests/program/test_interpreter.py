"""The interpreter: every word equals the slow reference's, in any chunking, from any state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmu_hw.errors import FormatError, RangeError, SpecError
from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import Adaptor, Cascade, Program, Role
from lmu_hw.program.interpreter import Interpreter
from tests.factories.programs import (
    MORE_LADDERS,
    PROGRAMS,
    cascade_program,
    dense_program,
    ladder_program,
    random_state,
    stimulus,
)
from tests.factories.spiking_programs import SPIKING
from tests.program import reference
from tests.program.reference import two_port

WINDOW = 12  # of every program in PROGRAMS
N_STEPS = 8 * (WINDOW + 4)  # the stimulus has zero-input runs of an eighth, longer than the window

EVERY = PROGRAMS | MORE_LADDERS | SPIKING
every_program = pytest.mark.parametrize("program", EVERY.values(), ids=EVERY)


def longest_zero_run(u: Any) -> int:
    """Return the longest run of steps with all channels zero."""
    best = run = 0
    for quiet in (u == 0).all(axis=1):
        run = run + 1 if quiet else 0
        best = max(best, run)
    return best


# Words.


@every_program
def test_every_word_is_that_of_the_reference(program: Program) -> None:
    u = stimulus(program, N_STEPS)
    assert longest_zero_run(u) > WINDOW
    outputs, state = reference.run(program, u)
    interpreter = Interpreter(program)
    assert np.array_equal(interpreter.run(u[:, None, :])[:, 0], outputs)
    assert np.array_equal(interpreter.save()[0], state)


@every_program
def test_streams_from_loaded_states(program: Program) -> None:
    """Zero-input runs of the streams differ in time, so that both roundings occur in one step."""
    rng = np.random.default_rng(7)
    n_streams, n_steps = 3, 24
    fmt = program.with_role(Role.INPUT)[0].fmt
    u = rng.integers(fmt.min, fmt.max + 1, (n_steps, n_streams, program.n_words(Role.INPUT)))
    u[:, 0, 0] = 0
    u[4:, 1, :] = 0
    state = random_state(program, rng, n_streams)
    interpreter = Interpreter(program, n_streams)
    interpreter.load(state)
    got = interpreter.run(u)
    for s in range(n_streams):
        outputs, last = reference.run(program, u[:, s], state[s])
        assert np.array_equal(got[:, s], outputs)
        assert np.array_equal(interpreter.save()[s], last)


def test_window_of_one_truncates_at_the_first_zero() -> None:
    for program in (
        cascade_program(sections="pr", window=1),
        dense_program(window=1),
        ladder_program(window=1),
    ):
        rng = np.random.default_rng(3)
        state = random_state(program, rng, 1)
        u = np.array([0, 5, 0, 0, -128, 0])[:, None]
        interpreter = Interpreter(program)
        interpreter.load(state)
        got = interpreter.run(u[:, None, :])[:, 0]
        assert np.array_equal(got, reference.run(program, u, state[0])[0])


def just_fitting(program: Program, index: int, fields: Callable[[int], Any]) -> Program:
    """Return the program with the widest ``fields(bits)`` of an operation that `check` lets by."""
    best = program
    for bits in range(1, 63):
        try:
            op = replace(program.ops[index], **fields(bits))
            ops = (*program.ops[:index], op, *program.ops[index + 1 :])
            best = replace(program, ops=ops)
        except FormatError:
            return best
    raise AssertionError("check lets everything by")


def wide_adaptors(n: int) -> Callable[[int], Any]:
    # e just below 2 and just below 1, in the ports' every combination
    return lambda bits: {
        "sections": (
            (Adaptor((1 << bits) - 1, bits - 1), Adaptor((1 << bits) - 1, bits)),
            (Adaptor((1 << bits) - 1, bits), Adaptor((1 << bits) - 1, bits - 1)),
        )[:n]
    }


WIDEST: dict[str, Program] = {
    "cascade": just_fitting(PROGRAMS["one_pair"], 0, wide_adaptors(1)),
    "wide words": just_fitting(
        cascade_program(
            sections="pp",
            bits=40,
            outer=QFormat(9, 31),
            inner=QFormat(5, 30),
            chain=QFormat(3, 33),
            readout=1,
        ),
        0,
        wide_adaptors(2),
    ),
    "one adaptor": just_fitting(
        cascade_program(sections="r", inner=QFormat(6, 4), chain=QFormat(2, 30)),
        0,
        lambda bits: {"sections": ((Adaptor((1 << bits) - 1, bits - 1),),)},
    ),
    "ladder": just_fitting(
        PROGRAMS["ladder"], 0, lambda bits: {"sections": (Adaptor((1 << bits) - 1, bits),) * 5}
    ),
    "ladder of wide words": just_fitting(
        ladder_program(order=4, state=QFormat(30, 10)),
        0,
        lambda bits: {"reflection": Adaptor(1 - (1 << bits), bits)},
    ),
    "ladder input": just_fitting(
        ladder_program(order=1, substeps=8, bits=24, state=QFormat(9, 31)),
        0,
        lambda bits: {"sections": (Adaptor(1, bits),)},
    ),
    "scale": just_fitting(
        PROGRAMS["ladder"],
        1,
        lambda bits: {"coefs": (-(1 << bits) + 1,) * 5, "shifts": (bits,) * 5},
    ),
    "dense": just_fitting(
        PROGRAMS["dense_one"],
        0,
        lambda bits: {"rows": ((-(1 << bits) + 1,),), "shifts": (bits,)},
    ),
    "linear": just_fitting(
        PROGRAMS["readout"],
        1,
        lambda bits: {"rows": ((1 << bits,) * 6,) * 5, "shifts": (bits,) * 5},
    ),
    "bias": just_fitting(
        PROGRAMS["readout"], 1, lambda bits: {"biases": ((1 << bits) - 1,) * 5, "shifts": (61,) * 5}
    ),
}


@pytest.mark.parametrize("program", WIDEST.values(), ids=WIDEST)
def test_what_just_fits_does_not_wrap(program: Program) -> None:
    """Int64 holds every intermediate of a legal program: worst signs, widest coefficients."""
    rng = np.random.default_rng(5)
    n_streams = 64
    fmt = program.with_role(Role.INPUT)[0].fmt
    ends = [v.fmt for v in program.with_role(Role.STATE) for _ in range(v.length)]
    signs = rng.random((n_streams, len(ends))) < 0.5
    state = np.where(signs, [f.min for f in ends], [f.max for f in ends])
    silence = [v.name == "silence" for v in program.with_role(Role.STATE) for _ in range(v.length)]
    state = np.where(silence, rng.integers(0, WINDOW + 1, state.shape), state)
    u = rng.choice([fmt.min, 0, fmt.max], (2, n_streams, program.n_words(Role.INPUT)))
    interpreter = Interpreter(program, n_streams)
    interpreter.load(state)
    got = interpreter.run(u)
    for s in range(n_streams):
        outputs, last = reference.run(program, u[:, s], state[s])
        assert np.array_equal(got[:, s], outputs)
        assert np.array_equal(interpreter.save()[s], last)


def test_the_reference_keeps_the_energy() -> None:
    """The two-port as the text describes it: its own inverse, and lossless."""
    adaptor = Adaptor(coef=77, shift=6)
    e = Fraction(77, 64)
    for a, b in [(Fraction(3), Fraction(-5)), (Fraction(1, 7), Fraction(2))]:
        a2, b2 = two_port(adaptor, a, b)
        assert (2 - e) * a2**2 + e * b2**2 == (2 - e) * a**2 + e * b**2
        assert two_port(adaptor, a2, b2) == (a, b)


def test_one_step_by_hand() -> None:
    """One real pole, Q1.7 in, chain Q3.12, state Q4.12: a' = e (b - a) from rest."""
    program = cascade_program(sections="r")
    op = program.ops[0]
    assert isinstance(op, Cascade)
    ((e,),) = op.sections
    interpreter = Interpreter(program)
    interpreter.run(np.array([[[-100]]]))
    half_up = (-100 * 2**5 * e.coef + 2 ** (e.shift - 1)) // 2**e.shift
    assert interpreter.save().tolist() == [[half_up, 0]]


# State.


@settings(max_examples=30)
@given(
    name=st.sampled_from(sorted(PROGRAMS)),
    cuts=st.lists(st.integers(0, 50), max_size=6),
    seed=st.integers(0, 1000),
)
def test_any_chunking_gives_the_same_words(name: str, cuts: list[int], seed: int) -> None:
    program = PROGRAMS[name]
    u = stimulus(program, 50, seed)[:, None, :]
    whole = Interpreter(program)
    expected = whole.run(u)
    interpreter = Interpreter(program)
    parts = [interpreter.run(part) for part in np.split(u, sorted(cuts))]
    assert np.array_equal(np.concatenate(parts), expected)
    assert np.array_equal(interpreter.save(), whole.save())


@every_program
def test_save_load_reset(program: Program) -> None:
    u = stimulus(program, 64)[:, None, :]
    interpreter = Interpreter(program)
    assert not interpreter.save().any()
    first = interpreter.run(u[:40])
    saved = interpreter.save()
    rest = interpreter.run(u[40:])
    assert saved.any()

    other = Interpreter(program)
    other.load(saved)
    assert np.array_equal(other.save(), saved)
    assert np.array_equal(other.run(u[40:]), rest)

    interpreter.reset()
    assert not interpreter.save().any()
    assert np.array_equal(interpreter.run(u[:40]), first)


def test_saved_and_loaded_words_are_copies() -> None:
    program = PROGRAMS["mixed"]
    state = random_state(program, np.random.default_rng(0), 1)
    kept = state.copy()
    interpreter = Interpreter(program)
    interpreter.load(state)
    state[:] = 0
    saved = interpreter.save()
    saved[:] = 0
    assert np.array_equal(interpreter.save(), kept)
    u = stimulus(program, 8)[:, None, :]
    kept = u.copy()
    interpreter.run(u)
    assert np.array_equal(u, kept)


def test_every_format_end_may_be_loaded() -> None:
    program = PROGRAMS["channels"]
    states = program.with_role(Role.STATE)
    interpreter = Interpreter(program)
    for end in ("min", "max"):
        row = np.concatenate([np.full(v.length, getattr(v.fmt, end)) for v in states])
        interpreter.load(row[None, :])
        assert np.array_equal(interpreter.save()[0], row)


def test_no_steps() -> None:
    interpreter = Interpreter(PROGRAMS["readout"], 2)
    assert interpreter.run(np.zeros((0, 2, 1), dtype=np.int64)).shape == (0, 2, 5)


def test_progress_counts_the_steps() -> None:
    seen: list[int] = []
    Interpreter(PROGRAMS["dense"]).run(np.zeros((4, 1, 1), dtype=np.int64), seen.append)
    assert seen == [1, 2, 3, 4]


# Refusals.


@pytest.mark.parametrize("shape", [(5,), (5, 2), (5, 2, 2), (5, 1, 3), (5, 2, 3, 1)])
def test_inputs_of_another_shape(shape: tuple[int, ...]) -> None:
    interpreter = Interpreter(PROGRAMS["channels"], 2)
    text = r"inputs have shape \(5,.*\) but should be \(steps, 2, 3\)\Z"
    with pytest.raises(SpecError, match=text):
        interpreter.run(np.zeros(shape, dtype=np.int64))


@pytest.mark.parametrize("shape", [(12,), (1, 12), (2, 17), (2, 19), (2, 18, 1)])
def test_state_of_another_shape(shape: tuple[int, ...]) -> None:
    # 3 channels of 2 outer, 3 inner and a counter
    interpreter = Interpreter(PROGRAMS["channels"], 2)
    with pytest.raises(SpecError, match=r"state has shape \(.*\) but should be \(2, 18\)\Z"):
        interpreter.load(np.zeros(shape, dtype=np.int64))


@pytest.mark.parametrize("bad", [128, -129, 2**40])
def test_input_words_out_of_range(bad: int) -> None:
    interpreter = Interpreter(PROGRAMS["mixed"])
    u = np.zeros((3, 1, 1), dtype=np.int64)
    u[2] = bad
    with pytest.raises(RangeError, match=rf"u must be -128 to 127 \(Q1\.7\), not {bad}\Z"):
        interpreter.run(u)
    assert not interpreter.save().any()  # refused before the first step


@pytest.mark.parametrize(
    ("index", "bad", "text"),
    [
        (0, 2**15, r"z_outer must be -32768 to 32767 \(Q7\.9\), not 32768"),
        (2, -(2**15) - 1, r"z_inner must be -32768 to 32767 \(Q4\.12\), not -32769"),
        (5, 16, r"silence must be 0 to 15 \(UQ4\.0\), not 16"),
        (5, -1, r"silence must be 0 to 15 \(UQ4\.0\), not -1"),
    ],
)
def test_state_words_out_of_range(index: int, bad: int, text: str) -> None:
    program = cascade_program(sections="ppr")
    interpreter = Interpreter(program)
    state = np.zeros((1, 6), dtype=np.int64)
    state[0, index] = bad
    with pytest.raises(RangeError, match=text + r"\Z"):
        interpreter.load(state)


def test_state_words_out_of_int64() -> None:
    interpreter = Interpreter(cascade_program(sections="r"))
    with pytest.raises(RangeError, match=r"z_inner must be -32768 to 32767 \(Q4\.12\), not \d+\Z"):
        interpreter.load(np.array([[2**64 - 1, 0]], dtype=np.uint64))


# Zero in, zero out.


CASCADES = {name: p for name, p in PROGRAMS.items() if isinstance(p.ops[0], Cascade)}


@pytest.mark.parametrize("program", CASCADES.values(), ids=CASCADES)
def test_zero_input_dies_to_zero(program: Program) -> None:
    rng = np.random.default_rng(11)
    n_streams, chunk, step_limit = 16, 500, 20_000
    interpreter = Interpreter(program, n_streams)
    interpreter.load(random_state(program, rng, n_streams))
    silence = np.zeros((chunk, n_streams, program.n_words(Role.INPUT)), dtype=np.int64)
    rest = np.concatenate(
        [
            np.full(v.length, WINDOW if v.name == "silence" else 0)
            for v in program.with_role(Role.STATE)
        ]
    )
    for _ in range(step_limit // chunk):
        interpreter.run(silence)
        if np.array_equal(interpreter.save(), np.tile(rest, (n_streams, 1))):
            break
    assert np.array_equal(interpreter.save(), np.tile(rest, (n_streams, 1)))
    outputs = interpreter.run(silence)
    assert (outputs == outputs[0]).all()
    assert np.array_equal(interpreter.save(), np.tile(rest, (n_streams, 1)))


def test_rounding_alone_would_not_die() -> None:
    """Only rounding toward zero empties the memory: with half up, words remain forever."""
    program = cascade_program(sections="pprpr", seed=1, window=2**20)
    interpreter = Interpreter(program)
    interpreter.load(random_state(program, np.random.default_rng(11), 1))
    state = interpreter.save()
    state[0, -1] = 0
    interpreter.load(state)
    interpreter.run(np.zeros((4000, 1, 1), dtype=np.int64))
    assert interpreter.save()[0, :-1].any()
