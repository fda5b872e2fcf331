"""Emitted Verilog has no warning in Verilator or Yosys; faulty Verilog has."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from lmu_hw._support import yosys
from lmu_hw.errors import ToolError
from tests.factories.builds import edit_file, write_verilog
from tests.factories.hardware_programs import ALL, every
from tests.factories.network_programs import NETWORKS
from tests.factories.programs import PROGRAMS
from tests.rtl.bench import LANES
from tests.tools import require, require_yosys

pytestmark = pytest.mark.sim

CHECK = "read_verilog {0}/{1}.v; hierarchy -check -top {1}; proc; check -assert; design -reset; "


def lint(build_dir: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", "-C", build_dir, "lint"], capture_output=True, text=True)


@pytest.mark.some(3)
@pytest.mark.parametrize("name", every())
def test_nothing_to_complain_of(name: str, tmp_path: Path) -> None:
    """Every program with two numbers of lanes, every number with some programs."""
    require("verilator", "make")
    require_yosys()
    index, script = list(ALL).index(name), ""
    for lanes in {LANES[index % len(LANES)], LANES[(index // 2 + 3) % len(LANES)]}:
        write_verilog(ALL[name], tmp_path / str(lanes), lanes)
        done = lint(tmp_path / str(lanes))
        assert done.returncode == 0, f"{lanes} lanes: {done.stderr}"
        assert "%Warning" not in done.stderr
        script += CHECK.format(lanes, "lmu")
    yosys.run(script, tmp_path)


def test_a_name_of_its_own(tmp_path: Path) -> None:
    require("verilator", "make")
    write_verilog(replace(PROGRAMS["readout"], name="gyro_memory"), tmp_path / "rtl", 1)
    done = lint(tmp_path / "rtl")
    assert done.returncode == 0, done.stderr


@pytest.mark.some(2)
@pytest.mark.parametrize(
    ("pattern", "text", "rule"),
    [
        (r"level \+ \{\d+'d0, arrived\}", "level + arrived", "WIDTH"),
        (r"\n  assign ", "\n  wire spare = clk;\n  assign ", "UNUSEDSIGNAL"),
        (r"\n +default: ;", "", "CASEINCOMPLETE"),
        (r"input  wire +rst,", "input  wire rst,\n  input  wire more,", "UNUSEDSIGNAL"),
        (r"\.done\(\w+\)", ".done()", "PINCONNECTEMPTY"),
    ],
)
def test_a_flaw_is_found(pattern: str, text: str, rule: str, tmp_path: Path) -> None:
    require("verilator", "make")
    write_verilog(NETWORKS["lmu"], tmp_path / "rtl", 3)
    edit_file(tmp_path / "rtl" / "lmu.v", pattern, text)
    done = lint(tmp_path / "rtl")
    assert done.returncode != 0
    assert f"%Warning-{rule}" in done.stderr


def test_a_wire_without_a_driver_is_found(tmp_path: Path) -> None:
    require_yosys()
    write_verilog(PROGRAMS["one_real"], tmp_path / "rtl", 1)
    edit_file(
        tmp_path / "rtl" / "lmu.v",
        r"\n  assign ",
        "\n  wire nothing;\n  wire spare = clk && nothing;\n  assign ",
    )
    with pytest.raises(ToolError, match="Yosys failed: ERROR: Found 1 problems"):
        yosys.run(CHECK.format("rtl", "lmu"), tmp_path)
