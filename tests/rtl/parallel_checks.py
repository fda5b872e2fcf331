"""What holds for designs of `--parallel full` and `--parallel ring` alike."""

from __future__ import annotations

import json
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lmu_hw as lh
from lmu_hw.errors import ScheduleError
from lmu_hw.rtl.hardware_plan import hardware_plan
from lmu_hw.rtl.options import Hardware
from lmu_hw.rtl.parallel.cascade_plan import CascadePlan
from tests.cli.command import call
from tests.factories.programs import cascade_program, dense_program
from tests.rtl.bench import cocotb, make
from tests.rtl.parallel_bench import Commanded, Core, PlayedSteps

REFUSED = [
    dense_program(order=2),
    cascade_program(sections="pr", channels=2),
    cascade_program(sections="pr", channels=2, readout=2),
]
"""Programs that only shared multipliers run."""


def check_refused(style: str) -> None:
    """Programs of other kinds are refused in one line."""
    for program in REFUSED:
        text = f"parallel must be shared for this program: {style} is"
        with pytest.raises(ScheduleError, match=text):
            hardware_plan(program, Hardware(parallel=style))


def check_words_and_cycles(core: Core, u: np.ndarray) -> None:
    """Words, interval and latency without stalls are those of the plan, and so are its formulas."""
    plan = core.plan
    played = PlayedSteps(core, u, stalls=0.0)
    np.testing.assert_array_equal(played.got, core.model(u))
    assert set(np.diff(played.taken)) == {plan.cycles_per_step}
    assert set(np.subtract(played.given, played.taken)) == {plan.latency}
    for formula, value in (
        (plan.cycle_formula, plan.cycles_per_step),
        (plan.latency_formula, plan.latency),
    ):
        terms, _, result = formula.partition(" = ")
        assert eval(terms, {"max": max, "ceil": ceil}) == int(result) == value


def check_state_port(core: Core, u: np.ndarray) -> None:
    """Save, clear and load a signal between steps that are in flight; others do not notice."""
    commanded = Commanded(core, u)
    assert commanded.got == commanded.expected
    assert len(commanded.saves) > 5
    assert all(found == wanted for found, wanted in commanded.saves)
    assert any(any(wanted) for _, wanted in commanded.saves)


def check_saturation_is_left_out(style: str, **options: Any) -> None:
    """Words that are proven to stay in their formats are not saturated; with a port all are."""
    design = lh.compile(lh.Memory(8), bits=12, output="state")
    free = design.schedule(Hardware(parallel=style))
    assert isinstance(free, CascadePlan)
    assert not free.limited & {free.op.z_inner, free.op.z_outer, "chain", "y_inner", "y_outer"}
    # any state can be loaded
    port = design.schedule(Hardware(parallel=style, state_port=True))
    assert isinstance(port, CascadePlan)
    assert port.limited >= {port.op.z_inner, port.op.z_outer, "chain", "y_inner", "y_outer"}
    core = design.component(Hardware(parallel=style, pipeline=4, **options))
    assert isinstance(core, Core)
    # a square wave with the signs of the worst case drives the states far
    u = np.where(np.arange(60) // 5 % 2, 2047, -2048)[:, None]
    played = PlayedSteps(core, u, stalls=0.0)
    np.testing.assert_array_equal(played.got, design.run(u).outputs)


def check_build_directory(
    style: str, options: tuple[Any, ...], out: Path, capsys: pytest.CaptureFixture[str]
) -> dict[str, Any]:
    """Both benches of a build directory pass; return the figures of its schedule.

    A faulty design and a wrong latency fail.
    """
    memory = ("--d", 3, "--bits", 8, "--output", "state", "--theta", 8, "--parallel", style)
    manifest = call(capsys, "generate", *memory, *options, "-o", out, "--json").json
    figures: dict[str, Any] = json.loads((out / "rtl" / "schedule.json").read_text())
    assert manifest["latency"] == figures["latency"]
    assert manifest["cycles_per_step"] == figures["cycles_per_step"]
    assert manifest["hardware"]["parallel"] == style
    bench = make(out)
    assert bench.returncode == 0, bench.stdout
    assert "PASS" in bench.stdout
    result = cocotb(out)
    assert result.mismatches == 0
    assert result.cycles_per_step == figures["cycles_per_step"]
    check_fault(out, out / "rtl" / "lmu.v", "= base + $signed", "= base - $signed")
    latency = f"LATENCY         = {figures['latency']}"
    check_fault(out, out / "rtl" / "tb_lmu.v", latency, "LATENCY = 9999")
    return figures


def check_fault(out: Path, file: Path, old: str, new: str) -> None:
    """A bench fails when a text of a file is another."""
    kept = file.read_text()
    assert old in kept, old
    file.write_text(kept.replace(old, new))
    assert make(out).returncode != 0
    file.write_text(kept)
