"""Runs tasks, here or on a Dask cluster, and hands back their results as they arrive."""

from __future__ import annotations

import logging
import os
import pickle
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from .. import errors
from .._support.validation import check_int
from .._support.version import __version__
from ..errors import LMUHWError, SpecError, ToolError, reason_of
from .point_tasks import Task, WorkContext
from .result_store import StoredResult
from .worker_setup import dask_setup

if TYPE_CHECKING:
    from distributed import Client, Future

REMEDY = "python -m pip install 'lmu-hw[explore]'"
AHEAD = 2
"""Tasks that wait beside each worker: the scheduler holds few however many there are."""
MAX_WORKERS = 1024
CONNECT_SECONDS = 30
NO_START = "call lmu_hw.explore below \"if __name__ == '__main__':\""

Answer = TypeVar("Answer")
Done = tuple[Task, tuple[StoredResult, ...]]


class TaskRunner(Protocol):
    """Runs tasks."""

    @property
    def n_workers(self) -> int:
        """Tasks that run side by side."""

    def ask(self, question: Callable[..., Answer], *given: object) -> Answer:
        """Return what a function returns on a worker."""

    def run(
        self, tasks: Iterable[Task], context: WorkContext
    ) -> Generator[tuple[Done | None, tuple[str, ...]], None, None]:
        """Run all tasks.

        Yields
        ------
        done : (Task, tuple of StoredResult) or None
            A task with its results, as soon as it is done; None at the start.
        running : tuple of str
            Names of tasks that run now.

        Raises
        ------
        LMUHWError
            That of a task.
        """


class HereRunner:
    """Runs tasks one after the other in this process."""

    n_workers = 1

    def ask(self, question: Callable[..., Answer], *given: object) -> Answer:
        """Return what a function returns."""
        return question(*given)

    def run(
        self, tasks: Iterable[Task], context: WorkContext
    ) -> Generator[tuple[Done | None, tuple[str, ...]], None, None]:
        """Run all tasks; see `TaskRunner.run`."""
        for task in tasks:
            yield None, (task.name,)
            yield (task, tuple(task.run(context))), (task.name,)


@dataclass(frozen=True, kw_only=True)
class FailedTask:
    """The error of a task, as text: not every error can be sent from process to process."""

    kind: str
    text: str

    def error(self) -> LMUHWError:
        """Return the error."""
        kind = getattr(errors, self.kind, LMUHWError)
        try:
            found = kind(self.text)
        except TypeError:
            # an error that takes more than a message
            found = LMUHWError(self.text)
        return found if isinstance(found, LMUHWError) else LMUHWError(self.text)


class DaskRunner:
    """Runs tasks on the workers of a Dask cluster.

    Parameters
    ----------
    client : distributed.Client
        Its workers run one task for each of their threads; each process should have one.

    Notes
    -----
    At most `AHEAD` tasks beside those that run are with the scheduler. A task of a worker that dies
    goes to another one, up to ``distributed.scheduler.allowed-failures`` times.
    """

    def __init__(self, client: Client) -> None:
        self.client = client

    @property
    def n_workers(self) -> int:
        """Threads of all workers that there are now, at least 1."""
        return max(1, sum(map(int, self.client.nthreads().values())))

    def ask(self, question: Callable[..., Answer], *given: object) -> Answer:
        """Return what a function returns on a worker."""
        future = self.client.submit(_answer, question, given, pure=False)
        found: Any = future.result()
        if isinstance(found, FailedTask):
            raise found.error()
        return found  # type: ignore[no-any-return]

    def run(
        self, tasks: Iterable[Task], context: WorkContext
    ) -> Generator[tuple[Done | None, tuple[str, ...]], None, None]:
        """Run all tasks; see `TaskRunner.run`."""
        from distributed import as_completed

        # the scheduler keeps the text, so that a new worker can be given it again
        shared = self.client.submit(_unpack, pickle.dumps(context), pure=False)
        waiting = iter(tasks)
        pending: dict[Future, Task] = {}
        arrived = as_completed(loop=self.client.loop)
        try:
            for task in islice(waiting, self.n_workers + AHEAD):
                self._submit(task, shared, pending, arrived)
            yield None, self._running(pending)
            while pending:
                future = next(arrived)
                task = pending.pop(future)
                found = _result(future, task)
                future.release()
                room = max(1, self.n_workers + AHEAD - len(pending))
                for following in islice(waiting, room):
                    self._submit(following, shared, pending, arrived)
                yield (task, found), self._running(pending)
        finally:
            self.client.cancel(list(pending), force=True)
            shared.release()

    def _submit(
        self, task: Task, shared: Future, pending: dict[Future, Task], arrived: Any
    ) -> None:
        future = self.client.submit(_run_task, task, shared, pure=False)
        pending[future] = task
        arrived.add(future)

    def _running(self, pending: dict[Future, Task]) -> tuple[str, ...]:
        """Return the oldest tasks, as many as there are workers: those run."""
        return tuple(task.name for task in islice(pending.values(), self.n_workers))


@contextmanager
def task_runner(workers: int | None = None, scheduler: str | None = None) -> Iterator[TaskRunner]:
    """Start what runs tasks, and end it.

    Parameters
    ----------
    workers : int, optional
        Processes on this machine, to 1024; 0: this process, without Dask. Default: one for each
        core.
    scheduler : str, optional
        Address of a Dask scheduler instead, such as ``tcp://10.0.0.1:8786``.

    Raises
    ------
    SpecError
        If both are given, or one is out of range.
    ToolError
        If Dask is missing, or the scheduler cannot be reached.
    """
    if workers is not None:
        check_int("workers", workers, 0, MAX_WORKERS)
        if scheduler is not None:
            raise SpecError("workers must be left out with a scheduler, which has its own")
    if workers == 0:
        yield HereRunner()
        return
    try:
        import distributed
    except ImportError as error:
        raise ToolError(f"explore needs Dask: {REMEDY}; or give --workers 0") from error
    # a connection that is closed, or a worker that is started again, is no news
    for name in ("distributed", "tornado"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if scheduler is not None:
        with _connected(distributed, scheduler) as client:
            yield DaskRunner(client)
        return
    with _local(distributed, workers or os.cpu_count() or 1) as client:
        yield DaskRunner(client)


@contextmanager
def _connected(distributed: Any, scheduler: str) -> Iterator[Client]:
    try:
        client = distributed.Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise ToolError(
            f"no Dask scheduler answers at {scheduler!r}: start one with 'dask scheduler', as in "
            "tcp://HOST:8786"
        ) from error
    with client:
        yield client


@contextmanager
def _local(distributed: Any, n_workers: int) -> Iterator[Client]:
    try:
        cluster = distributed.LocalCluster(
            n_workers=n_workers,
            threads_per_worker=1,
            processes=True,
            scheduler_kwargs={"dashboard": False},
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
            memory_limit=0,
            preload=[dask_setup.__module__],
        )
    except RuntimeError as error:
        raise ToolError(
            f"the workers could not start ({reason_of(error)}); in a script, {NO_START}"
        ) from error
    with cluster, distributed.Client(cluster, set_as_default=False) as client:
        yield client


def _answer(question: Callable[..., object], given: tuple[object, ...]) -> object:
    try:
        return question(*given)
    except LMUHWError as error:
        return FailedTask(kind=type(error).__name__, text=str(error))


def _unpack(packed: bytes) -> WorkContext | FailedTask:
    """Return what the tasks share; it is unpacked once on each worker that needs it."""
    context: WorkContext = pickle.loads(packed)
    if context.version != __version__:
        text = (
            f"a worker has lmu-hw {__version__}, not {context.version} as here: install the same "
            "version on all"
        )
        return FailedTask(kind="ToolError", text=text)
    return context


def _run_task(
    task: Task, context: WorkContext | FailedTask
) -> tuple[StoredResult, ...] | FailedTask:
    if isinstance(context, FailedTask):
        return context
    try:
        return tuple(task.run(context))
    except LMUHWError as error:
        return FailedTask(kind=type(error).__name__, text=str(error))


def _result(future: Future, task: Task) -> tuple[StoredResult, ...]:
    from distributed import KilledWorker
    from distributed.client import FutureCancelledError

    try:
        found: Any = future.result()
    except KilledWorker as error:
        raise ToolError(
            f"workers died again and again at {task.name}: give them more memory; all results so "
            "far are kept"
        ) from error
    except FutureCancelledError as error:
        raise ToolError(
            "the scheduler was lost; all results so far are kept: start it again and repeat the "
            "command"
        ) from error
    if isinstance(found, FailedTask):
        raise found.error()
    return found  # type: ignore[no-any-return]
