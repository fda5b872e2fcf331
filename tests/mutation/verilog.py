"""Verdict on a mutant of the Verilog."""

from __future__ import annotations

import re
from pathlib import Path

from lmu_hw._support.identifiers import COLLISION_MACRO
from tests.mutation.equivalence import equivalent
from tests.mutation.mutants import Mutant
from tests.mutation.running import SECONDS, limited, run, verified


def judge(place: Path, build_dir: Path, original: Path, mutant: Mutant) -> str:
    build = ["iverilog", "-g2005", f"-D{COLLISION_MACRO}", "-s", "tb_lmu", "-o", "bench.vvp"]
    build += ["tb_lmu.v", "lmu.v"]
    if run(build, build_dir):
        return "no program"
    done = limited(["vvp", "-n", "bench.vvp"], SECONDS, build_dir)
    if done is None or not re.search(rb"^PASS", done.stdout, re.MULTILINE):
        return "killed by its bench"
    same = mutant.file.endswith(".v") and equivalent(original.read_text(), mutant.text, build_dir)
    original.unlink()
    # of the two it is Icarus that plays the state port
    return "equivalent" if same else verified(place, "cxxrtl", "icarus")
