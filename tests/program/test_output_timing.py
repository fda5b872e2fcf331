"""When outputs are due, what runs only then, and what may be seen of it; any chunking."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmu_hw.errors import SpecError
from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import Program, Role
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.program.operations import Operation
from lmu_hw.program.vectors import stimulus
from tests.factories.program_networks import NETWORKS, lmu, order
from tests.factories.programs import random_inputs, random_steps
from tests.factories.random_programs import programs
from tests.program import reference

every_network = pytest.mark.parametrize("program", NETWORKS.values(), ids=NETWORKS)


# When outputs are due.


@pytest.mark.parametrize("every", [1, 2, 3, 7])
def test_the_first_output_is_that_of_step_k(every: int) -> None:
    interpreter = Interpreter(order(every))
    expected = [t % every == 0 for t in range(1, 16)]
    assert interpreter.due(15).tolist() == expected
    inputs = random_inputs(interpreter.program, np.random.default_rng(0), (15, 1))
    kept = Interpreter(order()).run(inputs)[expected]
    assert np.array_equal(interpreter.run(inputs), kept)
    assert interpreter.due(every).tolist() == [(15 + t) % every == 0 for t in range(1, every + 1)]


@pytest.mark.parametrize("name", [n for n, p in NETWORKS.items() if p.output_every != 1])
def test_outputs_are_those_of_the_program_that_makes_all(name: str) -> None:
    """Leaving outputs out changes no word of those that remain."""
    program = NETWORKS[name]
    whole = replace(program, output_every=1, clock="")
    inputs = stimulus(program, 60, 2, seed=4)
    interpreter, other = Interpreter(program, 2), Interpreter(whole, 2)
    due = interpreter.due(60)
    assert np.array_equal(interpreter.run(inputs), other.run(inputs)[due])
    states = program.with_role(Role.STATE)
    counted = [v.name != program.clock for v in states for _ in range(v.length)]
    assert np.array_equal(interpreter.save()[:, counted], other.save()[:, counted])


@settings(max_examples=40)
@given(
    name=st.sampled_from(sorted(NETWORKS)),
    cuts=st.lists(st.integers(0, 24), max_size=5),
    seed=st.integers(0, 1000),
)
def test_any_chunking_gives_the_same_words(name: str, cuts: list[int], seed: int) -> None:
    """Each piece by a new interpreter, from the state that the last one saved."""
    program = NETWORKS[name]
    rng = np.random.default_rng(seed)
    inputs, asked = random_inputs(program, rng, (24, 2)), random_steps(program, rng, 24)
    whole = Interpreter(program, 2)
    expected = whole.run(inputs, due=asked)
    state, parts = np.zeros_like(whole.save()), []
    bounds = [0, *sorted(cuts), 24]
    for start, stop in pairwise(bounds):
        interpreter = Interpreter(program, 2)
        interpreter.load(state)
        due = None if asked is None else asked[start:stop]
        parts.append(interpreter.run(inputs[start:stop], due=due))
        state = interpreter.save()
    assert np.array_equal(np.concatenate(parts), expected)
    assert np.array_equal(state, whole.save())


def test_on_demand_the_last_step_of_every_call_is_due() -> None:
    program = order(0)
    interpreter = Interpreter(program)
    inputs = random_inputs(program, np.random.default_rng(0), (9, 1))
    all_ = Interpreter(order()).run(inputs)
    assert interpreter.due(0).tolist() == []
    assert interpreter.due(3).tolist() == [False, False, True]
    parts = [interpreter.run(part) for part in np.split(inputs, [4, 4, 5])]
    assert [len(p) for p in parts] == [1, 0, 1, 1]
    assert np.array_equal(np.concatenate(parts), all_[[3, 4, 8]])


def test_on_demand_the_caller_may_ask_for_any_or_none() -> None:
    program = order(0)
    inputs = random_inputs(program, np.random.default_rng(1), (5, 1))
    all_ = Interpreter(order()).run(inputs)
    for asked in (np.zeros(5, np.bool_), np.ones(5, np.bool_), np.arange(5) % 2 == 0):
        assert np.array_equal(Interpreter(program).run(inputs, due=asked), all_[asked])


@pytest.mark.parametrize("every", [1, 2])
def test_due_is_not_the_callers_to_say_elsewhere(every: int) -> None:
    interpreter = Interpreter(order(every))
    with pytest.raises(SpecError, match="only for a program with output_every 0"):
        interpreter.run(np.zeros((2, 1, 3), dtype=np.int64), due=np.ones(2, dtype=np.bool_))


@pytest.mark.parametrize("due", [np.ones(3, np.bool_), np.ones((2, 1), np.bool_), np.array([0, 1])])
def test_due_of_another_shape_or_type(due: Any) -> None:
    with pytest.raises(SpecError, match="due must be 2 booleans, and only for a program with"):
        Interpreter(order(0)).run(np.zeros((2, 1, 3), dtype=np.int64), due=due)


def test_the_clock_counts_whether_or_not_anything_is_due() -> None:
    program = lmu(3)
    interpreter = Interpreter(program)
    at = [v.name for v in program.with_role(Role.STATE) for _ in range(v.length)].index("clock")
    seen = []
    for _ in range(7):
        interpreter.run(np.zeros((1, 1, 3), dtype=np.int64))
        seen.append(int(interpreter.save()[0, at]))
    assert seen == [1, 2, 0, 1, 2, 0, 1]
    interpreter.reset()
    assert interpreter.due(3).tolist() == [False, False, True]


@pytest.mark.parametrize("word", range(8))
def test_any_word_of_the_clock_may_be_loaded(word: int) -> None:
    """Beyond the end it is the end: output_every 5, a clock of three bits."""
    plain = order(2)
    wide = tuple(
        replace(v, fmt=QFormat(3, 0, signed=False)) if v.name == "clock" else v
        for v in plain.vectors
    )
    program = replace(plain, vectors=wide, output_every=5)
    state = np.array([[1, 2, 3, word]])
    inputs = random_inputs(program, np.random.default_rng(0), (12, 1))
    interpreter = Interpreter(program)
    interpreter.load(state)
    due = interpreter.due(12)
    outputs, last = reference.run(program, inputs[:, 0], state[0])
    assert np.argmax(due) == max(0, 4 - word)
    assert len(outputs) == np.count_nonzero(due)
    assert np.array_equal(interpreter.run(inputs)[:, 0], outputs)
    assert np.array_equal(interpreter.save()[0], last)


def test_streams_that_run_as_one_have_one_clock() -> None:
    interpreter = Interpreter(order(3), 2)
    interpreter.load(np.array([[0, 0, 0, 1], [0, 0, 0, 2]]))
    text = r"clock must be equal in all streams of a batch\Z"
    with pytest.raises(SpecError, match=text):
        interpreter.run(np.zeros((2, 2, 3), dtype=np.int64))
    with pytest.raises(SpecError, match=text):
        interpreter.due(2)
    assert interpreter.save()[:, 3].tolist() == [1, 2]  # refused before the first step
    interpreter.load(np.array([[0, 0, 0, 2], [5, 5, 5, 2]]))
    assert len(interpreter.run(np.zeros((2, 2, 3), dtype=np.int64))) == 1


def test_no_steps_have_no_outputs() -> None:
    for every in (0, 1, 2):
        interpreter = Interpreter(order(every), 2)
        assert interpreter.run(np.zeros((0, 2, 3), dtype=np.int64)).shape == (0, 2, 6)
        assert not interpreter.save().any()


# Laziness.


LAZY = {
    "lmu": "",
    "lmu_every_3": "logits label",
    "lmu_on_demand": "logits label",
    "feed_forward": "",
    "feed_forward_every_4": "h logits label",
    "feed_forward_on_demand": "h logits label",
    "stack": "",
    "stack_on_demand": "y",
    "gates": "",
    "gates_every_2": "y",
    "order": "",
    "order_every_2": "y_old t y_t",
    "order_on_demand": "y_old t y_t",
    "constant_function": "",
    "side_by_side": "",
}


@every_network
def test_which_operations_are_lazy(program: Program) -> None:
    (name,) = [name for name, p in NETWORKS.items() if p is program]
    lazy = [op for op, is_lazy in zip(program.ops, program.lazy, strict=True) if is_lazy]
    assert [target for op in lazy for target in op.writes] == LAZY[name].split()


def taints_state(program: Program, index: int) -> bool:
    """Return whether a word that operation ``index`` wrote ever reaches a state vector.

    Followed forward, step after step: the slow opposite of what the program does.
    """
    tainted: set[str] = set()
    states = {v.name for v in program.with_role(Role.STATE)}
    for step in range(len(program.vectors) + 1):
        for i, op in enumerate(program.ops):
            if (step == 0 and i == index) or tainted & set(op.reads):
                tainted |= set(op.writes)
            else:
                tainted -= set(op.writes)
        if tainted & states:
            return True
        tainted &= states
    return False


@given(program=programs())
def test_lazy_is_what_no_state_follows_from(program: Program) -> None:
    expected = [
        program.output_every != 1 and not taints_state(program, i) for i in range(len(program.ops))
    ]
    assert list(program.lazy) == expected


@pytest.mark.parametrize("name", [n for n, lazy in LAZY.items() if lazy])
def test_lazy_operations_do_not_run_between_outputs(name: str) -> None:
    program = NETWORKS[name]
    ran: list[list[Operation]] = []

    class Spy(Interpreter):
        def _count_step(self) -> None:
            super()._count_step()
            ran.append([])

        def _run_op(self, op: Operation) -> None:
            super()._run_op(op)
            ran[-1].append(op)

    inputs = stimulus(program, 9, 1, seed=0)
    spy = Spy(program)
    due = spy.due(9)
    spy.run(inputs)
    busy = [op for op, lazy in zip(program.ops, program.lazy, strict=True) if not lazy]
    assert due.any()
    assert ran == [list(program.ops) if d else busy for d in due]


@pytest.mark.parametrize("name", ["order_every_2", "feed_forward_every_4"])
def test_watch_sees_every_step_and_old_words_where_nothing_was_due(name: str) -> None:
    program = NETWORKS[name]
    inputs = stimulus(program, 24, 2, seed=3)
    seen: list[dict[str, Any]] = []
    interpreter = Interpreter(program, 2)
    due = interpreter.due(24)
    outputs = interpreter.run(
        inputs, watch=lambda words: seen.append({k: w.copy() for k, w in words.items()})
    )
    assert len(seen) == 24
    x = program.with_role(Role.INPUT)[0].name
    assert np.array_equal(np.stack([words[x] for words in seen]), inputs)
    y = program.with_role(Role.OUTPUT)[0]
    shown = np.stack([words[y.name] for words in seen])
    assert np.array_equal(shown[due], outputs[:, :, : y.length])
    assert not shown[: np.argmax(due)].any()
    for t in np.flatnonzero(~due[1:]) + 1:
        assert np.array_equal(shown[t], shown[t - 1])
    assert len(np.unique(shown[due], axis=0)) > 1


def test_watch_and_progress_come_after_every_step() -> None:
    calls: list[Any] = []
    interpreter = Interpreter(order(0), 3)
    interpreter.run(
        np.zeros((2, 3, 3), dtype=np.int64),
        calls.append,
        watch=lambda words: calls.append({k: w.shape for k, w in words.items()}),
    )
    shapes = {v.name: (3, v.length) for v in interpreter.program.vectors}
    assert calls == [shapes, 1, shapes, 2]


def test_multiplies_of_steps_and_outputs() -> None:
    # encoder 2 * 8, cascade 2 * 5, hidden 5 * (4 + 6 + 3 + 5), head 4 * 5
    assert NETWORKS["lmu"].multiplies_per_step == 16 + 10 + 90 + 20
    assert NETWORKS["lmu"].multiplies_per_output == 0
    for name in ("lmu_every_3", "lmu_on_demand"):
        program = NETWORKS[name]
        assert (program.multiplies_per_step, program.multiplies_per_output) == (16 + 10 + 90, 20)
    # gates and c: 4 * 7 * 9 weights, 3 * 7 products, and 7 for the output
    program = NETWORKS["gates_every_2"]
    assert (program.multiplies_per_step, program.multiplies_per_output) == (252 + 21, 7)
    # encoder 6, cascade 5 + 3, narrow rows 3 * 6, then 3 channels of 16 and of 2 * 4
    program = NETWORKS["stack_on_demand"]
    assert (program.multiplies_per_step, program.multiplies_per_output) == (6 + 8 + 18 + 48, 24)
    assert [program.multiplies(op) for op in program.ops] == [6, 8, 0, 18, 48, 24]
    assert [program.channels(op) for op in program.ops] == [1, 1, 1, 1, 3, 3]
