"""The C of a generated folder as an executor: compiled here, in any number of instances."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..firmware.bulk import BulkEngine, available
from ..program import Program
from ..vectors import Vectors, Words
from .icarus import Divergence

__all__ = ["REMEDY", "HostCResult", "available", "run"]

REMEDY = "apt-get install build-essential"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostCResult:
    """What became of the words.

    Attributes
    ----------
    steps, words : int
        Steps of all instances, and output words compared, of the steps with an output.
    mismatches : int
        Output and state words that differed.
    first : Divergence or None
        Its index counts the output words, then the state words.
    """

    steps: int
    words: int
    mismatches: int
    first: Divergence | None


def run(folder: Path, program: Program, blocks: Iterable[Vectors], n_streams: int) -> HostCResult:
    """Run the C files of a generated folder from reset on given vectors.

    Parameters
    ----------
    folder : Path
        Its ``c/lmu.c`` and ``c/lmu.h`` are what runs.
    program : Program
        The program that the folder was generated from.
    blocks : iterable of Vectors
        One after the other in time, each array with an axis of ``n_streams`` independent instances
        before its last one. The state is compared after every block.
    n_streams : int

    Returns
    -------
    HostCResult
        A word that differs is a result, not an exception.

    Raises
    ------
    ModelFileError
        If a file is missing, or was generated from another program.
    ToolError
        If there is no C compiler, or it fails.
    """
    engine = BulkEngine.from_folder(program, folder / "c", n_streams)
    n_steps = n_words = n_wrong = 0
    first = None
    for block in blocks:
        due = np.flatnonzero(engine.due(len(block.inputs)))
        outputs, state = engine.run(block.inputs), engine.save()
        if first is None:
            first = _first(block, outputs, state, n_steps, due)
        n_steps += len(block.inputs)
        n_words += outputs.size
        n_wrong += int(np.count_nonzero(outputs != block.outputs))
        n_wrong += int(np.count_nonzero(state != block.state))
    return HostCResult(steps=n_steps * n_streams, words=n_words, mismatches=n_wrong, first=first)


def _first(
    block: Vectors, outputs: Words, state: Words, start: int, due: npt.NDArray[np.int64]
) -> Divergence | None:
    """Return the first word of a block that differs, the state words last.

    ``due`` are the steps of the block that its outputs belong to.
    """
    wrong = np.argwhere(outputs != block.outputs)
    if len(wrong):
        row, stream, index = (int(i) for i in wrong[0])
        step = int(due[row])
        expected, got = block.outputs[row, stream, index], outputs[row, stream, index]
    else:
        wrong = np.argwhere(state != block.state)
        if not len(wrong):
            return None
        stream, word = (int(i) for i in wrong[0])
        step, index = len(block.inputs) - 1, outputs.shape[2] + word
        expected, got = block.state[stream, word], state[stream, word]
    return Divergence(step=start + step, index=index, expected=int(expected), got=int(got))
