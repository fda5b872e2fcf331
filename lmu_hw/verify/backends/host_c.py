"""Backend for the C of a build directory, compiled for this machine, with several instances."""

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
        Build directory, whose ``c/`` is run.
    program : Program
        Program of the build directory.
    blocks : iterable of Vectors
        Consecutive blocks, each array with an axis of ``n_streams`` independent instances before
        its last axis. The state is compared after every block.
    n_streams : int
        Number of instances.

    Returns
    -------
    CResult
        Mismatches are a result, not an exception.

    Raises
    ------
    ModelFileError
        If a file is missing, or was generated from another program.
    ToolError
        If there is no C compiler, or it fails.
    """
    engine = BulkEngine.from_c_files(program, build_dir / "c", n_streams)
    comparison = Comparison()
    for block in blocks:
        due = np.flatnonzero(engine.due(len(block.inputs)))
        comparison.add(block, engine.run(block.inputs), engine.save(), due)
    return comparison.result()
