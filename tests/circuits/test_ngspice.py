"""What goes wrong in ngspice is found, whatever its exit code says."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

from lmu_hw.circuits.ngspice import DataFile, run_ngspice
from lmu_hw.errors import ToolError
from tests.tools import needs

tools = needs("ngspice")

DECK = """* an RC low-pass; the title may say error
Vu u 0 DC 0 PWL(0 0 1e-6 1)
R1 u a 1000
C1 a 0 1e-09
.control
set wr_singlescale
set numdgt=12
tran 1e-6 1e-5
wrdata a.data v(a)
quit
.endc
.end
"""
DATA = [DataFile(name="a.data", columns=1, end=1e-5)]


def run(deck: str, data: list[DataFile] = DATA, **options: float) -> np.ndarray:
    return run_ngspice("a.cir", {"a.cir": deck}, data, **options)["a.data"]


def fails(deck: str, message: str, data: list[DataFile] = DATA) -> ToolError:
    assert deck != DECK or data is not DATA
    with pytest.raises(ToolError, match=message) as info:
        run(deck, data)
    assert "\n" not in str(info.value)
    return info.value


def test_a_good_deck_gives_its_data() -> None:
    rows = run(DECK)
    t = 1e-5
    # the ramp of 1 us, then the exponential
    exact = 1.0 - np.exp(-t / 1e-6) * (np.exp(1.0) - 1.0)
    assert rows[-1, 0] == pytest.approx(t)
    assert rows[-1, 1] == pytest.approx(exact, rel=1e-3)


def test_files_that_a_deck_includes_are_there() -> None:
    files = {"a.cir": DECK.replace("R1 u a 1000", ".include r.inc"), "r.inc": "R1 u a 1000\n"}
    assert np.array_equal(run_ngspice("a.cir", files, DATA)["a.data"], run(DECK))


def test_an_unknown_command() -> None:
    error = fails(DECK.replace("tran 1e-6", "tren 1e-6"), "on a.cir: .*tren: no such command")
    # the trap: ngspice says that all went well
    assert error.exit_code == 0
    assert error.command[0] == "ngspice"


def test_a_timestep_too_small() -> None:
    # a voltage that reaches infinity within a microsecond; the data up to there are written
    bomb = "B1 0 a I = 0.01*v(a)^2\n"
    error = fails(DECK.replace(".control", bomb + ".control"), "on a.cir: .*Timestep too small")
    assert error.exit_code == 0


def test_a_wrong_node() -> None:
    error = fails(DECK.replace("v(a)", "v(b)"), "on a.cir: Error: no such vector b")
    assert error.exit_code == 0


def test_an_unknown_subcircuit() -> None:
    fails(DECK.replace("R1 u a 1000", "X1 u a nothing"), "on a.cir: Error: unknown subckt")


def test_a_value_that_is_no_number() -> None:
    # the line that ngspice does not understand comes in a line of its own
    fails(DECK.replace("R1 u a 1000", "R1 u a 2*x"), "on a.cir: .*r1 u a 2")


def test_a_part_without_a_value() -> None:
    fails(DECK.replace("R1 u a 1000", "R1 u a"), "on a.cir: Warning: r1: resistance to low")


def test_an_operating_point_that_does_not_converge() -> None:
    # the current leaves a node that nothing else holds
    deck = DECK.replace("R1 u a 1000", "R1 u a 1000\nB1 z 0 I = 1e-3+v(z)^2\nR2 z 0 1e6")
    fails(deck, "on a.cir: .*(Warning|failed|singular)")


def test_a_floating_node() -> None:
    deck = DECK.replace("R1 u a 1000", "R1 u a 1000\nC2 z 0 1e-9\nC3 z y 1e-9")
    fails(deck, "on a.cir: Warning: singular matrix")


def test_a_deck_without_quit_exits_with_an_error() -> None:
    error = fails(DECK.replace("quit\n", ""), "on a.cir: exit code 1")
    assert error.exit_code == 1


def test_data_that_end_early() -> None:
    late = [DataFile(name="a.data", columns=1, end=2e-5)]
    fails(DECK, "ends at 1e-05, not at 2e-05", late)


def test_data_that_are_not_written() -> None:
    fails(DECK.replace("wrdata a.data v(a)\n", ""), "wrote no a.data for a.cir")


def test_data_with_other_columns() -> None:
    fails(DECK.replace("v(a)", "v(a) v(u)"), "has 3 columns but should have 2")


@pytest.mark.parametrize(
    ("text", "message"),
    [("0 0\\n1e-5 nan\\n", "NaN or infinity"), ("0 0\\n1e-5\\n", "no table"), ("", "wrote no")],
)
def test_damaged_data(
    text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(tmp_path, f"printf '{text}' > a.data", monkeypatch)
    with pytest.raises(ToolError, match=message):
        run(DECK)


def test_a_program_that_does_not_end_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(tmp_path, f"echo $$ > {tmp_path}/pid; sleep 60; exit 0", monkeypatch)
    start = time.monotonic()
    with pytest.raises(ToolError, match=r"did not end within 0\.5 s"):
        run(DECK, time_limit=0.5)
    assert time.monotonic() - start < 10
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_without_the_program_doctor_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match="apt-get install ngspice, and see lmu-hw doctor"):
        run(DECK)


def fake(tmp_path: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a program called ngspice first on the path."""
    program = tmp_path / "ngspice"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
