"""`lmu-hw footprint --cycles`: LLVM's estimate for inner loops, always said to be one."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from lmu_hw.errors import ToolError
from lmu_hw.firmware.boards.disassembly import Instruction
from lmu_hw.firmware.boards.microcontrollers import TARGETS
from lmu_hw.measure.footprint import cycle_estimate, footprint_report
from lmu_hw.measure.footprint.control_flow import blocks
from lmu_hw.measure.footprint.cycle_estimate import Analyzer, CycleEstimate, analyzer, estimate
from lmu_hw.measure.footprint.longest_path import Flow
from tests.cli.command import call, refused
from tests.factories.builds import generate, write_c_build_in_assembly
from tests.factories.programs import PROGRAMS
from tests.tools import require

pytestmark = [pytest.mark.cc, pytest.mark.qemu]

LOOP = 100
ANY = "|".join(cycle_estimate.TOOLS)
CODE = (
    ("movs", "r3, #100"),
    ("vldrh", ".u16\tq0, [r0], #16"),
    ("ldr", ".w\tr2, [ip, #4]!\t@ a comment"),
    ("mov", ".w\tr1, r2\t; another"),
    ("bne", ".n\t2 <f+0x2>"),
    ("bx", "lr"),
)
"""A loop from the second instruction to the branch."""
COPY = 'for last; do :; done; cp "$last" seen\n'
"""Keeps the file that a fake llvm-mca is given."""
TOO_OLD = r"^estimated cycles need llvm-mca of LLVM 19 or later: apt-get install llvm-19"


def fake(place: Path, name: str, script: str) -> Path:
    path = place / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def instructions(*texts: tuple[str, str]) -> list[Instruction]:
    return [
        Instruction(function="f", address=2 * n, mnemonic=name, operands=operands)
        for n, (name, operands) in enumerate(texts)
    ]


def played(place: Path, tool: Analyzer, *texts: tuple[str, str]) -> CycleEstimate:
    """Return the estimate of a loop that runs 100 times in each of two steps."""
    code = instructions(*texts)
    found = blocks(code, 0)
    times = {at: np.full(2, LOOP if at == 2 else 1) for at in found}
    counts = np.array(
        [sum(found[at].length * int(n[k]) for at, n in times.items()) for k in (0, 1)]
    )
    flow = Flow(blocks=times, jumps={})
    return estimate(tool, TARGETS["c-m4"], code, found, flow, counts, place)


def test_a_loop_becomes_assembly(tmp_path: Path) -> None:
    path = fake(
        tmp_path, "mca", 'for last; do :; done; cp "$last" seen\necho "Total Cycles:  2500"'
    )
    found = played(tmp_path, Analyzer(path=str(path), version="19.1.0"), *CODE)
    assert (tmp_path / "seen").read_text() == (
        ".syntax unified\n.thumb\n"
        " vldrh.u16\tq0, [r0], #16\n ldr r2, [ip, #4]!\n mov.w\tr1, r2\n bne #-4\n"
    )
    (loop,) = found.loops
    assert found.model == "LLVM 19.1.0's model cortex-m4"
    assert (loop.function, loop.instructions, loop.iterations) == ("f", 4, LOOP)
    assert loop.estimated_cycles == 2.5
    assert loop.share == pytest.approx(4 * LOOP / (4 * LOOP + 2), abs=1e-3)


def test_the_end_of_a_low_overhead_loop_is_free(tmp_path: Path) -> None:
    path = fake(tmp_path, "mca", COPY + "echo 'Total Cycles: 1000'")
    code = (("dlstp", ".16\tlr, r3"), CODE[1], ("letp", "lr, 2 <f+0x2>"), ("bx", "lr"))
    (loop,) = played(tmp_path, Analyzer(path=str(path), version="19"), *code).loops
    assert "letp" not in (tmp_path / "seen").read_text()
    assert loop.instructions == 2


def test_a_wide_product_is_known(tmp_path: Path) -> None:
    """objdump writes mul.w where a register is above r7; llvm-mca knows it as mul alone."""
    require(ANY)
    code = (CODE[0], ("mul", ".w\tr1, r3, fp"), *CODE[-2:])
    (loop,) = played(tmp_path, analyzer(), *code).loops
    assert loop.estimated_cycles >= 1.0


def test_a_tool_that_fails_is_named(tmp_path: Path) -> None:
    path = fake(tmp_path, "mca", "echo 'error: unknown instruction'; exit 1")
    with pytest.raises(ToolError, match=r"could not estimate a loop: error: unknown .*--cycles"):
        played(tmp_path, Analyzer(path=str(path), version="19"), *CODE)


def test_old_versions_are_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    fake(tmp_path, "llvm-mca", "echo '  LLVM version 14.0.6'")
    with pytest.raises(ToolError, match=TOO_OLD):
        analyzer()
    newer = fake(tmp_path, "llvm-mca-20", "echo '  LLVM version 20.1.2'")
    assert analyzer() == Analyzer(path=str(newer), version="20.1.2")


def test_a_loop_of_known_length(tmp_path: Path) -> None:
    """Two instructions of one cycle each in the model of a core that issues one at a time."""
    target, p = TARGETS["c-m4"], PROGRAMS["one_real"]
    require(target.toolchain.compiler, target.toolchain.qemu, "cc|gcc|clang", ANY)
    body = f".syntax unified\\n movs r3, #{LOOP}\\n 1: subs r3, #1\\n bne 1b\\n bx lr"
    c_dir = write_c_build_in_assembly(p, tmp_path, body)
    steps = footprint_report.counted_steps(p)
    report = footprint_report.measure(target, c_dir, p, steps, cycles=analyzer(), quiet=True)
    assert report.cycles is not None
    (loop,) = report.cycles.loops
    assert (loop.function, loop.instructions) == ("lmu_step", 2)
    # the first time through, the block begins before the loop
    assert LOOP - 1 <= loop.iterations <= LOOP
    assert 2.0 <= loop.estimated_cycles <= 3.0
    assert re.search(r"\n  cycles        estimated by LLVM .*, not measured\n", str(report))


@pytest.mark.parametrize(
    "cores",
    [
        ("c-m4", "c-m0"),
        pytest.param(("c-m4", "c-m7", "c-m55", "c-m0"), marks=pytest.mark.soak),
    ],
    ids="-".join,
)
def test_a_design(
    cores: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arm = TARGETS["c-m4"].toolchain
    require(arm.compiler, arm.qemu, "cc|gcc|clang", ANY)
    build_dir = generate(tmp_path / "out", "--d", 6, "--theta", 20)
    names = [w for name in cores for w in ("--target", name)]
    with_cycles = call(capsys, "footprint", build_dir, "--cycles", "--json", *names).json
    plain = call(capsys, "footprint", build_dir, "--json", *names).json
    for one, other in zip(with_cycles["targets"], plain["targets"], strict=True):
        found = one.pop("cycles")
        assert other.pop("cycles") is None
        assert one == other
        if one["target"] == "c-m0":
            assert found == {"model": "", "loops": []}
            continue
        assert found["loops"]
        assert 0 < sum(loop["share"] for loop in found["loops"]) <= 1
        for loop in found["loops"]:
            executed = loop["instructions"] * loop["iterations"]
            mean = one["instructions"]["with_output"]["mean"]
            assert executed / mean == pytest.approx(loop["share"], rel=0.02)
            # no model issues more than two at a time, and a load takes a few cycles
            assert 0.5 * (loop["instructions"] - 1) <= loop["estimated_cycles"]
            assert loop["estimated_cycles"] <= 4 * loop["instructions"]


def test_a_missing_tool_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    build_dir = generate(tmp_path / "out", "--d", 1, "--theta", 4)
    monkeypatch.setattr(cycle_estimate, "TOOLS", ("no-such-tool",))
    line = refused(capsys, "footprint", build_dir, "--cycles")
    assert "estimated cycles need llvm-mca of LLVM 19 or later: apt-get install llvm-19" in line


def test_cores_without_a_model_say_so() -> None:
    lines = CycleEstimate(model="", loops=()).lines("Cortex-M0")
    assert lines == ["  cycles        not estimated: LLVM has no model of the Cortex-M0"]


@pytest.mark.parametrize("name", cycle_estimate.MODELS)
def test_models_are_of_targets(name: str) -> None:
    assert TARGETS[name].runs
    assert f"-mcpu={cycle_estimate.MODELS[name][1]}" in TARGETS[name].cpu
