"""Reads during a write of the same word: an X in simulation, no logic in synthesis."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from amaranth.back import rtlil

from lmu_hw._support import yosys
from lmu_hw._support.identifiers import COLLISION_MACRO
from lmu_hw.errors import ToolError
from lmu_hw.rtl import emit
from lmu_hw.rtl.block_memories import Ram, SimulationPlatform
from lmu_hw.rtl.schedule import schedule
from lmu_hw.rtl.streams import Streams
from lmu_hw.verify.backends import bench, cxxrtl, verilator
from lmu_hw.verify.stimulus import Sequences
from tests.factories.builds import edit_file, write_rtl_build
from tests.factories.hardware_programs import ALL
from tests.factories.programs import PROGRAMS
from tests.rtl.bench import cocotb, make, simulate
from tests.tools import require, require_yosys


def test_amaranth_simulates_a_wrong_word() -> None:
    ram = Ram(6, 4)

    async def use(ctx: Any) -> None:
        ctx.set(ram.write, 1)
        ctx.set(ram.write_address, 2)
        for word in (5, 9):
            ctx.set(ram.write_word, word)
            await ctx.tick()
        ctx.set(ram.read_address, 2)
        ctx.set(ram.write_word, 3)
        await ctx.tick()
        # neither the old word nor the new one
        assert ctx.get(ram.read_word) == ~9
        ctx.set(ram.write_address, 1)
        await ctx.tick()
        assert ctx.get(ram.read_word) == 3

    simulate(ram, use)


def test_no_platform_but_simulation_compares_addresses() -> None:
    def text(platform: object) -> str:
        return str(rtlil.convert(Ram(6, 4), platform=platform, emit_src=False))

    assert "$eq" in text(SimulationPlatform())
    assert "$eq" not in text(None)
    assert "$eq" not in text(object())


@pytest.mark.synth
def test_a_block_memory_needs_no_logic(tmp_path: Path) -> None:
    """The RAM as Amaranth gives it to synthesis: one block, and nothing around it."""
    require_yosys()
    (tmp_path / "ram.il").write_text(rtlil.convert(Ram(16, 1024), name="ram", emit_src=False))
    yosys.run(
        "read_rtlil ram.il; synth_ecp5 -noiopad -top ram; select -assert-count 1 t:DP16KD; "
        "select -assert-none t:LUT4 t:TRELLIS_FF",
        tmp_path,
    )


@pytest.mark.parametrize("streams", Streams)
def test_verilog_knows_no_macro_but_its_own(streams: Streams) -> None:
    """What a synthesis tool defines, or does not, changes nothing."""
    program = ALL["lmu_every_3"]
    text = emit(program, schedule(program, 2, state_port=True), streams=streams)["lmu.v"]
    assert re.findall(r"^`\w+.*", text, re.M) == [
        "`default_nettype none",
        f"`ifdef {COLLISION_MACRO}",
        "`endif",
        "`default_nettype wire",
    ]


BENCH = """
module bench;
  reg clk = 0;
  reg [7:0] word = 5;
  wire [7:0] read;
  always #5 clk = ~clk;
  lmu_ram #(.WIDTH(8), .DEPTH(4), .ADDRESS_WIDTH(2)) ram (
    .clk(clk), .read_address(2'd2), .read_word(read),
    .write(1'b1), .write_address(2'd2), .write_word(word)
  );
  initial begin
    repeat (2) @(negedge clk);
    $display("read %h", read);
    $finish;
  end
endmodule
"""


@pytest.mark.sim
@pytest.mark.parametrize(("options", "read"), [([f"-D{COLLISION_MACRO}"], "xx"), ([], "05")])
def test_verilog_simulates_an_x_where_it_is_asked_to(
    options: list[str], read: str, tmp_path: Path
) -> None:
    require("iverilog", "vvp")
    program = PROGRAMS["one_real"]
    (tmp_path / "lmu.v").write_text(emit(program, schedule(program))["lmu.v"])
    (tmp_path / "bench.v").write_text(BENCH)
    build = ["iverilog", "-g2005", *options, "-s", "bench", "-o", "bench.vvp", "bench.v", "lmu.v"]
    subprocess.run(build, cwd=tmp_path, check=True)
    said = subprocess.run(["vvp", "-n", "bench.vvp"], cwd=tmp_path, capture_output=True, text=True)
    assert f"read {read}\n" in said.stdout


@pytest.fixture
def all_collide(tmp_path: Path) -> Path:
    """Return a build directory whose RAMs, where collisions are X, never give a word."""
    build_dir = write_rtl_build(PROGRAMS["one_pair"], tmp_path)
    edit_file(
        build_dir / "rtl/lmu.v", r"if \(write && write_address == read_address\)", "if (1'b1)"
    )
    return build_dir


def played_wrong(play: Callable[[], int]) -> bool:
    """Return whether words differ, or a rule is broken before the first."""
    try:
        return play() > 0
    except ToolError:
        return True


@pytest.mark.sim
def test_both_benches_ask_for_it(all_collide: Path) -> None:
    require("iverilog", "vvp", "make")
    assert make(all_collide).returncode != 0
    assert played_wrong(lambda: cocotb(all_collide).mismatches)


@pytest.mark.sim
@pytest.mark.parametrize(
    ("backend", "asks"), [(verilator, True), pytest.param(cxxrtl, False, marks=pytest.mark.soak)]
)
def test_of_the_compiled_simulators_verilator_does(
    backend: Any, asks: bool, all_collide: Path
) -> None:
    require("c++|g++|clang++")
    require("verilator")
    require_yosys()
    program = PROGRAMS["one_pair"]
    with backend.build(all_collide, program) as library:
        plan, sequences = schedule(program), Sequences(program, 20, 1)
        wrong = played_wrong(lambda: bench.run(library, program, plan, sequences, 1).mismatches)
    assert wrong == asks
