"""`explore.html` and the data inside it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from lmu_hw.explore.exploration import Exploration
from lmu_hw.explore.exploration_page import exploration_page
from lmu_hw.explore.explored_point import ExploredPoint, FigureBasis
from lmu_hw.explore.page_data import page_data
from tests.factories.explorations import BOARD, DEVICE, exploration

MB = 1 << 20


def decoded(result: Exploration) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(page_data(result))
    return data


def text_of(column: dict[str, Any], k: int) -> str:
    return str(column["texts"][column["at"][k] if "at" in column else 0])


def values_of(data: dict[str, Any], target: str, key: str) -> list[float | None]:
    (column,) = [c for c in data["columns"] if (c["target"], c["key"]) == (target, key)]
    found: list[float | None] = column["values"]
    return [column["few"][k] for k in column["at"]] if "few" in column else found


def test_the_data_holds_every_point() -> None:
    result = exploration(240)
    data = decoded(result)
    assert data["numbers"] == list(range(1, 241))
    for k, point in enumerate(result.points):
        command = " ".join(text_of(word, k) for word in data["commands"])
        assert command == point.command
        assert text_of(data["misses"], k) == "; ".join(point.misses)
        assert data["digests"][k] == (point.digest or "")[:12]
        for axis in data["axes"]:
            assert text_of(axis["values"], k) == point.settings[axis["name"]]
    assert values_of(data, DEVICE, "luts") == [p.devices[0].luts for p in result.points]
    assert values_of(data, BOARD, "flash") == [p.boards[0].flash for p in result.points]
    accuracy = [p.quality.score for p in result.points if p.quality is not None]
    assert values_of(data, "quality", "score") == pytest.approx(
        [100 * a for a in accuracy], rel=1e-4
    )


def test_fronts_and_what_was_measured_are_marked_by_target() -> None:
    result = exploration(240)
    for target in decoded(result)["targets"]:
        on_front = [k for k, p in enumerate(result.points) if target["name"] in p.fronts]
        assert target["front"] == on_front != []
        assert target["measured"] == list(range(0, 240, 20))
        figures = [p.devices[0] if target["name"] == DEVICE else p.boards[0] for p in result.points]
        assert target["unfit"] == [k for k, f in enumerate(figures) if not f.fits]


def test_points_without_a_design_or_figures_have_none() -> None:
    result = exploration(12)
    no_design = ExploredPoint(number=13, settings={}, command="lmu-hw", refused="d must be >= 1")
    data = decoded(replace(result, points=(*result.points, no_design)))
    assert values_of(data, DEVICE, "luts")[-1] is None
    assert text_of(data["refused"], 12) == "d must be >= 1"
    assert "refused" in exploration_page(replace(result, points=(no_design,), picked=None))


def test_the_page_needs_nothing_but_itself() -> None:
    page = exploration_page(exploration(60))
    assert re.findall(r'(?:src|href)="(?!data:,|#)', page) == []
    assert "default-src 'none'" in page
    # the licences of the libraries are in every copy
    assert "Mike Bostock" in page
    assert "Permission to use, copy, modify" in page


def test_the_same_exploration_gives_the_same_bytes() -> None:
    assert exploration_page(exploration(60)) == exploration_page(exploration(60))


def test_texts_cannot_leave_their_element() -> None:
    hostile = "</script><script>alert(1)</script>"
    result = exploration(8, title=hostile)
    points = tuple(replace(p, command=hostile, misses=(hostile,)) for p in result.points)
    page = exploration_page(replace(result, points=points, reason=hostile))
    assert "<script>alert" not in page
    assert decoded(replace(result, points=points))["misses"]["texts"] == [hostile]


def test_the_recommended_point_is_at_the_top_with_its_command() -> None:
    result = exploration(60, picked=7)
    page = exploration_page(result)
    top = page[: page.index('id="trade-off"')]
    assert result.points[6].command in top
    assert f"{result.points[6].devices[0].luts:,}" in top
    assert FigureBasis.ESTIMATED.value in top
    assert "No point is recommended" in exploration_page(replace(result, picked=None))


def test_fronts_are_tables_that_need_no_script() -> None:
    result = exploration(240)
    page = exploration_page(result)
    part = page[page.index('id="fronts"') : page.index('id="method"')]
    for target in (DEVICE, BOARD):
        assert f"Pareto front on {target}" in part
    assert part.count("<tr>") == 2 + sum(len(result.front(t)) for t in (DEVICE, BOARD))


def test_without_targets_the_front_is_that_of_the_program() -> None:
    result = exploration(24)
    points = tuple(
        replace(p, devices=(), boards=(), fronts=("program",) if p.number < 4 else ())
        for p in result.points
    )
    objectives = {"program": ("loss", "bits", "multiplies")}
    alone = replace(result, points=points, targets=(), objectives=objectives)
    page = exploration_page(alone)
    part = page[page.index('id="fronts"') : page.index('id="method"')]
    assert part.count("<tr>") == 1 + 3
    assert "coefficients [bits]" in part
    assert [t["name"] for t in decoded(alone)["targets"]] == ["program"]


def test_a_thousand_points_take_less_than_a_megabyte() -> None:
    assert len(exploration_page(exploration(1000)).encode()) < MB


def test_ten_thousand_points_take_less_than_two() -> None:
    assert len(exploration_page(exploration(10_000)).encode()) < 2 * MB
