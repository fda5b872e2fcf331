"""Both benches on designs with AXI4-Stream names and with a state port, and on broken ones."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from lmu_hw.errors import ModelFileError, ToolError
from lmu_hw.measure.synthesis.pin_harness import ports_of
from lmu_hw.program.integer_program import Role
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.rtl import emit
from lmu_hw.rtl.lane_widths import payload_shape
from lmu_hw.rtl.options import Hardware
from lmu_hw.rtl.schedule import schedule
from lmu_hw.rtl.state_port import clear_cycles, load_cycles, save_cycles
from lmu_hw.rtl.streams import Streams
from lmu_hw.verify.backends import icarus
from lmu_hw.verify.load_build import SCHEDULE, hardware_of, plan_of
from tests.cli.command import call
from tests.factories.builds import edit_file, write_rtl_build
from tests.factories.hardware_programs import ALL
from tests.rtl.bench import DOCS, GUIDE, cocotb, make
from tests.tools import require

FORMS = [(Streams.PLAIN, True), (Streams.AXI, False), (Streams.AXI, True)]


@pytest.mark.some(1)
@pytest.mark.sim
@pytest.mark.parametrize(("streams", "state_port"), FORMS)
@pytest.mark.parametrize(
    ("name", "lanes"), [("lmu_on_demand", 2), ("channels", 1), ("ladder_channels", 2)]
)
def test_plain_bench(
    name: str, lanes: int, streams: Streams, state_port: bool, tmp_path: Path
) -> None:
    require("iverilog", "vvp", "make")
    build_dir = write_rtl_build(
        ALL[name], tmp_path, lanes=lanes, streams=streams, state_port=state_port
    )
    done = make(build_dir)
    assert done.returncode == 0, done.stdout + done.stderr
    cycles = schedule(ALL[name], lanes, state_port=state_port).cycles_per_step
    assert re.search(rf"^PASS \d+ words, {cycles} cycles", done.stdout, re.M)
    assert "warning" not in done.stderr


@pytest.mark.sim
@pytest.mark.parametrize(
    ("name", "lanes", "streams", "state_port"),
    [
        ("mixed", 1, Streams.AXI, True),
        pytest.param("order_on_demand", 1, Streams.AXI, False, marks=pytest.mark.soak),
    ],
)
def test_cocotb_bench(
    name: str, lanes: int, streams: Streams, state_port: bool, tmp_path: Path
) -> None:
    require("iverilog", "vvp")
    build_dir = write_rtl_build(
        ALL[name], tmp_path, lanes=lanes, streams=streams, state_port=state_port
    )
    result = cocotb(build_dir)
    assert result.mismatches == 0
    log = (build_dir / "build" / icarus.LOG).read_text()
    assert ("streams_share_the_core" in log) == state_port


@pytest.mark.sim
@pytest.mark.soak
@pytest.mark.parametrize("name", ALL)
def test_every_program(name: str, tmp_path: Path) -> None:
    """In one of the forms, with some number of lanes."""
    require("iverilog", "vvp", "make")
    number = list(ALL).index(name)
    streams, state_port = FORMS[number % len(FORMS)]
    lanes = (16, 8, 4, 3, 2, 1)[number % 6]
    build_dir = write_rtl_build(
        ALL[name], tmp_path, lanes=lanes, streams=streams, state_port=state_port
    )
    assert make(build_dir).returncode == 0
    assert cocotb(build_dir).mismatches == 0


BREAKS = {
    "reset of the wrong sign": (r"\.rst\(!aresetn\)", ".rst(aresetn)"),
    "zeros above a negative word": (r"\{\{6\{o_data\[9\]\}\}", "{{6{1'b0}}"),
    "bits above a word taken": (
        r"\.i_data\(s_axis_tdata\[9:0\]\)",
        ".i_data(s_axis_tdata[10:1])",
    ),
    "no tlast": (r"m_axis_tlast\)", ")"),
    "the wrong copy saved": (r"following_has_two && swap", "following_has_two && !swap"),
    "no clear": (r"erase = ready", "erase = 1'b0"),
    "one word too few": (r"segment == 3'd4\);", "segment == 3'd3);"),
}


@pytest.mark.some(2)
@pytest.mark.sim
@pytest.mark.parametrize("what", BREAKS)
def test_plain_bench_fails_a_broken_design(what: str, tmp_path: Path) -> None:
    require("iverilog", "vvp", "make")
    build_dir = write_rtl_build(
        ALL["lmu_every_3"], tmp_path, lanes=2, streams=Streams.AXI, state_port=True, n_steps=21
    )
    edit_file(build_dir / "rtl/lmu.v", *BREAKS[what])
    done = make(build_dir)
    assert done.returncode != 0
    assert re.search("^FAIL", done.stdout, re.M), done.stdout


ONLY_SHARING_SHOWS = {
    "no mirror loaded": ("network", r"to_lanes = loads", "to_lanes = erase"),
}


@pytest.mark.soak
@pytest.mark.sim
@pytest.mark.parametrize("what", ONLY_SHARING_SHOWS)
def test_cocotb_bench_sees_what_only_sharing_shows(what: str, tmp_path: Path) -> None:
    require("iverilog", "vvp")
    name, *change = ONLY_SHARING_SHOWS[what]
    build_dir = write_rtl_build(ALL[name], tmp_path, lanes=8, state_port=True, n_steps=12)
    edit_file(build_dir / "rtl/lmu.v", *change)
    with pytest.raises(ToolError, match="Icarus simulation failed"):
        cocotb(build_dir)


@pytest.mark.sim
def test_verify_and_make_of_a_build_directory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    require("iverilog", "vvp", "make")
    out = tmp_path / "out"
    made = call(
        capsys,
        *("generate", "--d", 6, "--output", "state", "-o", out, "--json"),
        *("--streams", "axi", "--state-port", "--lanes", 2),
    ).json
    assert made["hardware"] == {"lanes": 2, "streams": "axi", "state_port": True}
    said = call(capsys, "verify", out, "--steps", 12, "--backends", "icarus", "--json")
    assert said.code == 0
    assert said.json["backends"]["icarus"]["mismatches"] == 0
    assert make(out).returncode == 0


def test_ports_have_the_names_of_axi4_stream() -> None:
    program = ALL["lmu_on_demand"]
    plan = schedule(program, 2, state_port=True)
    text = emit(program, plan, streams=Streams.AXI)["lmu.v"]
    top = re.search(r"^module lmu #\(.*?\n\) \(\n(.*?)\n\);", text, re.M | re.S)
    assert top is not None
    ports = re.findall(r"(input|output) +wire (?:\[(\d+):0\] )?(\w+)", top[1])
    streams = {
        "s_axis": (True, 16, True),
        "m_axis": (False, 16, True),
        "s_axis_state_command": (True, 8, False),
        "s_axis_state": (True, 24, False),
        "m_axis_state": (False, 24, True),
    }
    expected = {("input", "", "aclk"), ("input", "", "aresetn")}
    for name, (is_input, width, last) in streams.items():
        there, back = ("input", "output") if is_input else ("output", "input")
        expected |= {(there, str(width - 1), f"{name}_tdata"), (there, "", f"{name}_tvalid")}
        expected |= {(back, "", f"{name}_tready")}
        expected |= {(there, "", f"{name}_tlast")} if last else set()
    assert set(ports) == expected
    assert "module lmu_core #(" in text


@pytest.mark.parametrize("streams", Streams)
def test_ports_have_names_that_vhdl_takes(streams: Streams) -> None:
    program = ALL["lmu_on_demand"]
    text = emit(program, schedule(program, 2, state_port=True), streams=streams)["lmu.v"]
    ports = [port.name for port in ports_of(text, "lmu")]
    assert len(ports) == 20
    assert all(re.fullmatch(r"[a-z](_?[a-z0-9])*", name) for name in ports)
    if streams is Streams.PLAIN:
        words = {f"{name}_data" for name in ("i", "o", "state_command", "state_i", "state_o")}
        assert words < set(ports)
        assert {name for name in ports if name.endswith("_last")} == {
            "i_last",
            "o_last",
            "state_o_last",
        }


def test_only_a_sequence_that_ends_on_demand_has_a_tlast_in() -> None:
    program = ALL["lmu"]
    text = emit(program, schedule(program), streams=Streams.AXI)["lmu.v"]
    assert "s_axis_tlast" not in text
    assert "s_axis has no tlast" in text


def test_without_the_options_nothing_of_them_is_there() -> None:
    program = ALL["lmu_every_3"]
    text = emit(program, schedule(program, 2))["lmu.v"]
    assert "axi" not in text
    assert "state_command" not in text
    assert "erase" not in text


@pytest.mark.parametrize("streams", Streams)
def test_header_specifies_the_state_port(streams: Streams) -> None:
    program = ALL["lmu_every_3"]
    plan = schedule(program, 2, state_port=True)
    text = emit(program, plan, streams=streams)["lmu.v"]
    head = text[: text.index("module ")]
    assert f"State port: {program.n_words(Role.STATE)} words" in head
    for command in ("1 CLEAR", "2 SAVE", "3 LOAD"):
        assert re.search(rf"{command} .*; \d+ cycles", head)


@pytest.mark.parametrize(
    "change",
    [{"streams": "spi"}, {"state_port": "yes"}, {"lanes": 65}, {"streams": None}],
)
def test_a_damaged_schedule(change: dict[str, object], tmp_path: Path) -> None:
    program = ALL["mixed"]
    build_dir = write_rtl_build(program, tmp_path, state_port=True, streams=Streams.AXI)
    assert hardware_of(build_dir) == Hardware(streams=Streams.AXI, state_port=True)
    assert plan_of(build_dir, program) == schedule(program, state_port=True)
    path = build_dir / SCHEDULE
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ModelFileError, match=r"is damaged: .*; generate the build directory"):
        plan_of(build_dir, program)


def test_a_schedule_that_says_nothing_of_the_ports(tmp_path: Path) -> None:
    build_dir = write_rtl_build(ALL["mixed"], tmp_path)
    (build_dir / SCHEDULE).write_text('{"lanes": 2}')
    assert hardware_of(build_dir) == Hardware(lanes=2)


@pytest.mark.parametrize("content", [None, "{", "[]", '{"lanes": 0}'])
def test_a_schedule_that_is_missing_or_damaged(content: str | None, tmp_path: Path) -> None:
    (tmp_path / "rtl").mkdir()
    if content is not None:
        (tmp_path / SCHEDULE).write_text(content)
    with pytest.raises(ModelFileError, match=r"schedule\.json"):
        hardware_of(tmp_path)


def test_docs_give_the_cycles_of_commands() -> None:
    rate, first = save_cycles(2) - save_cycles(1), 2 * save_cycles(1) - save_cycles(2)
    assert f"marked | {rate} N + {first} |" in DOCS
    assert f"`state_i` | N + {load_cycles(0)} |" in DOCS
    assert f"| `cycles_after_reset` + {clear_cycles(0)} |" in DOCS


@pytest.mark.sim
def test_example_of_sharing_in_the_docs(tmp_path: Path) -> None:
    """The Verilog of the docs as it stands there, but for the size of the state."""
    require("iverilog", "vvp")
    program = ALL["one_pair"]
    build_dir = write_rtl_build(program, tmp_path, state_port=True)
    blocks = re.findall(r"```verilog\n(.*?)```", GUIDE, re.S)
    (instance,) = (b[b.index("lmu memory (") :] for b in blocks if ".state_command_data" in b)
    (example,) = (b for b in blocks if "asked" in b)
    width = payload_shape(program.with_role(Role.STATE)).width
    n_state = program.n_words(Role.STATE)
    example, n = re.subn(r"N = \d+;", f"N = {n_state};", example, count=1)
    example, m = re.subn(r"WIDTH = \d+;", f"WIDTH = {width};", example, count=1)
    assert (n, m) == (1, 1)
    rng = np.random.default_rng(0)
    order = rng.integers(0, 3, 40)
    inputs = rng.integers(-128, 128, (len(order), 1))
    models = [Interpreter(program) for _ in range(3)]
    expected = [models[k].run(u[None, None])[0, 0] for k, u in zip(order, inputs, strict=True)]
    steps = "".join(
        f"    step({stream}, {following}, {word});\n"
        for stream, following, word in zip(order, [*order[1:], order[0]], inputs[:, 0], strict=True)
    )
    bench = f"""
module bench;
  reg clk = 0, rst = 0, swap = 0, sample_valid = 0;
  reg signed [7:0] sample = 0;
  wire signed [{payload_shape(program.with_role(Role.OUTPUT)).width - 1}:0] word;
  wire sample_ready, word_valid, word_last, save_last;
  always #5 clk = ~clk;
{example}
{instance}
  always @(posedge clk) if (word_valid) $display("word %0d", word);
  task step(input [7:0] stream, input [7:0] following, input signed [7:0] u);
    begin
      sample = u;
      sample_valid = 1;
      #1;
      while (!sample_ready) begin @(negedge clk); #1; end
      @(negedge clk);
      sample_valid = 0;
      from = stream;
      to = following;
      swap = 1;
      @(negedge clk);
      swap = 0;
      while (asked != 0) @(negedge clk);
    end
  endtask
  integer k;
  initial begin
    for (k = 0; k < 256 * N; k = k + 1) states[k] = 0;
    @(negedge clk);
{steps}    repeat (2000) @(negedge clk);
    $finish;
  end
endmodule
"""
    (tmp_path / "bench.v").write_text(bench)
    build = ["iverilog", "-g2005", "-s", "bench", "-o", "bench.vvp", "bench.v", "rtl/lmu.v"]
    subprocess.run(build, cwd=tmp_path, check=True)
    for rom in (build_dir / "rtl").glob("*.mem"):
        (tmp_path / rom.name).write_bytes(rom.read_bytes())
    said = subprocess.run(
        ["vvp", "-n", "bench.vvp"], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    words = [int(w) for w in re.findall(r"^word (-?\d+)", said.stdout, re.M)]
    assert words == np.concatenate(expected).tolist()
