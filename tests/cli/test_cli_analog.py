"""``lmu-hw analog``, and ``verify`` of what it writes."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from pathlib import Path

import pytest

from lmu_hw.cli.main import main
from tests.cli.command import call, refused
from tests.tools import require

SMALL = ("analog", "--d", 2, "--theta", "1ms", "--taps", "0.5,1")


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the command prints as JSON; written once, as drawing takes seconds."""
    out = tmp_path_factory.mktemp("analog") / "out"
    with contextlib.redirect_stdout(io.StringIO()) as stdout:
        assert main([*map(str, SMALL), "--json", "-o", str(out)]) == 0
    return stdout.getvalue()


@pytest.fixture(scope="module")
def built(said: str) -> Path:
    """The build directory."""
    return Path(json.loads(said)["build_directory"])


def test_the_build_directory(built: Path) -> None:
    manifest = json.loads((built / "manifest.json").read_text())
    request = manifest["analog"]["request"]
    assert (request["order"], request["theta"], request["taps"]) == (2, 1e-3, [0.5, 1.0])
    assert request["opamp"] == "MCP6024"
    held = {p.relative_to(built).as_posix() for p in built.rglob("*") if p.is_file()}
    assert held == {"manifest.json", *manifest["files"]}
    assert {"lmu.cir", "bom.csv", "schematic.svg", "lmu.net", "report.md"} < held


def test_it_prints_parts_and_errors(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, said: str, built: Path
) -> None:
    assert said.count("\n") == 1
    analog = json.loads(said)["analog"]
    assert analog["parts"]["capacitors"]["count"] == 2
    assert analog["fitted"] <= analog["built"] < 0.01
    out = tmp_path / "again"
    text = call(capsys, *SMALL, "-o", out).out
    assert "2 capacitors" in text
    assert f"next: lmu-hw verify {out}" in text
    # the same request, the same bytes
    for file in (p for p in built.rglob("*") if p.is_file()):
        assert file.read_bytes() == (out / file.relative_to(built)).read_bytes()


def test_verify_runs_ngspice(capsys: pytest.CaptureFixture[str], built: Path) -> None:
    require("ngspice")
    said = call(capsys, "verify", built, "--monte-carlo", 10, "--calibrate", "--json")
    assert said.code == 0
    assert said.json["ok"]
    tolerance = said.json["tolerance"]
    assert (tolerance["units"], tolerance["sample"], tolerance["unstable"]) == (10, 8, 0)
    assert tolerance["calibrated"]["median"] < tolerance["errors"]["median"]
    assert tolerance["difference"] < 0.02


def test_verify_finds_an_edited_netlist(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, built: Path
) -> None:
    require("ngspice")
    out = tmp_path / "out"
    shutil.copytree(built, out)
    netlist = out / "lmu.cir"
    lines = netlist.read_text().splitlines()
    at = next(k for k, line in enumerate(lines) if line.startswith("R1 "))
    *part, value = lines[at].split()
    lines[at] = " ".join([*part, str(1.05 * float(value))])
    netlist.write_text("\n".join(lines) + "\n")
    said = call(capsys, "verify", out)
    assert said.code == 3
    assert "note: lmu.cir was edited since it was written" in said.out
    assert said.err.startswith("lmu-hw: ngspice: response in band, against the design must be")
    # what was edited is not replaced
    assert "was edited" in refused(capsys, *SMALL, "-o", out)
    netlist.unlink()
    assert "lmu.cir" in refused(capsys, "verify", out)


def test_verify_without_ngspice(
    capsys: pytest.CaptureFixture[str], built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    line = refused(capsys, "verify", built)
    assert "ngspice is not on the path" in line
    assert "lmu-hw doctor" in line


REFUSED = {
    "no order": (("--theta", "1ms"), "--d must be given, as in --d 6 --theta 1ms"),
    "no window": (("--d", 6), "--theta must be given"),
    "unit": (("--d", 6, "--theta", "1V"), "theta must be a number of s"),
    "tolerance": (
        ("--d", 6, "--theta", "1ms", "--tolerance", "60%"),
        "tolerance must be at most 50%",
    ),
    "large resistors": (("--d", 6, "--theta", "100"), "raise --r-max to"),
    "small supply": (
        ("--d", 6, "--theta", "1ms", "--supply", 1),
        "supply of the MCP6024 must be 2.5 to 5.5 V",
    ),
    "op-amp": (("--d", 6, "--theta", "1ms", "--opamp", "uA741"), "op-amp must be one of ideal"),
    "slow op-amps": (
        ("--d", 12, "--theta", "10us", "--opamp", "GBW=1Meg,SR=10"),
        "take faster",
    ),
    "slew rate": (("--d", 12, "--theta", "10us", "--opamp", "LM358"), "slew rate of LM358"),
    "tap": (("--d", 6, "--theta", "1ms", "--taps", "0.5,2"), "taps must be fractions of theta"),
    "structure": (
        ("--d", 6, "--theta", "1ms", "--structure", "lattice"),
        "structure must be one of cascade, ladder, direct",
    ),
    "order": (("--d", 33, "--theta", "1ms"), "order must be a whole number from 1 to 32"),
}


@pytest.mark.parametrize(("options", "reason"), REFUSED.values(), ids=REFUSED)
def test_refusals(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    options: tuple[object, ...],
    reason: str,
) -> None:
    assert reason in refused(capsys, "analog", *options, "-o", tmp_path / "out")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "option", [("--steps", 10), ("--backends", "c"), ("--vcd",), ("--full-scale", 2)]
)
def test_options_of_programs_are_refused(
    capsys: pytest.CaptureFixture[str], built: Path, option: tuple[object, ...]
) -> None:
    assert "is an analog memory: leave it out" in refused(capsys, "verify", built, *option)


@pytest.mark.parametrize("command", ["certify", "simulate", "synth", "footprint", "export"])
def test_other_commands_say_what_it_is(
    capsys: pytest.CaptureFixture[str], built: Path, tmp_path: Path, command: str
) -> None:
    signal = tmp_path / "u.csv"
    signal.write_text("0\n1\n")
    more: dict[str, tuple[object, ...]] = {
        "simulate": ("--input", signal, "--output", tmp_path / "y.csv"),
        "synth": ("--target", "ice40-up5k"),
        "footprint": ("--target", "c-m4"),
        "export": ("--nir", tmp_path / "x.nir"),
    }
    line = refused(capsys, command, built, *more.get(command, ()))
    assert "is an analog memory: lmu-hw verify is for it" in line


def test_monte_carlo_is_for_analog_memories(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert call(capsys, "generate", "--d", 2, "-o", tmp_path / "out", "-q").code == 0
    line = refused(capsys, "verify", tmp_path / "out", "--monte-carlo", 10)
    assert "--monte-carlo and --calibrate are for an analog memory" in line
