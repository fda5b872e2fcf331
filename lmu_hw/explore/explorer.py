"""Explore a space: look up what is known, compute the rest, measure the fronts, pick a point."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import SpecError
from ..firmware.boards.microcontrollers import Board
from ..measure.synthesis.devices import Device
from ..program.codec import from_data
from ..rtl.options import Hardware
from .budgeted_search import BudgetedSearch
from .constraints import PointLimits
from .exploration import Exploration, PointCounts
from .explored_point import (
    BoardFigures,
    DeviceFigures,
    ExploredPoint,
    FigureBasis,
    PointQuality,
)
from .explored_source import hardware_of
from .pareto_front import PROGRAM, front_of, objectives_of
from .picking import picked
from .point_tasks import (
    DesignTask,
    MeasureTask,
    Target,
    Task,
    WorkContext,
    estimate_tools,
    figures_request,
    plan_request,
    tools_of,
)
from .result_store import ResultKind, ResultStore, key_of
from .search_space import HARDWARE, Choice, SearchSpace
from .task_runner import TaskRunner

TASKS_PER_WORKER = 4
"""The hardware of one design is split until each worker has so many tasks."""
Watch = Callable[[str, int, int, tuple[str, ...]], object]
"""Called with what is done, tasks done, tasks in all and names of those that run."""


@dataclass(slots=True, kw_only=True)
class Explorer:
    """An exploration while it runs.

    Parameters
    ----------
    space : SearchSpace
    context : WorkContext
    limits : PointLimits
    store : ResultStore
    runner : TaskRunner
    keys : mapping
        Options of the hardware that no axis replaces.
    measure : int or None
        Most points of each front that real tools measure; None: all of every front.
    everything : bool
        Measure all points.
    out : str
        Directory for commands; empty: the default of ``generate``.
    watch : callable
    """

    space: SearchSpace
    context: WorkContext
    limits: PointLimits
    store: ResultStore
    runner: TaskRunner
    keys: dict[str, Any] = field(default_factory=dict)
    measure: int | None = None
    everything: bool = False
    watch: Watch = lambda *_: None
    points: dict[Choice, ExploredPoint] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    computed: set[str] = field(default_factory=set)
    tools: dict[str, dict[str, str]] = field(default_factory=dict)

    def run(self, budget: int | None = None) -> Exploration:
        """Explore the space, or as many points as the budget has.

        Raises
        ------
        SpecError
            If no point has a design, or hardware where only devices are asked for.
        ToolError
            If a tool is missing or fails.
        """
        if budget is None:
            self._estimate(list(self.space))
        else:
            search = BudgetedSearch(self.space, budget)
            chosen = search.first()
            while chosen:
                self._estimate(chosen)
                self._mark()
                chosen = search.following([c for c in self._ordered() if self.points[c].fronts])
        refused = [p.refused for p in self.points.values() if p.refused]
        if len(refused) == len(self.points):
            raise SpecError(f"no point has a design; the first: {refused[0]}")
        without = [p.refused or p.no_hardware for p in self.points.values()]
        if all(without) and not any(isinstance(t, Board) for t in self.context.targets):
            raise SpecError(f"no point has hardware; the first: {without[0]}")
        self._measure()
        return self.result()

    def result(self) -> Exploration:
        """Return what is known so far."""
        self._mark()
        points = tuple(self.points[choice] for choice in self._ordered())
        best, reason = picked(points, self.limits, list(self._objectives()))
        measured = sum(any(_is_measured(f) for f in p.figures) for p in points)
        targets = self.context.targets
        return Exploration(
            title=self.context.source.title,
            axes=self.space.axes,
            targets=tuple(target.name for target in targets),
            metric=self.context.judge.metric,
            constraints=self.limits.lines(),
            objectives=self._objectives(),
            points=points,
            picked=None if best is None else best.number,
            reason=reason,
            counts=PointCounts(
                space=len(self.space),
                points=len(points),
                refused=sum(bool(p.refused) for p in points),
                computed=len(self.computed),
                known=len(self.known),
                measured=measured,
            ),
        )

    def _objectives(self) -> dict[str, tuple[str, ...]]:
        """Return what each front minimizes."""
        targets = self.context.targets
        found = {target.name: objectives_of(target) for target in targets}
        return found or {PROGRAM: objectives_of(None)}

    def _ordered(self) -> list[Choice]:
        return sorted(self.points, key=self.space.number)

    def _mark(self) -> None:
        """Say of every point on which fronts it is, and which limits it misses."""
        points = list(self.points.values())
        fronts = {name: front_of(points, name) for name in self._objectives()}
        for choice, point in self.points.items():
            self.points[choice] = replace(
                point,
                fronts=tuple(name for name, on in fronts.items() if point.number in on),
                misses=self.limits.misses(point),
            )

    # -- estimates ----------------------------------------------------------------------------

    def _estimate(self, choices: Sequence[Choice]) -> None:
        """Compile, judge and estimate points, but for what is known."""
        by_words: dict[tuple[tuple[str, str], ...], list[Choice]] = {}
        for choice in choices:
            by_words.setdefault(tuple(self._words(choice).items()), []).append(choice)
        wanted = max(1, self.runner.n_workers * TASKS_PER_WORKER // len(by_words))
        tasks = [
            task
            for words, group in by_words.items()
            for task in self._missing(dict(words), self._hardware(group), wanted)
        ]
        self._run("estimates", tasks)
        for choice in choices:
            self.points[choice] = self._point(choice)

    def _words(self, choice: Choice) -> dict[str, str]:
        """Return the settings that change words."""
        settings = self.space.settings(choice)
        return {name: value for name, value in settings.items() if name not in HARDWARE}

    def _hardware(self, choices: Iterable[Choice]) -> list[Hardware]:
        """Return the hardware of points, each once; a point whose options are refused has none."""
        found: dict[Hardware, None] = {}
        for choice in choices:
            try:
                found[hardware_of(self.space.settings(choice), self.keys)] = None
            except SpecError:
                continue
        return list(found)

    def _missing(
        self, words: dict[str, str], hardware: list[Hardware], parts: int
    ) -> list[DesignTask]:
        """Return tasks for what the store does not have of a design."""
        design = self._known(ResultKind.DESIGN, self.context.design_request(words))
        if design is not None and "refused" in design:
            return []
        judged = boards = True
        missing = hardware
        if design is not None:
            digest = design["digest"]
            judged = not self._has(ResultKind.SCORE, self.context.score_request(digest))
            missing = (
                []
                if design["no_hardware"]
                else [each for each in hardware if not self._has_hardware(digest, each)]
            )
            boards = not all(
                self._has(ResultKind.FIGURES, _estimated(digest, Hardware(), target))
                for target in self.context.targets
                if isinstance(target, Board)
            )
            if not (missing or judged or boards):
                return []
        size = max(1, -(-len(missing) // parts))
        groups = [missing[k : k + size] for k in range(0, len(missing), size)] or [[]]
        return [
            DesignTask(
                settings=words,
                hardware=tuple(group),
                judged=judged and not k,
                boards=boards and not k,
            )
            for k, group in enumerate(groups)
        ]

    def _has_hardware(self, digest: str, hardware: Hardware) -> bool:
        plan = self._known(ResultKind.PLAN, plan_request(digest, hardware))
        if plan is None:
            return False
        return "refused" in plan or all(
            self._has(ResultKind.FIGURES, _estimated(digest, hardware, target))
            for target in self.context.targets
            if isinstance(target, Device)
        )

    def _known(self, kind: ResultKind, request: dict[str, Any]) -> dict[str, Any] | None:
        """Return a result that the store has; it counts as known unless this run computed it."""
        key = key_of(request)
        found = self.store.get(kind, key)
        if found is not None and key not in self.computed:
            self.known.add(key)
        return found

    def _has(self, kind: ResultKind, request: dict[str, Any]) -> bool:
        return self._known(kind, request) is not None

    def _run(self, what: str, tasks: Sequence[Task]) -> None:
        """Run tasks; every result is in the store as soon as it is here."""
        if not tasks:
            return
        done = 0
        for found, running in self.runner.run(tasks, self.context):
            if found is not None:
                _, results = found
                self.computed |= self.store.put(*results)
                done += 1
            self.watch(what, done, len(tasks), running)

    # -- points -------------------------------------------------------------------------------

    def _point(self, choice: Choice) -> ExploredPoint:
        """Return all that the store knows of a point."""
        settings = self.space.settings(choice)
        known = ExploredPoint(
            number=self.space.number(choice),
            settings=settings,
            command=self.context.source.command(settings),
        )
        try:
            hardware = hardware_of(settings, self.keys)
        except SpecError as error:
            return replace(known, refused=str(error))
        request = self.context.design_request(self._words(choice))
        design = self._known(ResultKind.DESIGN, request)
        assert design is not None, "it was just computed"
        if "refused" in design:
            return replace(known, refused=design["refused"])
        digest = design["digest"]
        score = self._known(ResultKind.SCORE, self.context.score_request(digest)) or {}
        if "refused" in score:
            return replace(known, refused=score["refused"], digest=digest)
        plan: dict[str, Any] = {"refused": design["no_hardware"]}
        if not design["no_hardware"]:
            plan = self._known(ResultKind.PLAN, plan_request(digest, hardware)) or {}
        figures = [self._figures(digest, hardware, target) for target in self.context.targets]
        return replace(
            known,
            digest=digest,
            quality=from_data(PointQuality, score),
            multiplies=design["multiplies"],
            rom_bits=design["rom_bits"],
            ram_bits=design["ram_bits"],
            cycles_per_step=plan.get("cycles_per_step"),
            no_hardware=plan.get("refused", ""),
            devices=tuple(f for f in figures if isinstance(f, DeviceFigures)),
            boards=tuple(f for f in figures if isinstance(f, BoardFigures)),
        )

    def _figures(
        self, digest: str, hardware: Hardware, target: Target
    ) -> DeviceFigures | BoardFigures | None:
        """Return the figures of a target: measured ones if there are any."""
        kind = DeviceFigures if isinstance(target, Device) else BoardFigures
        requests = [_estimated(digest, hardware, target)]
        if target.name in self.tools:
            requests.insert(0, self._measured(digest, hardware, target))
        for request in requests:
            found = self._known(ResultKind.FIGURES, request)
            if found is not None:
                figures: DeviceFigures | BoardFigures = from_data(kind, found)
                return figures
        return None

    # -- measurements -------------------------------------------------------------------------

    def _measure(self) -> None:
        """Measure the fronts, which may move when estimates are replaced, until all is measured."""
        if self.measure == 0 and not self.everything:
            return
        for target in self.context.targets:
            self.tools[target.name] = self.runner.ask(tools_of, target)
        # what an earlier run measured
        self.points = {choice: self._point(choice) for choice in self.points}
        while True:
            self._mark()
            wanted = self._to_measure()
            if not wanted:
                return
            self._run("measurements", [task for _, task in wanted])
            for choice, point in self.points.items():
                self.points[choice] = self._point(choice) if point.digest else point

    def _to_measure(self) -> list[tuple[Choice, MeasureTask]]:
        """Return what is to be measured, each figure once."""
        found: dict[str, tuple[Choice, MeasureTask]] = {}
        for target in self.context.targets:
            chosen = self._ordered()
            if not self.everything:
                chosen = [c for c in chosen if target.name in self.points[c].fronts]
                chosen = _spread(chosen, self._left(target))
            for choice in chosen:
                task = self._measure_task(choice, target)
                if task is not None:
                    point = self.points[choice]
                    assert point.digest is not None
                    request = self._measured(point.digest, task.hardware, target)
                    found[key_of(request)] = choice, task
        return list(found.values())

    def _left(self, target: Target) -> int | None:
        """Return how many more points of a target may be measured; None: all."""
        if self.measure is None:
            return None
        done = sum(
            f.target == target.name and _is_measured(f)
            for p in self.points.values()
            for f in p.figures
        )
        return max(0, self.measure - done)

    def _measure_task(self, choice: Choice, target: Target) -> MeasureTask | None:
        """Return the measurement of a point on a target; None if there is one, or can be none."""
        point = self.points[choice]
        now = next((f for f in point.figures if f.target == target.name), None)
        if now is None or _is_measured(now):
            return None
        return MeasureTask(
            settings=self._words(choice),
            hardware=hardware_of(self.space.settings(choice), self.keys),
            target=target,
            tools=self.tools[target.name],
            estimated=now,
        )

    def _measured(self, digest: str, hardware: Hardware, target: Target) -> dict[str, Any]:
        tools = self.tools[target.name]
        return figures_request(digest, hardware, target, FigureBasis.MEASURED, tools)


def _estimated(digest: str, hardware: Hardware, target: Target) -> dict[str, Any]:
    return figures_request(digest, hardware, target, FigureBasis.ESTIMATED, estimate_tools())


def _is_measured(figures: DeviceFigures | BoardFigures) -> bool:
    return figures.basis is FigureBasis.MEASURED


def _spread(choices: list[Choice], most: int | None) -> list[Choice]:
    """Return at most so many of some points, evenly spread."""
    if most is None or len(choices) <= most:
        return choices
    if most < 2:
        return choices[:most]
    return [choices[round(k * (len(choices) - 1) / (most - 1))] for k in range(most)]
