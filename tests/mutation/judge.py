"""What becomes of a mutant."""

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
        folder = place / ("c" if mutant.language == "c" else "rtl")
        original = folder / f"original_{mutant.file}"
        shutil.copy(folder / mutant.file, original)
        (folder / mutant.file).write_text(mutant.text)
        return (
            c.judge(place, folder, original, mutant)
            if mutant.language == "c"
            else verilog.judge(place, folder, original, mutant)
        )
