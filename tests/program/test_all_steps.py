"""All steps at once: every word of every step is the interpreter's, for any program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmu_hw.errors import RangeError, SpecError
from lmu_hw.program import cascade_steps, interpreter
from lmu_hw.program.all_steps import AllSteps, loops
from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import (
    Adaptor,
    Argmax,
    Cascade,
    Linear,
    Pointwise,
    Program,
    Role,
    Term,
    Vector,
)
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.program.row_arrays import RowArrays
from lmu_hw.program.vectors import stimulus
from tests.factories.network_programs import NETWORKS
from tests.factories.random_networks import random_program
from tests.factories.random_programs import programs

N_STREAMS, N_STEPS = 3, 90


def steps_of(program: Program, inputs: np.ndarray, state: np.ndarray) -> Mapping[str, np.ndarray]:
    """Return what the interpreter holds after every step, shape (n_streams, n_steps, length)."""
    interpreter, steps = Interpreter(program, inputs.shape[1]), []
    interpreter.load(state)
    interpreter.run(inputs, watch=lambda words: steps.append(dict(words)))
    return {v.name: np.stack([words[v.name] for words in steps], 1) for v in program.vectors}


def check(program: Program, seed: int = 0) -> None:
    inputs = stimulus(program, N_STEPS, N_STREAMS, seed)
    first = Interpreter(program, N_STREAMS)
    # from states that a run has left
    for state in (first.save(), (first.run(inputs[::-1]), first.save())[1]):
        wanted = steps_of(program, inputs, state)
        found = AllSteps(program).run(inputs.transpose(1, 0, 2), state)
        assert set(found) >= {name for op in program.ops for name in op.writes}
        busy = [op for op, lazy in zip(program.ops, program.lazy, strict=True) if not lazy]
        always = {name for op in busy for name in op.writes}
        lazy = {name for op in program.ops for name in op.writes} - always
        for name, words in found.items():
            part = slice(-1, None) if name in lazy else slice(None)
            assert np.array_equal(words[:, part], wanted[name][:, part]), name
            assert name not in lazy or not words[:, :-1].any()


@pytest.mark.parametrize("name", [n for n, p in NETWORKS.items() if not p.clock])
def test_networks(name: str) -> None:
    check(NETWORKS[name])


@pytest.mark.parametrize("seed", range(6))
def test_any_network(seed: int) -> None:
    check(replace(random_program(seed), output_every=seed % 2, clock=""), seed)


@settings(max_examples=12)
@given(programs(), st.integers(0, 1))
def test_any_program(program: Program, every: int) -> None:
    check(replace(program, output_every=every, clock=""))


def cascade(n_pairs: int, n_single: int, shifts: range, channels: int = 2) -> Program:
    """Return a cascade alone, with shifts that may not fit a common one."""
    rng = np.random.default_rng(n_pairs)
    made = [
        Adaptor(int(rng.integers(1, 1 << 9)), int(shift))
        for shift in rng.choice(np.array(shifts), 2 * n_pairs + n_single)
    ]
    sections = [tuple(made[2 * k : 2 * k + 2]) for k in range(n_pairs)]
    sections += [(e,) for e in made[2 * n_pairs :]]
    fmt = QFormat(2, 28)
    order = list(rng.permutation(len(sections))) if n_pairs % 2 else range(len(sections))
    vectors = [
        Vector(name="u", length=channels, role=Role.INPUT, fmt=QFormat(1, 9)),
        Vector(name="z", length=channels * len(sections), role=Role.STATE, fmt=fmt),
        Vector(name="s", length=channels, role=Role.STATE, fmt=QFormat(6, 0, signed=False)),
        Vector(name="y", length=1, role=Role.OUTPUT, fmt=QFormat(6, 0, signed=False)),
    ]
    if n_pairs:
        outer = Vector(name="o", length=channels * n_pairs, role=Role.STATE, fmt=QFormat(3, 26))
        vectors.insert(1, outer)
    op = Cascade(
        source="u",
        z_inner="z",
        z_outer="o" if n_pairs else "",
        silence="s",
        chain_fmt=QFormat(2, 12),
        window=20,
        sections=tuple(sections[k] for k in order),
    )
    return Program(title="test", vectors=tuple(vectors), ops=(op, Argmax(source="z", target="y")))


@pytest.mark.parametrize("shifts", [range(9, 12), range(9, 40)], ids=["alike", "far apart"])
@pytest.mark.parametrize(("n_pairs", "n_single"), [(0, 1), (1, 0), (4, 1), (3, 3), (0, 4), (9, 0)])
def test_cascades(n_pairs: int, n_single: int, shifts: range) -> None:
    check(cascade(n_pairs, n_single, shifts), n_pairs)


def test_coefficients_that_do_not_fit_a_common_shift_make_several_runs() -> None:
    program = cascade(9, 0, range(9, 40))
    op = program.ops[0]
    assert isinstance(op, Cascade)
    fmts = cascade_steps._Formats(op.chain_fmt, *(program.vector(n).fmt for n in ("z", "o")))
    runs = list(cascade_steps._runs(op, fmts))
    assert 1 < len(runs) < 9
    assert sum(run.n_sections for run in runs) == 9


def test_no_steps() -> None:
    program = NETWORKS["feed_forward"]
    with pytest.raises(SpecError, match="a step"):
        AllSteps(program).run(np.zeros((2, 0, program.n_words(Role.INPUT)), dtype=np.int64))


def test_a_loop_is_no_larger_than_it_must_be() -> None:
    groups = [[op.kind for op in group] for group in loops(NETWORKS["feed_forward"].ops)]
    assert all(len(group) == 1 for group in groups)
    assert max(len(group) for group in loops(NETWORKS["lmu"].ops)) > 1


def test_other_weights() -> None:
    program = NETWORKS["lmu"]
    changed, weights = [], {}
    for op in program.ops:
        if isinstance(op, Linear):
            op = replace(op, rows=tuple(row[::-1] for row in op.rows), biases=op.biases[::-1])
            weights[op.target] = RowArrays.of(op)
        changed.append(op)
    inputs = stimulus(program, 40, 2, 1).transpose(1, 0, 2)
    wanted = AllSteps(replace(program, ops=tuple(changed))).run(inputs)
    found = AllSteps(program, weights=weights).run(inputs)
    assert all(np.array_equal(found[name], words) for name, words in wanted.items())
    plain = AllSteps(program).run(inputs)
    assert not all(np.array_equal(plain[name], words) for name, words in wanted.items())


def test_words_that_do_not_fit() -> None:
    program = NETWORKS["lmu"]
    n_in, n_state = program.n_words(Role.INPUT), program.n_words(Role.STATE)
    inputs = np.zeros((2, 3, n_in), dtype=np.int64)
    with pytest.raises(RangeError):
        AllSteps(program).run(inputs + (1 << 40))
    with pytest.raises(RangeError):
        AllSteps(program).run(inputs, np.full((2, n_state), 1 << 60))
    with pytest.raises(SpecError, match="should have"):
        AllSteps(program).run(inputs[:, :, 1:])


def test_many_words_of_a_function_come_from_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    program = next(p for p in NETWORKS.values() if not p.clock and has_function(p))
    inputs = stimulus(program, 40, 2, 1).transpose(1, 0, 2)
    wanted = AllSteps(program).run(inputs)
    monkeypatch.setattr(interpreter, "TABLE_FROM", 0)
    found = AllSteps(program).run(np.tile(inputs, (600, 1, 1)))
    assert interpreter.table_of.cache_info().currsize
    for name, words in wanted.items():
        assert np.array_equal(found[name][-2:], words), name


def has_function(program: Program) -> bool:
    return any(getattr(op, "function", None) is not None for op in program.ops)


def test_a_vector_of_the_step_before_outside_any_loop() -> None:
    fmt = QFormat(1, 7)
    vectors = (
        Vector(name="x", length=2, role=Role.INPUT, fmt=fmt),
        Vector(name="old", length=2, role=Role.STATE, fmt=fmt),
        Vector(name="y", length=2, role=Role.OUTPUT, fmt=fmt),
    )
    late = Pointwise(terms=(Term("old"),), target="y")
    program = Program(
        title="test", vectors=vectors, ops=(late, Pointwise(terms=(Term("x"),), target="old"))
    )
    assert [len(group) for group in loops(program.ops)] == [1, 1]
    check(program)
    inputs = stimulus(program, 30, 2, 3).transpose(1, 0, 2)
    assert np.array_equal(AllSteps(program).run(inputs)["y"][:, 1:], inputs[:, :-1])
