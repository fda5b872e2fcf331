"""The emitted text: the same every time, complete, readable, cheap where ROMs are large."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import replace

from lmu_hw.rtl import emit
from lmu_hw.schedule import schedule
from tests.programs import PROGRAMS, dense_program


def test_the_same_program_gives_the_same_bytes() -> None:
    program = PROGRAMS["mixed"]
    first = emit(program, schedule(program), version="1.0")
    assert first == emit(program, schedule(program), version="1.0")
    assert sorted(first) == ["Makefile", "lmu.v", "lmu_coef.mem", "lmu_rows.mem", "tb_lmu.v"]


def test_header_says_what_it_is() -> None:
    program = PROGRAMS["mixed"]
    plan = schedule(program)
    text = emit(program, plan, version="1.0")["lmu.v"]
    head = text[: text.index("module ")]
    assert f"lmu-hw 1.0, program {program.digest}" in head
    assert plan.cycle_formula in head
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


def test_rom_files_hold_the_schedule() -> None:
    program = PROGRAMS["dense_readout"]
    plan = schedule(program)
    files = emit(program, plan)
    words = [int(line, 16) for line in files["lmu_coef.mem"].splitlines()[1:]]
    top = 1 << (plan.coef_width - 1)
    assert tuple((w ^ top) - top for w in words) == plan.coefs
    rows = [int(line, 16) for line in files["lmu_rows.mem"].splitlines()[1:]]
    mask = (1 << plan.shift_width) - 1
    assert tuple((w & mask) + plan.shift_min for w in rows) == plan.shifts


def test_a_large_rom_costs_only_its_text() -> None:
    program = dense_program(order=256)
    start = time.perf_counter()
    text = emit(program, schedule(program))["lmu.v"]
    assert time.perf_counter() - start < 20
    assert len(text) < 100_000


def test_the_bytes_do_not_depend_on_the_order_of_sets() -> None:
    code = (
        "from hashlib import sha256; from lmu_hw.rtl import emit;"
        "from lmu_hw.schedule import schedule;"
        "from tests.rtl.bench import network; p = network();"
        "print(sha256(repr(emit(p, schedule(p))).encode()).hexdigest())"
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
