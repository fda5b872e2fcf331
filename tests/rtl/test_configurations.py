"""Designs as users ask for them: cycles against what lanes must take, every word in Icarus."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from lmu_hw.program.integer_program import Linear, Program
from lmu_hw.rtl.schedule import Schedule, schedule
from lmu_hw.verify.backends import icarus
from tests.factories.builds import write_rtl_build
from tests.factories.configurations import CONFIGURATIONS, layer_times
from tests.tools import require

CYCLES = 30_000
"""Clock cycles of each design in Icarus, without those of stalls and resets."""

LONGER = {"tanh head of 48 P=32": {"linear_4"}}
"""48 words leave one after the other, in more cycles than 6 multiplies each on 32 lanes."""
WAITING = {
    "stack of 3 P=4": {"linear_4"},
    "stack of 3, outputs on demand, P=16": {"linear_4"},
    "gru d=16 n=20 P=16": {"linear_4", "linear_6"},
}
"""Layers of few rows, with all the time that they wait for the operations before them."""


@cache
def program(name: str) -> Program:
    return CONFIGURATIONS[name].make()


def plan(name: str) -> Schedule:
    return schedule(program(name), CONFIGURATIONS[name].lanes)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(n, marks=[pytest.mark.soak] * n.startswith(("memory d=128", "taps d=256")))
        for n in CONFIGURATIONS
    ],
)
def test_layers_take_little_more_than_the_lanes_must(name: str) -> None:
    layers = layer_times(plan(name))
    longer = LONGER.get(name, set())
    assert {layer.name for layer in layers if layer.own > layer.bound} == longer
    waiting = WAITING.get(name, set())
    assert {layer.name for layer in layers if layer.cycles > layer.bound} == longer | waiting


def test_one_lane_is_busy() -> None:
    found = plan("tanh d=64 n=64")
    rows = sum(found.program.multiplies(op) for op in found.program.ops if isinstance(op, Linear))
    assert rows >= 0.95 * found.cycles_per_step


@pytest.mark.soak
@pytest.mark.sim
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_every_word_in_icarus(name: str, tmp_path: Path) -> None:
    """Without stalls, under random ones, with resets in flight; and the published cycles."""
    require("iverilog", "vvp")
    found = plan(name)
    every = max(1, found.program.output_every)
    steps = max(6, 2 * every, min(400, CYCLES // found.cycles_per_step))
    build_dir = write_rtl_build(found.program, tmp_path, n_steps=steps, lanes=found.lanes)
    build = build_dir / "build"
    build.mkdir()
    result = icarus.run(build_dir, build_dir / "vectors", build, seed=1)
    assert (result.mismatches, result.steps) == (0, steps)
    if found.program.output_every:
        assert result.cycles_per_step == found.cycles_per_step
