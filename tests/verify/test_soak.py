"""Ten million steps and more in C, a million and more in cxxrtl, with windows of 100,000 steps.

C of two compilers, with and without optimization, is compared digest by digest; the interpreter on
windows that are spread over the run; the Verilog word by word with the C. `tests.rtl.test_soak`
plays other designs, with resets.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lmu_hw.firmware.bulk import BulkEngine
from lmu_hw.memory.spec import parse
from lmu_hw.program.integer_program import Program
from lmu_hw.quantize.quantize_memory import quantize_memory
from lmu_hw.rtl.schedule import schedule
from lmu_hw.verify.backends import bench, cxxrtl
from lmu_hw.verify.backends.compiled_model import Steps
from tests.factories.builds import write_c, write_rtl_build
from tests.factories.network_programs import NETWORKS
from tests.tools import require, require_yosys
from tests.verify.long_runs import BLOCK, Stimulus, soak

LADDER: dict[str, Any] = {"discretizer": "bilinear", "realization": "ladder"}
DESIGNS: dict[str, tuple[dict[str, Any], int]] = {
    "a window of 100,000": ({"d": 6, "theta": 100_000}, 10_000_000),
    "two channels": ({"d": 12, "theta": 20_000, "channels": 2, "output": "state"}, 1_000_000),
    "a ladder": ({**LADDER, "d": 64, "theta": 512, "bits": 16}, 2_000_000),
    "a ladder of four substeps": ({**LADDER, "d": 6, "theta": 20_000, "substeps": 4}, 1_000_000),
    "a dense memory": ({"d": 4, "theta": 1500, "realization": "dense"}, 2_000_000),
}
"""Specifications, and steps in C."""
RTL_STEPS = 1_000_000
WINDOWS, WINDOW_STEPS = 20, 500

Change = Callable[[str], str]
PLAIN = {"gcc": '#pragma GCC optimize ("O0")\n', "clang": "#pragma clang optimize off\n"}
"""What a compiler takes for an order not to optimize."""


def built(
    program: Program,
    build_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    compiler: str,
    change: Change | None = None,
) -> BulkEngine:
    """Return the C of a program as a compiler makes it, its ``lmu.c`` first changed."""
    write_c(program, build_dir, change)
    monkeypatch.setenv("CC", compiler)
    return BulkEngine.from_c_files(program, build_dir, n_threads=1)


def builds(
    program: Program, build_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, BulkEngine]:
    """Return an optimized build, and one that is not, by another compiler where there is one."""
    require("gcc")
    other = "clang" if shutil.which("clang") else "gcc"
    return {
        "gcc -O3": built(program, build_dir / "fast", monkeypatch, "gcc"),
        f"{other} -O0": built(
            program, build_dir / "plain", monkeypatch, other, lambda text: PLAIN[other] + text
        ),
    }


@pytest.mark.cc
@pytest.mark.soak
@pytest.mark.parametrize("name", DESIGNS)
def test_c(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys, n_steps = DESIGNS[name]
    program = quantize_memory(parse(keys)).program
    report = soak(
        program,
        builds(program, tmp_path, monkeypatch),
        n_steps,
        seed=1,
        n_windows=WINDOWS,
        window_steps=WINDOW_STEPS,
    )
    assert report.steps >= n_steps
    assert report.checked == WINDOWS * WINDOW_STEPS
    assert report.silent
    print(name, report)


@pytest.mark.sim
@pytest.mark.soak
def test_cxxrtl(tmp_path: Path) -> None:
    """Every other block is played with stalls; every output word is that of the C."""
    require("c++|g++|clang++")
    require_yosys()
    program = quantize_memory(parse(DESIGNS["a window of 100,000"][0])).program
    engine, stimulus = BulkEngine(program, n_threads=1), Stimulus(program, 3)
    expected = 0

    def steps() -> Iterator[Steps]:
        nonlocal expected
        for number in range(-(-RTL_STEPS // BLOCK)):
            u = stimulus.take(BLOCK)
            outputs = engine.run(u[:, None])[:, 0]
            expected += outputs.size
            due = np.ones(len(u), dtype=np.bool_)
            yield Steps(inputs=u, due=due, outputs=outputs, from_reset=number == 0)

    build_dir = write_rtl_build(program, tmp_path)
    with cxxrtl.build(build_dir, program) as library:
        result = bench.run(library, program, schedule(program), steps(), 1)
    assert (result.mismatches, result.first) == (0, None)
    assert result.steps >= RTL_STEPS
    assert result.words == expected
    # of every class something
    assert len(stimulus.steps) == 5
    print(result, stimulus.steps)


# The same, short, and with what it must find.


@pytest.mark.cc
@pytest.mark.parametrize("name", ["memory", "ladder", "network"])
def test_a_short_one(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = LADDER if name == "ladder" else {"realization": "cascade"}
    program = NETWORKS["lmu_every_3"]
    if name != "network":
        program = quantize_memory(parse({**spec, "d": 3, "theta": 40})).program
    engines = builds(program, tmp_path, monkeypatch)
    report = soak(program, engines, 2 * BLOCK, seed=1, n_windows=2, window_steps=200)
    assert (report.steps, report.blocks, report.checked) == (2 * BLOCK, 2, 400)
    wanted = {"noise", "impulses", "rail", "silence"}
    assert set(report.classes) == wanted | ({"worst case"} if name != "network" else set())


def broken(pattern: str, by: str) -> Change:
    def change(text: str) -> str:
        changed, n = re.subn(pattern, by, text)
        assert n
        return changed

    return change


FAULTS: dict[str, Change] = {
    "a window of one step more": broken(r"(_WINDOW) (\d+)", r"\1 (\2 + 1)"),
    "a zero-input run that changes no rounding": broken(r", silent\)", ", 0)"),
}


@pytest.mark.cc
@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_build_is_found(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require("gcc")
    program = quantize_memory(parse({"d": 3, "theta": 40, "realization": "cascade"})).program
    engines = {
        "good": built(program, tmp_path / "good", monkeypatch, "gcc"),
        "broken": built(program, tmp_path / "broken", monkeypatch, "gcc", FAULTS[fault]),
    }
    with pytest.raises(AssertionError, match="digests of block 0 differ"):
        soak(program, engines, BLOCK, seed=1, n_windows=1, window_steps=10)
