"""Both benches on designs with AXI4-Stream names and with a state port, and on broken ones."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from lmu_hw.errors import ModelFileError, ToolError
from lmu_hw.executors import icarus
from lmu_hw.hardware import Hardware
from lmu_hw.program import Role
from lmu_hw.rtl import emit
from lmu_hw.schedule import schedule
from lmu_hw.streams import Streams
from tests.command import call
from tests.rtl.bench import ALL, write_folder
from tests.rtl.test_icarus import cocotb, edit, make
from tests.tools import require

FORMS = [(Streams.PLAIN, True), (Streams.AXI, False), (Streams.AXI, True)]


@pytest.mark.sim
@pytest.mark.parametrize(("streams", "state_port"), FORMS)
@pytest.mark.parametrize(("name", "lanes"), [("lmu_on_demand", 2), ("channels", 1)])
def test_plain_bench(
    name: str, lanes: int, streams: Streams, state_port: bool, tmp_path: Path
) -> None:
    require("iverilog", "vvp", "make")
    folder = write_folder(ALL[name], tmp_path, lanes=lanes, streams=streams, state_port=state_port)
    done = make(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    cycles = schedule(ALL[name], lanes, state_port=state_port).cycles_per_step
    assert re.search(rf"^PASS \d+ words, {cycles} cycles", done.stdout, re.M)
    assert "warning" not in done.stderr


@pytest.mark.sim
@pytest.mark.parametrize(
    ("name", "lanes", "streams", "state_port"),
    [
        ("mixed", 1, Streams.AXI, True),
        ("order_on_demand", 1, Streams.AXI, False),
    ],
)
def test_cocotb_bench(
    name: str, lanes: int, streams: Streams, state_port: bool, tmp_path: Path
) -> None:
    require("iverilog", "vvp")
    folder = write_folder(ALL[name], tmp_path, lanes=lanes, streams=streams, state_port=state_port)
    result = cocotb(folder)
    assert result.mismatches == 0
    log = (folder / "build" / icarus.LOG).read_text()
    assert ("streams_share_the_core" in log) == state_port


@pytest.mark.sim
@pytest.mark.soak
@pytest.mark.parametrize(("streams", "state_port"), FORMS)
@pytest.mark.parametrize("name", ALL)
def test_every_program_in_every_form(
    name: str, streams: Streams, state_port: bool, tmp_path: Path
) -> None:
    require("iverilog", "vvp", "make")
    lanes = (1, 2, 3, 4, 8, 16)[list(ALL).index(name) % 6]
    folder = write_folder(ALL[name], tmp_path, lanes=lanes, streams=streams, state_port=state_port)
    assert make(folder).returncode == 0
    assert cocotb(folder).mismatches == 0


BREAKS = {
    "reset of the wrong sign": (r"\.rst\(!aresetn\)", ".rst(aresetn)"),
    "zeros above a negative word": (r"\{\{6\{o__payload\[9\]\}\}", "{{6{1'b0}}"),
    "bits above a word taken": (
        r"\.i__payload\(s_axis_tdata\[9:0\]\)",
        ".i__payload(s_axis_tdata[10:1])",
    ),
    "no tlast": (r"m_axis_tlast\)", ")"),
    "the wrong copy saved": (r"following_has_two && swap", "following_has_two && !swap"),
    "no clear": (r"assign erase = ready", "assign erase = 1'b0"),
    "one word too few": (r"segment == 3'd4\);", "segment == 3'd3);"),
}


@pytest.mark.sim
@pytest.mark.parametrize("what", BREAKS)
def test_plain_bench_fails_a_broken_design(what: str, tmp_path: Path) -> None:
    require("iverilog", "vvp", "make")
    folder = write_folder(
        ALL["lmu_every_3"], tmp_path, lanes=2, streams=Streams.AXI, state_port=True, n_steps=21
    )
    edit(folder / "rtl/lmu.v", *BREAKS[what])
    done = make(folder)
    assert done.returncode != 0
    assert re.search("^FAIL", done.stdout, re.M), done.stdout


ONLY_SHARING_SHOWS = {
    "no mirror loaded": ("network", r"assign to_lanes = loads", "assign to_lanes = erase"),
}


@pytest.mark.sim
@pytest.mark.parametrize("what", ONLY_SHARING_SHOWS)
def test_cocotb_bench_sees_what_only_sharing_shows(what: str, tmp_path: Path) -> None:
    require("iverilog", "vvp")
    name, *change = ONLY_SHARING_SHOWS[what]
    folder = write_folder(ALL[name], tmp_path, lanes=8, state_port=True, n_steps=12)
    edit(folder / "rtl/lmu.v", *change)
    with pytest.raises(ToolError, match="Icarus simulation failed"):
        cocotb(folder)


@pytest.mark.sim
def test_verify_and_make_of_a_generated_folder(
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
    said = call(capsys, "verify", out, "--steps", 12, "--executors", "icarus", "--json")
    assert said.code == 0
    assert said.json["executors"]["icarus"]["mismatches"] == 0
    assert make(out).returncode == 0


def test_ports_have_the_names_of_axi4_stream() -> None:
    program = ALL["lmu_on_demand"]
    plan = schedule(program, 2, state_port=True)
    text = emit(program, plan, streams=Streams.AXI)["lmu.v"]
    top = re.search(r"^module lmu \(\n(.*?)\n\);", text, re.M | re.S)
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
    assert "module lmu_core (" in text


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
    folder = write_folder(program, tmp_path, state_port=True, streams=Streams.AXI)
    assert icarus.hardware_of(folder) == Hardware(streams=Streams.AXI, state_port=True)
    assert icarus.plan_of(folder, program) == schedule(program, state_port=True)
    path = folder / icarus.SCHEDULE
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ModelFileError, match=r"is damaged: .*; generate the folder again"):
        icarus.plan_of(folder, program)


def test_a_schedule_that_says_nothing_of_the_ports(tmp_path: Path) -> None:
    folder = write_folder(ALL["mixed"], tmp_path)
    (folder / icarus.SCHEDULE).write_text('{"lanes": 2}')
    assert icarus.hardware_of(folder) == Hardware(lanes=2)
