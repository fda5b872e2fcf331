"""Kit ``fusesoc``: every target of the ``.core`` file."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from lmu_hw.kits.fusesoc_core import FUSESOC
from lmu_hw.rtl.options import Hardware
from lmu_hw.rtl.streams import Streams
from tests.factories.hardware_programs import ALL
from tests.factories.kit_cores import core_design
from tests.factories.kit_designs import write_kit
from tests.kits.readme import damage, follow
from tests.tools import require, search_path

CORE = "lmu-hw:cores:lmu"
YOWASP = ("nextpnr-ice40", "nextpnr-ecp5", "icepack", "ecppack")


def written(place: Path, streams: Streams = Streams.PLAIN, **hardware: Any) -> Path:
    design = core_design(ALL["wide"], Hardware(streams=streams, **hardware), n_steps=24)
    return write_kit(FUSESOC, design, place)


def fusesoc(
    kit_dir: Path, *options: str, parameters: tuple[str, ...] = (), path: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run FuseSoC in a kit; ``path`` is a directory of programs that it finds first."""
    search = os.pathsep.join([*([path] if path else []), search_path()])
    command = [sys.executable, "-m", "fusesoc.main", "--cores-root", ".", "run"]
    command += [*options, CORE, *parameters]
    return subprocess.run(
        command,
        cwd=kit_dir,
        env={**os.environ, "PATH": search},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("streams", Streams)
def test_the_core_file_names_every_file(streams: Streams, tmp_path: Path) -> None:
    kit_dir = written(tmp_path, streams, state_port=True)
    core = yaml.safe_load((kit_dir / "lmu.core").read_text())
    listed = [
        name
        for files in core["filesets"].values()
        for entry in files["files"]
        for name in ([entry] if isinstance(entry, str) else entry)
    ]
    assert len(listed) == len(set(listed))
    there = {p.relative_to(kit_dir).as_posix() for p in kit_dir.rglob("*") if p.is_file()}
    assert set(listed) == there - {"lmu.core", "README.md"}
    for target in core["targets"].values():
        assert set(target["filesets"]) <= set(core["filesets"])
    clock = "aclk" if streams is Streams.AXI else "clk"
    for name in ("lmu.xdc", "lmu.sdc"):
        assert f"[get_ports {clock}]" in (kit_dir / name).read_text()


@pytest.mark.kits
@pytest.mark.sim
@pytest.mark.parametrize("streams", Streams)
def test_simulations_and_a_damaged_vector(streams: Streams, tmp_path: Path) -> None:
    require("iverilog", "vvp", "verilator")
    kit_dir = written(tmp_path, streams)
    done = follow(kit_dir, PATH=search_path())
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^PASS \d+ words", done.stdout, re.MULTILINE)
    assert fusesoc(kit_dir, "--target=sim_verilator").returncode == 0
    assert fusesoc(kit_dir, "--target=lint").returncode == 0
    damage(kit_dir / "vectors" / "output.hex", r"\A(?:[0-9a-f]+\n){40}")
    for target in ("sim", "sim_verilator"):
        done = fusesoc(kit_dir, f"--target={target}")
        assert done.returncode != 0
        assert "FAIL wrong word" in done.stdout + done.stderr


@pytest.mark.kits
@pytest.mark.sim
def test_lint_finds_a_fault(tmp_path: Path) -> None:
    require("verilator")
    kit_dir = written(tmp_path)
    text = (kit_dir / "lmu.v").read_text()
    (kit_dir / "lmu.v").write_text(text.replace("wire fifo_room;", "wire [1:0] fifo_room;", 1))
    assert fusesoc(kit_dir, "--target=lint").returncode != 0


@pytest.mark.kits
@pytest.mark.synth
@pytest.mark.parametrize(("board", "bitstream"), [("icebreaker", "bin"), ("ulx3s", "bit")])
def test_bitstreams(board: str, bitstream: str, tmp_path: Path) -> None:
    require("yosys", *(f"yowasp-{name}" for name in YOWASP))
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in YOWASP:
        path = programs / name
        place = shutil.which(f"yowasp-{name}", path=search_path())
        path.write_text(f'#!/bin/sh\nexec "{place}" "$@"\n')
        path.chmod(0o755)
    kit_dir = written(tmp_path)
    rate = ("--BAUD=1000000",)
    done = fusesoc(kit_dir, f"--target={board}", parameters=rate, path=str(programs))
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = kit_dir.glob(f"build/*/{board}*/*.{bitstream}")
    assert made.stat().st_size > 10_000


@pytest.mark.kits
def test_projects_for_vendors_tools(tmp_path: Path) -> None:
    kit_dir = written(tmp_path)
    roms = {path.name for path in kit_dir.glob("*.mem")}
    for target in ("vivado", "quartus"):
        done = fusesoc(kit_dir, "--setup", f"--target={target}")
        assert done.returncode == 0, done.stdout + done.stderr
    (vivado,) = (path.parent for path in kit_dir.glob("build/*/*/*_synth.tcl"))
    text = "".join(path.read_text() for path in vivado.glob("*.tcl"))
    assert set(re.findall(r"read_mem \{(\S+)\}", text)) == roms
    assert "read_xdc" in text
    (quartus,) = (path.parent for path in kit_dir.glob("build/*/quartus*/Makefile"))
    (script,) = quartus.glob("*.tcl")
    assert re.search(r"SDC_FILE \S*lmu\.sdc", script.read_text())
    # where $readmemh looks for them
    assert roms == {path.name for path in vivado.glob("*.mem")}
    assert roms == {path.name for path in quartus.glob("*.mem")}
