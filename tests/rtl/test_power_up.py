"""Block memories that read as zero at power-up, as on iCE40: a held reset avoids it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from lmu_hw.rtl import emit
from lmu_hw.rtl.schedule import schedule
from lmu_hw.rtl.streams import Streams
from tests.factories.builds import edit_file, write_rtl_build
from tests.factories.hardware_programs import ALL
from tests.rtl.bench import DOCS
from tests.tools import require

COLD = """
  integer cold;
  initial if (!$value$plusargs("cold=%d", cold)) cold = 0;
  always @(posedge clk) if (cold > 0) cold <= cold - 1;
  always @(posedge clk) {0} <= cold > 0 ? {{WIDTH{{1'b0}}}} : """


def cold_build(build_dir: Path, name: str, lanes: int, streams: Streams = Streams.PLAIN) -> Path:
    """Write Verilog whose ROMs and RAMs read as zero in the first +cold=N cycles."""
    write_rtl_build(ALL[name], build_dir, lanes=lanes, streams=streams)
    design = build_dir / "rtl/lmu.v"
    edit_file(design, r"\n  always @\(posedge clk\) word <= ", COLD.format("word"))
    # of the RAM's process the read becomes one of its own
    read = COLD.format("read_word") + r"mem[read_address];\n  always @(posedge clk) begin\n"
    pattern = r"\n  always @\(posedge clk\) begin\n    read_word <= mem\[read_address\];\n"
    edit_file(design, pattern, read)
    return build_dir / "rtl"


def build(rtl: Path) -> None:
    command = ["iverilog", "-g2005", "-s", "tb_lmu", "-o", "bench.vvp", "tb_lmu.v", "lmu.v"]
    subprocess.run(command, cwd=rtl, check=True)


def passes(rtl: Path, *arguments: str) -> bool:
    """Return whether the bench, built before, passes; it says so and by its exit code."""
    done = subprocess.run(
        ["vvp", "-n", "bench.vvp", *arguments], cwd=rtl, capture_output=True, text=True
    )
    assert (done.returncode == 0) == bool(re.search("^PASS", done.stdout, re.M))
    return done.returncode == 0


DESIGNS = [
    # name, lanes, streams, cycles: more than are spent on clearing
    ("mixed", 1, Streams.PLAIN, (12, 24, 48)),
    pytest.param("ladder_channels", 2, Streams.PLAIN, (24, 48), marks=pytest.mark.soak),
    pytest.param("channels", 2, Streams.AXI, (24, 48), marks=pytest.mark.soak),
    pytest.param("lmu", 4, Streams.PLAIN, (24, 48), marks=pytest.mark.soak),
]


@pytest.mark.sim
@pytest.mark.parametrize(("name", "lanes", "streams", "cycles"), DESIGNS)
def test_a_reset_outlasts_cold_memories(
    name: str, lanes: int, streams: Streams, cycles: tuple[int, ...], tmp_path: Path
) -> None:
    """With a source that is always valid: without a reset the words are wrong, or it hangs."""
    require("iverilog", "vvp")
    rtl = cold_build(tmp_path, name, lanes, streams)
    build(rtl)
    assert passes(rtl)
    for cold in cycles:
        assert not passes(rtl, f"+cold={cold}")
        assert passes(rtl, f"+cold={cold}", f"+reset={cold}")
    assert passes(rtl, f"+cold={cycles[-1]}", "+reset=180")


@pytest.mark.sim
def test_reset_of_the_docs(tmp_path: Path) -> None:
    """As it stands there; 2000 cycles are 15 us at 133 MHz."""
    require("iverilog", "vvp")
    rtl = cold_build(tmp_path, "lmu", 4)
    (example,) = re.findall(r"```verilog\n(reg +\[10:0\] since_power_up.*?)```", DOCS, re.S)
    edit_file(rtl / "tb_lmu.v", r"\n  lmu (#\(\S+\) dut)", rf"\n{example}\n  lmu \1")
    edit_file(rtl / "tb_lmu.v", r"\.rst\(rst\)", ".rst(cold || rst)")
    build(rtl)
    assert passes(rtl, "+cold=2000")
    edit_file(rtl / "tb_lmu.v", "11'd1;", "11'd2;")
    build(rtl)
    assert not passes(rtl, "+cold=2000")


@pytest.mark.parametrize("streams", Streams)
def test_header_says_who_needs_a_reset(streams: Streams) -> None:
    text = emit(ALL["mixed"], schedule(ALL["mixed"]), streams=streams)["lmu.v"]
    head = " ".join(text[: text.index("module ")].replace("//", " ").split())
    assert "iCE40 NEEDS A RESET, held for 15 us after configuration" in head
    assert "read as zero" in head
