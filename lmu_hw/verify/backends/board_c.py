"""Backend for the C of a build directory, cross-compiled and run on a board in QEMU."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..._support.array_types import Words
from ...errors import ModelFileError
from ...firmware.boards import exchange, qemu
from ...firmware.boards.microcontrollers import KB, Board
from ...firmware.boards.toolchain import DoesNotFitError, build
from ...firmware.layout import lay_out
from ...program.integer_program import Program, Role
from ...program.output_timing import due_steps
from ...program.size import rom_bits
from ...program.vectors import Vectors
from .compare import Comparison, CResult

CODE = 32 * KB
"""Upper limit for the code of any program."""
SMALL = 16 * KB
"""RAM below which every program is test-linked, because tables may be in RAM."""
PLENTY = 8
"""A program fits without test-linking if tables and state take 1 / PLENTY of the memory or less."""


def run(
    target: Board, build_dir: Path, program: Program, blocks: Iterable[Vectors], n_streams: int
) -> CResult:
    """Run the C files of a build directory on a board, from reset, on given vectors.

    Blocks run alternately by ``NAME_step`` and by ``NAME_run``; after each block the state is saved
    and loaded with ``NAME_save`` and ``NAME_load``.

    Parameters
    ----------
    target : Board
    build_dir, program, blocks, n_streams
        See `host_c.run`; the instances run one after the other.

    Raises
    ------
    ModelFileError
        If a file is missing, or was generated from another program.
    DoesNotFitError
        If the program is larger than the board's memory.
    ToolError
        If a tool is missing or fails, or the program ends with an error.
    """
    blocks = list(blocks)
    due = _due(program, blocks, n_streams)
    runs = [
        exchange.BoardRun(
            inputs=block.inputs[:, stream],
            n_outputs=len(steps),
            from_reset=number == 0,
            single=(stream + number) % 2 == 1,
        )
        for stream in range(n_streams)
        for number, (block, steps) in enumerate(zip(blocks, due, strict=True))
    ]
    with tempfile.TemporaryDirectory(prefix="lmu_hw_") as name:
        place = Path(name)
        image = build(target, program, build_dir / "c", place)
        exchange.write(program, runs, place / "input")
        qemu.run(target, image)
        found = exchange.read(program, runs, place / "output")
    comparison = Comparison()
    for number, (block, steps) in enumerate(zip(blocks, due, strict=True)):
        played = found[number :: len(blocks)]
        outputs = np.stack([outputs for outputs, _ in played], axis=1)
        comparison.add(block, outputs, np.stack([state for _, state in played]), steps)
    return comparison.result()


def refusal(target: Board, build_dir: Path, program: Program) -> str:
    """Return the reason why a program does not fit a board; empty if it fits.

    Raises
    ------
    ToolError
        If a tool is missing, or fails.
    """
    tables, state = rom_bits(program) // 8, lay_out(program, program.name).state_bytes
    flash, ram = target.flash[1] - CODE, target.ram[1] - target.chunk
    if target.ram[1] >= SMALL and PLENTY * tables < flash and PLENTY * state < ram:
        return ""
    with tempfile.TemporaryDirectory(prefix="lmu_hw_") as place:
        try:
            build(target, program, build_dir / "c", Path(place))
        except DoesNotFitError as error:
            return str(error)
        except ModelFileError:
            return ""  # `run` reports it
    return ""


def _due(program: Program, blocks: list[Vectors], n_streams: int) -> list[Words]:
    """Return the steps of each block that have an output."""
    state = np.zeros((n_streams, program.n_words(Role.STATE)), dtype=np.int64)
    due = []
    for block in blocks:
        due.append(np.flatnonzero(due_steps(program, len(block.inputs), state)))
        state = block.state
    return due
