"""How long `lmu-hw generate` takes, in CPU seconds beyond imports, and the size of its files.

Writes docs/results/generate_time.md. --quick leaves d = 1024 out and prints only.
`files_of` is internal: the files are made but not written, so that no disk is timed.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

# more threads only spin on matrices of this size
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
        "Written by `benchmarks/generate_time.py` on two cores: `--bits 16`, theta = 8 d, zoh,",
        "after imports. Times are those of the machine it ran on; compare them with each other.",
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
