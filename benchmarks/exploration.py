"""Explorations on Dask: docs/results/exploration.md and its picture.

    python benchmarks/exploration.py [--data FILE] [--out build/exploration] [--write]

The data are those of examples/digits.py. Goes on where it was stopped; delete the directory to
measure again. Takes a quarter of an hour on two idle cores. Durations are compared with each other
in one run only.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import psutil
from exploration_page import write_page
from results_file import Results, Row, arguments

import lmu_hw as lh
from lmu_hw.explore.exploration import Exploration
from lmu_hw.explore.explored_point import ExploredPoint, FigureBasis
from lmu_hw.explore.explored_source import ExploredNetwork
from lmu_hw.explore.result_store import ResultKind, ResultStore

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "examples"))
import digits as spoken  # noqa: E402

MODEL = ROOT / "examples" / "models" / "digits.npz"
OVER = {
    "weight_bits": [3, 4, 5, 6, 8],
    "act_bits": [5, 6, 8, 10, 16],
    "state_bits": ["auto", 12],
    "lanes": [8, 16, 24, 32],
}
PART = {**OVER, "act_bits": [8, 16], "state_bits": ["auto"]}
TARGETS = ["ecp5-25k", "c-m4"]
MAX_LOSS = 0.005
HAND = {"weight_bits": [8], "act_bits": [16], "state_bits": ["auto"], "lanes": OVER["lanes"]}
MANY = {"d": [2, 3], "bits": range(8, 13), "theta": range(20, 145), "lanes": range(1, 9)}
MILESTONES = range(0, 10_001, 1000)


class Digits:
    """Explorations of the digits network in one directory."""

    def __init__(self, data: Path) -> None:
        parts = spoken.split(data)
        self.network, self.data = lh.load_model(MODEL), parts["tune"]
        self.fitting = parts["fit"]
        self.source = ExploredNetwork(
            network=self.network,
            calibration=self.fitting.sample(256),
            command_words=("digits.npz", "--data fit.npz"),
        )

    def explore(self, over: Any, out: Path, **options: Any) -> Exploration:
        """Return an exploration of some axes."""
        given = {"targets": TARGETS, "measure": "none", "limits": {"max_loss": MAX_LOSS}}
        return lh.explore(self.source, over, data=self.data, out=out, **{**given, **options})


class Watch:
    """When each task was done."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def __call__(self, what: str, done: int, total: int, running: tuple[str, ...]) -> None:
        """Take the time."""
        self.times.append(time.monotonic())

    def row(self) -> Row:
        """Return tasks and their time, without that of the start."""
        return {"tasks": len(self.times) - 1, "seconds": round(self.times[-1] - self.times[0], 2)}


def part(digits: Digits, out: Path, workers: int) -> Row:
    """Explore a fifth of the grid in a directory of its own."""
    watch = Watch()
    digits.explore(PART, out / f"part-{workers}", workers=workers, watch=watch)
    return watch.row()


def killed(data: Path, out: Path) -> Row:
    """Explore the grid with two workers in another process, and kill it half way."""
    command = [sys.executable, __file__, "--data", str(data), "--out", str(out), "--child"]
    with subprocess.Popen(command, start_new_session=True) as child:
        while child.poll() is None and n_results(out / "two", ResultKind.DESIGN) < 25:
            time.sleep(0.2)
        os.killpg(child.pid, signal.SIGKILL)
    return {kind.value: n_results(out / "two", kind) for kind in ResultKind}


def n_results(out: Path, kind: ResultKind) -> int:
    """Return the number of results in the store of a directory."""
    path = out / "explore.sqlite"
    if not path.is_file():
        return 0
    with ResultStore(path) as store:
        return store.count(kind)


def resumed(digits: Digits, out: Path) -> Row:
    """Go on where the killed run was."""
    watch = Watch()
    found = digits.explore(OVER, out / "two", workers=2, watch=watch)
    counts = found.counts
    return {**watch.row(), "computed": counts.computed, "known": counts.known}


def again(digits: Digits, out: Path) -> Row:
    """Explore once more: nothing is left to compute."""
    counts = digits.explore(OVER, out / "two", workers=0).counts
    return {"points": counts.points, "computed": counts.computed, "known": counts.known}


def measured(digits: Digits, out: Path) -> Row:
    """Measure the front of the microcontroller, then points of that of the FPGA."""
    rows: Row = {}
    for target, measure in (("c-m4", "front"), ("ecp5-25k", 3)):
        place = {"targets": [target], "out": out / "two"}
        estimates = digits.explore(OVER, **place, workers=0).points
        found = digits.explore(OVER, **place, measure=measure, workers=2)
        pairs = [
            {
                "settings": dict(point.settings),
                "estimated": figures(guess),
                "measured": figures(point),
            }
            for guess, point in zip(estimates, found.points, strict=True)
            if any(f.basis is FigureBasis.MEASURED for f in point.figures)
        ]
        rows[target] = {"points": len(pairs), "front": len(found.front(target)), "pairs": pairs}
    return rows


def figures(point: ExploredPoint) -> Row:
    """Return the figures of the only target of a point."""
    (found,) = point.figures
    return {**asdict(found), "basis": found.basis.value}


def tuned(digits: Digits) -> Row:
    """Return the widths that tune takes."""
    points = lh.tune(digits.network, digits.data, calibration=digits.fitting, max_loss=MAX_LOSS)
    best = next(p for p in points if p.keeps)
    widths = best.widths
    return {
        "weight_bits": widths.weights_text.replace(",", "/"),
        "act_bits": widths.act_bits,
        "state_bits": widths.state_bits,
        "coef_bits": widths.coef_bits,
        "input_bits": widths.input_bits,
    }


def chosen(digits: Digits, out: Path, widths: Row) -> Row:
    """Return the figures of tune's point, of the choice by hand and of what explore picks."""
    axes = {name: [value] for name, value in widths.items()}
    tune = digits.explore({**axes, "lanes": OVER["lanes"]}, out / "two", workers=0)
    hand = digits.explore(HAND, out / "two", workers=0)
    whole = digits.explore(OVER, out / "two", workers=0)
    found = {"tune": best(tune), "by hand": best(hand), "explore": best(whole)}
    found["fronts"] = {name: len(whole.front(name)) for name in TARGETS}
    return found


def best(found: Exploration) -> Row | None:
    """Return the figures of the point that is picked."""
    point = found.best
    if point is None:
        return None
    assert point.quality is not None
    (device,), (board,) = point.devices, point.boards
    return {
        "settings": dict(point.settings),
        "score": point.quality.score,
        "loss": point.quality.loss,
        "luts": device.luts,
        "dsps": device.dsps,
        "block_rams": device.block_rams,
        "share": round(device.share, 4),
        "steps_per_second": device.steps_per_second,
        "flash": board.flash,
        "instructions": board.instructions,
    }


@contextmanager
def cluster(place: Path) -> Iterator[tuple[str, int]]:
    """Start a scheduler and two workers; return the address and the scheduler's process id."""
    place.mkdir(parents=True, exist_ok=True)
    file = place / "scheduler.json"
    file.unlink(missing_ok=True)
    python = (sys.executable, "-m")
    flags = ("--no-dashboard",)
    scheduler = subprocess.Popen(
        (
            *python,
            "distributed.cli.dask_scheduler",
            "--port",
            "0",
            "--scheduler-file",
            file,
            *flags,
        ),
        stderr=subprocess.DEVNULL,
    )
    processes = [scheduler]
    try:
        while not file.is_file() or not file.stat().st_size:
            time.sleep(0.1)
        address = json.loads(file.read_text())["address"]
        worker = (*python, "distributed.cli.dask_worker", address, "--nthreads", "1", *flags)
        processes += [subprocess.Popen(worker, stderr=subprocess.DEVNULL) for _ in range(2)]
        yield address, scheduler.pid
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait()


def many(out: Path) -> Row:
    """Estimate 10,000 points on a cluster; return the time and the memory at each thousand."""
    rows: list[Row] = []
    with cluster(out / "cluster") as (address, pid):
        scheduler = psutil.Process(pid)
        began = time.monotonic()

        def watch(what: str, done: int, total: int, running: tuple[str, ...]) -> None:
            points = 8 * done  # lanes of a design
            if (points >= MILESTONES[len(rows)] and len(rows) < len(MILESTONES) - 1) or not rows:
                rows.append(row(points))

        def row(points: int) -> Row:
            processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
            spent = sum(sum(process.cpu_times()[:2]) for process in processes)
            return {
                "points": points,
                "seconds": round(time.monotonic() - began, 2),
                "processor_seconds": round(spent, 2),
                "scheduler_mib": round(scheduler.memory_info().rss / 2**20, 1),
                "client_mib": round(psutil.Process().memory_info().rss / 2**20, 1),
            }

        found = lh.explore(
            {},
            MANY,
            targets=TARGETS,
            measure="none",
            scheduler=address,
            out=out / "many",
            watch=watch,
        )
        # the last thousand is complete only with the points, the CSV file and the page
        rows.append(row(found.counts.points))
    size = {name: (out / "many" / f"explore.{name}").stat().st_size for name in ("sqlite", "html")}
    return {"rows": rows, "bytes": size, "refused": found.counts.refused}


def main() -> None:
    """Measure what is not known yet."""
    parser = arguments(__doc__, "exploration")
    parser.add_argument("--data", type=Path, help="spoken digits; default: those of LMU_HW_DATA")
    parser.add_argument("--child", action="store_true", help="for the run that is killed")
    parser.add_argument("--write", action="store_true", help="write the page of the docs too")
    options = parser.parse_args()
    data = options.data or spoken.find_data()
    if data is None:
        print(f"nothing is measured: set LMU_HW_DATA or give --data; {spoken.SOURCE}")
        return
    digits = Digits(data)
    if options.child:
        digits.explore(OVER, options.out / "two", workers=2)
        return
    results = Results(options.out / "results.json")
    results.add("killed", lambda: killed(data, options.out))
    results.add("resumed", lambda: resumed(digits, options.out))
    for workers in (1, 2):
        results.add(f"workers: {workers}", partial(part, digits, options.out, workers))
    results.add("again", lambda: again(digits, options.out))
    widths = results.add("tune", lambda: tuned(digits))
    results.add("chosen", lambda: chosen(digits, options.out, widths))
    results.add("measured", lambda: measured(digits, options.out))
    results.add("many", lambda: many(options.out))
    if options.write:
        write_page(results.rows, digits.explore(OVER, options.out / "two", workers=0))


if __name__ == "__main__":
    main()
