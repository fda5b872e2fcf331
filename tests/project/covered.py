"""Report the lines and branches of `lmu_hw` that the tests reach, from coverage's JSON.

`make coverage` runs it; docs/contributing/coverage.md explains the table.

Lines and branches are counted apart; the exit code is 1 where either is below `LEAST`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

LEAST = 95.0
"""Of lines, and of branches [%]."""
KINDS = ("lines", "branches")


def counts(summary: dict[str, int]) -> dict[str, tuple[int, int]]:
    """Return how many lines and branches were reached, and how many there are."""
    return {
        "lines": (summary["covered_lines"], summary["num_statements"]),
        "branches": (summary["covered_branches"], summary["num_branches"]),
    }


def percent(reached: int, there: int) -> float:
    """Return a part, rounded down: 94.99 is not 95."""
    return 100.0 if there == 0 else 1000 * reached // there / 10


def ranges(numbers: Iterable[int]) -> str:
    """Return numbers as ``3-5, 9``."""
    found: list[list[int]] = []
    for number in sorted(numbers):
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in found)


def missing(file: dict[str, Any]) -> str:
    """Return the lines that were not reached, and the branches between those that were."""
    lines = set(file["missing_lines"])
    # a negative number is the end of what begins there
    arcs = [f"{a}->{b}" if b > 0 else f"{a}->end" for a, b in file["missing_branches"]
            if a not in lines and b not in lines]  # fmt: skip
    return ", ".join(filter(None, [ranges(lines), *arcs]))


def table(report: dict[str, Any]) -> list[str]:
    """Return a line for each file that was not reached whole, and one for all together."""
    out = [f"{'file':44}{'lines %':>9}{'branches %':>12}  missing"]
    for name, file in sorted(report["files"].items()):
        shares = [percent(*pair) for pair in counts(file["summary"]).values()]
        if min(shares) < 100:
            out.append(f"{name:44}{shares[0]:9.1f}{shares[1]:12.1f}  {missing(file)}")
    shares = [percent(*pair) for pair in counts(report["totals"]).values()]
    return [*out, f"{'all':44}{shares[0]:9.1f}{shares[1]:12.1f}"]


def main(path: Path) -> int:
    """Print the table of a report; return the exit code."""
    report = json.loads(path.read_text(encoding="utf-8"))
    print("\n".join(table(report)))
    low = [k for k, pair in counts(report["totals"]).items() if percent(*pair) < LEAST]
    if low:
        print(f"below {LEAST:g} %: {', '.join(low)}")
    return 1 if low else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
