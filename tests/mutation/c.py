"""Verdict on a mutant of the C."""

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
    mutated = _assembly(build_dir)
    shutil.copy(original, build_dir / mutant.file)
    if _assembly(build_dir) == mutated:
        return "equivalent"
    (build_dir / mutant.file).write_text(mutant.text)
    original.unlink()
    if mutant.rule == WIDER and _never_reached(place, mutant.before):
        return "equivalent"
    return verified(place, "c")


def _assembly(build_dir: Path) -> str:
    """Return the assembly of the C, without the names of files and compilers."""
    run(["cc", "-std=c99", "-O2", "-w", "-S", "-o", "lmu.s", "lmu.c"], build_dir)
    return re.sub(r"\.file.*|\.ident.*", "", (build_dir / "lmu.s").read_text())


def _never_reached(place: Path, code: str) -> bool:
    """Return whether the certificate proves that a signal stays within this limit."""
    claims = certificate((place / "program.json").read_text(), None).claims.signals
    found = re.match(r"#define LMU_(\w+)_(?:MIN|MAX)", code)
    name = found[1].lower() if found else ""
    claim = claims.get("chain of z_inner" if name in ("cascade_w", "spiking_w") else name)
    return claim is not None and claim.basis is Basis.L1 and claim.role != "output"
