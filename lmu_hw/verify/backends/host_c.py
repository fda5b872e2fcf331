"""The C of a build directory as a backend: compiled here, in any number of instances."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ...firmware.bulk import BulkEngine, available
from ...program.integer_program import Program
from ...program.vectors import Vectors
from .compare import Comparison, CResult

__all__ = ["REMEDY", "available", "run"]

REMEDY = "apt-get install build-essential"


def run(build_dir: Path, program: Program, blocks: Iterable[Vectors], n_streams: int) -> CResult:
    """Run the C files of a build directory from reset on given vectors.

    Parameters
    ----------
    build_dir : Path
        Its ``c/lmu.c`` and ``c/lmu.h`` are what runs.
    program : Program
        The program that the folder was generated from.
    blocks : iterable of Vectors
        One after the other in time, each array with an axis of ``n_streams`` independent instances
        before its last one. The state is compared after every block.
    n_streams : int

    Returns
    -------
    CResult
        A word that differs is a result, not an exception.

    Raises
    ------
    ModelFileError
        If a file is missing, or was generated from another program.
    ToolError
        If there is no C compiler, or it fails.
    """
    engine = BulkEngine.from_folder(program, build_dir / "c", n_streams)
    comparison = Comparison()
    for block in blocks:
        due = np.flatnonzero(engine.due(len(block.inputs)))
        comparison.add(block, engine.run(block.inputs), engine.save(), due)
    return comparison.result()
