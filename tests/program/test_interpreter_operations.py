"""Operations of networks in the interpreter: words by the reference, by hand, at the limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmu_hw.errors import FormatError
from lmu_hw.program import interpreter as interpreter_module
from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import (
    Adaptor,
    Argmax,
    DenseUpdate,
    Function,
    Linear,
    MemoryUpdate,
    Pointwise,
    Program,
    Role,
    Term,
    Vector,
    from_json,
)
from lmu_hw.program.interpreter import Interpreter, evaluate_function
from lmu_hw.program.operations import Operation
from lmu_hw.program.vectors import stimulus
from tests.factories.network_programs import NETWORKS, order
from tests.factories.programs import cascade_program, random_inputs, random_state, random_steps
from tests.factories.random_programs import functions, programs
from tests.program import reference

every_network = pytest.mark.parametrize("program", NETWORKS.values(), ids=NETWORKS)

Q8 = QFormat(1, 7)


def vector(name: str, length: int, role: Role, fmt: QFormat = Q8) -> Vector:
    return Vector(name=name, length=length, role=role, fmt=fmt)


def only(op: Operation, *vectors: Vector) -> Interpreter:
    """Return an interpreter of a program of one operation."""
    return Interpreter(Program(title="one", vectors=vectors, ops=(op,)))


def check_streams(program: Program, n_streams: int, n_steps: int, seed: int) -> None:
    """Assert that every stream is the reference's, from random states, in one call."""
    rng = np.random.default_rng(seed)
    inputs = random_inputs(program, rng, (n_steps, n_streams))
    inputs[:, 0] = 0  # one stream with a zero-input run, beside others without
    state = random_state(program, rng, n_streams)
    asked = random_steps(program, rng, n_steps)
    interpreter = Interpreter(program, n_streams)
    interpreter.load(state)
    got = interpreter.run(inputs, due=asked)
    for s in range(n_streams):
        outputs, last = reference.run(program, inputs[:, s], state[s], asked)
        assert np.array_equal(got[:, s], outputs)
        assert np.array_equal(interpreter.save()[s], last)


# Words.


@every_network
def test_every_word_is_that_of_the_reference(program: Program) -> None:
    inputs = stimulus(program, 90, 1, seed=1)[:, 0]
    outputs, state = reference.run(program, inputs)
    interpreter = Interpreter(program)
    assert np.array_equal(interpreter.run(inputs[:, None])[:, 0], outputs)
    assert np.array_equal(interpreter.save()[0], state)
    every = program.output_every
    assert len(outputs) == (90 // every if every else 1)
    assert outputs.any()


@every_network
def test_streams_from_loaded_states(program: Program) -> None:
    check_streams(program, n_streams=3, n_steps=24, seed=2)


@settings(max_examples=150)
@given(program=programs(), seed=st.integers(0, 1000))
def test_random_programs(program: Program, seed: int) -> None:
    check_streams(program, n_streams=2, n_steps=7, seed=seed)


@given(program=programs())
def test_random_programs_come_back_from_their_files(program: Program) -> None:
    text = program.to_json()
    assert from_json(text) == program
    assert from_json(text).to_json() == text


@pytest.mark.parametrize("name", ["lmu", "feed_forward", "stack", "gates"])
def test_the_networks_saturate_and_reach_zero_input_runs(name: str) -> None:
    """Their results vary and saturate, and memories reach zero-input runs."""
    program = NETWORKS[name]
    seen: dict[str, list[Any]] = {v.name: [] for v in program.vectors}
    Interpreter(program, 4).run(
        stimulus(program, 300, 4, seed=0),
        watch=lambda words: [seen[k].append(w.copy()) for k, w in words.items()],
    )
    made = [op.target for op in program.ops if isinstance(op, Linear | Pointwise)]
    words = {name: np.unique(np.stack(seen[name])) for name in made}
    assert min(map(len, words.values())) >= 40
    ends = [name for name in made if {program.vector(name).fmt.max} & set(words[name].tolist())]
    assert ends
    memories = [op for op in program.ops if isinstance(op, MemoryUpdate)]
    assert not memories or any((np.stack(seen[op.silence]) == op.window).any() for op in memories)


# By hand.


def test_linear_by_hand() -> None:
    """2**-4 * 3 * (5 + 2 * (7 a - b) + 4 c), then half up; both channels by the same row."""
    interpreter = only(
        Linear(
            sources=("x", "c"),
            target="y",
            n_channels=2,
            rows=((7, -1, 1),),
            aligns=(1, 2),
            biases=(5,),
            multipliers=(3,),
            shifts=(4,),
        ),
        vector("x", 4, Role.INPUT),
        vector("c", 2, Role.INPUT, QFormat(3, 0)),
        vector("y", 2, Role.OUTPUT),
    )
    # channel 0: 5 + 2 * (14 - 3) + 4 * -4 = 11, 33 / 16; channel 1: 5 + 2 * -45 + 4 = -81
    inputs = np.array([[[2, 3, -6, 3, -4, 1]]])
    assert interpreter.run(inputs).tolist() == [[[2, -15]]]
    # 3 * 3 / 16 and 3 * -7 / 16
    assert interpreter.run(np.array([[[0, -1, 0, 2, -1, -2]]])).tolist() == [[[1, -1]]]


def test_half_goes_up_in_linear_and_pointwise() -> None:
    row = Linear(
        sources=("x",),
        target="y",
        n_channels=1,
        rows=((1,),),
        aligns=(0,),
        biases=(0,),
        multipliers=(1,),
        shifts=(1,),
    )
    vectors = vector("x", 1, Role.INPUT), vector("y", 1, Role.OUTPUT)
    halves = np.array([[[3]], [[1]], [[-1]], [[-3]]])
    assert only(row, *vectors).run(halves).ravel().tolist() == [2, 1, 0, -1]
    copy = Pointwise(terms=(Term("x"),), target="y")
    coarse = vector("y", 1, Role.OUTPUT, QFormat(2, 6))
    assert only(copy, vectors[0], coarse).run(halves).ravel().tolist() == [2, 1, 0, -1]


def test_pointwise_by_hand() -> None:
    """A gate in UQ0.2, a state in Q3.1, a difference in Q2.0; the result in Q4.1."""
    interpreter = only(
        Pointwise(terms=(Term("f", "c"), Term("g", minus=True)), target="y"),
        vector("f", 3, Role.INPUT, QFormat(0, 2, signed=False)),
        vector("c", 3, Role.INPUT, QFormat(3, 1)),
        vector("g", 3, Role.INPUT, QFormat(2, 0)),
        vector("y", 3, Role.OUTPUT, QFormat(4, 1)),
    )
    # 3/4 * 5/2 - 1 = 7/8; 1/4 * -8/2 + 2 = 1; 1/2 * 1/2 - 0 = 1/4, half of the last place
    inputs = np.array([[[3, 1, 2, 5, -8, 1, 1, -2, 0]]])
    assert interpreter.run(inputs).tolist() == [[[2, 2, 1]]]


def test_a_vector_may_be_multiplied_with_itself() -> None:
    square = Pointwise(terms=(Term("x", "x"),), target="y")
    vectors = vector("x", 1, Role.INPUT, QFormat(8, 0)), vector("y", 1, Role.OUTPUT, QFormat(16, 0))
    squares = only(square, *vectors).run(np.array([[[-128]], [[127]]]))
    assert squares.ravel().tolist() == [16384, 16129]


@pytest.mark.parametrize(
    ("words", "index"),
    [([1, 5, 5, 2], 1), ([7, 7, 7, 7], 0), ([-8, -7, -8, -7], 1), ([-3, -2, -1, 0], 3)],
)
def test_argmax_is_the_first_of_the_largest(words: list[int], index: int) -> None:
    interpreter = only(
        Argmax(source="x", target="label"),
        vector("x", 4, Role.INPUT, QFormat(4, 0)),
        vector("label", 1, Role.OUTPUT, QFormat(2, 0, signed=False)),
    )
    assert interpreter.run(np.array([[words]])).tolist() == [[[index]]]


def test_operations_see_what_those_before_them_wrote() -> None:
    """Y_old is of the state before, y_t of the first of two vectors t."""
    program = order()
    interpreter = Interpreter(program)
    state = np.array([[100, -200, 300]])
    interpreter.load(state)
    (outputs,) = interpreter.run(np.zeros((1, 1, 3), dtype=np.int64))[:, 0].tolist()
    assert outputs[:3] == [-round(s * s / 2**8) for s in state[0]]  # Q2.9 squared in Q2.10
    first, second = program.ops[1], program.ops[3]
    assert isinstance(first, Linear)
    assert isinstance(second, Linear)
    bias = [
        b * m / 2**s for b, m, s in zip(first.biases, first.multipliers, first.shifts, strict=True)
    ]
    assert outputs[3:] == [round(round(t) / 2**6) for t in bias]
    assert interpreter.save().tolist() != state.tolist()


# Functions.


@given(f=functions())
def test_functions_at_every_word(f: Function) -> None:
    words = np.arange(f.in_fmt.min, f.in_fmt.max + 1)
    assert evaluate_function(f, words).tolist() == [reference.applied(f, int(x)) for x in words]


def test_a_function_by_hand() -> None:
    """Two pieces over Q3.0: y = 40 + floor(rest * (16 + floor(-3 rest / 2)) / 4), then / 8."""
    f = Function(
        name="by hand",
        in_fmt=QFormat(3, 0),
        pieces=((40, 16, -3), (-7, 0, 0)),
        shifts=(2, 1),
        guard=3,
    )
    # rest 0..3: 40, 40 + floor(14 / 4), 40 + floor(26 / 4), 40 + floor(33 / 4); -7 / 8
    assert evaluate_function(f, np.arange(-4, 4)).tolist() == [5, 5, 6, 6, -1, -1, -1, -1]


def test_straight_pieces_can_be_the_identity() -> None:
    fmt = QFormat(2, 8)
    pieces = tuple((8 * (fmt.min + 64 * c), 8) for c in range(16))
    f = Function(name="identity", in_fmt=fmt, pieces=pieces, shifts=(0,), guard=3)
    words = np.arange(fmt.min, fmt.max + 1)
    assert np.array_equal(evaluate_function(f, words), words)


def test_a_piece_for_every_word_is_a_table() -> None:
    fmt = QFormat(4, 0, signed=False)
    table = tuple(int(x) for x in np.random.default_rng(0).integers(-99, 99, 16))
    f = Function(name="table", in_fmt=fmt, pieces=tuple((y,) for y in table), shifts=(), guard=0)
    assert f.rest_bits == 0
    assert evaluate_function(f, np.arange(16)).tolist() == list(table)


@pytest.mark.some(6)
@every_network
def test_tables_give_the_words_of_their_functions(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function is read from a table once as many words were evaluated; the words stay."""
    evaluated = []

    def counted(f: Function, x: np.ndarray) -> np.ndarray:
        evaluated.append(x.size)
        return evaluate_function(f, x)

    monkeypatch.setattr(interpreter_module, "evaluate_function", counted)
    inputs = random_inputs(program, np.random.default_rng(3), (800, 3))
    due = random_steps(program, np.random.default_rng(4), 800)
    runs, counts = [], []
    for start in (1 << 40, 0):
        monkeypatch.setattr(interpreter_module, "TABLE_FROM", start)
        evaluated.clear()
        interpreter_module.table_of.cache_clear()
        interpreter = Interpreter(program, 3)
        runs.append([interpreter.run(inputs, due=due), interpreter.save()])
        counts.append(len(evaluated))
    assert all(np.array_equal(a, b) for a, b in zip(*runs, strict=True))
    if any(getattr(op, "function", None) for op in program.ops):
        assert counts[1] < counts[0]


# Limits.


def ends_of(interpreter: Interpreter, inputs: list[list[int]]) -> list[int]:
    return interpreter.run(np.array(inputs)[:, None]).ravel().tolist()


IN, OUT = vector("x", 1, Role.INPUT), vector("y", 1, Role.OUTPUT, QFormat(1, 3))
STEEP = Function(
    name="steep", in_fmt=QFormat(1, 3), pieces=((-100, 25),), shifts=(0,), guard=0
)  # from -100 to 275


def row(weight: int, **fields: Any) -> Linear:
    plain = Linear(
        sources=("x",),
        target="y",
        n_channels=1,
        rows=((weight,),),
        aligns=(0,),
        biases=(0,),
        multipliers=(1,),
        shifts=(0,),
    )
    return replace(plain, **fields)


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        (row(1), [7, -8, 7, -8]),
        (row(1, aligns=(60 - 8,), shifts=(60 - 8,)), [7, -8, 7, -8]),
        (row(1, multipliers=(9,), shifts=(3,)), [7, -8, 7, -8]),
        (row(-1), [-8, 7, -7, 7]),
        (row(1, shifts=(4,), biases=(16 * 9,)), [7, 1, 7, 7]),
        (Pointwise(terms=(Term("x"), Term("x")), target="y"), [7, -8, 1, -1]),
        (Pointwise(terms=(Term("x", minus=True),), target="y"), [-8, 7, 0, 1]),
        (Pointwise(terms=(Term("x", "x"), Term("x", "x")), target="y"), [7, 7, 0, 0]),
        # limited to -8..7 before the function, and the result to -8..7 after it
        (row(1, function=STEEP), [7, -8, 7, -8]),
        (row(1, function=replace(STEEP, guard=5)), [7, -3, 7, -3]),
        (row(1, function=replace(STEEP, pieces=((3, 0),))), [3, 3, 3, 3]),
        (
            Pointwise(terms=(Term("x"),), target="y", function=replace(STEEP, guard=4)),
            [7, -6, 7, 5],
        ),
    ],
    ids=range(12),
)
def test_written_words_saturate(op: Operation, expected: list[int]) -> None:
    words = [127, -128, 7, -8] if isinstance(op, Linear) else [127, -128, 8, -9]
    assert ends_of(only(op, IN, OUT), [[w] for w in words]) == expected


def test_unsigned_words_saturate_at_zero() -> None:
    unsigned = replace(OUT, fmt=QFormat(1, 3, signed=False))
    assert ends_of(only(row(1), IN, unsigned), [[127], [-128], [15], [-1]]) == [15, 0, 15, 0]


def test_words_of_memories_saturate() -> None:
    """E just below 2 between opposite ends: every port leaves its format, and stays at the end."""
    e = Adaptor(255, 7)
    program = cascade_program(
        sections="p", outer=QFormat(2, 4), inner=QFormat(2, 4), chain=QFormat(2, 4)
    )
    op = replace(program.ops[0], sections=((e, e),))  # type: ignore[call-arg]
    interpreter = Interpreter(replace(program, ops=(op, *program.ops[1:])))
    ends = set()
    for outer in (-32, 31):
        for inner in (-32, 31):
            interpreter.load(np.array([[outer, inner, 0]]))
            interpreter.run(np.array([[[-128 if outer > 0 else 127]]]))
            ends |= set(interpreter.save()[0, :2].tolist())
    assert {-32, 31} <= ends

    dense = DenseUpdate(source="x", state="m", silence="s", window=3, rows=((-8,),), shifts=(0,))
    memory = Interpreter(
        Program(
            title="dense",
            vectors=(
                IN,
                vector("m", 1, Role.STATE),
                vector("s", 1, Role.STATE, QFormat(2, 0, signed=False)),
                OUT,
            ),
            ops=(dense, Pointwise(terms=(Term("m"),), target="y")),
        )
    )
    memory.run(np.array([[[100]]]))
    assert memory.save().tolist() == [[127, 0]]
    memory.run(np.array([[[-100]]]))
    assert memory.save().tolist() == [[-128, 0]]


# What just fits.


def just_fitting(build: Callable[[int], Program]) -> Program:
    """Return the widest of ``build(bits)`` that is legal; a bit more would not be."""
    best = None
    for bits in range(1, 70):
        try:
            best = build(bits)
        except FormatError:
            assert best is not None
            return best
    raise AssertionError("every width is legal")


def one(op: Operation, *vectors: Vector) -> Program:
    return Program(title="one", vectors=vectors, ops=(op,))


WIDE = vector("x", 1, Role.INPUT, QFormat(20, 0))
WIDEST: dict[str, Callable[[int], Program]] = {
    "weight": lambda n: one(row(-(1 << n)), WIDE, OUT),
    "bias": lambda n: one(row(1, biases=(-(1 << n),), shifts=(61,)), WIDE, OUT),
    "align": lambda n: one(row(1, aligns=(n,), shifts=(61,)), WIDE, OUT),
    "multiplier": lambda n: one(row(1, multipliers=(1 << n,), shifts=(61,)), WIDE, OUT),
    "shift": lambda n: one(row(1, shifts=(n,)), WIDE, OUT),
    "shift of an empty row": lambda n: one(row(0, multipliers=(1 << n,)), WIDE, OUT),
    "product": lambda n: one(
        Pointwise(terms=(Term("x", "x"),), target="y"), replace(IN, fmt=QFormat(n, 0)), OUT
    ),
    "unsigned products": lambda n: one(
        Pointwise(terms=(Term("x", "x"),) * 3, target="y"),
        replace(IN, fmt=QFormat(n, 0, signed=False)),
        OUT,
    ),
    "many terms": lambda n: one(
        Pointwise(terms=(Term("x"),) * n, target="y"), replace(IN, fmt=QFormat(30, 0)), OUT
    ),
    "far below": lambda n: one(
        Pointwise(terms=(Term("x"),), target="y"), IN, replace(OUT, fmt=QFormat(n, 4 - n))
    ),
    "far above": lambda n: one(
        Pointwise(terms=(Term("x"),), target="y"), IN, replace(OUT, fmt=QFormat(4 - n, n))
    ),
    "far apart": lambda n: one(
        Pointwise(terms=(Term("x"), Term("k")), target="y"),
        IN,
        vector("k", 1, Role.INPUT, QFormat(8 - n, n)),
        OUT,
    ),
    **{
        f"function {what}": lambda n, f=f: one(
            Pointwise(terms=(Term("x"),), target="y", function=f(n)), WIDE, OUT
        )
        for what, f in {
            "constant": lambda n: replace(STEEP, pieces=((1 << n,),), shifts=()),
            "slope": lambda n: replace(STEEP, pieces=((0, -(1 << n)),), shifts=(0,)),
            "cubic": lambda n: replace(
                STEEP, in_fmt=WIDE.fmt, pieces=((1, 1, -1, -(1 << n)),), shifts=(3, 20, 0)
            ),
            "rest": lambda n: replace(STEEP, in_fmt=QFormat(n, 0), pieces=((0, -7),)),
            "guard": lambda n: replace(STEEP, guard=n),
            "shift": lambda n: replace(STEEP, shifts=(n,)),
        }.items()
    },
}


@pytest.mark.parametrize("build", WIDEST.values(), ids=WIDEST)
def test_what_just_fits_does_not_wrap(build: Callable[[int], Program]) -> None:
    program = just_fitting(build)
    words = [v.fmt for v in program.with_role(Role.INPUT)]
    rows = [[getattr(f, end) for f in words] for end in ("min", "max")]
    inputs = np.array([*rows, [0] * len(words), [f.min + 1 for f in words]])
    outputs, _ = reference.run(program, inputs)
    assert np.array_equal(Interpreter(program).run(inputs[:, None])[:, 0], outputs)


def test_programs_without_state_or_without_inputs() -> None:
    stateless = only(row(1), IN, OUT)
    assert stateless.save().shape == (1, 0)
    stateless.load(np.zeros((1, 0), dtype=np.int64))
    assert stateless.run(np.array([[[3]]])).tolist() == [[[3]]]
    counting = Interpreter(
        Program(
            title="counts",
            vectors=(replace(IN, role=Role.STATE), OUT),
            ops=(row(1, biases=(2,), target="x"), row(1)),
        )
    )
    assert counting.run(np.zeros((5, 1, 0), dtype=np.int64)).ravel().tolist() == [2, 4, 6, 7, 7]
