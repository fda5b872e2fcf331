"""Pipelines of layers: every word as the interpreter has it, cycles as the formulas say."""

from __future__ import annotations

import numpy as np
import pytest

from lmu_hw.errors import ScheduleError
from lmu_hw.program.integer_program import Program
from lmu_hw.rtl.layers.layer_plan import layer_plan
from tests.factories.hardware_programs import feed_forward
from tests.factories.layer_programs import every_operation, two_layers, written_again
from tests.rtl.layers.layer_bench import PlayedLayers

CASES = [
    *((two_layers(seed), interval) for seed, interval in enumerate((1, 2, 3, 4, 5, 7, 12, 64))),
    *((every_operation(seed), interval) for seed, interval in enumerate((1, 2, 3, 4, 6, 16))),
    (two_layers(8, (2, 1, 1)), 1),
    (two_layers(9, (2, 5, 1)), 3),
    (two_layers(10, (16, 3, 2)), 8),
    (written_again(), 1),
    (written_again(), 4),
]


@pytest.mark.some(10)
@pytest.mark.parametrize(("program", "interval"), CASES)
def test_words_and_cycles(program: Program, interval: int) -> None:
    played = PlayedLayers(program, interval, stalls=0.0)
    plan = played.plan
    np.testing.assert_array_equal(played.got, played.expected)
    assert plan.cycles_per_step <= interval
    assert set(np.diff(played.taken)) == {plan.cycles_per_step}
    assert set(np.subtract(played.given, played.taken)) == {plan.latency}
    for formula, value in (
        (plan.cycle_formula, plan.cycles_per_step),
        (plan.latency_formula, plan.latency),
    ):
        expression, _, result = formula.partition(" = ")
        assert eval(expression) == int(result) == value


@pytest.mark.some(5)
@pytest.mark.parametrize(("program", "interval"), CASES[::2])
def test_words_with_stalls(program: Program, interval: int) -> None:
    played = PlayedLayers(program, interval, stalls=0.5)
    np.testing.assert_array_equal(played.got, played.expected)


def test_multipliers_are_shared() -> None:
    program = two_layers(0, (16, 16, 10))
    plans = {n: layer_plan(program, n) for n in (3, 12, 64)}
    products = 16 * 16 + (16 + 8) * 10
    assert [plans[n].multipliers for n in (3, 12, 64)] == [166, 42, 8]
    assert all(plan.multipliers >= products / n for n, plan in plans.items())
    assert plans[12].requantizers == 3


def test_a_shorter_interval_that_costs_nothing_is_taken() -> None:
    plan = layer_plan(two_layers(0, (2, 3, 2)), 64)
    assert plan.cycles_per_step == 8
    assert plan.multipliers == 2


def test_what_has_no_pipeline_is_refused() -> None:
    with pytest.raises(ScheduleError, match="interval must be 1 to 64 cycles, not 65"):
        layer_plan(two_layers(0), 65)
    with pytest.raises(ScheduleError, match="must have no state"):
        layer_plan(feed_forward(), 4)
