"""The first divergence: shortest input, faulty operation, replay command, waveform."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest

from lmu_hw.verify.divergence import LocatedDivergence, writer
from lmu_hw.verify.load_build import load_program, plan_of
from tests.cli.command import call
from tests.factories.builds import break_verilog, generate
from tests.tools import require, require_yosys

CC = "cc|gcc|clang"


@pytest.fixture(scope="module")
def build_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    words = ("--d", 5, "--theta", 20, "--realization", "cascade")
    return generate(tmp_path_factory.mktemp("divergence") / "out", *words)


@pytest.fixture
def copy(build_dir: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(build_dir, tmp_path / "out"))


def replayed(command: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    words = shlex.split(command)
    assert words[0] == "lmu-hw"
    said = call(capsys, *words[1:])
    return said.code, said.out


def break_table(build_dir: Path, table: str, by: int) -> None:
    """Add to the first number of a table of the C."""
    path = build_dir / "c" / "lmu_tables.h"
    text, n = re.subn(
        rf"(static LMU_KERNELS_TABLE \w+ {table}\[[^=]*= \{{\s*-?\d+)",
        rf"\1 + {by}",
        path.read_text(),
    )
    assert n == 1
    path.write_text(text)


@pytest.mark.some(2)
@pytest.mark.cc
@pytest.mark.parametrize(
    ("table", "by", "blamed"),
    [
        # the state is wrong first, and the readout with it
        ("lmu_cascade_coef", 1 << 20, "operation 0 (cascade) z_"),
        ("lmu_linear_rows", 3, "operation 1 (linear) y"),
        ("lmu_ladder_coef", 1 << 8, "operation 0 (ladder) w"),
        ("lmu_scale_coef", 1 << 10, "operation 1 (scale) y"),
    ],
)
def test_c_is_followed_step_by_step(
    table: str,
    by: int,
    blamed: str,
    copy: Path,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    require(CC)
    if "ladder" in table or "scale" in table:
        words = ("--discretizer", "bilinear", "--realization", "ladder", "--substeps", 2)
        copy = generate(tmp_path / "ladder", "--d", 5, "--theta", 20, *words)
    break_table(copy, table, by)
    said = call(capsys, "verify", copy, "--backends", "c", "--steps", 2000, "--json")
    assert said.code == 3
    (found,) = said.json["divergences"]
    assert found["repeats"]
    program = load_program(copy)
    assert found["operation"] == writer(program, found["signal"])
    assert f"{found['operation']} {found['signal']}".startswith(blamed)
    assert found["format"] == str(program.vector(found["signal"]).fmt)
    assert found["expected"] != found["got"]
    inputs = np.load(copy / "c" / "build" / "first_divergence.npy")
    assert len(inputs) == found["step"] + 1
    code, out = replayed(found["replay"], capsys)
    assert code == 3
    assert f"step {found['step']}, {found['operation']} writes {found['signal']}" in out
    # no shorter input fails
    if found["step"]:
        np.save(copy / "c" / "build" / "shorter.npy", inputs[:-1])
        shorter = [*shlex.split(found["replay"])[1:-1], copy / "c" / "build" / "shorter.npy"]
        assert call(capsys, *shorter).code == 0


@pytest.mark.soak
@pytest.mark.sim
@pytest.mark.slow
def test_verilog_leaves_a_waveform(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    require("iverilog", "vvp", "c++|g++|clang++")
    require_yosys()
    break_verilog(copy)
    said = call(capsys, "verify", copy, "--backends", "cxxrtl", "--steps", 200, "--vcd", "--json")
    assert said.code == 3
    (found,) = said.json["divergences"]
    waves = Path(found["waveform"]).read_text()
    assert waves.startswith("$date")
    assert "o_data" in waves
    times = [int(t) for t in re.findall(r"^#(\d+)", waves, re.MULTILINE)]
    cycles = load_cycles(copy)
    assert times[-1] >= 10 * cycles * found["step"]
    assert times[0] >= 10 * cycles * max(0, found["step"] - 2)
    code, out = replayed(found["replay"], capsys)
    assert code == 3
    assert "first divergence of cxxrtl" in out


def load_cycles(build_dir: Path) -> int:
    return plan_of(build_dir, load_program(build_dir)).due.cycles


@pytest.mark.cc
def test_a_build_directory_without_mismatch_has_none(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    require(CC)
    said = call(capsys, "verify", copy, "--backends", "c", "--steps", 200, "--json")
    assert said.code == 0
    assert "divergences" not in said.json
    assert not (copy / "c" / "build").exists()


def test_a_divergence_that_needs_its_stalls_says_so() -> None:
    found = LocatedDivergence(
        backend="icarus",
        step=3,
        operation="op 0 (cascade)",
        signal="z_inner",
        index=1,
        format="Q1.7",
        expected=4,
        got="X",
        repeats=False,
        replay="lmu-hw verify out --seed 4",
        waveform="out/rtl/build/a.vcd",
    )
    first, again, note, waveform = str(found).splitlines()
    assert first.endswith("writes z_inner[1] (Q1.7): expected 4, got X")
    assert again.endswith("lmu-hw verify out --seed 4")
    assert "takes the stalls and resets" in note
    assert waveform.endswith("out/rtl/build/a.vcd")
