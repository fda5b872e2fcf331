"""The data of `explore.html`: an exploration as columns, small enough to be inside the page."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .exploration import Exploration
from .explored_point import BoardFigures, DeviceFigures, ExploredPoint, FigureBasis, Metric

DIGITS = 5
"""Significant digits of the numbers in the page; integers have all of theirs."""
FEW = 200
"""Most distinct numbers of a column that is stored as indices."""
MANY = 3000
"""Most points with a digest in the page."""
DIRECTORY = "lmu_out"
"""Where `lmu-hw generate` writes to if its command does not say."""
DIGEST = 12
"""Characters of a program's digest in the page."""

Figures = DeviceFigures | BoardFigures
Number = float | int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownFigure:
    """A figure that the page shows.

    Attributes
    ----------
    key : str
        Attribute of a point, of its quality or of the figures of a target.
    label : str
        With its unit.
    better : str
        ``"low"`` or ``"high"``.
    factor : float
        Shown for a value of 1.
    """

    key: str
    label: str
    better: str = "low"
    factor: float = 1.0


OF_DEVICE = (
    ShownFigure(key="luts", label="LUTs"),
    ShownFigure(key="ffs", label="flip-flops"),
    ShownFigure(key="dsps", label="multipliers"),
    ShownFigure(key="block_rams", label="block RAMs"),
    ShownFigure(key="share", label="share of the device [%]", factor=100.0),
    ShownFigure(key="clock_mhz", label="clock [MHz]", better="high"),
    ShownFigure(key="steps_per_second", label="steps/s", better="high"),
)
OF_BOARD = (
    ShownFigure(key="flash", label="flash [bytes]"),
    ShownFigure(key="ram", label="RAM [bytes]"),
    ShownFigure(key="instructions", label="instructions a step"),
    ShownFigure(key="instructions_without", label="instructions without an output"),
    ShownFigure(key="share", label="share of the board [%]", factor=100.0),
)
OF_POINT = (
    ShownFigure(key="cycles_per_step", label="cycles a step"),
    ShownFigure(key="multiplies", label="multiplies a step"),
    ShownFigure(key="rom_bits", label="coefficients [bits]"),
    ShownFigure(key="ram_bits", label="states and words [bits]"),
)
OF_QUALITY = {
    Metric.ACCURACY: (
        ShownFigure(key="score", label="accuracy [%]", better="high", factor=100.0),
        ShownFigure(key="loss", label="accuracy lost [points]", factor=100.0),
    ),
    Metric.NRMSE: (
        ShownFigure(key="score", label="NRMSE"),
        ShownFigure(key="loss", label="NRMSE above float64"),
    ),
    Metric.AGREEMENT: (ShownFigure(key="score", label="NRMSE against float64"),),
    Metric.ERROR: (ShownFigure(key="score", label="RMS error [share of full scale]"),),
    Metric.WINDOW: (ShownFigure(key="score", label="NRMSE of the decoded window"),),
}
"""Quality by metric, the one on the vertical axis first."""


def page_data(exploration: Exploration) -> str:
    """Return an exploration as JSON that a script element may hold.

    Texts and numbers that repeat are stored once, and fractions with five digits: of two targets,
    1,000 points take about 150 kB and 10,000 about 1.2 MB.

    Parameters
    ----------
    exploration : Exploration
    """
    points = exploration.points
    data = {
        "axes": [
            {"name": axis.name, "values": _few([p.settings.get(axis.name, "") for p in points])}
            for axis in exploration.axes
        ],
        "columns": _columns(exploration),
        "targets": [_target(points, name) for name in exploration.objectives],
        "numbers": [p.number for p in points],
        "commands": _words([p.command for p in points]),
        "digests": _digests(points),
        "misses": _few(["; ".join(p.misses) for p in points]),
        "refused": _few([p.refused or p.no_hardware for p in points]),
        "picked": exploration.picked,
        "directory": DIRECTORY,
    }
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    # no end of a script element, nor a comment, inside
    return text.replace("<", "\\u003c")


def report_command(command: str) -> str:
    """Return the command that reports on what a command generates.

    Examples
    --------
    >>> report_command("lmu-hw generate --d 6"), report_command("lmu-hw generate --d 6 -o out")
    ('lmu-hw report lmu_out', 'lmu-hw report out')
    """
    words = command.split(" ")
    directory = words[words.index("-o") + 1] if "-o" in words else DIRECTORY
    return f"lmu-hw report {directory}"


def figures_of(point: ExploredPoint, target: str) -> Figures | None:
    """Return the figures of a point on a target; None where it has none."""
    return next((f for f in point.figures if f.target == target), None)


def shown_figures(points: Iterable[ExploredPoint], target: str) -> tuple[ShownFigure, ...]:
    """Return the figures of a target that any point has."""
    found = [f for p in points if (f := figures_of(p, target)) is not None]
    kinds = OF_BOARD if found and isinstance(found[0], BoardFigures) else OF_DEVICE
    return tuple(k for k in kinds if any(getattr(f, k.key) is not None for f in found))


def value_of(shown: ShownFigure, holder: object) -> Number:
    """Return a figure in the unit of its label; None where there is none."""
    value = getattr(holder, shown.key, None)
    if value is None or value in (float("inf"), float("-inf")) or value != value:
        return None
    if isinstance(value, int):
        return value
    rounded = float(f"{value * shown.factor:.{DIGITS}g}")
    return int(rounded) if rounded.is_integer() else rounded


def _columns(exploration: Exploration) -> list[dict[str, Any]]:
    """Return every figure as a column, with null where a point has none."""
    points = exploration.points
    columns = [
        _column("quality", shown, points, lambda p: p.quality)
        for shown in OF_QUALITY[exploration.metric]
    ]
    columns += [_column("", shown, points, lambda p: p) for shown in OF_POINT]
    for target in exploration.targets:
        columns += [
            _column(target, shown, points, lambda p, t=target: figures_of(p, t))  # type: ignore[misc]
            for shown in shown_figures(points, target)
        ]
    return [_packed(c) for c in columns if any(v is not None for v in c["values"])]


def _packed(column: dict[str, Any]) -> dict[str, Any]:
    """Return a column with its values as indices, where few are distinct."""
    values = column["values"]
    distinct = list(dict.fromkeys(values))
    if len(distinct) > min(FEW, len(values) // 4):
        return column
    places = {value: k for k, value in enumerate(distinct)}
    return {**column, "values": [], "few": distinct, "at": [places[v] for v in values]}


def _digests(points: Sequence[ExploredPoint]) -> list[str]:
    """Return the start of each program's digest; none for many points, as they do not compress."""
    if len(points) > MANY:
        return []
    return [(p.digest or "")[:DIGEST] for p in points]


def _column(
    target: str,
    shown: ShownFigure,
    points: Sequence[ExploredPoint],
    holder: Callable[[ExploredPoint], object],
) -> dict[str, Any]:
    return {
        "key": shown.key,
        "target": target,
        "label": shown.label,
        "better": shown.better,
        "values": [value_of(shown, holder(p)) for p in points],
    }


def _target(points: Sequence[ExploredPoint], name: str) -> dict[str, Any]:
    """Return which points are on the front of a target, measured on it, or too large for it."""
    found = [figures_of(p, name) for p in points]
    board = any(isinstance(f, BoardFigures) for f in found)
    measured = [f is not None and f.basis is FigureBasis.MEASURED for f in found]
    return {
        "name": name,
        "board": board,
        "front": [k for k, p in enumerate(points) if name in p.fronts],
        "measured": [k for k, yes in enumerate(measured) if yes],
        "unfit": [k for k, f in enumerate(found) if f is not None and not f.fits],
        "refused": _few(["" if f is None else f.refused for f in found]),
    }


def _few(texts: Sequence[str]) -> dict[str, Any]:
    """Return texts as the distinct ones, and the index of each; no indices if there is one."""
    distinct = list(dict.fromkeys(texts))
    if len(distinct) == 1:
        return {"texts": distinct}
    places = {text: k for k, text in enumerate(distinct)}
    return {"texts": distinct, "at": [places[text] for text in texts]}


def _words(commands: Sequence[str]) -> list[dict[str, Any]]:
    """Return commands as columns of words, or whole if they differ in the number of words."""
    rows = [command.split(" ") for command in commands]
    if len({len(row) for row in rows}) != 1:
        return [_few(commands)]
    return [_few(column) for column in zip(*rows, strict=True)]
