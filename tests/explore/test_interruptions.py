"""Workers that die, runs that are killed or interrupted: no result is lost, none is repeated."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from lmu_hw.explore.exploring import explore
from lmu_hw.explore.result_store import ResultKind, ResultStore
from tests.explore.clusters import WAIT_SECONDS, cluster

OVER = {"bits": list(range(8, 14)), "d": [3, 4], "lanes": [1, 2]}
KINDS = dict(zip(ResultKind, (12, 12, 24, 24), strict=True))
"""Results of the whole space with one FPGA."""
WORDS = ["--over=bits=8..13", "--over=d=3,4", "--over=theta=20", "--over=lanes=1,2"]


def run(out: Path, **options: Any) -> Any:
    return explore({"theta": 20}, OVER, targets=["ecp5-25k"], measure="none", out=out, **options)


def counts(out: Path) -> dict[ResultKind, int]:
    with ResultStore(out / "explore.sqlite") as store:
        return {kind: store.count(kind) for kind in ResultKind}


def test_a_worker_killed_in_the_middle_loses_nothing(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    with cluster(tmp_path / "cluster") as found:
        killed: list[int] = []

        def watch(what: str, done: int, total: int, running: tuple[str, ...]) -> None:
            if done == 3 and not killed:
                victim = found.workers[0]
                found.kill(victim)
                killed.append(victim.pid)

        exploration = run(tmp_path / "out", scheduler=found.address, watch=watch)
    assert killed
    assert counts(tmp_path / "out") == KINDS
    assert exploration.counts.computed == sum(KINDS.values())
    assert all(point.quality and point.devices for point in exploration.points)


def command(out: Path, *options: str) -> subprocess.Popen[str]:
    """Start the command line in a process group of its own."""
    words = [sys.executable, "-m", "lmu_hw", "explore", *WORDS, "--target", "ecp5-25k"]
    words += ["--measure", "none", "--workers", "1", "-o", str(out), *options]
    return subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for_results(out: Path, n: int) -> None:
    """Wait until the store has so many designs."""
    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end:
        if (out / "explore.sqlite").is_file() and counts(out)[ResultKind.DESIGN] >= n:
            return
        time.sleep(0.02)
    pytest.fail("there are no results")


@pytest.mark.soak
def test_a_killed_run_goes_on_and_repeats_nothing(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    with command(tmp_path) as process:
        wait_for_results(tmp_path, 2)
        os.killpg(process.pid, signal.SIGKILL)
    before = counts(tmp_path)
    resumed = run(tmp_path, workers=0)
    assert resumed.counts.known == sum(before.values()) > 0
    assert resumed.counts.computed == sum(KINDS.values()) - sum(before.values())
    assert counts(tmp_path) == KINDS
    assert run(tmp_path, workers=0).counts.computed == 0


@pytest.mark.soak
def test_an_interrupted_run_says_how_to_go_on(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    out = tmp_path / "out"
    with command(out) as process:
        wait_for_results(out, 2)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        said, errors = process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == 130, errors
    assert said == ""
    assert "Traceback" not in errors
    lines = errors.splitlines()
    assert lines[-1] == "lmu-hw: interrupted"
    assert f"results so far are in {out / 'explore.sqlite'}" in lines[-2]
    again = lines[-2].partition("the same command goes on: ")[2]
    assert again.startswith("lmu-hw explore --over bits=8..13 --over d=3,4 --over theta=20")
    assert f"-o {out}" in again
    assert counts(out)[ResultKind.DESIGN] >= 2
