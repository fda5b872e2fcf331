"""Kit ``cocotb``: the bench runs, and finds a wrong word and a wrong core."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from lmu_hw.kits.cocotb_bench import COCOTB
from lmu_hw.rtl.options import Hardware
from lmu_hw.rtl.streams import Streams
from tests.factories.builds import edit_file
from tests.factories.hardware_programs import ALL
from tests.factories.kit_cores import core_design
from tests.factories.kit_designs import write_kit
from tests.kits.readme import damage, follow
from tests.tools import require, search_path

pytestmark = [pytest.mark.kits, pytest.mark.sim]


def written(name: str, hardware: Hardware, place: Path) -> Path:
    require("iverilog", "vvp")
    return write_kit(COCOTB, core_design(ALL[name], hardware, n_steps=24), place)


@pytest.mark.parametrize(
    ("name", "hardware"),
    [
        ("network", Hardware()),
        ("wide", Hardware(streams=Streams.AXI)),
        ("order_on_demand", Hardware()),
        ("order_on_demand", Hardware(streams=Streams.AXI, state_port=True)),
        ("lmu_every_3", Hardware(state_port=True)),
    ],
)
def test_the_readme(name: str, hardware: Hardware, tmp_path: Path) -> None:
    done = follow(written(name, hardware, tmp_path), PATH=search_path())
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def fails(kit_dir: Path) -> bool:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "test_lmu.py"]
    done = subprocess.run(command, cwd=kit_dir, capture_output=True, text=True, check=False)
    return done.returncode == 1 and "1 failed" in done.stdout


def test_a_damaged_vector_and_a_damaged_core(tmp_path: Path) -> None:
    kit_dir = written("readout", Hardware(), tmp_path)
    right = (kit_dir / "vectors" / "output.hex").read_text()
    damage(kit_dir / "vectors" / "output.hex", r"\A(?:[0-9a-f]+\n){40}")
    assert fails(kit_dir)
    (kit_dir / "vectors" / "output.hex").write_text(right)
    edit_file(kit_dir / "lmu.v", r"o_last <= is_last", "o_last <= !is_last")
    assert fails(kit_dir)
    # one that has no output
    edit_file(kit_dir / "lmu.v", r"o_last <= !is_last", "o_last <= is_last")
    edit_file(kit_dir / "lmu.v", r"\.valid\(i_valid\)", ".valid(1'b0)")
    assert fails(kit_dir)


@pytest.mark.parametrize("streams", Streams)
def test_a_test_of_ones_own(streams: Streams, tmp_path: Path) -> None:
    """The example of the README, in place of the bench's tests."""
    kit_dir = written("wide", Hardware(streams=streams), tmp_path)
    (example,) = re.findall(r"```python\n(.*?)```", (kit_dir / "README.md").read_text(), re.DOTALL)
    (kit_dir / "own.py").write_text(example)
    edit_file(kit_dir / "test_lmu.py", "lmu_bench", "own")
    edit_file(kit_dir / "test_lmu.py", "n_tests == 3", "n_tests == 1")
    command = [sys.executable, "-m", "pytest", "-s", "test_lmu.py"]
    done = subprocess.run(command, cwd=kit_dir, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (printed,) = re.findall(r"^\[[-\d, ]+\]$", done.stdout, re.MULTILINE)
    assert len(printed.split(",")) == 7
