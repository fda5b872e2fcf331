"""Designs with a multiplier for each coefficient: words, cycles, signals, state, files."""

from __future__ import annotations

import json
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
from tests.cli.command import call
from tests.factories.programs import cascade_program, dense_program, noise_with_silence
from tests.rtl.bench import cocotb, make
from tests.rtl.parallel_bench import SATURATING, Commanded, PlayedSteps
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


@pytest.mark.parametrize(("sections", "pipeline", "signals"), DESIGNS)
@pytest.mark.parametrize("saturating", [False, True])
def test_words_and_cycles(sections: str, pipeline: int, signals: int, saturating: bool) -> None:
    program = cascade_program(sections=sections, window=5, **(SATURATING if saturating else {}))
    plan = plan_of(program, pipeline=pipeline, interleave=signals)
    u = noise_with_silence(program, 24 * signals)
    core = FullCore(plan)
    played = PlayedSteps(core, u, stalls=0.0)
    np.testing.assert_array_equal(played.got, core.model(u))
    assert set(np.diff(played.taken)) == {plan.cycles_per_step}
    assert set(np.subtract(played.given, played.taken)) == {plan.latency}
    assert plan.cycle_formula.endswith(f"= {plan.cycles_per_step}")
    assert plan.latency_formula.endswith(f"= {plan.latency}")


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
    commanded = Commanded(FullCore(plan), noise_with_silence(program, 80 * signals))
    assert commanded.got == commanded.expected
    assert len(commanded.saves) > 5
    assert all(found == wanted for found, wanted in commanded.saves)


def test_saturation_is_left_out_where_it_is_proven_unnecessary() -> None:
    design = lh.compile(lh.Memory(8), bits=12, output="state")
    free = design.schedule(Hardware(parallel="full"))
    assert isinstance(free, FullPlan)
    op = free.op
    assert not free.limited & {op.z_inner, op.z_outer, "chain", "y_inner", "y_outer"}
    # any state can be loaded
    port = design.schedule(Hardware(parallel="full", state_port=True))
    assert isinstance(port, FullPlan)
    assert port.limited >= {op.z_inner, op.z_outer, "chain", "y_inner", "y_outer"}
    core = design.component(Hardware(parallel="full", pipeline=4))
    assert isinstance(core, FullCore)
    # a square wave with the signs of the worst case drives the states far
    u = np.where(np.arange(60) // 5 % 2, 2047, -2048)[:, None]
    played = PlayedSteps(core, u, stalls=0.0)
    np.testing.assert_array_equal(played.got, design.run(u).outputs)


@pytest.mark.parametrize(
    "program",
    [
        dense_program(order=2),
        cascade_program(sections="pr", channels=2),
        cascade_program(sections="pr", readout=2),
    ],
)
def test_programs_that_are_refused(program: Program) -> None:
    with pytest.raises(ScheduleError, match="parallel must be shared for this program: full is"):
        plan_of(program)


def test_more_signals_than_a_section_has_registers() -> None:
    with pytest.raises(ScheduleError, match=r"interleave must be at most 3, .* not 4"):
        plan_of(cascade_program(sections="r"), pipeline=3, interleave=4)


def test_a_kit_is_refused() -> None:
    design = lh.compile(lh.Memory(2), bits=8, output="state")
    with pytest.raises(SpecError, match="the litex kit needs a design with parallel shared, not"):
        design.write("nowhere", Hardware(parallel="full"), kits="litex")


@pytest.mark.parametrize(
    "options", [("--pipeline", 2), ("--interleave", 4, "--state-port", "--pipeline", 2)]
)
def test_the_benches_of_a_build_directory(
    options: tuple[Any, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    require("iverilog")
    out = tmp_path / "out"
    memory = ("--d", 3, "--bits", 8, "--output", "state", "--theta", 8)
    manifest = call(
        capsys, "generate", *memory, "--parallel", "full", *options, "-o", out, "--json"
    ).json
    figures = json.loads((out / "rtl" / "schedule.json").read_text())
    assert manifest["latency"] == figures["latency"]
    assert manifest["cycles_per_step"] == figures["cycles_per_step"]
    assert manifest["hardware"]["parallel"] == "full"
    bench = make(out)
    assert bench.returncode == 0, bench.stdout
    assert "PASS" in bench.stdout
    result = cocotb(out)
    assert result.mismatches == 0
    assert result.cycles_per_step == figures["cycles_per_step"]
    # a faulty design, signals that are mixed up and wrong figures fail
    design = out / "rtl" / "lmu.v"
    broken = [
        (design, "= base + $signed", "= base - $signed"),
        (out / "rtl" / "tb_lmu.v", f"LATENCY         = {figures['latency']}", "LATENCY = 9999"),
    ]
    if figures["interleave"] > 1:
        read = "read_word = mem[read_address"
        broken.append((design, f"{read}]", f"{read} ^ 1]"))
    for file, old, new in broken:
        kept = file.read_text()
        assert old in kept, old
        file.write_text(kept.replace(old, new))
        assert make(out).returncode != 0
        file.write_text(kept)
