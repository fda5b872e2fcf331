"""Designs whose sections share multipliers: words, cycles, state, files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lmu_hw as lh
from lmu_hw.program.integer_program import Program
from lmu_hw.rtl.hardware_plan import hardware_plan
from lmu_hw.rtl.options import Hardware
from lmu_hw.rtl.parallel.moving_state import command_cycles, most_cycles, state_visits
from lmu_hw.rtl.parallel.ring_core import RingCore
from lmu_hw.rtl.parallel.ring_plan import RingPlan
from lmu_hw.rtl.state_port import StateCommand
from tests.factories.programs import cascade_program, noise_with_silence
from tests.rtl.bench import simulate
from tests.rtl.parallel_bench import SATURATING, PlayedSteps
from tests.rtl.parallel_checks import (
    check_build_directory,
    check_refused,
    check_saturation_is_left_out,
    check_state_port,
    check_words_and_cycles,
)
from tests.tools import require

DESIGNS = [
    # sections, sections a multiplier, pipeline
    ("r", 1, 2),
    ("p", 6, 5),
    ("pr", 2, 3),
    ("rp", 1, 4),
    ("ppp", 4, 2),
    ("prprpp", 6, 5),
    ("ppppppr", 2, 2),
    ("ppppppr", 6, 4),
    ("pppp", 2, 6),
    ("p" * 8, 4, 4),
    ("p" * 7 + "r", 3, 3),
    ("p" * 15 + "r", 6, 5),
]


def plan_of(program: Program, per_unit: int, pipeline: int, **options: Any) -> RingPlan:
    """Return the plan of a program."""
    hardware = Hardware(
        parallel="ring", sections_per_multiplier=per_unit, pipeline=pipeline, **options
    )
    plan = hardware_plan(program, hardware)
    assert isinstance(plan, RingPlan)
    return plan


@pytest.mark.some(9)
@pytest.mark.parametrize(("sections", "per_unit", "pipeline"), DESIGNS)
@pytest.mark.parametrize("saturating", [False, True])
def test_words_and_cycles(sections: str, per_unit: int, pipeline: int, saturating: bool) -> None:
    program = cascade_program(sections=sections, window=5, **(SATURATING if saturating else {}))
    plan = plan_of(program, per_unit, pipeline)
    check_words_and_cycles(RingCore(plan), noise_with_silence(program, 24))
    assert plan.multipliers == -(-len(sections) // per_unit)


@pytest.mark.some(1)
@pytest.mark.parametrize(("sections", "per_unit", "pipeline"), DESIGNS[2::4])
def test_words_with_stalls_and_a_reset_in_flight(
    sections: str, per_unit: int, pipeline: int
) -> None:
    program = cascade_program(sections=sections, window=5)
    core_plan = plan_of(program, per_unit, pipeline)
    u = noise_with_silence(program, 10)
    for reset_at in (-1, 2 * pipeline + 5, 57):
        core = RingCore(core_plan)
        # many turns have no step
        played = PlayedSteps(core, u, 0.9, reset_at)
        np.testing.assert_array_equal(played.got, core.model(u))


@pytest.mark.parametrize(
    ("sections", "per_unit", "pipeline"), [("r", 1, 2), ("prp", 2, 3), ("pppr", 4, 2)]
)
def test_the_state_in_flight(sections: str, per_unit: int, pipeline: int) -> None:
    """Saved, cleared and loaded between steps that are in flight."""
    program = cascade_program(sections=sections, window=5)
    core = RingCore(plan_of(program, per_unit, pipeline, state_port=True))
    check_state_port(core, noise_with_silence(program, 80))


@pytest.mark.parametrize(("sections", "per_unit", "pipeline"), [("prp", 2, 3), ("pp", 1, 2)])
@pytest.mark.parametrize("code", [StateCommand.CLEAR, StateCommand.SAVE, StateCommand.LOAD])
def test_the_cycles_of_a_command(
    sections: str, per_unit: int, pipeline: int, code: StateCommand
) -> None:
    plan = plan_of(cascade_program(sections=sections), per_unit, pipeline, state_port=True)
    core, turn = RingCore(plan), plan.cycles_per_step
    assert len(state_visits(plan)) == plan.n_out + 1
    found: dict[int, int] = {}

    async def bench(ctx: Any) -> None:
        for stream in (core.o, core.state_o):
            ctx.set(stream.ready, 1)
        ctx.set(core.state_i.valid, 1)
        cycle, given = 0, -1
        await_slot = 0
        while await_slot < turn:
            # in slot turn - 1 an input word would be taken; slot 0 follows
            slot = (cycle - 1) % turn
            idle = given < 0 and cycle > 2 * turn
            command = idle and slot == await_slot
            ctx.set(core.state_command.valid, int(command))
            ctx.set(core.state_command.payload, {"code": code, "signal": 0})
            if command:
                assert ctx.get(core.state_command.ready)
            elif given >= 0 and cycle > given + 1 and ctx.get(core.i.ready):
                found[await_slot] = cycle - given
                await_slot, given = await_slot + 1, -1
            if command:
                given = cycle
            await ctx.tick()
            cycle += 1

    simulate(core, bench)
    assert found == {slot: command_cycles(plan, code, slot) for slot in range(turn)}
    assert max(found.values()) == most_cycles(plan, code)


def test_saturation_is_left_out_where_it_is_proven_unnecessary() -> None:
    check_saturation_is_left_out("ring", sections_per_multiplier=2)


def test_the_headline_design() -> None:
    """Order 64 at 16 bits: a step in 12 cycles on 6 multipliers of two blocks, in 177 cycles."""
    plan = lh.compile(lh.Memory(64), bits=16, output="state").schedule(Hardware(parallel="ring"))
    assert isinstance(plan, RingPlan)
    assert (plan.cycles_per_step, plan.multipliers, plan.latency) == (12, 6, 177)
    assert plan.state_registers == 6 * (7 * 23 + 1 * 23)


def test_programs_that_are_refused() -> None:
    check_refused("ring")


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(("--pipeline", 2), marks=pytest.mark.soak),
        ("--sections-per-multiplier", 1, "--state-port", "--pipeline", 3),
    ],
)
def test_the_benches_of_a_build_directory(
    options: tuple[Any, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    require("iverilog")
    check_build_directory("ring", options, tmp_path / "out", capsys)
