"""Explorations on Dask: the same points wherever they run, and errors that come back."""

from __future__ import annotations

import dataclasses
import pickle
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from lmu_hw.errors import LMUHWError, MismatchError, SpecError, ToolError
from lmu_hw.explore.exploration import Exploration
from lmu_hw.explore.explored_source import ExploredMemory
from lmu_hw.explore.exploring import explore
from lmu_hw.explore.point_tasks import WorkContext
from lmu_hw.explore.quality import ErrorJudge
from lmu_hw.explore.result_store import StoredResult
from lmu_hw.explore.task_runner import DaskRunner, FailedTask, HereRunner, TaskRunner, task_runner
from tests.explore.clusters import cluster

OVER = {"bits": [8, 10, 12], "d": [3, 4], "lanes": [1, 2]}
TARGETS = ["ecp5-25k", "c-m4"]


def run(**options: Any) -> Exploration:
    return explore({"theta": 20}, OVER, targets=TARGETS, measure="none", **options)


def without_counts(found: Exploration) -> dict[str, Any]:
    return {k: v for k, v in found.to_dict().items() if k != "counts"}


@dataclass(frozen=True)
class Failing:
    """A task that ends in an error."""

    kind: str = "tool"
    name = "failing"

    def run(self, context: WorkContext) -> Iterator[StoredResult]:
        if self.kind == "tool":
            raise ToolError("the tool broke")
        raise MismatchError(backend="c", step=1, signal="y", index=0, expected=1, got=2, fmt="Q1.7")
        yield


def context(**fields: Any) -> WorkContext:
    return WorkContext(
        source=ExploredMemory(keys={"d": 4}), judge=ErrorJudge(), targets=(), **fields
    )


def outcome(runner: TaskRunner, task: Any, **fields: Any) -> None:
    for _ in runner.run([task], context(**fields)):
        pass


@pytest.fixture(scope="module")
def here() -> dict[str, Any]:
    """Return what the same exploration finds in this process."""
    return without_counts(run(workers=0))


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskRunner]:
    """Return a runner on a scheduler and two workers, each a process of its own."""
    pytest.importorskip("distributed")
    with (
        cluster(tmp_path_factory.mktemp("cluster")) as found,
        task_runner(scheduler=found.address) as made,
    ):
        assert isinstance(made, DaskRunner)
        made.client.wait_for_workers(2)
        yield made


def test_the_same_points_here_and_on_a_local_cluster(here: dict[str, Any]) -> None:
    pytest.importorskip("distributed")
    seen: list[tuple[Any, ...]] = []
    found = run(workers=2, watch=lambda *a: seen.append(a))
    assert without_counts(found) == here
    assert [call[1] for call in seen] == list(range(len(seen)))
    what, _, total, running = seen[0]
    assert (what, total) == ("estimates", len(seen) - 1)
    assert running == ("bits=8 d=3", "bits=8 d=4")


@pytest.mark.soak
def test_the_same_points_on_a_scheduler_with_two_workers(
    runner: DaskRunner, here: dict[str, Any]
) -> None:
    assert runner.n_workers == 2
    found = run(scheduler=runner.client.scheduler.address)
    assert without_counts(found) == here


def test_few_tasks_wait_at_the_scheduler(runner: DaskRunner) -> None:
    made = 0

    def tasks() -> Iterator[Any]:
        nonlocal made
        for _ in range(40):
            made += 1
            yield Nothing()

    ahead = [made - done for done, _ in enumerate(runner.run(tasks(), context()))]
    assert len(ahead) == 41
    assert max(ahead) <= 2 + 2


@dataclass(frozen=True)
class Nothing:
    """A task without results."""

    name = "nothing"

    def run(self, context: WorkContext) -> Iterator[StoredResult]:
        return iter(())


@pytest.mark.parametrize("here", [True, False])
def test_an_error_of_a_task_comes_back(runner: DaskRunner, here: bool) -> None:
    with pytest.raises(ToolError, match="the tool broke"):
        outcome(HereRunner() if here else runner, Failing())


def test_an_error_that_cannot_be_sent_comes_back_as_text(runner: DaskRunner) -> None:
    with pytest.raises(LMUHWError, match="c differs at step 1"):
        outcome(runner, Failing("mismatch"))


def test_a_worker_of_another_version_is_refused(runner: DaskRunner) -> None:
    with pytest.raises(ToolError, match=r"a worker has lmu-hw .*, not 0\.0 as here"):
        outcome(runner, Nothing(), version="0.0")


def test_questions_are_asked_of_a_worker(runner: DaskRunner) -> None:
    assert runner.ask(len, "four") == 4
    with pytest.raises(SpecError, match="nothing to see"):
        runner.ask(refuse, "nothing to see")


def refuse(text: str) -> None:
    raise SpecError(text)


def test_no_scheduler() -> None:
    pytest.importorskip("distributed")
    with pytest.raises(ToolError, match="no Dask scheduler answers at 'nonsense://1'"):
        run(scheduler="nonsense://1")


def test_without_dask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ToolError, match=r"explore needs Dask: .*lmu-hw\[explore\].*--workers 0"):
        run()


def test_every_error_is_told_by_its_name() -> None:
    assert isinstance(FailedTask(kind="SpecError", text="x").error(), SpecError)
    assert type(FailedTask(kind="CircuitMismatchError", text="x").error()) is LMUHWError
    assert type(FailedTask(kind="plain", text="x").error()) is LMUHWError


def test_what_travels_holds_no_design() -> None:
    made = context()
    made.design({"bits": "8"})
    assert len(made.designs) == 1
    sent = pickle.loads(pickle.dumps(made))
    assert sent.designs == {}
    assert dataclasses.replace(made, designs={}).source == sent.source
