"""Runs every proof and every fault, and writes docs/results/proofs.md: ``python -m tests.formal``.

With names, or parts of them, it runs those proofs alone and leaves the rows of the others.
Seconds are of processor time, all processes together; they are those of the machine it ran on.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.formal.proofs import PROOFS
from tests.formal.prover import Engine, Proof, Verdict

REPORT = Path(__file__).resolve().parents[2] / "docs" / "results" / "proofs.md"

HEAD = """\
# What is proven of the emitted Verilog

Formal proofs about the Verilog text that `lmu-hw generate` writes, for the small designs of
`tests/formal/*designs.py`, by `yowasp-sby` and z3. Amaranth harnesses in `tests/formal/` state the
claims.

- A proof starts with arbitrary contents of all registers and memories, and a reset in the first
  cycle. A read whose result is undefined (X in simulation) gives an arbitrary word.
- *Words are arbitrary*: the arithmetic is cut out and its results are free, so the claim does not
  depend on any word.
- *Induction* holds for all times: the claims hold in the first cycles after a reset, and whenever
  they hold in that many consecutive cycles, they hold in the next one.
- *Bounded* holds for that many cycles from the reset, and no further.
- A proof holds for its design. Other widths, lanes and programs come from the same code, but are
  not proven. Sums of products of the shared engine are left to other tests.

A mutation is one fault in the Verilog, for which z3 must find a run from reset that violates a
claim.

Repeat: `make formal` runs every proof and mutation. `python -m tests.formal` writes this page;
`python -m tests.formal ring` runs the proofs whose names contain *ring* and replaces their lines.
Times are processor seconds of all processes together, on the machine that wrote it.

"""


def row(proof: Proof, verdict: Verdict, faults: list[tuple[str, Verdict]]) -> str:
    """Return a line of the table."""
    inductive = proof.engine is Engine.INDUCTION
    how = f"induction, {proof.depth} cycles" if inductive else f"bounded, {proof.depth} cycles"
    broken = "; ".join(f"{what} ({v.status.lower()}, {v.seconds:.0f} s)" for what, v in faults)
    cells = proof.name, proof.claim, proof.of, how, verdict.status, f"{verdict.seconds:.0f}", broken
    return f"| {' | '.join(cells)} |"


def main() -> int:
    """Return 0 if all proofs hold and all mutations break them."""
    args = argparse.ArgumentParser(description=(__doc__ or "").split(":")[0])
    args.add_argument("names", nargs="*", help="parts of the names of proofs; all unless given")
    names = args.parse_args().names
    rows, ok = (_rows() if names else {}), True
    for proof in PROOFS:
        if names and not any(name in proof.name for name in names):
            continue
        verdicts = []
        for mutation in (None, *proof.mutations):
            with tempfile.TemporaryDirectory(prefix="lmu_hw_proof_") as build_dir:
                verdicts.append(proof.run(Path(build_dir), mutation))
            what = mutation.what if mutation else "holds"
            print(f"{proof.name}: {what}: {verdicts[-1].status}", file=sys.stderr, flush=True)
            ok &= verdicts[-1].status == ("FAIL" if mutation else "PASS")
        faults = [(m.what, v) for m, v in zip(proof.mutations, verdicts[1:], strict=True)]
        rows[proof.name] = row(proof, verdicts[0], faults)
    table = [
        "| proof | claim | of | engine | result | time | mutations |",
        "|---|---|---|---|---|---|---|",
        *(rows[proof.name] for proof in PROOFS if proof.name in rows),
    ]
    REPORT.write_text(HEAD + "\n".join(table) + "\n")
    return 0 if ok else 1


def _rows() -> dict[str, str]:
    """Return the rows of the report by the names of their proofs."""
    lines = REPORT.read_text().splitlines()
    return {line.split(" | ")[0].removeprefix("| "): line for line in lines if line[:2] == "| "}


if __name__ == "__main__":
    sys.exit(main())
