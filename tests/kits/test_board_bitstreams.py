"""Kits for boards: the README to the letter, which simulates the board and makes its bitstream."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import lmu_hw as lh
from lmu_hw.kits.board_top import BOARDS, FpgaBoard
from tests.kits.readme import follow
from tests.tools import require, require_yosys, search_path

MULTIPLIERS = {"icebreaker": "ICESTORM_DSP", "ulx3s": "MULT18X18D", "tangnano9k": "MULT18X18"}


@pytest.mark.kits
@pytest.mark.synth
@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.kit)
def test_the_readme(board: FpgaBoard, tmp_path: Path) -> None:
    require("make", "iverilog", "vvp", board.placer, board.packer)
    require_yosys()
    design = lh.compile(lh.Memory(8, theta=64), bits=16, output="taps=0,0.5,1")
    design.write(tmp_path / "out", kits=board.kit)
    # the kit alone
    kit_dir = (tmp_path / "out" / board.kit).rename(tmp_path / "kit")
    done = follow(kit_dir, PATH=search_path())
    assert done.returncode == 0, done.stdout + done.stderr
    assert "64 steps, 192 output words, equal to those expected" in done.stderr

    assert (kit_dir / "build" / board.bitstream).stat().st_size > 10_000
    report = json.loads((kit_dir / "build" / "report.json").read_text())
    (clock,) = report["fmax"].values()
    assert clock["achieved"] > board.mhz
    assert report["utilization"][MULTIPLIERS[board.kit]]["used"] > 0
    print(clock, {name: cell["used"] for name, cell in report["utilization"].items()})
