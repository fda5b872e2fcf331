"""Emitted Verilog in Icarus: both benches, on working designs and on broken ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lmu_hw.errors import ToolError
from lmu_hw.program.integer_program import Program
from lmu_hw.rtl.schedule import schedule
from lmu_hw.verify.backends import icarus
from tests.factories.builds import edit_file, write_rtl_build
from tests.factories.hardware_programs import ALL, every
from tests.factories.programs import PROGRAMS
from tests.rtl.bench import BREAKS, LANES, cocotb, make
from tests.tools import needs

pytestmark = pytest.mark.sim

tools = needs("iverilog", "vvp", "make")


@pytest.mark.some(2)
@pytest.mark.parametrize("name", every())
def test_plain_bench(name: str, tmp_path: Path) -> None:
    # every program with some number of lanes, every number with some programs
    lanes = LANES[list(ALL).index(name) % len(LANES)]
    done = make(write_rtl_build(ALL[name], tmp_path, lanes=lanes))
    assert done.returncode == 0, done.stdout + done.stderr
    cycles = schedule(ALL[name], lanes).cycles_per_step
    assert re.search(rf"^PASS \d+ words, {cycles} cycles", done.stdout, re.M)
    assert "warning" not in done.stderr


@pytest.mark.parametrize(
    ("name", "lanes"),
    [
        ("mixed", 1),
        pytest.param("wide", 8, marks=pytest.mark.soak),
        pytest.param("lmu", 4, marks=pytest.mark.soak),
        pytest.param("stack_on_demand", 3, marks=pytest.mark.soak),
        pytest.param("gates_every_2", 2, marks=pytest.mark.soak),
    ],
)
def test_cocotb_bench(name: str, lanes: int, tmp_path: Path) -> None:
    program = ALL[name]
    result = cocotb(write_rtl_build(program, tmp_path, lanes=lanes))
    assert result.mismatches == 0
    assert result.first is None
    assert result.steps == 24
    published = schedule(program, lanes).cycles_per_step
    assert result.cycles_per_step == (published if program.output_every else None)


def broken(program: Program, build_dir: Path, file: str, pattern: str, text: str) -> Path:
    write_rtl_build(program, build_dir)
    edit_file(build_dir / file, pattern, text)
    return build_dir


@pytest.mark.parametrize("what", BREAKS)
def test_plain_bench_fails_a_broken_design(what: str, tmp_path: Path) -> None:
    done = make(broken(PROGRAMS["mixed"], tmp_path, *BREAKS[what]))
    assert done.returncode != 0
    assert re.search("^FAIL", done.stdout, re.M), done.stdout
    assert "PASS" not in done.stdout


def test_cocotb_bench_names_the_first_word_that_differs(tmp_path: Path) -> None:
    program = PROGRAMS["readout"]
    build_dir = write_rtl_build(program, tmp_path)
    lines = (build_dir / "vectors/output.hex").read_text().split()
    lines[17] = f"{int(lines[17], 16) ^ 1:02x}"
    (build_dir / "vectors/output.hex").write_text("\n".join(lines) + "\n")
    result = cocotb(build_dir)
    assert result.mismatches == 1
    assert result.first is not None
    assert (result.first.step, result.first.index) == (3, 2)
    assert result.first.got == result.first.expected ^ 1


@pytest.mark.parametrize("what", ["stale state after reset", "word taken in a reset"])
def test_cocotb_bench_sees_what_only_a_reset_shows(what: str, tmp_path: Path) -> None:
    build_dir = broken(PROGRAMS["one_pair"], tmp_path, *BREAKS[what])
    with pytest.raises(ToolError, match="Icarus simulation failed"):
        cocotb(build_dir)


def test_an_x_on_an_output_is_no_word(tmp_path: Path) -> None:
    build_dir = broken(PROGRAMS["one_pair"], tmp_path, *BREAKS["memory not cleared"])
    result = cocotb(build_dir)
    assert result.mismatches > 0
    assert result.first is not None
    assert "x" in str(result.first.got).lower()


def test_a_design_that_does_not_build(tmp_path: Path) -> None:
    build_dir = broken(PROGRAMS["one_pair"], tmp_path, "rtl/lmu.v", "endmodule", "")
    with pytest.raises(ToolError, match="Icarus simulation failed") as caught:
        cocotb(build_dir)
    assert caught.value.exit_code


def test_without_icarus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not icarus.available()
    with pytest.raises(ToolError, match="install Icarus Verilog"):
        icarus.run(tmp_path, tmp_path, tmp_path, 0)
