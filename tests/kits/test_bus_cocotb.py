"""Both bus slaves in Icarus, driven by cocotb: every word, under stalls, and every error."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.kits.bus_designs import DESIGNS, write
from tests.tools import needs

pytestmark = [pytest.mark.kits, pytest.mark.sim]
tools = needs("iverilog", "vvp")


def simulate(build: Path, bus: str, work: Path) -> str:
    """Run the bench on a bus of a build directory; return what failed, empty if nothing."""
    program = [sys.executable, "-m", "tests.kits.bus_runner", build, bus, work]
    line = [str(part) for part in program]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout[-4000:] + done.stderr[-4000:]


@pytest.fixture(scope="module", params=DESIGNS)
def build(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(request.param, tmp_path_factory.mktemp("b") / "build").parent


@pytest.mark.parametrize("bus", ["axil", "wb"])
def test_every_word_and_every_error(build: Path, bus: str, tmp_path: Path) -> None:
    pytest.importorskip("cocotbext.axi")
    failed = simulate(build, bus, tmp_path)
    assert not failed, failed


FAULTS = {
    # file, text, what is wrong, bus
    "a pair is swapped": (
        "registers",
        "second_in  <= write_data[31:16]",
        "second_in  <= write_data[15:0]",
    ),
    "room is counted one too high": (
        "registers",
        "assign status_in_room         = in_room != 0",
        "assign status_in_room         = 1'b1",
    ),
    "underrun is not told": ("registers", "out_missed ||", "1'b0 &&"),
    "strobes are ignored": (
        "registers",
        "|write_strobe && writable && covered",
        "|write_strobe && writable",
    ),
    "SAVE is another step's": (
        "registers",
        "saved_step <= step_count",
        "saved_step <= step_count + 1",
    ),
    "the FIFO repeats a word": ("bus_fifo", "memory[next]", "memory[read_at]"),
    "an event is never cleared": ("registers", "(kept & ~cleared)", "kept"),
    "irq ignores a mask": ("registers", "irq_enable_done,", "1'b1,"),
    "answers twice": ("axil", "!s_axi_awready && s_axi_awvalid", "s_axi_awvalid"),
    "an error is not told": ("axil", "{write_error, 1'b0}", "2'b00"),
}


@pytest.fixture(scope="module")
def taps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write("taps", tmp_path_factory.mktemp("b") / "build").parent


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_slave_fails(taps: Path, fault: str, tmp_path: Path) -> None:
    pytest.importorskip("cocotbext.axi")
    file, old, new = FAULTS[fault]
    broken = Path(shutil.copytree(taps, tmp_path / "build"))
    path = broken / "bus" / f"lmu_{file}.v"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    assert re.search(r"FAIL=[1-9]", simulate(broken, "axil", tmp_path))
