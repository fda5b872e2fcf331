"""Limits of points, and which point is picked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lmu_hw.errors import SpecError
from lmu_hw.explore.constraints import PointLimits, loss_of
from lmu_hw.explore.pareto_front import front_of
from lmu_hw.explore.picking import picked
from tests.explore.points import BOARD, DEVICE, point


@pytest.mark.parametrize(
    ("limits", "misses"),
    [
        ({"max_loss": 0.01}, ()),
        ({"max_loss": 0.001}, ("loss <= 0.001",)),
        ({"max_lut": 1000, "max_dsp": 4, "max_bram": 2}, ()),
        ({"max_lut": 999}, ("LUTs <= 999",)),
        ({"max_dsp": 0}, ("multipliers <= 0",)),
        ({"max_bram": 1}, ("block RAMs <= 1",)),
        ({"min_rate": 1e6, "max_cycles": 100}, ()),
        ({"min_rate": 2e6}, ("steps/s >= 2,000,000",)),
        ({"max_cycles": 99}, ("cycles <= 99",)),
        ({"max_flash": 8000, "max_ram": 900, "max_instructions": 5000}, ()),
        ({"max_flash": 7999}, ("flash bytes <= 7,999",)),
        ({"max_ram": 899}, ("RAM bytes <= 899",)),
        ({"max_instructions": 4999.5}, ("instructions <= 5,000",)),
        ({"fit": ("ecp5-25k", "c-m4")}, ()),
        ({"fit": ("c-avr",)}, ("fits c-avr",)),
    ],
)
def test_limits(limits: dict[str, Any], misses: tuple[str, ...]) -> None:
    assert PointLimits(**limits).misses(point(loss=0.005, board=BOARD)) == misses


def test_what_does_not_fit_and_what_has_no_design() -> None:
    large = point(device=replace(DEVICE, share=1.2))
    assert PointLimits(fit=("ecp5-25k",)).misses(large) == ("fits ecp5-25k",)
    assert PointLimits().misses(point(refused="no design")) == ("a design",)


def test_a_target_without_a_clock_decides_no_rate_alone() -> None:
    bare = point(device=replace(DEVICE, clock_mhz=None, steps_per_second=None))
    assert PointLimits(min_rate=1.0).misses(bare) == ("steps/s >= 1",)


@pytest.mark.parametrize("value", [0, -1, float("nan"), "many", True])
def test_limits_are_checked(value: Any) -> None:
    with pytest.raises(SpecError, match="max_lut must be"):
        PointLimits(max_lut=value)


def test_losses_are_shares() -> None:
    assert loss_of("0.2%") == loss_of(0.002) == 0.002
    assert loss_of(None) is None
    for wrong in ("much", 1.0, -0.1, "120%", True):
        with pytest.raises(SpecError, match="max_loss must be a share"):
            loss_of(wrong)


def test_the_cheapest_that_keeps_the_limits_is_picked() -> None:
    points = [
        point(1, loss=0.0, device=replace(DEVICE, share=0.5)),
        point(2, loss=0.001, device=replace(DEVICE, share=0.2)),
        point(3, loss=0.100, device=replace(DEVICE, share=0.1)),
        point(4, loss=0.001, device=replace(DEVICE, share=0.1, refused="it does not fit")),
    ]
    best, reason = picked(points, PointLimits(max_loss=0.002), ["ecp5-25k"])
    assert best is points[1]
    assert reason == "smallest share of the targets of 2 points with loss <= 0.002"


def test_without_a_loss_the_middle_of_the_front_is_picked() -> None:
    figures = ((0.0, 1.0, 9.0), (0.1, 0.1, 1.0), (1.0, 0.0, 0.0))
    points = [
        point(k, loss=loss, device=replace(DEVICE, share=share, steps_per_second=1 / (1 + time)))
        for k, (loss, share, time) in enumerate(figures, 1)
    ]
    on = front_of(points, "ecp5-25k")
    assert on == {1, 2, 3}
    points = [replace(p, fronts=("ecp5-25k",)) for p in points]
    best, reason = picked(points, PointLimits(), ["ecp5-25k"])
    assert best is points[1]
    assert "give --max-loss" in reason


def test_a_point_without_hardware_is_picked_for_no_device() -> None:
    without = point(1, device=None, board=BOARD, no_hardware="parallel must be shared")
    points = [without, point(2, loss=0.001, board=BOARD)]
    for limits in (PointLimits(max_loss=0.01), PointLimits()):
        assert picked(points, limits, ["ecp5-25k"])[0] is points[1]
        assert picked(points, limits, ["ecp5-25k", "c-m4"])[0] is points[1]
    assert picked(points, PointLimits(max_loss=0.01), ["c-m4"])[0] is without
    best, reason = picked([without], PointLimits(), ["ecp5-25k"])
    assert best is None
    assert "1 have no hardware: parallel must be shared" in reason


def test_why_none_is_picked() -> None:
    points = [point(1, loss=0.1), point(2, loss=0.2, device=replace(DEVICE, luts=10))]
    best, reason = picked(points, PointLimits(max_loss=0.01, max_lut=100), ["ecp5-25k"])
    assert best is None
    assert "2 of 2 that fit miss loss <= 0.01" in reason
    best, reason = picked([point(device=replace(DEVICE, share=2.0))], PointLimits(), ["ecp5-25k"])
    assert best is None
    assert "none of 1 points fits all targets" in reason


def test_the_front_takes_only_what_fits() -> None:
    points = [point(1, loss=0.1), point(2, loss=0.0, device=replace(DEVICE, share=1.1))]
    assert front_of(points, "ecp5-25k") == {1}
    assert front_of(points, "c-m4") == set()
