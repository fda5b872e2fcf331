"""Random configurations of every parallel style against the interpreter; three for a million steps.

A configuration is played by the testbench that it is generated with: words of every signal, with
and without stalls, resets in flight, and with a state port saves, loads and clears of one signal.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lmu_hw.generate import in_format
from lmu_hw.memory.spec import parse
from lmu_hw.program import vectors
from lmu_hw.program.integer_program import Program
from lmu_hw.proof.derive import derive
from lmu_hw.quantize.quantize_memory import quantize_memory
from lmu_hw.rtl.hardware_plan import HardwarePlan, emit, hardware_plan
from lmu_hw.rtl.options import Hardware
from lmu_hw.verify.backends import bench, cxxrtl, icarus
from lmu_hw.verify.stimulus import Sequences
from tests.factories.builds import write_files
from tests.factories.programs import noise_with_silence
from tests.tools import require, require_yosys

Rng = np.random.Generator


def any_full(rng: Rng) -> dict[str, Any]:
    """Return hardware with a multiplier for each coefficient."""
    pipeline = int(rng.integers(1, 7))
    return {"pipeline": pipeline, "interleave": int(rng.integers(1, 2 * pipeline + 1))}


def any_ring(rng: Rng) -> dict[str, Any]:
    """Return hardware whose neighbouring sections share multipliers."""
    pipeline = int(rng.integers(2, 7))
    return {"pipeline": pipeline, "sections_per_multiplier": int(rng.integers(1, 7))}


STYLES: dict[str, Callable[[Rng], dict[str, Any]]] = {"full": any_full, "ring": any_ring}
"""Random options of each style."""
CONFIGURATIONS = 44
"""Of each style."""
STEPS = 60
MILLION = 1_000_000
LONG: dict[str, dict[str, Any]] = {
    "d=7 L=2": {"d": 7, "parallel": "full", "pipeline": 2},
    "d=8 L=5 S=10": {"d": 8, "parallel": "full", "interleave": 10},
    "d=16 K=6": {"d": 16, "parallel": "ring", "sections_per_multiplier": 6},
}


def configuration(style: str, number: int) -> tuple[dict[str, Any], Hardware]:
    """Return the keys of a random memory, and random hardware that can run it."""
    rng = np.random.default_rng([number, *style.encode()])
    order = int(rng.integers(1, 10))
    keys = {
        "d": order,
        "theta": float(rng.choice([order + 2, 4 * order, 9 * order + 0.5])),
        # 5 bits cannot hold every state
        "bits": max(6, int(rng.integers(5, 17))),
        "discretizer": str(rng.choice(["zoh", "bilinear"])),
        "realization": "cascade",
        "output": "state",
    }
    options = STYLES[style](rng)
    if order == 1 and "interleave" in options:
        # its only section has one adaptor
        options["interleave"] = min(options["interleave"], options["pipeline"])
    return keys, Hardware(parallel=style, state_port=bool(rng.integers(2)), **options)


def built(keys: dict[str, Any], hardware: Hardware) -> tuple[Program, HardwarePlan]:
    """Return a program and its plan, without saturation where the certificate proves it useless."""
    program = quantize_memory(parse(keys)).program
    safe = in_format(program, derive(json.loads(program.to_json())))
    return program, hardware_plan(program, hardware, safe)


def write(program: Program, plan: HardwarePlan, build_dir: Path) -> Path:
    """Write what the simulators need; return the directory."""
    write_files(build_dir / "rtl", emit(program, plan))
    return write_files(build_dir, {"program.json": program.to_json()})


def check(style: str, number: int, build_dir: Path, n_steps: int) -> None:
    """Play a configuration in Icarus: every word is the interpreter's."""
    keys, hardware = configuration(style, number)
    program, plan = built(keys, hardware)
    write(program, plan, build_dir)
    expected = vectors.expect(program, noise_with_silence(program, n_steps, number))
    write_files(build_dir / "vectors", vectors.to_files(program, expected))
    scratch = build_dir / "build"
    scratch.mkdir()
    result = icarus.run(build_dir, build_dir / "vectors", scratch, seed=number)
    print(keys, hardware, result)
    assert (result.mismatches, result.first) == (0, None)
    assert result.cycles_per_step == plan.cycles_per_step


@pytest.mark.sim
@pytest.mark.soak
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("number", range(CONFIGURATIONS))
def test_a_random_configuration(style: str, number: int, tmp_path: Path) -> None:
    require("iverilog", "vvp")
    check(style, number, tmp_path, STEPS)


@pytest.mark.sim
@pytest.mark.soak
@pytest.mark.parametrize("name", LONG)
def test_a_million_steps(name: str, tmp_path: Path) -> None:
    """Half of the sequences with stalls of either side, and a reset in flight between two."""
    require("c++|g++|clang++")
    require_yosys()
    keys = dict(LONG[name])
    order = keys.pop("d")
    memory = {"d": order, "bits": 12, "realization": "cascade", "output": "state"}
    program, plan = built(memory, Hardware(**keys))
    sequences = Sequences(program, MILLION, 1, None, plan.interleave)
    with cxxrtl.build(write(program, plan, tmp_path), program) as library:
        result = bench.run(library, program, plan, sequences, 1)
    assert (result.mismatches, result.first) == (0, None)
    assert result.steps >= MILLION
    assert result.cycles_per_step == plan.cycles_per_step
    print(name, result, sequences.silent_steps)


def test_configurations_are_of_every_kind() -> None:
    for style in STYLES:
        found = [configuration(style, number) for number in range(CONFIGURATIONS)]
        assert len({json.dumps(keys) + str(hardware) for keys, hardware in found}) > 40
        assert {keys["d"] for keys, _ in found} == set(range(1, 10))
        assert {hardware.state_port for _, hardware in found} == {False, True}
        assert {keys["discretizer"] for keys, _ in found} == {"zoh", "bilinear"}
