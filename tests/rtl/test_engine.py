"""The whole engine in Amaranth's simulator against the interpreter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from lmu_hw.program.integer_program import Program, Role, Term
from lmu_hw.rtl import weight_fetch
from lmu_hw.rtl.schedule import schedule, why_not
from tests.factories.hardware_programs import ALL, QUICK, every
from tests.factories.network_programs import Builder
from tests.factories.programs import noise_with_silence
from tests.factories.random_programs import programs as random_programs
from tests.rtl.bench import due_of, expected_cycles, expected_outputs, play

LANES = (1, 2, 3, 4, 8, 16)


def compare(program: Program, lanes: int, n_steps: int, interval: int | None = None) -> None:
    plan = schedule(program, lanes, interval)
    inputs, due = noise_with_silence(program, n_steps), due_of(program, n_steps)
    played = play(plan, inputs, due)
    np.testing.assert_array_equal(played.outputs, expected_outputs(program, inputs, due))
    assert played.cycles == expected_cycles(plan, due)


LONG = ("wide_layers", "lmu_every_3", "gates_every_2", "stack", "stack_on_demand")
"""Programs that take long with one lane."""


@pytest.mark.some(7)
@pytest.mark.parametrize(
    ("name", "lanes"),
    [
        *every(3),
        *(pytest.param(n, 1, marks=[pytest.mark.soak] * (n in LONG)) for n in QUICK),
        *(pytest.param(n, 1, marks=pytest.mark.soak) for n in ALL if n not in QUICK),
    ],
)
def test_every_word_and_the_published_cycles(name: str, lanes: int) -> None:
    compare(ALL[name], lanes, 24)


@settings(max_examples=6, deadline=None, derandomize=True, phases=[Phase.generate])
@given(program=random_programs(), lanes=st.sampled_from(LANES))
def test_random_programs(program: Program, lanes: int) -> None:
    """Whatever the schedule takes, the hardware does."""
    if why_not(program) is None:
        compare(program, lanes, 8)


def test_no_word_leaves_in_a_step_without_an_output() -> None:
    """An output that a state follows from is computed in every step, and kept back."""
    b = Builder(0)
    b.add("x", 2, Role.INPUT)
    b.add("y", 2, Role.OUTPUT)
    b.add("h", 2, Role.STATE)
    b.pointwise("y", Term("x"), Term("h"))
    b.pointwise("h", Term("y"))
    compare(b.program("kept back", 3), 2, 8)


@pytest.mark.some(5)
@pytest.mark.parametrize("lanes", [lanes for lanes in LANES if lanes not in (1, 3)])
@pytest.mark.parametrize(
    "name", ["lmu", "stack_on_demand", "gates_every_2", "two_memories", "wide_layers", "dense"]
)
def test_any_number_of_lanes(name: str, lanes: int) -> None:
    compare(ALL[name], lanes, 6)


@pytest.mark.some(2)
@pytest.mark.parametrize(
    ("name", "rows"), [("dense_channels", 2), ("lmu_every_3", 8), ("wide_layers", 16)]
)
def test_several_weights_in_a_row(name: str, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deep ROMs are read a row at a time."""
    monkeypatch.setattr(weight_fetch, "DEEPEST_ROM", rows)
    assert weight_fetch.words_in_row(len(schedule(ALL[name], 3).weights)) > 1
    compare(ALL[name], 3, 8)


def test_most_lanes() -> None:
    compare(ALL["wide_layers"], 64, 4)


@pytest.mark.some(2)
@pytest.mark.parametrize("interval", [1, 2, 3, 4, 8, 16])
@pytest.mark.parametrize("name", ["lmu", "gates"])
def test_any_pace_of_results(name: str, interval: int) -> None:
    compare(ALL[name], 2, 4, interval)


@pytest.mark.some(3)
@pytest.mark.parametrize(
    ("name", "lanes"),
    [
        ("mixed", 1),
        ("lmu_on_demand", 4),
        ("dense_readout", 2),
        ("network", 3),
        ("ladder_channels", 2),
    ],
)
def test_stalls_change_no_word(name: str, lanes: int) -> None:
    program = ALL[name]
    plan = schedule(program, lanes)
    inputs, due = noise_with_silence(program, 24, seed=2), due_of(program, 24, seed=2)
    played = play(plan, inputs, due, stalls=0.6)
    np.testing.assert_array_equal(played.outputs, expected_outputs(program, inputs, due))


@pytest.mark.some(1)
@pytest.mark.parametrize(
    ("name", "lanes"),
    [("mixed", 1), ("dense_channels", 2), ("lmu_every_3", 3), ("ladder_channels", 1)],
)
def test_reset_at_any_moment(name: str, lanes: int) -> None:
    program = ALL[name]
    plan = schedule(program, lanes)
    inputs, due = noise_with_silence(program, 6, seed=1), due_of(program, 6)
    length = plan.due.cycles
    for moment in np.random.default_rng(0).integers(0, 3 * length, 4).tolist():
        played = play(plan, inputs, due, reset_at=(moment, moment + length // 2))
        np.testing.assert_array_equal(played.outputs, expected_outputs(program, inputs, due))
