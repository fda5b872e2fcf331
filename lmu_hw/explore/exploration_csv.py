"""An exploration as CSV text: a row for each point."""

from __future__ import annotations

import csv
import io
from dataclasses import fields

from .exploration import Exploration
from .explored_point import BoardFigures, DeviceFigures, ExploredPoint

QUALITY = ("score", "float_score", "loss")
PROGRAM_FIELDS = ("multiplies", "rom_bits", "ram_bits", "cycles_per_step")
SKIPPED = ("target",)


def exploration_csv(exploration: Exploration) -> str:
    """Return the points as CSV, in the order of the grid.

    Columns: the number; the axes; score, score of float64 and loss; multiplies, bits and cycles;
    the figures of each target under ``TARGET.FIGURE``; fronts and missed limits, separated by
    semicolons; why there is no design or no Verilog; the digest; the command. What is not known is
    empty.
    """
    kinds = {f.target: type(f) for p in exploration.points for f in p.figures}
    columns = {
        target: [f.name for f in fields(kind) if f.name not in SKIPPED]
        for target, kind in kinds.items()
    }
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    head = ["point", *(axis.name for axis in exploration.axes), "metric", *QUALITY]
    head += PROGRAM_FIELDS
    head += [f"{target}.{name}" for target, names in columns.items() for name in names]
    writer.writerow([*head, "fronts", "misses", "refused", "no_hardware", "digest", "command"])
    for point in exploration.points:
        writer.writerow(_row(point, exploration, columns))
    return file.getvalue()


def _row(
    point: ExploredPoint, exploration: Exploration, columns: dict[str, list[str]]
) -> list[object]:
    quality = point.quality
    row: list[object] = [point.number, *point.settings.values(), exploration.metric.value]
    row += [None if quality is None else getattr(quality, name) for name in QUALITY]
    row += [getattr(point, name) for name in PROGRAM_FIELDS]
    found: dict[str, DeviceFigures | BoardFigures] = {f.target: f for f in point.figures}
    for target, names in columns.items():
        figures = found.get(target)
        row += [None if figures is None else _cell(getattr(figures, name)) for name in names]
    row += ["; ".join(point.fronts), "; ".join(point.misses)]
    return [*row, point.refused, point.no_hardware, point.digest, point.command]


def _cell(value: object) -> object:
    return getattr(value, "value", value)
