"""`lmu-hw verify`: equal backends pass; a broken one is reported word by word."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lmu_hw.errors import SpecError, ToolError
from lmu_hw.firmware.boards.microcontrollers import ARM, BOARDS, TARGETS
from lmu_hw.program import vectors
from lmu_hw.program.integer_program import Role
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.verify import selection, stimulus
from lmu_hw.verify import verification as module
from lmu_hw.verify.backends import cxxrtl, icarus, verilator
from lmu_hw.verify.load_build import load_program
from tests.cli.command import call, refused
from tests.factories.builds import break_c, break_verilog, generate, read_files
from tests.tools import require, require_yosys

CC = "cc|gcc|clang"
CXX = "c++|g++|clang++"


@pytest.fixture(scope="module")
def build_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate(tmp_path_factory.mktemp("verify") / "out", "--d", 5, "--theta", 20)


@pytest.fixture
def copy(build_dir: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(build_dir, tmp_path / "out"))


@pytest.fixture
def no_tools(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.delenv("CXX", raising=False)


@pytest.mark.cc
@pytest.mark.sim
@pytest.mark.parametrize(
    "boards",
    [("c-m4", "c-rv32", "c-avr"), pytest.param(tuple(BOARDS), marks=pytest.mark.soak, id="all")],
    ids="-".join,
)
def test_all_backends_are_equal(
    boards: tuple[str, ...],
    build_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    require(CC, CXX, "iverilog", "vvp", "verilator")
    require_yosys()
    for name in boards:
        require(BOARDS[name].toolchain.compiler, BOARDS[name].toolchain.qemu)
    for room in (module, selection):
        monkeypatch.setattr(room, "BOARDS", {name: BOARDS[name] for name in boards})
    monkeypatch.setattr(selection, "NAMES", (*selection.BACKENDS, *boards))
    before = read_files(build_dir)
    said = call(capsys, "verify", build_dir, "--steps", 300, "--json", "-q")
    assert (said.code, said.err) == (0, "")
    manifest = json.loads(before["manifest.json"])
    assert said.json["ok"] is True
    assert said.json["digest"] == manifest["digest"]
    assert said.json["not_verified"] == said.json["edited"] == []
    found = said.json["backends"]
    assert list(found) == ["icarus", "c", "c-checked", "cxxrtl", "verilator", *boards]
    for name in ("icarus", "cxxrtl", "verilator"):
        assert found[name]["cycles_per_step"] == manifest["cycles_per_step"]
    assert found["icarus"]["steps"] == 300
    for name in ("c", "cxxrtl", "verilator", *boards):
        assert 300 <= found[name]["steps"] < 310
    for name in found:
        assert found[name]["words"] == 5 * found[name]["steps"]
        assert found[name]["mismatches"] == 0
        assert found[name]["silent_steps"] > 0
        assert "first_divergence" not in found[name]
    assert read_files(build_dir) == before


@pytest.mark.cc
def test_default_c_run(build_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    require(CC)
    said = call(capsys, "verify", build_dir, "--backends", "c,c")
    assert said.code == 0
    assert "equal in every word" in said.out
    assert "icarus" not in said.out
    assert int(said.out.split()[1]) >= 100_000


@pytest.mark.soak
@pytest.mark.slow
@pytest.mark.cc
@pytest.mark.sim
def test_the_first_slice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``lmu-hw generate --d 64 --bits 16 -o out && lmu-hw verify out --json``, in C in full."""
    require(CC, "iverilog", "vvp")
    out = tmp_path / "out"
    assert call(capsys, "generate", "--d", 64, "--bits", 16, "-o", out, "-q").code == 0
    whole = call(capsys, "verify", out, "--backends", "c", "--json").json
    assert whole["ok"] is True
    assert whole["backends"]["c"]["steps"] >= 100_000
    assert whole["backends"]["c"]["mismatches"] == 0
    short = call(capsys, "verify", out, "--backends", "icarus", "--steps", 4, "--json").json
    assert short["ok"] is True
    assert short["backends"]["icarus"]["words"] == 4 * 64


@pytest.mark.parametrize(
    ("options", "cases"),
    [
        # cycles of a step, and steps: alone, or beside a simulator that plays the long run
        (("--d", 64), [(4271, "icarus", 200), (4271, "icarus,cxxrtl", 58)]),
        (("--d", 5, "--theta", 100), [(40, "icarus", 300), (40, "icarus,cxxrtl", 300)]),
        # no slower than about two minutes, no fewer than a handful
        (("--d", 5), [(50_000, "icarus", 20), (1_000_000, "icarus", 8)]),
    ],
)
def test_default_steps_of_icarus(
    options: tuple[object, ...],
    cases: list[tuple[int, str, int]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    played = []

    def run(build_dir: Path, vectors_dir: Path, *_: object) -> None:
        program = load_program(build_dir)
        played.append(len(vectors.read(program, vectors_dir).inputs))
        raise ToolError("enough")

    monkeypatch.setattr(icarus, "run", run)
    out = generate(tmp_path / "out", *options)
    for cycles, backends, steps in cases:
        plan = SimpleNamespace(cycles_per_step=cycles, interleave=1)
        monkeypatch.setattr(module, "plan_of", lambda *_, plan=plan: plan)
        with pytest.raises(ToolError, match="enough"):
            module.verify(out, backends=tuple(backends.split(",")), quiet=True)
        assert played.pop() == steps


@pytest.mark.cc
@pytest.mark.parametrize(
    "steps", [1, 3, 64, 65, *(pytest.param(n, marks=pytest.mark.soak) for n in (2, 63, 1000))]
)
def test_any_number_of_steps(
    build_dir: Path, steps: int, capsys: pytest.CaptureFixture[str]
) -> None:
    require(CC)
    argv = ("--steps", steps, "--backends", "c", "--json")
    found = call(capsys, "verify", build_dir, *argv).json["backends"]["c"]
    assert steps <= found["steps"] < steps + 64
    assert found["words"] == 5 * found["steps"]


@pytest.mark.cc
def test_blocks_and_rounds_change_nothing(
    build_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    require(CC)
    monkeypatch.setattr(stimulus, "BLOCK_WORDS", 100)
    monkeypatch.setattr(stimulus, "ROUND_STEPS", 900)
    argv = ("--steps", 2000, "--backends", "c", "--json")
    found = call(capsys, "verify", build_dir, *argv).json["backends"]["c"]
    assert found["steps"] >= 2000
    assert found["mismatches"] == 0


@pytest.mark.cc
def test_input_from_a_file(
    build_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    require(CC)
    path = tmp_path / "u.csv"
    path.write_text("".join(f"{3 * np.sin(t / 5)}\n" for t in range(150)))
    argv = ("verify", build_dir, "--backends", "c", "--input", path, "--json")
    said = call(capsys, *argv).json
    assert said["backends"]["c"]["steps"] == 150
    assert said["saturated"] > 10
    text = call(capsys, *argv[:-1]).out
    assert re.search(
        r"note: \d+ of 150 samples \([\d.]+ %\) were saturated: raise --full-scale", text
    )
    said = call(capsys, *argv, "--full-scale", 4, "--steps", 70).json
    assert said["backends"]["c"]["steps"] == 70
    assert said["saturated"] == 0


def divergence(said: dict[str, Any], name: str) -> dict[str, Any]:
    assert said["ok"] is False
    assert said["backends"][name]["mismatches"] > 0
    first = said["backends"][name]["first_divergence"]
    assert isinstance(first, dict)
    return first


def check_divergence(
    build_dir: Path, first: dict[str, Any], seed: int, line: str, name: str
) -> None:
    assert set(first) == {"step", "signal", "index", "format", "expected", "got", "seed"}
    assert first["seed"] == seed
    assert first["expected"] != first["got"]
    formats = json.loads((build_dir / "manifest.json").read_text())["formats"]
    fmt = formats[first["signal"]]
    assert first["format"] == f"Q{fmt['int_bits']}.{fmt['frac_bits']}"
    assert line == (
        f"lmu-hw: {name} differs at step {first['step']}, {first['signal']}[{first['index']}] "
        f"({first['format']}): expected {first['expected']}, got {first['got']}, seed {seed}\n"
    )


@pytest.mark.cc
def test_broken_c_is_named(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    require(CC)
    break_c(copy)
    argv = ("verify", copy, "--backends", "c", "--steps", 2000, "--seed", 5, "--json")
    said = call(capsys, *argv)
    assert said.code == 3
    first = divergence(said.json, "c")
    check_divergence(copy, first, 5, said.err, "c")
    assert said.json["edited"] == ["c/lmu_tables.h"]
    assert call(capsys, *argv).out == said.out
    text = call(capsys, *argv[:-1])
    assert text.code == 3
    assert "words differ" in text.out
    assert "note: c/lmu_tables.h was edited" in text.out


@pytest.mark.sim
@pytest.mark.parametrize("part", ["lmu.v", pytest.param("lmu_weights.mem", marks=pytest.mark.soak)])
def test_broken_verilog_is_named(part: str, copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    require("iverilog", "vvp")
    if part == "lmu.v":
        break_verilog(copy)
    else:
        path = copy / "rtl" / part
        lines = path.read_text().splitlines()
        # a high digit: the rounding of the output hides the lowest for many steps
        lines[3] = lines[3][0] + f"{int(lines[3][1], 16) ^ 3:x}" + lines[3][2:]
        path.write_text("\n".join(lines) + "\n")
    argv = ("verify", copy, "--backends", "icarus", "--steps", 40, "--seed", 7, "--json", "-q")
    said = call(capsys, *argv, "--vcd")
    assert said.code == 3, said
    first = divergence(said.json, "icarus")
    waves = Path(said.json["divergences"][0]["waveform"]).read_text()
    assert waves.startswith("$date")
    assert "o_data" in waves
    check_divergence(copy, first, 7, said.err, "icarus")
    # the expected word can be computed again from the seed alone
    program = module.load_program(copy)
    u = vectors.stimulus(program, 40, 1, 7)
    outputs = Interpreter(program).run(u)[:, 0]
    assert outputs[first["step"], first["index"]] == first["expected"]


def test_a_wrong_state_word_is_named(build_dir: Path) -> None:
    program = module.load_program(build_dir)
    at = icarus.Divergence(step=3, index=program.n_words(Role.OUTPUT), expected=1, got=2)
    state = program.with_role(Role.STATE)[0]
    found = module.mismatch(program, at, 0)
    assert (found.signal, found.index, found.format) == (state.name, 0, str(state.fmt))
    where = f"{state.name}[0] ({state.fmt}): expected 1, got 2, seed 0"
    assert str(found.error("c")) == f"c differs at step 3, {where}"


@pytest.mark.cc
def test_what_is_missing_is_said(
    build_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    require(CC)
    for backend in (icarus, cxxrtl, verilator):
        monkeypatch.setattr(backend, "available", lambda: False)
    monkeypatch.setattr(selection, "not_installed", lambda toolchain: toolchain.packages)
    said = call(capsys, "verify", build_dir, "--steps", 100)
    assert said.code == 0
    for name, remedy in (
        ("icarus   ", "apt-get install iverilog"),
        ("cxxrtl   ", "python -m pip install 'lmu-hw[synth]', apt-get install g++"),
        ("verilator", "apt-get install verilator g++"),
        ("c-m4     ", f"apt-get install {' '.join(ARM.packages)}"),
    ):
        assert f"{name} NOT VERIFIED: not installed ({remedy})" in said.out
    said = call(capsys, "verify", build_dir, "--steps", 100, "--json")
    assert said.json["not_verified"] == ["icarus", "cxxrtl", "verilator", *BOARDS]
    assert list(said.json["backends"]) == ["c", "c-checked"]


@pytest.mark.usefixtures("no_tools")
def test_nothing_is_installed(build_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "nothing can be verified" in refused(capsys, "verify", build_dir)
    line = refused(capsys, "verify", build_dir, "--backends", "icarus", "-q")
    assert "iverilog not found; install" in line
    line = refused(capsys, "verify", build_dir, "--backends", "c", "-q")
    assert "install a C compiler" in line
    line = refused(capsys, "verify", build_dir, "--backends", "c-m7", "-q")
    assert "c-m7 needs gcc-arm-none-eabi, libnewlib-arm-none-eabi, qemu-system-arm; apt" in line
    for name in ("cxxrtl", "verilator"):
        line = refused(capsys, "verify", build_dir, "--backends", name, "-q")
        assert "no C++ compiler (c++, g++, clang++): install one" in line


@pytest.mark.cc
@pytest.mark.parametrize("name", ["rtl/lmu.v", "c/lmu.h", "vectors/output.hex"])
def test_a_missing_file_is_named(name: str, copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (copy / name).unlink()
    said = refused(capsys, "verify", copy)
    assert said.endswith(f"{name} is missing; generate the build directory again\n")


@pytest.mark.cc
@pytest.mark.qemu
def test_a_board_that_is_too_small(
    build_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By default its backend is left out, in one line; who names it gets that line as an error."""
    require(CC, "arm-none-eabi-gcc", "qemu-system-arm")
    small = replace(TARGETS["c-m0"], flash=(0, 1024))
    for backend in (icarus, cxxrtl, verilator):
        monkeypatch.setattr(backend, "available", lambda: False)
    for room in (module, selection):
        monkeypatch.setattr(room, "BOARDS", {"c-m0": small})
    monkeypatch.setattr(selection, "NAMES", ("c", "c-m0"))
    said = call(capsys, "verify", build_dir, "--steps", 100)
    why = "c-m0 (Cortex-M0, microbit) is too small: the program needs "
    assert f"c-m0      NOT VERIFIED: {why}" in said.out
    assert " bytes more than its 1 kB of FLASH\n" in said.out
    assert why in refused(capsys, "verify", build_dir, "--backends", "c-m0")


@pytest.mark.cc
@pytest.mark.qemu
def test_an_avr_plays_less_by_default(build_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes far more instructions for a multiplication; named steps are played by all."""
    for name in ("c-m0", "c-avr"):
        require(TARGETS[name].toolchain.compiler, TARGETS[name].toolchain.qemu)
    per_step = json.loads((build_dir / "manifest.json").read_text())["multiplies_per_step"]
    monkeypatch.setattr(module, "BOARD_MULTIPLIES", 300 * per_step)
    monkeypatch.setattr(module, "AVR_MULTIPLIES", 40 * per_step)
    backends = ("c-m0", "c-avr")
    m0, avr = module.verify(build_dir, backends=backends, quiet=True)
    assert 40 <= avr.steps < 60 < 300 <= m0.steps < 400
    m0, avr = module.verify(build_dir, backends=backends, n_steps=100, quiet=True)
    assert m0.steps == avr.steps >= 100


def test_c_that_does_not_compile(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    require(CC)
    with (copy / "c" / "lmu.c").open("a") as file:
        file.write("int lmu_step;\n")
    assert "could not compile" in refused(capsys, "verify", copy, "--backends", "c")
    (copy / "c" / "lmu.c").unlink()
    assert "generate the build directory again" in refused(
        capsys, "verify", copy, "--backends", "c"
    )


@pytest.mark.sim
def test_verilog_that_does_not_compile(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    require("iverilog", "vvp")
    (copy / "rtl" / "lmu.v").write_text("module lmu(\n")
    argv = ("verify", copy, "--backends", "icarus", "--steps", 4, "-q")
    assert "Icarus simulation failed" in refused(capsys, *argv)


def test_backends_are_checked(build_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for names in ("vhdl", "c,vhdl", "", "c,"):
        line = refused(capsys, "verify", build_dir, "--backends", names)
        assert "backends must be among icarus, c, cxxrtl, verilator, c-m0, c-m3, c-m4," in line
    with pytest.raises(SpecError, match="backends must be among"):
        module.verify(build_dir, backends=("x",))


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("digest", "0" * 64, "is not the program that"),
        ("digest", None, "is not the program that"),
        ("cycles_per_step", 1, "gives 1 as cycles_per_step but the program has"),
        ("multiplies_per_step", "x", "gives 'x' as multiplies_per_step but the program has"),
        ("tool", "other", "was not written by lmu-hw"),
        ("files", 3, "was not written by lmu-hw"),
    ],
)
def test_tampered_manifest(
    key: str, value: object, text: str, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = copy / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest[key] = value
    path.write_text(json.dumps(manifest))
    line = refused(capsys, "verify", copy)
    assert text in line
    assert "generate" in line


def test_tampered_program(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = copy / "program.json"
    text = path.read_text()
    edited = text.replace('"window":20', '"window":21')
    assert edited != text
    path.write_text(edited)
    line = refused(capsys, "verify", copy)
    assert "program.json" in line
    assert "digest" in line
    for bad in (text[:-50], "", "[]", "null", "[" * 100_000, text.replace('"ops"', '"opps"')):
        path.write_text(bad)
        assert "program.json" in refused(capsys, "verify", copy)
    path.write_bytes(b"\xff\xfe")
    assert "damaged" in refused(capsys, "verify", copy)
    path.unlink()
    assert "holds no program.json; generate it again" in refused(capsys, "verify", copy)


def test_directories_that_are_no_build_directory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    for where, text in (
        (tmp_path / "none", "does not exist"),
        (tmp_path, "holds no manifest.json"),
        (file, "is a file"),
    ):
        line = refused(capsys, "verify", where)
        assert text in line
        assert "lmu-hw generate" in line


@pytest.mark.sim
@pytest.mark.cc
@pytest.mark.qemu
def test_a_build_directory_with_any_name(
    build_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    require(CC, "iverilog", "vvp", "arm-none-eabi-gcc", "qemu-system-arm")
    monkeypatch.chdir(tmp_path)
    name = "-q'\"x y"
    shutil.copytree(build_dir, tmp_path / name)
    said = call(capsys, "verify", "--backends", "icarus,c,c-m4", "--steps", 12, "-q", "--", name)
    assert (said.code, said.err) == (0, "")


@pytest.mark.parametrize("words", ["zz\n", "0\nx\n", "\0\n"])
def test_a_damaged_rom(words: str, copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A simulator that runs in this process would end it."""
    require(CXX, "verilator")
    (copy / "rtl" / "lmu_weights.mem").write_text(words)
    line = refused(capsys, "verify", copy, "--backends", "verilator", "--steps", 12)
    assert "lmu_weights.mem is damaged" in line


@pytest.mark.parametrize("text", ["[" * 100_000, '{"lanes": "2"}', "[]", ""])
def test_a_damaged_schedule(text: str, copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (copy / "rtl" / "schedule.json").write_text(text)
    line = refused(capsys, "verify", copy, "--backends", "icarus", "--steps", 12)
    assert "schedule.json is damaged" in line


@pytest.mark.sim
def test_an_edited_file_is_named_when_a_tool_fails(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    require("iverilog", "vvp")
    path = copy / "rtl" / "schedule.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"lanes": 2}))
    line = refused(capsys, "verify", copy, "--backends", "icarus", "--steps", 12)
    assert "rtl/schedule.json was edited" in line


def test_a_compiler_that_is_no_command(
    build_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CC", '"gcc')
    assert "CC must be a command" in refused(capsys, "verify", build_dir, "--backends", "c")
