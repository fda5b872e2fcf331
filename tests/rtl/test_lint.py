"""Verilator and Yosys find nothing to complain of in what is emitted; they do where there is."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from lmu_hw._support import yosys
from lmu_hw.errors import ToolError
from lmu_hw.program.integer_program import Program
from lmu_hw.rtl import emit
from lmu_hw.rtl.schedule import schedule
from tests.factories.program_networks import NETWORKS
from tests.factories.programs import PROGRAMS
from tests.rtl.bench import ALL
from tests.rtl.test_icarus import LANES, edit
from tests.tools import require, require_yosys

pytestmark = pytest.mark.sim

CHECK = "read_verilog {0}/{1}.v; hierarchy -check -top {1}; proc; check -assert; design -reset; "


def write(program: Program, lanes: int, build_dir: Path) -> None:
    build_dir.mkdir()
    for name, text in emit(program, schedule(program, lanes)).items():
        (build_dir / name).write_text(text)


def lint(build_dir: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", "-C", build_dir, "lint"], capture_output=True, text=True)


@pytest.mark.parametrize("name", ALL)
def test_nothing_to_complain_of(name: str, tmp_path: Path) -> None:
    """Every program with two numbers of lanes, every number with some programs."""
    require("verilator", "make")
    require_yosys()
    index, script = list(ALL).index(name), ""
    for lanes in {LANES[index % len(LANES)], LANES[(index // 2 + 3) % len(LANES)]}:
        write(ALL[name], lanes, tmp_path / str(lanes))
        done = lint(tmp_path / str(lanes))
        assert done.returncode == 0, f"{lanes} lanes: {done.stderr}"
        assert "%Warning" not in done.stderr
        script += CHECK.format(lanes, "lmu")
    yosys.run(script, tmp_path)


def test_a_name_of_its_own(tmp_path: Path) -> None:
    require("verilator", "make")
    write(replace(PROGRAMS["readout"], name="gyro_memory"), 1, tmp_path / "rtl")
    done = lint(tmp_path / "rtl")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("pattern", "text", "rule"),
    [
        (r"level \+ \{\d+'d0, arrived\}", "level + arrived", "WIDTH"),
        (r"\n  assign ", "\n  wire spare = clk;\n  assign ", "UNUSEDSIGNAL"),
        (r"\n +default: ;", "", "CASEINCOMPLETE"),
        (r"input  wire rst,", "input  wire rst,\n  input  wire more,", "UNUSEDSIGNAL"),
        (r"\.done\(\w+\)", ".done()", "PINCONNECTEMPTY"),
    ],
)
def test_a_flaw_is_found(pattern: str, text: str, rule: str, tmp_path: Path) -> None:
    require("verilator", "make")
    write(NETWORKS["lmu"], 3, tmp_path / "rtl")
    edit(tmp_path / "rtl" / "lmu.v", pattern, text)
    done = lint(tmp_path / "rtl")
    assert done.returncode != 0
    assert f"%Warning-{rule}" in done.stderr


def test_a_wire_without_a_driver_is_found(tmp_path: Path) -> None:
    require_yosys()
    write(PROGRAMS["one_real"], 1, tmp_path / "rtl")
    edit(
        tmp_path / "rtl" / "lmu.v",
        r"\n  assign ",
        "\n  wire nothing;\n  wire spare = clk && nothing;\n  assign ",
    )
    with pytest.raises(ToolError, match="Yosys failed: ERROR: Found 1 problems"):
        yosys.run(CHECK.format("rtl", "lmu"), tmp_path)
