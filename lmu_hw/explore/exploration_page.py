"""`explore.html`: fronts, plots and a table of all points in one file."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from .._support.templates import page_environment
from .._support.version import __version__
from .exploration import Exploration
from .explored_point import ExploredPoint, FigureBasis
from .page_data import (
    OF_POINT,
    OF_QUALITY,
    ShownFigure,
    figures_of,
    page_data,
    report_command,
    shown_figures,
    value_of,
)

FRONT_ROWS = 60
"""Most rows of the table of a front; all of it is in the table of points."""
NONE = "\N{EN DASH}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontTable:
    """The Pareto front of a target as text.

    Attributes
    ----------
    target : str
    objectives : str
        What it minimizes, as words.
    head : tuple of str
    rows : tuple of tuple of str
        With the number of the point first.
    left_out : int
        Rows that are not shown.
    """

    target: str
    objectives: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left_out: int


def exploration_page(exploration: Exploration) -> str:
    """Return the HTML of an exploration: one file without a network.

    Parameters
    ----------
    exploration : Exploration
    """
    template = page_environment().get_template("pages/explore.html.j2")
    best = exploration.best
    return template.render(
        title=exploration.title,
        version=__version__,
        exploration=exploration,
        best=best,
        report="" if best is None else report_command(best.command),
        headline=_headline(exploration),
        best_figures=[] if best is None else _best_figures(exploration, best),
        settings=[] if best is None else list(best.settings.items()),
        fronts=[_front(exploration, name) for name in exploration.objectives],
        data=Markup(page_data(exploration)),
    )


def number_text(value: float | None) -> str:
    """Return a number for people: thousands apart, few digits.

    Examples
    --------
    >>> number_text(12345), number_text(0.01234), number_text(None)
    ('12,345', '0.01234', '–')
    """
    if value is None:
        return NONE
    if float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 100 else f"{value:.4g}"


def _headline(exploration: Exploration) -> list[tuple[str, str, str]]:
    """Return the figures at the top: name, value, note."""
    counts = exploration.counts
    of = "" if counts.points == counts.space else f"of {counts.space:,} in the grid"
    no_design = f"{counts.refused:,} without a design" if counts.refused else ""
    figures = [("points", f"{counts.points:,}", ", ".join(filter(None, (of, no_design))))]
    rest = "the others are estimated" if counts.measured else "all are estimated"
    figures.append(("measured with real tools", f"{counts.measured:,}", rest))
    best = exploration.best
    if best is None:
        return figures
    chosen = f"point {best.number}"
    shown = OF_QUALITY[exploration.metric][0]
    figures.append((shown.label, number_text(value_of(shown, best.quality)), chosen))
    for target in exploration.targets:
        holder = figures_of(best, target)
        kinds = shown_figures(exploration.points, target)
        value = value_of(kinds[0], holder) if kinds else None
        if holder is not None and value is not None:
            note = f"{chosen}, {holder.basis.value}"
            figures.append((f"{kinds[0].label}, {target}", number_text(value), note))
    return figures


def _best_figures(
    exploration: Exploration, best: ExploredPoint
) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the figures of the recommended point: a caption, and each figure with its value."""

    def rows(*of: tuple[object, tuple[ShownFigure, ...]]) -> list[tuple[str, str]]:
        pairs = [(shown, value_of(shown, holder)) for holder, kinds in of for shown in kinds]
        return [(shown.label, number_text(value)) for shown, value in pairs if value is not None]

    quality = (best.quality, OF_QUALITY[exploration.metric])
    groups = [("Design", rows(quality, (best, OF_POINT)))]
    for target in exploration.targets:
        figures = figures_of(best, target)
        if figures is not None:
            shown = shown_figures(exploration.points, target)
            groups.append((f"{target}, {figures.basis.value}", rows((figures, shown))))
    return groups


def _front(exploration: Exploration, target: str) -> FrontTable:
    points = exploration.front(target)
    quality = OF_QUALITY[exploration.metric][0]
    figures = shown_figures(exploration.points, target)
    names = [axis.name for axis in exploration.axes]
    head = ("point", *names, quality.label, *_labels(OF_POINT[:1]))
    head += (*_labels(figures), "figures") if figures else _labels(OF_POINT[1:])
    return FrontTable(
        target=target,
        objectives=", ".join(exploration.objectives[target]),
        head=head,
        rows=tuple(_row(p, names, quality, target, figures) for p in points[:FRONT_ROWS]),
        left_out=max(0, len(points) - FRONT_ROWS),
    )


def _labels(shown: tuple[ShownFigure, ...]) -> tuple[str, ...]:
    return tuple(f.label for f in shown)


def _row(
    point: ExploredPoint,
    names: list[str],
    quality: ShownFigure,
    target: str,
    shown: tuple[ShownFigure, ...],
) -> tuple[str, ...]:
    def cells(holder: object, kinds: tuple[ShownFigure, ...]) -> tuple[str, ...]:
        return tuple(number_text(value_of(f, holder)) for f in kinds)

    start = (
        str(point.number),
        *(point.settings.get(name, NONE) for name in names),
        *cells(point.quality, (quality,)),
        *cells(point, OF_POINT[:1]),
    )
    if not shown:
        # a front of the program alone
        return start + cells(point, OF_POINT[1:])
    figures = figures_of(point, target)
    basis = FigureBasis.ESTIMATED if figures is None else figures.basis
    return (*start, *cells(figures, shown), basis.value)
