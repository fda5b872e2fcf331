"""Points with figures that tests make up."""

from __future__ import annotations

from dataclasses import replace

from lmu_hw.explore.explored_point import (
    BoardFigures,
    DeviceFigures,
    ExploredPoint,
    FigureBasis,
    Metric,
    PointQuality,
)

DEVICE = DeviceFigures(
    target="ecp5-25k",
    basis=FigureBasis.ESTIMATED,
    luts=1000,
    ffs=800,
    dsps=4,
    block_rams=2,
    share=0.1,
    clock_mhz=100.0,
    steps_per_second=1e6,
)
BOARD = BoardFigures(
    target="c-m4",
    basis=FigureBasis.ESTIMATED,
    flash=8000,
    ram=900,
    instructions=5000.0,
    instructions_without=None,
    share=0.01,
)


def point(
    number: int = 1,
    loss: float = 0.0,
    device: DeviceFigures | None = DEVICE,
    board: BoardFigures | None = None,
    **fields: object,
) -> ExploredPoint:
    """Return a point of an accuracy of 95 % less its loss."""
    made = ExploredPoint(
        number=number,
        settings={"bits": str(number), "lanes": "1"},
        command=f"lmu-hw generate --bits {number} --lanes 1",
        digest=f"{number:064x}",
        quality=PointQuality(
            metric=Metric.ACCURACY, score=0.95 - loss, float_score=0.95, loss=loss
        ),
        multiplies=100,
        rom_bits=8192,
        ram_bits=1024,
        cycles_per_step=100,
        devices=() if device is None else (device,),
        boards=() if board is None else (board,),
    )
    return replace(made, **fields)  # type: ignore[arg-type]
