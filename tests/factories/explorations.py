"""Explorations with made figures."""

from __future__ import annotations

import random

from lmu_hw.explore.exploration import Exploration, ExploredAxis, PointCounts
from lmu_hw.explore.explored_point import (
    BoardFigures,
    DeviceFigures,
    ExploredPoint,
    FigureBasis,
    Metric,
    PointQuality,
)

BITS = (4, 6, 8, 10, 12, 16)
DEVICE, BOARD = "ecp5-25k", "c-m4"


def exploration(
    n_points: int = 240, *, picked: int | None = 1, title: str = "digits"
) -> Exploration:
    """Return an exploration of a network over weights, words and lanes."""
    rng = random.Random(n_points)
    n_theta = -(-n_points // (len(BITS) ** 2 * 7))
    grid = [
        (weight, act, 1 << lanes, 16 + theta)
        for theta in range(n_theta)
        for weight in BITS
        for act in BITS
        for lanes in range(7)
    ][:n_points]
    points = [_point(k, *settings, rng) for k, settings in enumerate(grid, start=1)]
    for target, costs in ((DEVICE, _device_costs), (BOARD, _board_costs)):
        best = [p for p in points[:600] if not any(_dominates(costs(q), costs(p)) for q in points)]
        names = {p.number for p in best[:40]}
        points = [_with_front(p, target) if p.number in names else p for p in points]
    return Exploration(
        title=title,
        axes=(
            ExploredAxis(name="weight_bits", values=tuple(map(str, BITS))),
            ExploredAxis(name="act_bits", values=tuple(map(str, BITS))),
            ExploredAxis(name="lanes", values=tuple(str(1 << k) for k in range(7))),
            ExploredAxis(name="theta", values=tuple(str(16 + k) for k in range(n_theta))),
        ),
        targets=(DEVICE, BOARD),
        metric=Metric.ACCURACY,
        constraints=("loss <= 0.2 %",),
        objectives={DEVICE: ("loss", "share", "time"), BOARD: ("loss", "flash", "instructions")},
        points=tuple(points),
        picked=picked,
        reason="smallest on ecp5-25k of 96 points that keep all limits",
        counts=PointCounts(
            space=n_points, points=n_points, refused=0, computed=n_points, known=0, measured=12
        ),
    )


def _point(
    number: int, weight: int, act: int, lanes: int, theta: int, rng: random.Random
) -> ExploredPoint:
    loss = 0.4 * 2.0 ** (-weight) + 0.5 * 2.0 ** (-act) + 0.002 * rng.random()
    luts = round(900 + 60 * lanes * (weight + act) + 20 * act + 60 * rng.random())
    cycles = round(60 + 9000 / lanes)
    clock = round(125 - 5 * lanes**0.5 - 4 * rng.random(), 1)
    flash = round(2500 + 1100 * weight)
    settings = {"weight_bits": weight, "act_bits": act, "lanes": lanes, "theta": theta}
    widths = f"--weight-bits {weight} --act-bits {act} --lanes {lanes} --theta {theta}"
    measured = FigureBasis.MEASURED if number % 20 == 1 else FigureBasis.ESTIMATED
    return ExploredPoint(
        number=number,
        settings={name: str(value) for name, value in settings.items()},
        command=f"lmu-hw generate examples/models/digits.npz {widths} -o build/point-{number}",
        digest=f"{rng.getrandbits(256):064x}",
        quality=PointQuality(
            metric=Metric.ACCURACY, score=0.972 - loss, float_score=0.972, loss=loss
        ),
        multiplies=9000,
        rom_bits=9000 * weight,
        ram_bits=120 * act,
        cycles_per_step=cycles,
        devices=(
            DeviceFigures(
                target=DEVICE,
                basis=measured,
                luts=luts,
                ffs=luts * 3 // 4,
                dsps=lanes + 3,
                block_rams=2 + lanes // 4,
                share=max(luts / 24288, (lanes + 3) / 28),
                clock_mhz=clock,
                steps_per_second=round(clock * 1e6 / cycles),
            ),
        ),
        boards=(
            BoardFigures(
                target=BOARD,
                basis=measured,
                flash=flash,
                ram=600 + 40 * act,
                instructions=14000.0 + 300 * weight,
                instructions_without=None,
                share=flash / (4 << 20),
            ),
        ),
        misses=("loss <= 0.2 %",) if loss > 0.02 else (),
    )


def _device_costs(point: ExploredPoint) -> tuple[float, ...]:
    device, quality = point.devices[0], point.quality
    assert quality is not None
    assert device.steps_per_second is not None
    return quality.loss, device.share, 1 / device.steps_per_second


def _board_costs(point: ExploredPoint) -> tuple[float, ...]:
    board, quality = point.boards[0], point.quality
    assert quality is not None
    return quality.loss, board.flash, board.instructions


def _dominates(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a != b and all(x <= y for x, y in zip(a, b, strict=True))


def _with_front(point: ExploredPoint, target: str) -> ExploredPoint:
    from dataclasses import replace

    return replace(point, fronts=(*point.fronts, target))
