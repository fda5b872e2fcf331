"""Time of `lmu-hw generate`, imports not counted, and the size of its files.

Writes docs/results/generate_time.md. --quick leaves d = 1024 out and prints only.
It calls the internal `files_of`, which writes nothing, so that the disk does not count.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

# more threads only wait for each other on matrices of this size
os.environ.setdefault("OPENBLAS_NUM_THREADS", "2")

import lmu_hw as lh
from lmu_hw.generate import files_of


def measure(order: int, output: str) -> str:
    """Return a row of the table."""
    memory = lh.Memory(order)
    cpu, wall = time.process_time(), time.perf_counter()
    design = lh.compile(memory, output=output)
    quantized = time.process_time() - cpu
    files = files_of(design.quantized)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    size = sum(len(text) for text in files.values()) / 1e6
    return (
        f"| {order} | {output} | {design.program.multiplies_per_step:,} "
        f"| {quantized:.2f} | {cpu:.2f} | {wall:.2f} | {size:.2f} |"
    )


def main() -> None:
    """Print the table; write it too, unless --quick."""
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--quick", action="store_true", help="without d = 1024, printed only")
    quick = args.parse_args().quick
    files_of(lh.compile(lh.Memory(4)).quantized)  # imports and caches
    lines = [
        "# Time to generate",
        "",
        "How long `lmu-hw generate` takes, and how large its build directory is: `--bits 16`,",
        "theta = 8 d, zoh, on two cores, imports not counted. The times depend on the machine;",
        "compare them with each other.",
        "",
        "Repeat: `python benchmarks/generate_time.py`, which writes this page.",
        "",
        "| d | output | multiplies per step | quantize, CPU [s] | all, CPU [s] | all, wall [s] "
        "| build directory [MB] |",
        "|---|---|---|---|---|---|---|",
    ]
    for order in (6, 16, 64, 256) if quick else (6, 16, 64, 256, 1024):
        for output in ("state", "memory"):
            lines.append(measure(order, output))
            print(lines[-1], flush=True)
    if not quick:
        path = Path(__file__).resolve().parent.parent / "docs" / "results" / "generate_time.md"
        path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
