"""Neurons of a program against neurons simulated one by one."""

from __future__ import annotations

import numpy as np
import pytest

from lmu_hw.program.interpreter import Interpreter
from tests.factories.programs import stimulus
from tests.factories.spiking_programs import SPIKING
from tests.program.staggered import Staggered

INTEGRATE = [name for name in SPIKING if name.startswith("integrate") and name != "integrate_wide"]
N_STEPS = 300


def run(neurons: Staggered, inputs: np.ndarray) -> list[list[int] | None]:
    return [neurons.step(row) for row in inputs.tolist()]


@pytest.mark.parametrize("name", INTEGRATE)
def test_staggered_neurons_one_by_one_are_the_accumulator(name: str) -> None:
    program = SPIKING[name]
    inputs = stimulus(program, N_STEPS)
    machine = Interpreter(program)
    expected = machine.run(inputs[:, None])[:, 0]
    neurons = Staggered(program)
    # spikes is one of the outputs
    np.testing.assert_array_equal(run(neurons, inputs), expected)
    np.testing.assert_array_equal(neurons.save(), machine.save()[0])


def test_neurons_of_random_phases_are_not() -> None:
    program = SPIKING["integrate_mixed"]
    inputs = stimulus(program, N_STEPS)
    expected = Interpreter(program).run(inputs[:, None])[:, 0]
    random = np.array(run(Staggered(program, np.random.default_rng(0)), inputs))
    assert (random != expected).any(axis=1).mean() > 0.5
