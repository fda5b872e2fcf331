"""Counts the instructions and jumps of every step in QEMU.

A QEMU plugin counts the instructions executed outside the harness between calls of ``mark``: those
of ``NAME_step`` and all functions that it calls. A conditional instruction counts whether or not
its condition holds. QEMU models no pipeline: instructions are not cycles.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from ..._support.array_types import Words
from ..._support.subprocesses import c_compiler, compile_files
from ..._support.templates import sim_dir
from ...errors import ToolError
from ...firmware.boards import exchange, qemu, skips
from ...firmware.boards.disassembly import Instruction
from ...firmware.boards.microcontrollers import Board
from ...firmware.boards.toolchain import Image
from ...program.integer_program import Program
from .control_flow import CodeBlock, UnknownFlowError
from .longest_path import Counts, Flow

COUNTS, JUMPS, PIECES = "counts", "jumps", "pieces"
"""Files that the plugin writes."""


def count(
    target: Board,
    program: Program,
    image: Image,
    inputs: Words,
    due: npt.NDArray[np.bool_],
    loaded: Mapping[int, Words] = MappingProxyType({}),
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
    loaded : mapping of int to int array, shape (n_state,)
        States to load before a step.

    Returns
    -------
    int64 array, shape (n_steps,)

    Raises
    ------
    ToolError
        If there is no C compiler for the plugin, or a tool fails.
    """
    place = image.path.parent
    asked = (np.flatnonzero(due) + 1).tolist() if program.output_every <= 1 else [len(inputs)]
    ends = sorted({*asked, *loaded} - {0})
    runs = [
        exchange.BoardRun(
            inputs=inputs[start:end],
            n_outputs=int(np.count_nonzero(due[start:end])),
            from_reset=start == 0,
            single=True,
            checked=False,
            last_only=program.output_every == 1,
            state=loaded.get(start),
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
    files = f"out={COUNTS},jumps={JUMPS},pieces={PIECES}"
    plugin = _plugin(place)
    qemu.run(target, image, "-plugin", f"./{plugin.name}{arguments},{files}")
    counts = np.array((place / COUNTS).read_text().split(), dtype=np.int64)
    if len(counts) != 2 * len(inputs):
        raise ToolError(
            f"{target.name}: {len(counts)} marks in {len(inputs)} steps; see the plugin"
        )
    # counts alternate: between two steps, then a step
    return counts[1::2]


def flow(
    place: Path, code: Sequence[Instruction], blocks: Mapping[int, CodeBlock], counts: Counts
) -> Flow:
    """Return how often blocks and jumps were executed in each step that `count` counted.

    Parameters
    ----------
    place : Path
        Directory of the program.
    code : sequence of Instruction
    blocks : dict of int to CodeBlock
    counts : int64 array, shape (n_steps,)
        Result of `count`.

    Raises
    ------
    UnknownFlowError
        If the instructions of the blocks are not those that were counted.
    """
    order = {one.address: n for n, one in enumerate(code)}
    starts = sorted(blocks)
    begun: list[list[int]] = [[]]  # blocks that begin in each piece
    last = [0]  # block in which each piece ends
    pairs: list[tuple[int, int]] = []
    for line in (place / PIECES).read_text().splitlines():
        kind, first, second = line.split()
        if kind == "p":
            n = order.get(int(first), len(code))  # the emulator has start-up code of its own
            inside = [one.address for one in code[n : n + int(second)]]
            begun.append([at for at in inside if at in blocks])
            last.append(starts[bisect_right(starts, inside[-1]) - 1] if inside else 0)
        else:
            pairs.append((int(first), int(second)))
    executed = _executed(place / JUMPS, len(pairs), len(counts))
    zero = np.zeros(len(counts), dtype=np.int64)
    found = {at: zero.copy() for at in blocks}
    jumps = {(at, to): zero.copy() for at, block in blocks.items() for to in block.successors}
    for (before, this), n_times in zip(pairs, executed.T, strict=True):
        for at in begun[this]:
            found[at] += n_times
        for jump in pairwise([last[before], *begun[this]]):
            if jump in jumps:
                jumps[jump] += n_times
    for at, block in blocks.items():
        if block.calls is not None:
            jumps[at, block.successors[0]] = found[at]
    if not np.array_equal(sum(found[at] * b.length for at, b in blocks.items()), counts):
        raise UnknownFlowError("the executed blocks are not those of the machine code")
    return Flow(blocks=found, jumps=jumps)


def _executed(path: Path, n_pairs: int, n_steps: int) -> Counts:
    """Return how often each pair of pieces was executed in each step."""
    data = np.fromfile(path, dtype="<u4")
    found = np.zeros((n_steps, n_pairs), dtype=np.int64)
    at = 0
    for n in range(2 * n_steps):
        length = int(data[at])
        if n % 2 == 1:
            found[n // 2, :length] = data[at + 1 : at + 1 + length]
        at += 1 + length
    return found


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
