"""`make coverage` judges lines and branches separately, rounded down."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.project.covered import main


def report(lines: int, branches: int) -> dict[str, Any]:
    summary = {
        "covered_lines": lines,
        "num_statements": 2000,
        "covered_branches": branches,
        "num_branches": 1000,
    }
    part = {
        "summary": summary,
        "missing_lines": [3, 4, 5, 9],
        "missing_branches": [[7, 3], [2, -1]],
    }
    return {"files": {"lmu_hw/a.py": part}, "totals": summary}


@pytest.mark.parametrize(
    ("lines", "branches", "code", "said"),
    [
        (1900, 950, 0, "95.0        95.0  3-5, 9, 2->end"),
        (1899, 1000, 1, "below 95 %: lines"),
        (2000, 949, 1, "below 95 %: branches"),
    ],
)
def test_both_must_be_high(
    lines: int,
    branches: int,
    code: int,
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "report.json"
    path.write_text(json.dumps(report(lines, branches)))
    assert main(path) == code
    assert said in capsys.readouterr().out
