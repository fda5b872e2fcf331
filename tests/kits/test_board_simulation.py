"""Kits for boards, simulated as a whole: the real top, the real script, and a serial line."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lmu_hw.kits.board_top import BOARDS, ICEBREAKER, FpgaBoard
from lmu_hw.kits.catalogue import KITS
from lmu_hw.kits.kit import KitDesign
from lmu_hw.rtl.options import Hardware
from lmu_hw.rtl.streams import Streams
from tests.factories.builds import edit_file
from tests.factories.hardware_programs import ALL
from tests.factories.kit_cores import core_design
from tests.factories.kit_designs import write_kit
from tests.kits.readme import damage
from tests.tools import require, succeed

HERE = Path(__file__).parent
FAST = 4
"""Clocks of a bit: fewer than on a board, so that a simulation is short."""
COLD = 15e-6
"""Time in which the block RAMs of an iCE40 read as zero [s]."""
PASSED = re.compile(r"equal to those expected; [\d.]+ s(?:, (\d+) frames sent again)?$", re.M)


def simulate(kit_dir: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the simulation of a kit."""
    require("iverilog", "vvp")
    command = [sys.executable, "sim.py", *map(str, arguments)]
    return subprocess.run(command, cwd=kit_dir, capture_output=True, text=True, check=False)


def passes(kit_dir: Path, *arguments: object) -> bool:
    """Return whether the script found all words right; its exit code says the same."""
    done = simulate(kit_dir, *arguments)
    passed = PASSED.search(done.stderr) is not None
    assert passed == (done.returncode == 0), done.stdout + done.stderr
    if not passed:
        assert re.search(r"^stream.py: .*$", done.stderr, re.M), done.stdout + done.stderr
    return passed


def written(board: FpgaBoard, design: KitDesign, place: Path) -> Path:
    return write_kit(KITS[board.kit], design, place)


def make_cold(kit_dir: Path, clocks: int) -> None:
    """Let the ROMs and RAMs read as zero in the first clocks."""
    design = kit_dir / "lmu.v"
    cold = f"""
  integer cold = {clocks};
  always @(posedge clk) if (cold > 0) cold <= cold - 1;
  always @(posedge clk) {{0}} <= cold > 0 ? {{{{WIDTH{{{{1'b0}}}}}}}} : """
    edit_file(design, r"\n  always @\(posedge clk\) word <= ", cold.format("word"))
    read = cold.format("read_word") + r"mem[read_address];\n  always @(posedge clk) begin\n"
    pattern = r"\n  always @\(posedge clk\) begin\n    read_word <= mem\[read_address\];\n"
    edit_file(design, pattern, read)


def fast(board: FpgaBoard) -> tuple[str, str]:
    return "--baud", str(board.clock_hz // FAST)


@pytest.mark.sim
def test_vectors_through_a_board_with_cold_roms(tmp_path: Path) -> None:
    kit_dir = written(ICEBREAKER, core_design(ALL["readout"], n_steps=12), tmp_path)
    make_cold(kit_dir, round(COLD * ICEBREAKER.clock_hz))
    assert passes(kit_dir, *fast(ICEBREAKER))
    damage(kit_dir / "vectors" / "output.hex", r"\A(?:[0-9a-f]+\n){20}")
    assert not passes(kit_dir, *fast(ICEBREAKER))


@pytest.mark.kits
@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.kit)
def test_192_words_at_a_baud_rate_of_a_million(board: FpgaBoard, tmp_path: Path) -> None:
    design = core_design(ALL["wide"])
    kit_dir = written(board, design, tmp_path)
    make_cold(kit_dir, round(COLD * board.clock_hz))
    assert passes(kit_dir)
    damage(kit_dir / "vectors" / "output.hex", r"\A(?:[0-9a-f]+\n){191}")
    assert not passes(kit_dir)


@pytest.mark.kits
def test_a_board_without_a_power_on_reset_fails(tmp_path: Path) -> None:
    kit_dir = written(ICEBREAKER, core_design(ALL["readout"], n_steps=12), tmp_path)
    make_cold(kit_dir, round(COLD * ICEBREAKER.clock_hz))
    edit_file(kit_dir / "top.v", r"since_power_up = 0;", "since_power_up = 2047;")
    edit_file(kit_dir / "sim.py", r"POWER_UP_CLOCKS = 2100", "POWER_UP_CLOCKS = 4")
    # the first step is made before the ROMs hold what they should
    edit_file(kit_dir / "lmu.v", r"integer cold = \d+", "integer cold = 100000")
    assert not passes(kit_dir, *fast(ICEBREAKER), "--timeout", "3")


VARIANTS = [
    # several words a step and an output, one format narrower than the port
    ("network", Hardware(), 40),
    ("lmu_every_3", Hardware(), 40),
    ("order_every_2", Hardware(streams=Streams.AXI), 41),
    ("order_on_demand", Hardware(), 7),
    ("stack_on_demand", Hardware(streams=Streams.AXI), 7),
    ("channels", Hardware(lanes=2, state_port=True), 40),
    # more bytes of outputs than fit into a frame, and three bytes a word
    ("wide", Hardware(), 120),
]


@pytest.mark.parametrize(
    ("name", "hardware"),
    [
        VARIANTS[0][:2],
        *(pytest.param(*variant[:2], marks=pytest.mark.kits) for variant in VARIANTS[1:4]),
    ],
)
def test_lint(name: str, hardware: Hardware, tmp_path: Path) -> None:
    require("verilator")
    design = core_design(ALL[name], hardware, n_steps=2)
    kit_dir = written(ICEBREAKER, design, tmp_path)
    # a file holds both halves of the UART, and a word has more bits in a frame than on a port
    allowed = ("-Wno-DECLFILENAME", "-Wno-UNUSEDSIGNAL", "-Wno-PINCONNECTEMPTY")
    sources = ("top.v", "frames.v", "uart.v", "lmu.v")
    command = ("verilator", "--lint-only", "-Wall", *allowed, "--top-module", "top", *sources)
    assert succeed(*command, cwd=kit_dir) == ""


@pytest.mark.kits
@pytest.mark.parametrize(("name", "hardware", "n_steps"), VARIANTS)
def test_kinds_of_designs(name: str, hardware: Hardware, n_steps: int, tmp_path: Path) -> None:
    kit_dir = written(ICEBREAKER, core_design(ALL[name], hardware, n_steps), tmp_path)
    assert passes(kit_dir, *fast(ICEBREAKER))


@pytest.mark.kits
@pytest.mark.parametrize(
    ("faults", "again"),
    [
        # in the frames that identify, reset and carry words
        (">-3,>-30", 2),
        (">~2,>~12,>~40", 3),
        (">+17,>+50", 2),
        # in the answers: the words went to the core, and must not go there twice
        ("<-3,<~30", 2),
        ("<~60,<-100", 2),
        ("<+30,>-60,<-120", 3),
    ],
)
def test_lost_damaged_and_added_bytes(faults: str, again: int, tmp_path: Path) -> None:
    design = core_design(ALL["readout"], n_steps=24)
    kit_dir = written(ICEBREAKER, design, tmp_path)
    # six frames of four steps
    edit_file(kit_dir / "stream.py", "MAX_IN, MAX_OUT = 512, 512", "MAX_IN, MAX_OUT = 24, 24")
    baud = fast(ICEBREAKER)
    line = [sys.executable, HERE / "noisy_line.py", "PORT", faults]
    script = [sys.executable, "stream.py", "--port", "LINE", *baud, "--timeout", "4"]
    done = simulate(kit_dir, *baud, "--", *line, *script)
    said = PASSED.search(done.stderr)
    assert done.returncode == 0, done.stdout + done.stderr
    assert said is not None
    # a busy machine may be too slow for an answer, which is then sent once more
    assert int(said[1]) >= again


@pytest.mark.kits
def test_levels_that_are_no_bytes(tmp_path: Path) -> None:
    require("iverilog", "vvp")
    kit_dir = written(ICEBREAKER, core_design(ALL["wide"], n_steps=4), tmp_path)
    code = "import sim, sys; sys.exit(not sim.simulate(1_000_000, 'line_faults'))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=kit_dir,
        env={**os.environ, "PYTHONPATH": f"{kit_dir}{os.pathsep}{HERE}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.kits
def test_the_board_holds_another_design(tmp_path: Path) -> None:
    kit_dir = written(ICEBREAKER, core_design(ALL["readout"], n_steps=12), tmp_path)
    edit_file(kit_dir / "stream.py", r'fromhex\("..', 'fromhex("00')
    done = simulate(kit_dir, *fast(ICEBREAKER))
    assert done.returncode == 1
    assert re.search(r"^stream.py: the board holds the program \w+, not 00", done.stderr, re.M)
