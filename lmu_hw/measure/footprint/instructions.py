"""Counts the instructions of every step in QEMU.

A QEMU plugin counts the instructions executed outside the harness between calls of ``mark``: those
of ``NAME_step`` and all functions that it calls. A conditional instruction counts whether or not
its condition holds. QEMU models no pipeline: instructions are not cycles.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..._support.array_types import Words
from ..._support.subprocesses import c_compiler, compile_files
from ..._support.templates import sim_dir
from ...errors import ToolError
from ...firmware.boards import exchange, qemu, skips
from ...firmware.boards.microcontrollers import Board
from ...firmware.boards.toolchain import Image
from ...program.integer_program import Program

COUNTS = "counts"


def count(
    target: Board, program: Program, image: Image, inputs: Words, due: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int64]:
    """Return the instructions of each step, from reset.

    Parameters
    ----------
    target : Board
    program : Program
    image : Image
    inputs : int array, shape (n_steps, n_in)
    due : bool array, shape (n_steps,)
        Steps with an output; includes the last step where outputs are on demand.

    Returns
    -------
    int64 array, shape (n_steps,)

    Raises
    ------
    ToolError
        If there is no C compiler for the plugin, or a tool fails.
    """
    place = image.path.parent
    ends = np.flatnonzero(due) + 1 if program.output_every == 0 else np.array([len(inputs)])
    runs = [
        exchange.BoardRun(
            inputs=inputs[start:end],
            n_outputs=int(np.count_nonzero(due[start:end])),
            from_reset=start == 0,
            single=True,
        )
        for start, end in zip([0, *ends[:-1]], ends, strict=True)
    ]
    exchange.write(program, runs, place / "input")
    addresses = {
        "low": image.symbols["harness_start"],
        "high": image.symbols["harness_end"],
        # the lowest bit marks Thumb code
        "mark": image.symbols["mark"] & ~1,
    }
    # the harness replaces returns by a jump to another return: count only that
    free = [("free", at) for at in skips.returns(target, image)] if target.toolchain.serial else []
    arguments = "".join(f",{name}={value:#x}" for name, value in (*addresses.items(), *free))
    plugin = _plugin(place)
    qemu.run(target, image, "-plugin", f"./{plugin.name}{arguments},out={COUNTS}")
    counts = np.array((place / COUNTS).read_text().split(), dtype=np.int64)
    if len(counts) != 2 * len(inputs):
        raise ToolError(
            f"{target.name}: {len(counts)} marks in {len(inputs)} steps; see the plugin"
        )
    # counts alternate: between two steps, then a step
    return counts[1::2]


def _plugin(place: Path) -> Path:
    """Compile the plugin for the host that runs QEMU."""
    command = c_compiler()
    if not command:
        raise ToolError(
            "no C compiler for the QEMU plugin that counts instructions: apt-get install gcc"
        )
    source, path = sim_dir() / "firmware" / "instructions.c", place / "instructions.so"
    options = ["-O2", "-shared", "-fPIC", "-o", str(path), str(source)]
    compile_files(command, options, label=source, cwd=place)
    return path
