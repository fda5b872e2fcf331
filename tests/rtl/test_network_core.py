"""Feed-forward networks behind a ring or full memory: words, cycles, state, files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Fragment

import lmu_hw as lh
from lmu_hw.errors import ScheduleError, SpecError
from lmu_hw.models.network import Activation, DenseLayer, FloatNetwork, LinearMemory, LMULayer
from lmu_hw.program import vectors
from lmu_hw.program.integer_program import Program
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.rtl.block_memories import SimulationPlatform
from lmu_hw.rtl.hardware_plan import cycles_between_inputs, emit, hardware_plan
from lmu_hw.rtl.networks.network_core import NetworkCore
from lmu_hw.rtl.networks.network_plan import NetworkPlan
from lmu_hw.rtl.options import Hardware
from lmu_hw.verify.backends import bench, cxxrtl
from lmu_hw.verify.stimulus import Sequences
from tests.cli.command import call
from tests.factories.builds import write_files
from tests.factories.feed_forward_programs import feed_forward
from tests.factories.programs import cascade_program, noise_with_silence
from tests.rtl.bench import cocotb, make
from tests.rtl.network_bench import PlayedNetwork
from tests.tools import require, require_yosys

RING = {"parallel": "ring", "sections_per_multiplier": 2, "pipeline": 3}
FULL = {"parallel": "full", "pipeline": 2}
PORT = {"state_port": True}
DESIGNS: dict[str, tuple[Program, dict[str, Any]]] = {
    "ring, pipelined": (feed_forward("pprr", label=True), RING),
    "ring, pipelined, input": (feed_forward("pp", reads_input=True, copies=False), RING | PORT),
    "ring, pipelined readout": (cascade_program(sections="ppr", readout=4), RING),
    "ring, pipelined adders": (feed_forward("ppr", seed=6), RING | {"layers": "adders"}),
    "full, pipelined": (
        feed_forward("rp", reads_input=True, signed_input=False),
        FULL | PORT,
    ),
    "full, pipelined, 3 signals": (
        feed_forward("pr", reads_input=True, seed=7),
        FULL | {"interleave": 3},
    ),
    "ring, lanes": (feed_forward("pprr"), RING | {"layers": "lanes"}),
    "ring, lanes, input": (feed_forward("ppp", reads_input=True), RING | {"lanes": 3} | PORT),
    "ring, raw states": (feed_forward("rpp", copies=False, label=True), RING | {"lanes": 2}),
    "ring, on demand": (feed_forward("ppppp", every=0, reads_input=True), RING | PORT),
    "ring, 10 columns": (feed_forward("pr" * 10, every=3, seed=9), RING | {"lanes": 2}),
    "ring, every 5": (feed_forward("pp", every=5, seed=3), RING | {"lanes": 4}),
    "ring, every 40": (feed_forward("prp", every=40, seed=3), RING | {"lanes": 4}),
    "full, lanes": (feed_forward("ppr", label=True, seed=1), FULL | {"lanes": 4} | PORT),
    "full, lanes, 9 columns": (feed_forward("prprprprp", seed=8), FULL | {"lanes": 4} | PORT),
    "full, on demand": (
        feed_forward("rr", every=0, reads_input=True, signed_input=False, seed=2),
        FULL,
    ),
    "full, every 3": (feed_forward("prp", every=3, copies=False, seed=4), FULL | {"lanes": 2}),
}
QUICK = ("ring, pipelined, input", "full, pipelined, 3 signals", "ring, on demand", "full, every 3")
"""Designs whose emitted files the default suite plays; the others are soaks."""


def every_design() -> list[Any]:
    """Return the names of all designs."""
    return [pytest.param(name, marks=() if name in QUICK else pytest.mark.soak) for name in DESIGNS]


MILLION = 1_000_000
LONG = ("ring, lanes", "ring, pipelined adders", "full, pipelined, 3 signals")
"""Designs that run for a million steps, as three memories do in `test_parallel_soak.py`."""


def plan_of(program: Program, options: dict[str, Any]) -> NetworkPlan:
    """Return the plan of a program."""
    plan = hardware_plan(program, Hardware(**options))
    assert isinstance(plan, NetworkPlan)
    return plan


def due_of(program: Program, n_steps: int) -> np.ndarray:
    """Return which steps have an output; random ones if the caller decides."""
    if program.output_every:
        return Interpreter(program).due(n_steps)
    return np.random.default_rng(n_steps).random(n_steps) < 0.3


@pytest.mark.parametrize("stalls", [0.0, 0.6])
@pytest.mark.parametrize(
    "name", ["full, every 3", pytest.param("ring, on demand", marks=pytest.mark.soak)]
)
def test_words_and_cycles(name: str, stalls: float) -> None:
    """In Amaranth's simulator; with stalls, after a reset in flight."""
    program, options = DESIGNS[name]
    core = NetworkCore(plan_of(program, options))
    u = noise_with_silence(program, 24 if stalls == 0 else 9)
    due = due_of(program, len(u))
    played = PlayedNetwork(core, u, due, stalls, reset_at=97 if stalls else -1)
    given = None if program.output_every else due
    np.testing.assert_array_equal(np.array(played.got), core.model(u, given))
    if not stalls:
        played.check_times()
    every = program.output_every
    if not stalls and every:
        apart = np.diff(np.array(played.taken)[due])
        assert set(apart) == {max(every * core.plan.quiet_cycles, core.plan.cycles_per_output)}
        assert cycles_between_inputs(core.plan) == pytest.approx(apart[0] / every)


def built(name: str, build_dir: Path) -> NetworkPlan:
    """Write the files of a design with its vectors; return its plan."""
    program, options = DESIGNS[name]
    plan = plan_of(program, options)
    write_files(build_dir / "rtl", emit(program, plan))
    write_files(build_dir, {"program.json": program.to_json()})
    expected = vectors.expect(program, noise_with_silence(program, 40))
    write_files(build_dir / "vectors", vectors.to_files(program, expected))
    return plan


@pytest.mark.some(2)
@pytest.mark.parametrize("name", every_design())
def test_the_testbench_of_the_files(name: str, tmp_path: Path) -> None:
    """Words, exact cycles and latency, stalls, resets in flight, the state port."""
    require("iverilog")
    plan = built(name, tmp_path)
    played = make(tmp_path)
    assert played.returncode == 0, played.stdout
    assert f", {plan.cycles_per_step} cycles per step" in played.stdout


@pytest.mark.sim
@pytest.mark.soak
@pytest.mark.parametrize("name", DESIGNS)
def test_the_cocotb_testbench(name: str, tmp_path: Path) -> None:
    require("iverilog", "vvp")
    plan = built(name, tmp_path)
    result = cocotb(tmp_path)
    assert (result.mismatches, result.first) == (0, None)
    assert result.cycles_per_step in (None, plan.cycles_per_step)


@pytest.mark.sim
@pytest.mark.soak
@pytest.mark.parametrize("name", LONG)
def test_a_network_for_a_million_steps(name: str, tmp_path: Path) -> None:
    """Half of the sequences with stalls of either side, and a reset in flight between two."""
    require("c++|g++|clang++")
    require_yosys()
    plan = built(name, tmp_path)
    program = DESIGNS[name][0]
    sequences = Sequences(program, MILLION, 1, None, plan.interleave)
    with cxxrtl.build(tmp_path, program) as library:
        result = bench.run(library, program, plan, sequences, 1)
    assert (result.mismatches, result.first) == (0, None)
    assert result.steps >= MILLION
    assert result.cycles_per_step == plan.cycles_per_step
    print(name, result)


@pytest.mark.parametrize("name", DESIGNS)
def test_formulas(name: str) -> None:
    """The formulas give the published cycles."""
    plan = plan_of(*DESIGNS[name])
    rounded = {"max": max, "ceil": lambda x: int(-(-x // 1))}
    for formula, value in (
        (plan.cycle_formula, plan.cycles_per_step),
        (plan.output_formula, plan.cycles_per_output),
        (plan.latency_formula, plan.latency),
    ):
        terms, _, result = formula.partition(" = ")
        assert eval(terms, dict(rounded)) == int(result) == value
    pipelined = "pipelined" in name
    style = "adders" if "adders" in name else "pipelined" if pipelined else "lanes"
    assert plan.layer_style.value == style
    assert plan.words_per_transfer == (plan.n_out if pipelined else 1)
    if plan.program.output_every != 1 or pipelined:
        assert plan.cycles_per_step == plan.memory.cycles_per_step


def test_a_rare_output_needs_a_small_buffer() -> None:
    """As many steps as are on their way at once, not all that are in the memory."""
    program = feed_forward("p" * 20, every=0)
    plan = plan_of(program, RING)
    steps = plan.latency // plan.memory.cycles_per_step
    assert plan.memory.fifo_depth < steps // 4
    assert plan.memory.fifo_depth * plan.cycles_per_output > plan.latency - plan.layers.latency


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"parallel": "ring", "layers": "pipelined", "lanes": 2},
            SpecError,
            "lanes must be 1 with layers pipelined, not 2",
        ),
        ({"layers": "lanes"}, SpecError, "layers must be left out with parallel shared"),
        (
            {"parallel": "ring", "layers": "rows"},
            SpecError,
            "layers must be lanes, pipelined or adders, not 'rows'",
        ),
        (
            RING | {"layers": "pipelined"},
            ScheduleError,
            "layers must be lanes where an output is not due at every step, not pipelined",
        ),
        (FULL | {"interleave": 2}, ScheduleError, "interleave must be 1 with layers in lanes"),
        (RING | PORT, ScheduleError, "state_port must be left out with parallel ring for outputs"),
    ],
)
def test_options_that_do_not_fit(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        plan_of(feed_forward("p", every=4), options)


def test_options_of_a_memory() -> None:
    """A memory has neither lanes nor layers."""
    memory = cascade_program()
    for options, message in (
        ({"lanes": 2}, "lanes must be 1 with parallel ring for a memory, which has none, not 2"),
        ({"layers": "lanes"}, "layers must be left out for a memory, which has none"),
    ):
        with pytest.raises(ScheduleError, match=message):
            hardware_plan(memory, Hardware(**RING, **options))


def test_a_network_of_the_api() -> None:
    """The d = 16, n = 16 network: an output every 12 cycles, without saturation of its states."""
    rng = np.random.default_rng(2)
    network = FloatNetwork(
        names=("memory", "hidden", "y"),
        layers=(
            LMULayer(memory=LinearMemory(order=16, theta=32), n_in=1),
            DenseLayer(W=rng.normal(size=(16, 16)) / 4, b=np.zeros(16), activation=Activation.RELU),
            DenseLayer(W=rng.normal(size=(1, 16)) / 4, b=np.zeros(1), activation=Activation.LINEAR),
        ),
    )
    design = lh.compile(network, calibration=rng.uniform(-1, 1, (4, 64, 1)))
    plan = design.schedule(Hardware(parallel="ring"))
    assert isinstance(plan, NetworkPlan)
    assert plan.cycles_per_step <= 12
    assert not {"l1_z_outer", "l1_z_inner"} & plan.memory.limited
    core = design.component(Hardware(parallel="ring"))
    assert isinstance(core, NetworkCore)
    # its parts are used
    Fragment.get(core, SimulationPlatform())
    assert core.cycles_per_step == plan.cycles_per_step


def test_a_build_directory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Figures in its files; a faulty design and wrong figures fail its testbench."""
    require("iverilog")
    out = tmp_path / "out"
    memory = ("--d", 3, "--bits", 8, "--output", "memory", "--theta", 8, "--realization", "cascade")
    hardware = ("--parallel", "ring", "--lanes", 2, "--pipeline", 2)
    manifest = call(capsys, "generate", *memory, *hardware, "-o", out, "--json").json
    figures = json.loads((out / "rtl" / "schedule.json").read_text())
    assert manifest["latency"] == figures["latency"]
    assert manifest["cycles_per_step"] == figures["cycles_per_step"] == figures["cycles_per_output"]
    assert (figures["layers"], figures["lanes"]) == ("lanes", 2)
    bench_file, design = out / "rtl" / "tb_lmu.v", out / "rtl" / "lmu.v"
    apart = figures["cycles_per_output"]
    assert make(out).returncode == 0
    for file, old, new in (
        (design, "fetched_part <= part", "fetched_part <= !part"),
        (design, "reserved + ", "reserved - "),
        (bench_file, f"LATENCY         = {figures['latency']}", "LATENCY = 9999"),
        (bench_file, f"CYCLES_APART    = {apart}", f"CYCLES_APART = {apart + 1}"),
        (bench_file, f"CYCLES_APART    = {apart}", f"CYCLES_APART = {apart - 1}"),
    ):
        kept = file.read_text()
        assert old in kept, old
        file.write_text(kept.replace(old, new))
        assert make(out).returncode != 0, old
        file.write_text(kept)
