"""Reordered operations that the scheduler considers: each order means the same program."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import Phase, given, settings

from lmu_hw.program.integer_program import Program, Role, Term
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.rtl.schedule import LoweringChoice, Reading, Schedule, lay_out, schedule, why_not
from lmu_hw.rtl.schedule.search import shortest
from tests.factories.configurations import CONFIGURATIONS
from tests.factories.network_programs import Builder
from tests.factories.programs import noise_with_silence
from tests.factories.random_programs import programs as random_programs


def ways_of(program: Program, lanes: int) -> list[LoweringChoice]:
    """Return every way that the search lays out."""
    seen: list[LoweringChoice] = []

    def layout(way: LoweringChoice) -> Schedule:
        seen.append(way)
        return lay_out(program, lanes, 2, False, way)

    shortest(program, layout, tuple(Reading))
    return seen


def agree(program: Program, lanes: int) -> int:
    """Compare the words and states of every order with the program's own; return how many."""
    inputs = noise_with_silence(program, 12)[:, None, :]
    own = Interpreter(program)
    expected = own.run(inputs), own.save()
    orders = {way.order for way in ways_of(program, lanes)}
    for order in orders:
        other = Interpreter(replace(program, ops=tuple(program.ops[i] for i in order)))
        np.testing.assert_array_equal(other.run(inputs), expected[0])
        np.testing.assert_array_equal(other.save(), expected[1])
    return len(orders)


@pytest.mark.parametrize("name", ["gru d=16 n=20 P=16", "lstm d=32 n=24 P=8", "stack of 3 P=4"])
def test_every_order_computes_the_same_words(name: str) -> None:
    configuration = CONFIGURATIONS[name]
    assert agree(configuration.make(), configuration.lanes) > 1 or "stack" in name


def test_no_state_is_written_before_its_last_reader() -> None:
    b = Builder(0)
    b.add("x", 2, Role.INPUT)
    b.add("y", 2, Role.OUTPUT)
    b.add("h", 2, Role.STATE)
    b.pointwise("y", Term("h"))
    b.pointwise("h", Term("x"))
    assert agree(b.program("delay", 3), 2) == 1


@settings(max_examples=25, deadline=None, derandomize=True, phases=[Phase.generate])
@given(program=random_programs())
def test_random_programs(program: Program) -> None:
    if why_not(program) is None and program.with_role(Role.OUTPUT):
        agree(program, 3)


def test_the_search_pays() -> None:
    """What needs no memory is done while its states are computed."""
    configuration = CONFIGURATIONS["gru d=16 n=20 P=16"]
    program, lanes = configuration.make(), configuration.lanes
    found = schedule(program, lanes)
    for reading in Reading:
        written = LoweringChoice(
            order=tuple(range(len(program.ops))), readings=(reading,) * len(program.ops)
        )
        plain = lay_out(program, lanes, found.interval, False, written)
        assert found.due.cycles < plain.due.cycles
