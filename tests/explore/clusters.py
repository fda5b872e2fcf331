"""Dask schedulers and workers as processes of their own, as on a user's cluster."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

WAIT_SECONDS = 60.0
QUIET = {"DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "60s"}


class Cluster:
    """A scheduler and its workers; each worker is one process that nothing starts again."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.workers: list[subprocess.Popen[bytes]] = []
        address = place / "scheduler.json"
        self.scheduler = self._start(
            "scheduler", "--port", "0", "--no-dashboard", "--scheduler-file", address
        )
        self.address = _address(address)

    def add_worker(self) -> subprocess.Popen[bytes]:
        """Start a worker of one thread."""
        options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--memory-limit", "0")
        local = self.place / f"worker{len(self.workers)}"
        worker = self._start("worker", self.address, *options, "--local-directory", local)
        self.workers.append(worker)
        return worker

    def kill(self, worker: subprocess.Popen[bytes]) -> None:
        """End a worker as a crash does."""
        worker.send_signal(signal.SIGKILL)
        worker.wait()

    def stop(self) -> None:
        """End every process."""
        for process in (*self.workers, self.scheduler):
            if process.poll() is None:
                process.kill()
            process.wait()

    def _start(self, kind: str, *options: object) -> subprocess.Popen[bytes]:
        command = (sys.executable, "-m", "distributed.cli.dask_" + kind, *map(str, options))
        log = (self.place / f"{kind}{len(self.workers)}.log").open("wb")
        with log:
            return subprocess.Popen(
                command, stdout=log, stderr=log, env={**os.environ, **QUIET}, start_new_session=True
            )


def _address(path: Path) -> str:
    import json

    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end:
        if path.is_file() and path.stat().st_size:
            return str(json.loads(path.read_text())["address"])
        time.sleep(0.05)
    pytest.fail(f"the scheduler did not start: {path.parent}")


@contextmanager
def cluster(place: Path, n_workers: int = 2) -> Iterator[Cluster]:
    """Start a scheduler and some workers; end them."""
    place.mkdir(parents=True, exist_ok=True)
    found = Cluster(place)
    try:
        for _ in range(n_workers):
            found.add_worker()
        yield found
    finally:
        found.stop()
