"""`explore`: many designs of a memory or a network, their figures and the Pareto fronts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy.typing as npt

from .._support.name_lookup import look_up
from .._support.validation import check_int
from ..api.design import Data
from ..api.sources import Memory, Network
from ..errors import SpecError
from ..firmware.boards import microcontrollers
from ..measure.synthesis import devices
from .constraints import DEFAULT_LOSS, PointLimits, limits_of
from .exploration import Exploration
from .exploration_directory import opened_store, write_exploration
from .explored_point import DeviceFigures
from .explored_source import ExploredMemory, ExploredSource
from .explorer import Explorer, Watch
from .judge_choice import source_and_judge
from .point_tasks import Target, WorkContext
from .search_space import MAX_POINTS, space_of
from .task_runner import task_runner

TARGETS: dict[str, Target] = {**devices.TARGETS, **microcontrollers.TARGETS}
MEASURES = ("front", "all", "none")


def explore(
    source: Memory | Network | Mapping[str, Any] | ExploredSource,
    over: Mapping[str, Sequence[Any]] | Sequence[str],
    *,
    targets: Sequence[str] = (),
    data: Data | None = None,
    y: npt.ArrayLike | None = None,
    calibration: Data | None = None,
    metric: str | None = None,
    bandwidth: float | None = None,
    limits: Mapping[str, Any] | None = None,
    fit: Sequence[str] = (),
    budget: int | None = None,
    measure: str | int = "front",
    workers: int | None = None,
    scheduler: str | None = None,
    out: str | Path | None = None,
    watch: Watch = lambda *_: None,
) -> Exploration:
    """Explore the designs of a memory or a network.

    Every point is compiled, judged and estimated on every target; the points of the Pareto fronts
    are then measured with the real tools. A result that the store in ``out`` has is not computed
    again.

    Parameters
    ----------
    source : Memory, Network or mapping
        A mapping holds the keys of a specification file. Values of axes replace its values.
    over : mapping of str to sequence, or sequence of str
        Values of each axis: ``{"bits": [8, 12], "lanes": [1, 4]}`` or ``["bits=8,12"]``. The names
        are those of the options of ``lmu-hw generate``, with underscores.
    targets : sequence of str
        FPGA devices and microcontrollers, such as ``["ecp5-25k", "c-m4"]``; a part of a name that
        only one has will do.
    data : Dataset or array, optional
        Of a network: sequences, with labels or targets, that it is judged by. Default: noise, and
        the metric agreement. Of a memory: a signal within +-1, shape (n_steps,), for the metric
        window.
    y : array_like, optional
        Labels or targets of an array.
    calibration : Dataset or array, optional
        Of a network. Default: ``data``.
    metric : str, optional
        ``"accuracy"``, ``"nrmse"`` or ``"agreement"`` of a network; ``"error"`` or ``"window"`` of
        a memory. Default: the score that the data have; error, or window with data or bandwidth.
    bandwidth : float, optional
        For the metric window: highest frequency of a made signal [cycles/sample].
    limits : mapping, optional
        Any of ``max_loss``, ``max_lut``, ``max_dsp``, ``max_bram``, ``min_rate``, ``max_cycles``,
        ``max_flash``, ``max_ram``, ``max_instructions``: see
        `~lmu_hw.explore.constraints.PointLimits`. ``max_loss`` is 0.2 % by default for accuracy and
        nrmse; None: no limit.
    fit : sequence of str
        Targets that the point which is picked must fit; added to ``targets``.
    budget : int, optional
        Most points to look at, those around the fronts: see ``lmu_hw.explore.budgeted_search``.
        Default: all of the grid.
    measure : str or int
        ``"front"``: measure all points of the fronts; a number: so many of each front; ``"all"``:
        all points; ``"none"``: none.
    workers : int, optional
        Processes; 0: this one, without Dask. Default: one for each core.
    scheduler : str, optional
        Address of a Dask scheduler instead.
    out : str or Path, optional
        Directory of the store, the CSV file and the page. Default: nothing is kept.
    watch : callable, optional
        Called with the phase, tasks done, tasks in all and names of those that run.

    Returns
    -------
    Exploration

    Raises
    ------
    SpecError
        If an option is not valid, or no point has a design.
    ToolError
        If Dask or a tool is missing, or a tool fails.
    ModelFileError, EmitError
        If the store is damaged or cannot be written.

    Examples
    --------
    >>> found = explore({"d": 4}, {"bits": [8, 12]}, measure="none", workers=0)
    >>> [round(point.quality.loss, 4) for point in found.points]
    [0.0138, 0.0008]
    """
    chosen_targets = targets_of([*targets, *fit])
    chosen, judge = source_and_judge(source, data, y, calibration, metric, bandwidth)
    given = dict(limits or {})
    given.setdefault("max_loss", DEFAULT_LOSS.get(judge.metric))
    kept = _limits(given, [target.name for target in targets_of(fit)], chosen_targets)
    space = space_of(over, chosen.axes, chosen.what)
    if budget is not None:
        check_int("budget", budget, 1, MAX_POINTS)
    most = _most(measure)
    keys = dict(chosen.keys) if isinstance(chosen, ExploredMemory) else {}
    place = None if out is None else Path(out)
    with task_runner(workers, scheduler) as runner, opened_store(place) as store:
        explorer = Explorer(
            space=space,
            context=WorkContext(source=chosen, judge=judge, targets=chosen_targets),
            limits=kept,
            store=store,
            runner=runner,
            keys=keys,
            measure=most,
            everything=measure == "all",
            watch=watch,
        )
        found = explorer.run(budget)
    if place is not None:
        write_exploration(found, place)
    return found


def targets_of(names: Sequence[str]) -> tuple[Target, ...]:
    """Return the targets with these names, each once, devices first.

    Raises
    ------
    SpecError
        If a name is unknown, or a part of several names.

    Examples
    --------
    >>> [target.name for target in targets_of(["c-m4", "up5k"])]
    ['ice40-up5k', 'c-m4']
    """
    names = [names] if isinstance(names, str) else names
    if list(names) == ["none"]:
        return ()
    full = []
    for name in names:
        near = [known for known in TARGETS if known.split("-")[-1] == name or known == name]
        full.append(near[0] if len(near) == 1 else name)
    found = look_up(full, TARGETS, "target")
    return tuple(sorted(found, key=lambda target: target.name not in devices.TARGETS))


def _most(measure: str | int) -> int | None:
    """Return the most points of a front to measure; None: all."""
    if isinstance(measure, str):
        if measure not in MEASURES:
            raise SpecError(
                f"measure must be {', '.join(MEASURES)} or a number of points, not {measure!r}"
            )
        return 0 if measure == "none" else None
    check_int("measure", measure, 0, MAX_POINTS)
    return measure


def _limits(given: Mapping[str, Any], fit: Sequence[str], targets: Sequence[Target]) -> PointLimits:
    """Return the limits; each must be of a kind of target that there is."""
    found = limits_of(given, fit)
    names = {target.name for target in targets}
    for name, kind in found.needs().items():
        able = devices.TARGETS if kind is DeviceFigures else microcontrollers.TARGETS
        if not names & able.keys():
            raise SpecError(f"{name} must go with a target such as {next(iter(able))}: add one")
    return found
