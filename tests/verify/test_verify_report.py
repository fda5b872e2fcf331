"""Reports of verify: rows, text, JSON and table say the same."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lmu_hw._support.build_directory import write_build_dir
from lmu_hw.errors import MismatchError, SpecError
from lmu_hw.generate import files_of
from lmu_hw.memory.spec import parse
from lmu_hw.quantize.quantize_memory import quantize_memory
from lmu_hw.verify.verify_build import verify_build
from lmu_hw.verify.verify_report import (
    BackendResult,
    InputFile,
    LocatedDivergence,
    Reached,
    VerifyReport,
    WordMismatch,
)
from tests.factories.builds import break_c
from tests.tools import require

EQUAL = BackendResult(backend="c", steps=10, words=50, mismatches=0, silent_steps=2)
FIRST = WordMismatch(step=3, signal="y", index=1, format="Q1.7", expected=4, got="X", seed=7)
WRONG = BackendResult(
    backend="icarus",
    steps=8,
    words=40,
    mismatches=3,
    silent_steps=0,
    cycles_per_step=12,
    first=FIRST,
    failing=np.zeros((4, 1), dtype=np.int64),
)
LOCATED = LocatedDivergence(
    backend="icarus",
    step=3,
    operation="operation 1 (linear)",
    signal="y",
    index=1,
    format="Q1.7",
    expected=4,
    got="X",
    repeats=True,
    replay="lmu-hw verify out",
    waveform="",
)
PASSED = VerifyReport(digest="ab", results=(EQUAL,), seed=7, not_verified={}, edited=())
FAILED = replace(
    PASSED,
    results=(EQUAL, WRONG),
    not_verified={"verilator": "not installed (apt-get install verilator)"},
    edited=("rtl/lmu.v",),
    file=InputFile(input="u.csv", recordings=2, saturated=0, notes=("2 recordings\n",)),
    worst_case=(Reached(signal="z", observed=9, bound=10, rounding=0.5),),
    divergences=(LOCATED,),
)


@pytest.fixture
def build_dir(tmp_path: Path) -> Path:
    files = files_of(quantize_memory(parse({"d": 5, "theta": 20})))
    write_build_dir(tmp_path / "out", files, force=False)
    return tmp_path / "out"


def test_a_report_is_frozen() -> None:
    for value, name in ((PASSED, "seed"), (EQUAL, "steps"), (FIRST, "got"), (LOCATED, "step")):
        with pytest.raises(AttributeError):
            setattr(value, name, 0)


def test_a_report_that_passed() -> None:
    assert PASSED.passed
    PASSED.check()
    assert json.loads(json.dumps(PASSED.to_dict())) == {
        "ok": True,
        "digest": "ab",
        "backends": {"c": {"steps": 10, "words": 50, "mismatches": 0, "silent_steps": 2}},
        "seed": 7,
        "not_verified": [],
        "edited": [],
    }
    assert str(PASSED) == "c         10 steps (2 silent), 50 words: equal in every word"


def test_a_report_that_failed() -> None:
    assert not FAILED.passed
    error = r"^icarus differs at step 3, y\[1\] \(Q1.7\): expected 4, got X, seed 7$"
    with pytest.raises(MismatchError, match=error):
        FAILED.check()
    data = FAILED.to_dict()
    assert list(data) == [
        "ok",
        "digest",
        "backends",
        "seed",
        "not_verified",
        "edited",
        "input",
        "recordings",
        "saturated",
        "notes",
        "worst_case",
        "divergences",
    ]
    assert data["ok"] is False
    assert data["not_verified"] == ["verilator"]
    assert data["worst_case"] == [{"signal": "z", "observed": 9, "bound": 10, "rounding": 0.5}]
    wrong = data["backends"]["icarus"]
    assert list(wrong)[4:] == ["cycles_per_step", "first_divergence"]
    assert list(wrong["first_divergence"].values()) == [3, "y", 1, "Q1.7", 4, "X", 7]
    assert json.loads(json.dumps(data)) == data


def test_the_text_has_a_line_for_everything() -> None:
    assert str(FAILED).splitlines() == [
        "z: 9 words reached, 90.0 % of its bound of 10",
        "c         10 steps (2 silent), 50 words: equal in every word",
        "icarus    8 steps (0 silent), 40 words: 3 words differ, 12 cycles per step",
        "verilator NOT VERIFIED: not installed (apt-get install verilator)",
        "note: rtl/lmu.v was edited since generate wrote it",
        "note: 2 recordings\\n",
        "first divergence of icarus: step 3, operation 1 (linear) writes y[1] (Q1.7): expected 4, "
        "got X",
        "  again     lmu-hw verify out",
    ]


def test_the_table_has_a_row_for_each_backend() -> None:
    table = FAILED._repr_html_()
    assert table.count("<tr>") == 1 + 3
    for text in ("equal in every word", "3 words differ", "not verified: not installed", ">12<"):
        assert text in table


@pytest.mark.cc
def test_verify_build(build_dir: Path) -> None:
    require("cc|gcc|clang")
    report = verify_build(build_dir, backends="c", n_steps=50, quiet=True)
    assert report.passed
    assert report.results[0].backend == "c"
    assert report.results[0].steps >= 50
    assert (report.file, report.worst_case, report.divergences) == (None, None, None)
    u = np.ones((6, 1), dtype=np.int64)
    for recordings in ([u], [u, u]):
        report = verify_build(build_dir, backends="c", recordings=recordings, quiet=True)
        assert [r.steps for r in report.results] == [6 * len(recordings)]
    with pytest.raises(SpecError, match="give no steps and no input"):
        verify_build(build_dir, backends="c", recordings=[u], worst_case=True)
    with pytest.raises(SpecError, match="give no steps and no input"):
        verify_build(build_dir, backends="c", n_steps=3, worst_case=True)


@pytest.mark.cc
def test_verify_build_locates_what_differs(build_dir: Path) -> None:
    require("cc|gcc|clang")
    break_c(build_dir)
    report = verify_build(build_dir, backends="c", n_steps=200, seed=5, quiet=True)
    assert not report.passed
    assert report.edited == ("c/lmu_tables.h",)
    result = report.results[0]
    assert result.first is not None
    assert result.failing is not None
    assert len(result.failing) == result.first.step + 1
    (found,) = report.divergences or ()
    assert found.backend == "c"
    assert found.replay in str(report)
    with pytest.raises(MismatchError, match="seed 5"):
        report.check()
