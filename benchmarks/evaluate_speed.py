"""Time of `lmu-hw evaluate` against plain NumPy: docs/results/evaluate_speed.md.

    PYTHONPATH=. python benchmarks/evaluate_speed.py [--sequences 2000] [--rounds 3] [--no-command]

The psMNIST model of ../shared/data (d = 256, n = 212, theta = 784) on test digits, 8-bit weights
and activations. A round runs every part once, one after the other, so that the load of the machine
affects all parts alike. The table gives the median of the ratios within a round.

It measures the parts of `Design.evaluate` one by one, so it imports them.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.bulk_speed import BATCH, run_plain
from lmu_hw._support.workers import one_blas_thread
from lmu_hw.firmware.bulk import BulkEngine
from lmu_hw.measure.crosscheck import crosscheck
from lmu_hw.measure.dataset import Dataset
from lmu_hw.measure.evaluate import TRACED, run_floats, run_integers
from lmu_hw.measure.signal_error import trace
from lmu_hw.models.importers import load
from lmu_hw.program.output_timing import with_output_every
from lmu_hw.quantize.calibration import Calibration
from lmu_hw.quantize.word_lengths import Widths

ROOT = Path(__file__).parent.parent
TABLE = ROOT / "docs" / "results" / "evaluate_speed.md"
SEQUENCES, CALIBRATED = 2000, 256
WIDTHS = Widths(weight_bits=8, act_bits=8)
PLAIN = "plain NumPy, float64, BLAS on all cores"
Times = dict[str, tuple[float, float]]
"""Wall and processor time of each part [s]."""


def digits(data: Path) -> tuple[Dataset, Dataset]:
    """Return test and training digits as sequences of pixels, in the paper's order."""
    with np.load(data / "mnist" / "mnist.npz") as mnist:
        arrays = {name: mnist[name] for name in mnist}
    with np.load(data / "mnist" / "psmnist_permutations.npz") as permutations:
        order = permutations["nru_paper"]
    return tuple(  # type: ignore[return-value]
        Dataset(
            sequences=tuple(
                (arrays[f"x_{part}"].reshape(-1, 784, 1)[:, order] / 255).astype(np.float32)
            ),
            labels=arrays[f"y_{part}"].astype(np.int64),
        )
        for part in ("test", "train")
    )


def one_round(model: Path, test: Dataset, train: Dataset) -> Times:
    """Run every part once."""
    times: Times = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        cpu, wall = processor(), time.perf_counter()
        found = work()
        times[name] = time.perf_counter() - wall, processor() - cpu
        return found

    net, x = load(model), np.stack(test.sequences)[:, :, 0]
    calibration = Calibration(net, train.sequences)
    timed(f"calibration, {CALIBRATED} sequences", lambda: calibration.statistics(WIDTHS.coef_bits))
    chosen = "choice of formats and weights"
    design = timed(chosen, lambda: calibration.design(WIDTHS, title="psMNIST"))
    plain = timed(PLAIN, lambda: run_plain(net, x, np.float64))
    floats = timed("float pass of evaluate", lambda: run_floats(design, test))
    with one_blas_thread():
        timed("plain NumPy, float64, one BLAS thread", lambda: run_plain(net, x, np.float64))
    single = timed("plain NumPy, float32", lambda: run_plain(net, x, np.float32))
    timed("integers: compile, check, run", lambda: run_integers(design, test))
    program = with_output_every(design.program, 0)
    engine = timed("- of which compiling", lambda: BulkEngine(program))
    timed("- of which the check against the interpreter", lambda: crosscheck(engine, test))
    with one_blas_thread():
        timed(f"trace, {TRACED} sequences", lambda: trace(design, test.sample(TRACED)))
    found = np.concatenate(floats.values)
    if np.max(np.abs(found - plain)) > 1e-9:
        raise SystemExit("the float pass and plain NumPy differ")
    if np.mean(found.argmax(axis=1) == single.argmax(axis=1)) < 0.999:
        raise SystemExit("float32 gives other labels")
    return times


def processor() -> float:
    """Return the processor time of this process and of the compilers that it started [s]."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def whole_command(model: Path, test: Dataset, train: Dataset) -> tuple[float, dict[str, Any]]:
    """Return the time of `lmu-hw evaluate` on all digits [s], and its report."""
    with tempfile.TemporaryDirectory() as build_dir:
        files = Path(build_dir) / "test.npz", Path(build_dir) / "train.npz"
        for file, dataset in zip(files, (test, train), strict=True):
            np.savez(file, x=np.stack(dataset.sequences), y=dataset.labels)
        line = [sys.executable, "-m", "lmu_hw", "evaluate", str(model), "--data", str(files[0])]
        line += ["--calibrate", str(files[1]), "--json"]
        line += [f"--weight-bits={WIDTHS.weight_bits}", f"--act-bits={WIDTHS.act_bits}"]
        start = time.perf_counter()
        said = subprocess.run(line, stdout=subprocess.PIPE, check=True, text=True, cwd=ROOT).stdout
        return time.perf_counter() - start, json.loads(said)


def table(rounds: list[Times]) -> list[str]:
    """Return the rows of the table: times over that of plain NumPy in float64."""
    rows = ["| | time | processor time |", "|---|---|---|"]
    for name in sorted(rounds[0], key=lambda name: name != PLAIN):
        wall, cpu = (median(t[name][k] / t[PLAIN][k] for t in rounds) for k in (0, 1))
        rows.append(f"| {name} | {wall:.2f} | {cpu:.2f} |")
    return rows


def main() -> None:
    """Run it all; write the page where nothing was left out."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    options.add_argument("--sequences", type=int, default=SEQUENCES)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--no-command", action="store_true", help="leave the whole command out")
    args = options.parse_args()
    model = args.data / "psmnist_paper" / "psmnist_lmu2019.npz"
    if not model.is_file():
        print(f"skipped: there is no {model}; give the directory with --data")
        return
    test, train = digits(args.data)
    train = train.sample(CALIBRATED)
    rounds = []
    for number in range(args.rounds):
        rounds.append(one_round(model, test.sample(args.sequences), train))
        for name, (wall, cpu) in rounds[-1].items():
            print(f"{number}  {name:45} {wall:7.2f} s, processor {cpu:7.2f} s", flush=True)
    rows = table(rounds)
    print(*rows, sep="\n")
    if args.no_command:
        return
    seconds, report = whole_command(model, test, train)
    accuracies = [f"{100 * report[kind]['accuracy']:.2f} %" for kind in ("float", "integer")]
    print(f"lmu-hw evaluate, {report['sequences']} digits: {seconds:.1f} s,", *accuracies)
    if args.sequences == SEQUENCES:
        TABLE.write_text(page(rows, len(rounds), accuracies, seconds))


def page(rows: list[str], n_rounds: int, accuracies: list[str], seconds: float) -> str:
    """Return the text of the page."""
    body = "\n".join(rows)
    return f"""# Speed of evaluate

What `lmu-hw evaluate` costs beside plain NumPy: the psMNIST model (d = 256, n = 212, theta = 784,
8-bit weights and activations) on {SEQUENCES:,} test digits of 784 steps, on two cores. Each figure
is a ratio to plain NumPy in float64 ({BATCH:,} sequences at a time, the memory as a dense matrix)
in the same round, the median of {n_rounds} rounds.

Repeat: `PYTHONPATH=. python benchmarks/evaluate_speed.py`.

{body}

The float pass runs one BLAS thread on each core, with about 250 sequences. More BLAS threads gain
little time and take more processor time, because they wait for each other by spinning: compare the
rows of plain NumPy. Scores equal those of plain NumPy within 1e-9 (1e-13 measured); they differ
because the sums are added in another order. Calibration, check and trace take the same time for any
number of sequences.

`lmu-hw evaluate` on all 10,000 digits, ranges calibrated on {CALIBRATED} training digits: float
{accuracies[0]}, integers {accuracies[1]}, {seconds:.0f} s.
"""


if __name__ == "__main__":
    main()
