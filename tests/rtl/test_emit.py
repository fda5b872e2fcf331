"""The emitted text: the same every time, complete, readable, cheap where ROMs are large."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from lmu_hw.memory.spec import parse
from lmu_hw.quantize.quantize_memory import quantize_memory
from lmu_hw.rtl import emit
from lmu_hw.rtl.schedule import schedule
from lmu_hw.rtl.sequencer import control_contents
from lmu_hw.rtl.verilog import rtlil
from tests.factories.network_programs import NETWORKS
from tests.factories.programs import PROGRAMS, dense_program


def test_the_same_program_gives_the_same_bytes() -> None:
    program = PROGRAMS["mixed"]
    first = emit(program, schedule(program), version="1.0")
    assert first == emit(program, schedule(program), version="1.0")
    names = ["Makefile", "lmu.f", "lmu.v", "lmu.vlt", "lmu_control.mem", "lmu_roms.txt"]
    assert sorted(first) == [*names, "lmu_sections.mem", "schedule.json", "tb_lmu.v"]


def test_a_network_has_a_file_for_each_rom() -> None:
    program = NETWORKS["lmu"]
    files = emit(program, schedule(program, 4))
    roms = {name.removeprefix("lmu_").removesuffix(".mem") for name in files if ".mem" in name}
    assert roms == {"control", "params", "pieces", "sections", "weights"}


@pytest.mark.parametrize(("name", "lanes"), [("mixed", 1), ("lmu_every_3", 4)])
def test_header_says_what_it_is(name: str, lanes: int) -> None:
    program = {**PROGRAMS, **NETWORKS}[name]
    plan = schedule(program, lanes)
    text = emit(program, plan, version="1.0")["lmu.v"]
    head = text[: text.index("module ")]
    assert f"lmu-hw 1.0, program {program.digest}" in head
    # a long formula goes on in the next line
    flat = re.sub(r"\n// +", " ", head)
    assert plan.cycle_formula in flat
    assert plan.quiet.formula in flat
    assert f"FIFO of {plan.fifo_depth} words" in head
    for v in program.vectors:
        assert re.search(rf"// {v.name} +{re.escape(str(v.fmt))} +{v.length} ", head)
    assert "do not edit" in head
    assert all(line.isascii() and line.rstrip() == line for line in text.splitlines())


def test_every_module_has_the_prefix_and_every_wire_a_name() -> None:
    program = replace(PROGRAMS["readout"], name="memory_1")
    files = emit(program, schedule(program))
    modules = re.findall(r"^module (\w+)", files["memory_1.v"], re.MULTILINE)
    assert modules[0] == "memory_1"
    assert all(name.startswith("memory_1") for name in modules)
    assert "\\" not in files["memory_1.v"]
    assert "tb_memory_1.v" in files


def test_every_block_says_what_it_does() -> None:
    program = NETWORKS["lmu"]
    text = emit(program, schedule(program, 2))["lmu.v"]
    for before in re.findall(r"^(.*)\nmodule \w+", text, re.MULTILINE):
        assert before.startswith("// "), before


def test_lanes_that_are_alike_are_written_once() -> None:
    program = PROGRAMS["readout"]
    sizes = [len(emit(program, schedule(program, lanes))["lmu.v"]) for lanes in (4, 16)]
    modules = re.findall(r"^module (\w+)", emit(program, schedule(program, 16))["lmu.v"], re.M)
    assert len(modules) == len(set(modules))
    assert len([name for name in modules if "lane" in name or "bank" in name]) <= 3
    assert sizes[1] < 2 * sizes[0]


def test_rom_files_hold_the_schedule() -> None:
    program = PROGRAMS["dense_readout"]
    plan = schedule(program, 3)
    files = emit(program, plan)

    def words(name: str) -> list[int]:
        return [int(line, 16) for line in files[f"lmu_{name}.mem"].splitlines()]

    width = weight_width(plan)
    top, mask = 1 << (width - 1), (1 << width) - 1
    lanes = [
        tuple((((word >> (width * k)) & mask) ^ top) - top for k in range(3))
        for word in words("weights")
    ]
    assert tuple(lanes) == plan.weights
    assert words("control") == list(control_contents(plan, "").words)
    figures = json.loads(files["schedule.json"])
    assert figures["lanes"] == 3
    assert figures["cycles_per_step"] == plan.cycles_per_step
    assert len(words("control")) == len(plan.due.runs)


def weight_width(plan) -> int:  # type: ignore[no-untyped-def]
    """Return the bits that hold every weight, worked out once more."""
    return (
        max(w.bit_length() if w >= 0 else (-w - 1).bit_length() for r in plan.weights for w in r)
        + 1
    )


def test_a_large_rom_costs_only_its_text() -> None:
    program = dense_program(order=256)
    start = time.perf_counter()
    text = emit(program, schedule(program))["lmu.v"]
    assert time.perf_counter() - start < 20
    assert len(text) < 100_000


def test_the_bytes_do_not_depend_on_the_order_of_sets() -> None:
    code = (
        "from hashlib import sha256; from lmu_hw.rtl import emit;"
        "from lmu_hw.rtl.schedule import schedule;"
        "from tests.factories.network_programs import NETWORKS; p = NETWORKS['gates_every_2'];"
        "print(sha256(repr(emit(p, schedule(p, 3))).encode()).hexdigest())"
    )
    digests = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        run = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        digests.add(run.stdout)
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("module \\m\n  wire \\a\n", "module .* has no end"),
        ("module \\m\n  cell $add \\a\n    parameter \\A_WIDTH 1\n", "has no end"),
        ("module \\m\n  process $p\n    assign \\a \\b\n", "has no end"),
    ],
)
def test_rtlil_that_is_cut_off_is_refused(text: str, what: str) -> None:
    """The Verilog is printed from Amaranth's RTLIL."""
    with pytest.raises(ValueError, match=what):
        rtlil.parse(text)


def test_a_term_of_a_sum_may_be_zero() -> None:
    """One of the sums in this design has the constant 0 as a term."""
    keys = {"d": 12, "realization": "spiking", "neurons": 384, "generators": 16}
    program = quantize_memory(parse({**keys, "neuron_model": "poisson"})).program
    assert "module lmu" in emit(program, schedule(program, 16))["lmu.v"]
