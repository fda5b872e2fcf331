"""Requests that cannot be explored: one line, and nothing is left behind."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from lmu_hw.errors import LMUHWError, ModelFileError
from lmu_hw.explore.exploring import explore
from lmu_hw.explore.result_store import ResultKind
from tests.cli.command import refused

OVER = {"d": [2], "theta": [16], "bits": [8]}
SINE = np.sin(np.arange(300) / 9) / 2


@pytest.mark.parametrize(
    ("over", "text"),
    [
        ({"theta": [np.nan]}, "theta must be a finite number"),
        ({"theta": [np.inf]}, "theta must be a finite number"),
        ({"theta": ["1e400"]}, "theta must be a finite number"),
        ({"d": ["nan"]}, "d .order. must be a whole number"),
        ({"d": [0]}, "d .order. must be a whole number from 1"),
    ],
)
def test_a_space_without_a_design_leaves_nothing(
    over: dict[str, list[object]], text: str, tmp_path: Path
) -> None:
    with pytest.raises(LMUHWError, match=f"no point has a design; the first: {text}"):
        explore({}, {**OVER, **over}, measure="none", workers=0, out=tmp_path / "found")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("signal", "text"),
    [
        (np.zeros(300), "largest magnitude above 0 and up to 1, full scale, not 0"),
        (10 * SINE, "full scale, not 4.99"),
        (np.full(300, 1e300), r"full scale, not 1e\+300"),
        (SINE[:40], "at least three windows of 16 samples, not 40 samples"),
        (np.where(np.arange(300) < 5, 0.5, 0.0), "silent after the first two windows"),
    ],
)
def test_signals_that_judge_nothing(signal: object, text: str, tmp_path: Path) -> None:
    with pytest.raises(LMUHWError, match=text):
        explore({}, OVER, data=signal, measure="none", workers=0, out=tmp_path / "found")
    assert not list(tmp_path.iterdir())


def test_a_point_that_is_refused_is_no_obstacle_to_others() -> None:
    found = explore({}, {**OVER, "d": ["nan", 2]}, measure="none", workers=0)
    assert (found.counts.points, found.counts.refused) == (2, 1)


@pytest.mark.parametrize("kind", list(ResultKind))
@pytest.mark.parametrize("outcome", ["{}", "[]", "{bad"])
def test_a_changed_result_is_refused(kind: ResultKind, outcome: str, tmp_path: Path) -> None:
    def run() -> None:
        explore({}, OVER, targets=["c-m4"], measure="none", workers=0, out=tmp_path)

    run()
    with sqlite3.connect(tmp_path / "explore.sqlite") as file:
        changed = file.execute(f"UPDATE {kind.value} SET outcome = ?", (outcome,)).rowcount
    file.close()
    assert changed
    with pytest.raises(ModelFileError, match=r"explore.sqlite is damaged: a result was changed"):
        run()


def test_a_table_of_other_columns(tmp_path: Path) -> None:
    explore({}, OVER, measure="none", workers=0, out=tmp_path)
    with sqlite3.connect(tmp_path / "explore.sqlite") as file:
        file.executescript("DROP TABLE designs; CREATE TABLE designs (key TEXT)")
    file.close()
    with pytest.raises(ModelFileError, match=r"is damaged: no such column: outcome; delete it"):
        explore({}, OVER, measure="none", workers=0, out=tmp_path)


def test_several_channels_of_a_recording(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "three.npy", np.zeros((50, 3)))
    argv = ("explore", "--over", "d=2", "--over", "theta=16", "--data", tmp_path / "three.npy")
    out = tmp_path / "found"
    text = refused(capsys, *argv, "--workers", 0, "-o", out)
    assert "must hold one signal: write the one to judge by alone" in text
    assert not out.exists()
