"""Designs with a multiplier for each coefficient: words, cycles, signals, state, files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lmu_hw as lh
from lmu_hw.errors import ScheduleError, SpecError
from lmu_hw.program.integer_program import Program
from lmu_hw.rtl.hardware_plan import hardware_plan
from lmu_hw.rtl.options import Hardware
from lmu_hw.rtl.parallel.full_core import FullCore
from lmu_hw.rtl.parallel.full_plan import FullPlan
from tests.factories.programs import cascade_program, noise_with_silence
from tests.rtl.parallel_bench import SATURATING, PlayedSteps
from tests.rtl.parallel_checks import (
    check_build_directory,
    check_fault,
    check_refused,
    check_saturation_is_left_out,
    check_state_port,
    check_words_and_cycles,
)
from tests.tools import require

DESIGNS = [
    # sections, pipeline, signals
    ("r", 1, 1),
    ("pr", 1, 2),
    ("p", 2, 4),
    ("pr", 3, 1),
    ("rp", 4, 3),
    ("ppr", 5, 10),
    ("pp", 6, 12),
    ("prp", 2, 3),
]


def plan_of(program: Program, **options: Any) -> FullPlan:
    """Return the plan of a program."""
    plan = hardware_plan(program, Hardware(parallel="full", **options))
    assert isinstance(plan, FullPlan)
    return plan


@pytest.mark.some(7)
@pytest.mark.parametrize(("sections", "pipeline", "signals"), DESIGNS)
@pytest.mark.parametrize("saturating", [False, True])
def test_words_and_cycles(sections: str, pipeline: int, signals: int, saturating: bool) -> None:
    program = cascade_program(sections=sections, window=5, **(SATURATING if saturating else {}))
    plan = plan_of(program, pipeline=pipeline, interleave=signals)
    check_words_and_cycles(FullCore(plan), noise_with_silence(program, 24 * signals))


@pytest.mark.some(1)
@pytest.mark.parametrize(("sections", "pipeline", "signals"), DESIGNS[1::2])
def test_words_with_stalls_and_a_reset_in_flight(
    sections: str, pipeline: int, signals: int
) -> None:
    program = cascade_program(sections=sections, window=5)
    core = FullCore(plan_of(program, pipeline=pipeline, interleave=signals))
    u = noise_with_silence(program, 16 * signals)
    for reset_at in (-1, 3, 2 * pipeline + 5, 40):
        played = PlayedSteps(core, u, 0.4, reset_at)
        np.testing.assert_array_equal(played.got, core.model(u))


@pytest.mark.parametrize("signals", [1, 4])
def test_the_state_of_one_signal(signals: int) -> None:
    """Saved, cleared and loaded between steps that are in flight; the others do not notice."""
    program = cascade_program(sections="pr", window=5)
    plan = plan_of(program, pipeline=3, interleave=signals, state_port=True)
    check_state_port(FullCore(plan), noise_with_silence(program, 80 * signals))


def test_saturation_is_left_out_where_it_is_proven_unnecessary() -> None:
    check_saturation_is_left_out("full")


def test_programs_that_are_refused() -> None:
    check_refused("full")


def test_more_signals_than_a_section_has_registers() -> None:
    with pytest.raises(ScheduleError, match=r"interleave must be at most 3, .* not 4"):
        plan_of(cascade_program(sections="r"), pipeline=3, interleave=4)


def test_a_kit_is_refused() -> None:
    design = lh.compile(lh.Memory(2), bits=8, output="state")
    with pytest.raises(SpecError, match="the litex kit needs a design with parallel shared, not"):
        design.write("nowhere", Hardware(parallel="full"), kits="litex")


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(("--pipeline", 2), marks=pytest.mark.soak),
        ("--interleave", 4, "--state-port", "--pipeline", 2),
    ],
)
def test_the_benches_of_a_build_directory(
    options: tuple[Any, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    require("iverilog")
    out = tmp_path / "out"
    figures = check_build_directory("full", options, out, capsys)
    if figures["interleave"] > 1:
        # signals that are mixed up
        read = "read_word = mem[read_address"
        check_fault(out, out / "rtl" / "lmu.v", f"{read}]", f"{read} ^ 1]")
