"""Outputs that are not due in every step: the compiled backend against the interpreter."""

from __future__ import annotations

import numpy as np
import pytest

from lmu_hw.errors import SpecError
from lmu_hw.firmware.bulk import BulkEngine
from lmu_hw.program.integer_program import Role
from lmu_hw.program.interpreter import Interpreter
from tests.factories.program_networks import NETWORKS
from tests.factories.special import SPECIAL
from tests.firmware.build import inputs_for
from tests.tools import require

ALL = SPECIAL | NETWORKS

pytestmark = pytest.mark.cc


@pytest.fixture(scope="module", autouse=True)
def tools() -> None:
    require("cc|gcc|clang")


@pytest.mark.parametrize("name", ["lmu_on_demand", "stack_on_demand", "feedback_0"])
def test_outputs_in_steps_that_the_caller_chooses(name: str) -> None:
    program = ALL[name]
    inputs = np.stack([inputs_for(program, 200, seed) for seed in range(3)], axis=1)
    reference, engine = Interpreter(program, 3), BulkEngine(program, 3)
    for due in (np.arange(200) % 7 < 2, np.zeros(200, dtype=bool), np.ones(200, dtype=bool)):
        got = engine.run(inputs, due=due)
        assert got.shape == (np.count_nonzero(due), 3, program.n_words(Role.OUTPUT))
        np.testing.assert_array_equal(got, reference.run(inputs, due=due))
        np.testing.assert_array_equal(engine.save(), reference.save())


def test_due_is_checked_as_the_interpreter_does() -> None:
    u = np.zeros((4, 1, 3), dtype=np.int64)
    for name, due in (
        ("lmu_on_demand", np.ones(3, dtype=bool)),
        ("lmu_on_demand", np.ones(4, dtype=np.int64)),
        ("lmu_every_3", np.ones(4, dtype=bool)),
        ("lmu", np.ones(4, dtype=bool)),
    ):
        for backend in (Interpreter(NETWORKS[name]), BulkEngine(NETWORKS[name])):
            with pytest.raises(SpecError, match="due must be 4 booleans, and only for a"):
                backend.run(u, due=due)


def test_streams_must_agree_on_the_clock() -> None:
    program = NETWORKS["lmu_every_3"]
    u = np.zeros((2, 2, 3), dtype=np.int64)
    for backend in (Interpreter(program, 2), BulkEngine(program, 2)):
        state = backend.save()
        state[1, -1] = 1
        backend.load(state)
        with pytest.raises(SpecError, match="clock must be equal in all streams"):
            backend.run(u)


@pytest.mark.parametrize("name", ["lmu_every_3", "feedback_3"])
def test_clocks_go_on_from_any_word(name: str) -> None:
    """A run may end between two outputs, and a clock that is loaded may stand beyond the end."""
    program = ALL[name]
    inputs = np.stack([inputs_for(program, 60, seed) for seed in (1, 2)], axis=1)
    whole = BulkEngine(program, 2).run(inputs)
    engine, reference = BulkEngine(program, 2), Interpreter(program, 2)
    parts = [engine.run(part) for part in np.split(inputs, [1, 2, 10, 10, 35])]
    assert [len(part) for part in parts] == [0, 0, 3, 0, 8, 9]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    names = [v.name for v in program.with_role(Role.STATE) for _ in range(v.length)]
    for clock in range(4):
        state = engine.save()
        state[:, names.index("clock")] = clock
        for backend in (engine, reference):
            backend.load(state)
        np.testing.assert_array_equal(engine.run(inputs[:7]), reference.run(inputs[:7]))
        np.testing.assert_array_equal(engine.save(), reference.save())
