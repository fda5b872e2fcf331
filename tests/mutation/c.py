"""What becomes of a mutant of C."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from lmu_hw.proof.certificate import certificate
from lmu_hw.proof.claims import Basis
from tests.mutation.mutants import Mutant
from tests.mutation.rules import WIDER
from tests.mutation.running import run, verified


def judge(place: Path, build_dir: Path, original: Path, mutant: Mutant) -> str:
    build = ["cc", "-std=c99", "-O1", "-fsanitize=undefined,address", "-fno-sanitize-recover=all"]
    if run([*build, "-w", "-o", "bench", "test_lmu.c", "lmu.c"], build_dir):
        return "no program"
    if run(["./bench", "../vectors"], build_dir) != 0:
        return "killed by its bench"
    shutil.copy(original, build_dir / "was.c")
    for source in ("lmu.c", "was.c"):
        run(["cc", "-std=c99", "-O2", "-w", "-S", "-o", f"{source}.s", source], build_dir)
    texts = [
        re.sub(r"\.file.*|\.ident.*", "", (build_dir / f"{s}.s").read_text())
        for s in ("lmu.c", "was.c")
    ]
    if texts[0] == texts[1]:
        return "equivalent"
    original.unlink()
    if mutant.rule == WIDER and _never_reached(place, mutant.before):
        return "equivalent"
    return verified(place, "c")


def _never_reached(place: Path, code: str) -> bool:
    """Return whether the certificate proves that a signal stays within this limit."""
    claims = certificate((place / "program.json").read_text(), None).claims.signals
    found = re.match(r"#define LMU_(\w+)_(?:MIN|MAX)", code)
    name = found[1].lower() if found else ""
    claim = claims.get("chain of z_inner" if name == "cascade_w" else name)
    return claim is not None and claim.basis is Basis.L1 and claim.role != "output"
