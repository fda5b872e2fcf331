"""Zero input in a ladder: the energy of its states never rises, and they die to exactly zero."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lmu_hw.firmware.bulk import BulkEngine
from lmu_hw.memory.spec import parse
from lmu_hw.program.integer_program import Ladder, Program
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.proof.lossless_ladder import ladder_of
from lmu_hw.quantize.quantize_memory import quantize_memory
from tests.factories.programs import PROGRAMS
from tests.tools import require

STREAMS = 200
DESIGNS: dict[str, dict[str, Any]] = {
    "6, 100": {"d": 6, "theta": 100},
    "6, 20, 6 bits": {"d": 6, "theta": 20, "bits": 6},
    "16, 128": {"d": 16, "theta": 128},
    "16, 40, substeps": {"d": 16, "theta": 40, "bits": 10, "substeps": 4},
}
SINGLE = [
    name
    for name, program in PROGRAMS.items()
    if isinstance(program.ops[0], Ladder) and program.vector("u").length == 1
]
LONG: dict[str, dict[str, Any]] = {
    "64, 512": {"d": 64, "theta": 512},
    "64, 128": {"d": 64, "theta": 128, "bits": 8},
}


def program_of(keys: dict[str, Any]) -> Program:
    spec = parse({"discretizer": "bilinear", "realization": "ladder", "bits": 16, **keys})
    design = quantize_memory(spec)
    assert design.decay == "proven"
    return design.program


def silent(
    program: Program, states: np.ndarray, runner: type[Interpreter | BulkEngine]
) -> Interpreter | BulkEngine:
    """Return an engine in the last step before a zero-input run truncates."""
    op = program.ops[0]
    assert isinstance(op, Ladder)
    engine = runner(program, len(states))
    words = {"w": states, "silence": np.full((len(states), 1), op.window - 1)}
    rng = np.random.default_rng(1)
    if op.previous:
        fmt = program.vector("u").fmt
        words["previous"] = rng.integers(fmt.min, fmt.max, (len(states), 1), endpoint=True)
    names = [v.name for v in program.vectors if v.role.value == "state"]
    engine.load(np.hstack([words[name] for name in names]))
    return engine


def weights(program: Program) -> np.ndarray:
    """Return ``1 / R`` of every state."""
    found = ladder_of(json.loads(program.to_json())["ops"][0])
    return np.array([float(1 / R) for R in found.states])


def of_equal_energy(program: Program, seed: int) -> np.ndarray:
    """Return random states, the largest words of which are at the limits of the format."""
    fmt, scale = program.vector("w").fmt, 1 / np.sqrt(weights(program))
    states = np.random.default_rng(seed).standard_normal((STREAMS, len(scale))) * scale
    states *= fmt.max / np.abs(states).max(axis=1, keepdims=True)
    return states.astype(np.int64)


def of_any_words(program: Program, seed: int) -> np.ndarray:
    """Return random words of the whole format, most of which saturate in the first steps."""
    fmt, n = program.vector("w").fmt, program.vector("w").length
    return np.random.default_rng(seed).integers(fmt.min, fmt.max, (STREAMS, n), endpoint=True)


def steps_to_zero(
    program: Program,
    states: np.ndarray,
    most: int,
    runner: type[Interpreter | BulkEngine] = Interpreter,
) -> int:
    """Run zero input until all states are zero, and check that the energy does not rise."""
    order, gains = states.shape[1], weights(program)
    run = silent(program, states, runner)
    # the first step takes over the previous input
    run.run(np.zeros((1, STREAMS, 1), dtype=np.int64))
    energy = np.full(STREAMS, np.inf)
    for n in range(1, most):
        now = run.save()[:, :order]
        new = (now.astype(np.float64) ** 2) @ gains
        assert np.all(new <= energy * (1 + 1e-12)), f"step {n}"
        energy = new
        if not now.any():
            return n
        run.run(np.zeros((1, STREAMS, 1), dtype=np.int64))
    pytest.fail(f"not zero after {most} steps: {np.abs(run.save()[:, :order]).max(axis=0)}")


@pytest.mark.parametrize("name", DESIGNS)
def test_random_states_die(name: str) -> None:
    program = program_of(DESIGNS[name])
    theta = int(DESIGNS[name]["theta"])
    assert steps_to_zero(program, of_equal_energy(program, 5), 8 * theta) > theta // 4


@pytest.mark.soak
@pytest.mark.parametrize("name", LONG)
def test_random_states_of_long_ladders_die(name: str) -> None:
    program = program_of(LONG[name])
    theta = int(LONG[name]["theta"])
    assert steps_to_zero(program, of_equal_energy(program, 5), 8 * theta) > theta // 4


@pytest.mark.cc
@pytest.mark.soak
@pytest.mark.parametrize(
    ("order", "theta", "states", "windows"),
    [(64, 512, of_any_words, 100), (256, 2048, of_equal_energy, 60)],
)
def test_the_largest_ladders_die_in_compiled_c(
    order: int, theta: int, states: Callable[[Program, int], np.ndarray], windows: int
) -> None:
    require("cc|gcc|clang")
    program = program_of({"d": order, "theta": theta})
    steps_to_zero(program, states(program, 5), windows * theta, BulkEngine)


@pytest.mark.parametrize(
    "name", ["6, 20, 6 bits", pytest.param("16, 40, substeps", marks=pytest.mark.soak)]
)
def test_states_beyond_all_that_is_reached_die(name: str) -> None:
    """They saturate for a long time: full words of even sections have theta**2 times the energy."""
    program = program_of(DESIGNS[name])
    steps_to_zero(program, of_any_words(program, 6), 40 * int(DESIGNS[name]["theta"]))


@pytest.mark.parametrize("name", SINGLE)
def test_ladders_of_any_coefficients_die(name: str) -> None:
    program = PROGRAMS[name]
    steps_to_zero(program, of_any_words(program, 7), 20_000)


def test_what_a_loud_input_leaves_dies_in_a_few_windows() -> None:
    program = program_of(DESIGNS["6, 100"])
    fmt = program.vector("u").fmt
    run = Interpreter(program, STREAMS)
    run.run(np.random.default_rng(2).choice([fmt.min, fmt.max], (400, STREAMS, 1)))
    assert run.save()[:, :6].any(axis=1).all()
    run.run(np.zeros((400, STREAMS, 1), dtype=np.int64))
    assert not run.save()[:, :6].any()
    run.run(np.zeros((50, STREAMS, 1), dtype=np.int64))
    assert not run.save()[:, :6].any()
