"""The verdicts on a mutant."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from tests.mutation import c, verilog
from tests.mutation.mutants import Mutant


def judge(sources: dict[str, Path], mutant: Mutant) -> str:
    """Return what became of a mutant: killed (by what), equivalent, no program, or survived."""
    with tempfile.TemporaryDirectory(prefix="lmu_hw_mutant_") as name:
        place = Path(shutil.copytree(sources[mutant.design], Path(name) / "out"))
        build_dir = place / ("c" if mutant.language == "c" else "rtl")
        original = build_dir / f"original_{mutant.file}"
        shutil.copy(build_dir / mutant.file, original)
        (build_dir / mutant.file).write_text(mutant.text)
        return (
            c.judge(place, build_dir, original, mutant)
            if mutant.language == "c"
            else verilog.judge(place, build_dir, original, mutant)
        )
