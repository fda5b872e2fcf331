"""Benchmarks that are stopped measure nothing twice, and keep the sections of others."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.results_file import Results, with_section
from lmu_hw.errors import EmitError, ModelFileError

PAGE = "# Page\n\nText.\n\n## A\n\nold\n\nold too\n\n## B\n\nkept\n"


def test_what_is_known_is_not_measured_again(tmp_path: Path) -> None:
    path, calls = tmp_path / "new" / "results.json", []

    def measure() -> dict[str, int]:
        calls.append(1)
        return {"figure": len(calls)}

    assert Results(path).add("row", measure) == {"figure": 1}
    again = Results(path)
    assert again.add("row", measure) == {"figure": 1}
    assert again.add("other", measure) == {"figure": 2}
    assert list(Results(path).rows) == ["row", "other"]


def test_files_that_stand_in_the_way_are_refused(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text("{")
    with pytest.raises(ModelFileError, match=r"results.json is damaged; delete it"):
        Results(tmp_path / "results.json")
    with pytest.raises(EmitError, match=r"cannot write .*results"):
        Results(tmp_path / "results.json" / "results.json")


def test_a_section_is_replaced_and_others_stay() -> None:
    found = with_section(PAGE, "A", "new\n")
    assert found == "# Page\n\nText.\n\n## A\n\nnew\n\n## B\n\nkept\n"
    assert with_section(found, "A", "new") == found


def test_a_new_section_comes_last() -> None:
    assert with_section(PAGE, "C", "new") == PAGE + "\n## C\n\nnew\n"
    assert with_section(PAGE, "B", "new").endswith("old too\n\n## B\n\nnew\n")
