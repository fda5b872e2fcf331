"""The result of an exploration: all points, the Pareto fronts, and the point that was picked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .._support.tables import columns, html_table
from ..program.codec import Report
from .explored_point import ExploredPoint, Metric
from .front_table import MOST_ROWS, front_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class ExploredAxis:
    """An axis of the space: a name of `--over` and its values, as on the command line."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PointCounts:
    """How many results an exploration has, and where they are from.

    Attributes
    ----------
    space : int
        Points of the grid.
    points : int
        Points that were looked at: all of the grid, or those of the budget.
    refused : int
        Points without a design.
    computed, known : int
        Results (designs, scores, schedules, figures of a target) that this run computed, and that
        the store had already.
    measured : int
        Points with a figure that a real tool gave.
    """

    space: int
    points: int
    refused: int
    computed: int
    known: int
    measured: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Exploration(Report):
    """An exploration: every point, the Pareto fronts and the point that was picked.

    Attributes
    ----------
    title : str
        The memory or the network.
    axes : tuple of ExploredAxis
    targets : tuple of str
        FPGA devices and microcontrollers, as ``--target`` takes them.
    metric : Metric
        What the quality is.
    constraints : tuple of str
        As text, such as ``loss <= 0.2 %``.
    objectives : mapping of str to tuple of str
        What the front of each target minimizes: ``loss``, ``share`` and ``time`` of a device,
        ``loss``, ``flash`` and ``instructions`` of a board. Without targets there is one front,
        ``program``, of ``loss``, ``bits`` and ``multiplies``.
    points : tuple of ExploredPoint
        In the order of the grid.
    picked : int or None
        Number of the point that is recommended; None where no point meets the constraints.
    reason : str
        Why it was picked, or why none was.
    counts : PointCounts
    """

    title: str
    axes: tuple[ExploredAxis, ...]
    targets: tuple[str, ...]
    metric: Metric
    constraints: tuple[str, ...]
    objectives: Mapping[str, tuple[str, ...]]
    points: tuple[ExploredPoint, ...]
    picked: int | None
    reason: str
    counts: PointCounts

    @property
    def best(self) -> ExploredPoint | None:
        """The point that was picked."""
        return next((p for p in self.points if p.number == self.picked), None)

    def front(self, target: str) -> tuple[ExploredPoint, ...]:
        """Return the Pareto-optimal points of a target, best quality first."""
        found = [p for p in self.points if target in p.fronts]
        return tuple(sorted(found, key=lambda p: (p.quality.loss if p.quality else 0.0, p.number)))

    def __str__(self) -> str:
        counts = self.counts
        lines = [self.title, f"  {self._counted()}"]
        for name, objectives in self.objectives.items():
            front = self.front(name)
            lines.append(f"{name}: {len(front)} Pareto-optimal points in {', '.join(objectives)}")
            lines += [f"  {line}" for line in columns(front_rows(front, name), n_left=0)]
            if len(front) > MOST_ROWS:
                lines.append(f"  ... and {len(front) - MOST_ROWS} more")
        if counts.refused:
            first = next(p for p in self.points if p.refused)
            lines.append(f"{counts.refused:,} points have no design; point {first.number}: ")
            lines[-1] += first.refused
        best = self.best
        lines.append(f"picked: {'none' if best is None else f'point {best.number}'}, {self.reason}")
        lines += [] if best is None else [f"next: {best.command}"]
        return "\n".join(lines)

    def _counted(self) -> str:
        counts = self.counts
        of_grid = "" if counts.points == counts.space else f" of {counts.space:,}"
        return (
            f"{counts.points:,}{of_grid} points, {counts.measured:,} measured; "
            f"{counts.computed:,} results computed, {counts.known:,} known before"
        )

    def _repr_html_(self) -> str:
        tables = (
            html_table(front_rows(self.front(name), name), n_left=0, caption=f"Front of {name}")
            for name in self.objectives
            if self.front(name)
        )
        return "\n".join(tables)
