"""The command line: ``python -m tests.mutation``."""

from __future__ import annotations

import argparse
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tests.mutation import __doc__ as what
from tests.mutation.designs import DESIGNS, SHARES, prepare
from tests.mutation.judge import judge
from tests.mutation.mutants import Mutant, mutants
from tests.mutation.report import summary, write


def main() -> int:
    """Break designs, and write what became of them."""
    args = argparse.ArgumentParser(description=(what or "").split("\n")[0])
    args.add_argument("--c", type=int, default=200, help="mutants of C")
    args.add_argument("--verilog", type=int, default=250, help="mutants of Verilog")
    args.add_argument(
        "--designs", nargs="+", choices=DESIGNS, default=list(DESIGNS), help="all unless given"
    )
    args.add_argument("--seed", type=int, default=1)
    args.add_argument("--jobs", type=int, default=2)
    args.add_argument("--out", type=Path, default=Path("build/mutation.json"))
    options = args.parse_args()
    with tempfile.TemporaryDirectory(prefix="lmu_hw_mutation_") as name:
        sources = {design: Path(name) / design for design in options.designs}
        chosen: list[Mutant] = []
        for design, place in sources.items():
            prepare(place, design)
            for language, n in (("c", options.c), ("verilog", options.verilog)):
                share = round(n * SHARES[language].get(design, 0))
                chosen += mutants(place, design, language, share, options.seed)
        with ThreadPoolExecutor(options.jobs) as pool:
            verdicts = []
            for k, verdict in enumerate(pool.map(partial(judge, sources), chosen), 1):
                verdicts.append(verdict)
                print(f"{k}/{len(chosen)} {verdict}", file=sys.stderr, flush=True)
                if k % 20 == 0 or k == len(chosen):
                    write(options.out, chosen, verdicts)
    print(summary(chosen, verdicts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
