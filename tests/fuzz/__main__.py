"""Feed damaged inputs to everything that reads: `make fuzz`, docs/contributing/fuzzing.md.

Allowed are success and an `LMUHWError`, in 5 s of processor time and 1 GiB. Everything else, a
warning included, is told with the command that repeats it; its input is kept, and the exit code
is 1.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fuzz import worker
from tests.fuzz.readers import READERS, Reader
from tests.fuzz.worker import Finding

WALL_SECONDS = 120.0
"""By the clock, after which a process that ignores its alarm is killed."""
POLL_SECONDS = 0.05


@dataclass
class Tally:
    """What became of the inputs of a reader."""

    inputs: int = 0
    seconds: float = 0.0
    findings: dict[str, tuple[int, Finding]] = field(default_factory=dict)


class Job:
    """A process that reads a range of inputs, and is started again after what killed it."""

    def __init__(self, reader: Reader, seed: int, numbers: range) -> None:
        self.reader, self.seed, self.left = reader, seed, numbers
        self.found: list[tuple[int, Finding]] = []
        self._start()

    def _start(self) -> None:
        self._now = multiprocessing.Value("q", self.left.start, lock=False)
        self._queue: Any = multiprocessing.SimpleQueue()
        self._process = multiprocessing.get_context("fork").Process(target=self._work)
        self._process.start()
        self._seen, self._since = self.left.start, time.monotonic()

    def _work(self) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)

        def begin(number: int) -> None:
            self._now.value = number

        worker.run(self.reader, self.seed, self.left, begin, lambda n, f: self._queue.put((n, f)))

    def poll(self) -> bool:
        """Return whether the process is at work; collect what it has found."""
        while not self._queue.empty():
            self.found.append(self._queue.get())
        number = int(self._now.value)
        if number != self._seen:
            self._seen, self._since = number, time.monotonic()
        waits = time.monotonic() - self._since > WALL_SECONDS
        if self._process.is_alive() and not waits:
            return True
        self._process.kill()
        self._process.join()
        while not self._queue.empty():
            self.found.append(self._queue.get())
        code = self._process.exitcode
        if code == 0:
            return False
        what = f"nothing for {WALL_SECONDS:g} s" if waits else f"the process ended with {code}"
        files = worker.make(self.reader, self.seed, number)
        self.found.append((number, Finding(kind=what, text=what, files=files)))
        self.left = range(number + 1, self.left.stop)
        if not self.left:
            return False
        self._start()
        return True

    def end(self) -> None:
        """Kill the process."""
        self._process.kill()
        self._process.join()


def fuzz(reader: Reader, seed: int, numbers: range, jobs: int) -> Tally:
    """Read the inputs of some numbers in several processes."""
    begun = time.monotonic()
    size = -(-len(numbers) // jobs)
    parts = [numbers[k : k + size] for k in range(0, len(numbers), size)]
    running = [Job(reader, seed, part) for part in parts]
    try:
        while [job for job in running if job.poll()]:
            time.sleep(POLL_SECONDS)
    except BaseException:
        for job in running:
            job.end()
        raise
    tally = Tally(inputs=len(numbers), seconds=time.monotonic() - begun)
    for job in running:
        for number, found in job.found:
            tally.findings.setdefault(found.kind, (number, found))
    return tally


def keep(reader: Reader, seed: int, number: int, found: Finding, out: Path) -> Path:
    """Write the input of a finding; return its directory."""
    place = out / f"{reader.name}-{seed}-{number}"
    for name, content in found.files.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (place / "traceback.txt").write_text(found.text)
    return place


def tell(reader: Reader, seed: int, tally: Tally, out: Path) -> None:
    """Print what became of the inputs of a reader."""
    rate = tally.inputs / max(tally.seconds, 1e-9)
    print(
        f"{reader.name:12} {tally.inputs:>9,} inputs, {rate:8,.0f} a second, "
        f"{len(tally.findings)} findings",
        flush=True,
    )
    for kind, (number, found) in tally.findings.items():
        place = keep(reader, seed, number, found, out)
        print(f"  {kind}\n    {found.text.strip().splitlines()[-1][:200]}\n    kept in {place}")
        print(
            f"    again: python -m tests.fuzz --reader {reader.name} --seed {seed} --only {number}"
        )


def shares(n_inputs: int, names: list[str]) -> dict[str, int]:
    """Return how many inputs each reader gets."""
    total = sum(READERS[name].share for name in names)
    return {name: max(1, n_inputs * READERS[name].share // total) for name in names}


def main() -> int:
    """Fuzz what the options say."""
    args = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.split("\n")[0])
    args.add_argument("--inputs", type=int, default=100_000, help="of all readers together")
    args.add_argument("--seed", type=int, default=0)
    args.add_argument("--reader", action="append", choices=list(READERS), help="default: all")
    args.add_argument("--only", type=int, metavar="NUMBER", help="this input of the reader alone")
    args.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    args.add_argument("--out", type=Path, default=Path("build/fuzz"))
    options = args.parse_args()
    names = options.reader or list(READERS)
    findings = inputs = 0
    for name, count in shares(options.inputs, names).items():
        numbers = range(count) if options.only is None else range(options.only, options.only + 1)
        tally = fuzz(READERS[name], options.seed, numbers, options.jobs)
        tell(READERS[name], options.seed, tally, options.out)
        findings, inputs = findings + len(tally.findings), inputs + tally.inputs
    print(f"{inputs:,} inputs, seed {options.seed}: {findings} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
