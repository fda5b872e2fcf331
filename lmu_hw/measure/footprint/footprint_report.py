"""Measures the C of a build directory on each target."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..._support.array_types import Words
from ..._support.progress import progress
from ...errors import ToolError
from ...firmware.boards.installed import missing, remedy
from ...firmware.boards.microcontrollers import TARGETS, Board
from ...firmware.boards.toolchain import build, compile_object, optimize, tool
from ...program import vectors
from ...program.integer_program import Program, Role
from ...program.output_timing import due_steps
from ...verify.backends.board_c import refusal
from ...verify.load_build import edited, load_program
from . import stack
from .board_report import (
    BoardReport,
    FlashUsage,
    FootprintReport,
    Frame,
    InstructionCounts,
    Instructions,
    RamUsage,
    StackDepths,
)
from .instructions import count
from .sizes import sizes

SEED = 1
STEPS = 64
"""Steps counted; more where these have fewer than two outputs."""
MAX_STEPS = 4096


def footprint(
    build_dir: Path, targets: tuple[Board, ...] | None, *, quiet: bool = False
) -> FootprintReport:
    """Compile the C of a build directory for targets and measure it.

    Parameters
    ----------
    build_dir : Path
    targets : tuple of Board, or None
        None: all whose tools are installed and that the program fits.
    quiet : bool
        No progress.

    Returns
    -------
    FootprintReport

    Raises
    ------
    ModelFileError
        If the build directory is damaged.
    DoesNotFitError
        If a target that was named is too small.
    ToolError
        If a tool is missing or fails.
    """
    program = load_program(build_dir)
    left_out: dict[str, str] = {}
    if targets is None:
        left_out = {
            name: why for name, t in TARGETS.items() if (why := _why_not(t, build_dir, program))
        }
        targets = tuple(t for name, t in TARGETS.items() if name not in left_out)
        if not targets:
            raise ToolError(f"there is no target to measure on: {'; '.join(left_out.values())}")
    inputs, due = _steps(program)
    return FootprintReport(
        title=program.title,
        digest=program.digest,
        multiplies_per_step=program.multiplies_per_step,
        multiplies_per_output=program.multiplies_per_output,
        steps=len(inputs),
        seed=SEED,
        edited=tuple(name for name in edited(build_dir) if name.startswith("c/")),
        targets=tuple(
            measure(t, build_dir / "c", program, inputs, due, quiet=quiet) for t in targets
        ),
        not_measured=left_out,
    )


def _why_not(target: Board, build_dir: Path, program: Program) -> str:
    if missing(target.toolchain):
        return f"not installed ({remedy(target.toolchain)})"
    return refusal(target, build_dir, program)


def _steps(program: Program) -> tuple[Words, npt.NDArray[np.bool_]]:
    """Return the stimulus, and which steps of it have an output."""
    n_steps = min(max(STEPS, 2 * program.output_every), MAX_STEPS)
    inputs = vectors.stimulus(program, n_steps, 1, SEED)[:, 0]
    if program.output_every == 0:
        return inputs, np.arange(n_steps) % 2 == 1
    state = np.zeros((1, program.n_words(Role.STATE)), dtype=np.int64)
    return inputs, due_steps(program, n_steps, state)


def measure(
    target: Board,
    c_dir: Path,
    program: Program,
    inputs: Words,
    due: npt.NDArray[np.bool_],
    *,
    quiet: bool = False,
) -> BoardReport:
    """Compile the C files of a program for a target and measure them over given steps.

    Parameters
    ----------
    target : Board
    c_dir : Path
    program : Program
    inputs : int array, shape (n_steps, n_in)
    due : bool array, shape (n_steps,)
        Steps with an output; includes the last step where outputs are on demand.
    quiet : bool
        No progress.

    Returns
    -------
    BoardReport

    Raises
    ------
    ModelFileError, DoesNotFitError, ToolError
        As `footprint`.
    """
    name = program.name
    with (
        tempfile.TemporaryDirectory(prefix="lmu_hw_") as build_dir,
        progress(f"{target.core}: counting the instructions of {len(inputs)} steps", 0, quiet),
    ):
        place = Path(build_dir)
        image = build(target, program, c_dir, place)
        counts = count(target, program, image, inputs, due)
        product = compile_object(target, program, c_dir, place, stack.option(target))
        graph = stack.read(target, product, image)
        found = sizes(target, product, image)
    chain = stack.deepest(graph, f"{name}_step")
    calls = ("init", "reset", "step", "run", "save", "load")
    depths = {call: stack.deepest(graph, f"{name}_{call}").n_bytes for call in calls}
    code, deep = sum(found.code.values()), max(depths.values())
    always, both = program.multiplies_per_step, program.multiplies_per_output
    compiler = tool(target, "gcc", "-dumpfullversion", "-dumpversion").strip()
    return BoardReport(
        target=target.name,
        core=target.core,
        compiler=f"{target.toolchain.compiler} {compiler}",
        options=(*target.cpu, *optimize(target)),
        flash=FlashUsage(
            code=code,
            tables=found.tables,
            library=found.library,
            library_functions=found.calls,
            data=found.data,
            total=code + found.tables + found.library + found.data,
            functions=found.code,
        ),
        ram=RamUsage(
            state=found.state,
            data=found.data,
            bss=found.bss,
            stack=deep,
            total=found.state + found.data + found.bss + deep,
        ),
        stack=StackDepths(
            **depths,
            chain=tuple(Frame(function=f, bytes=n) for f, n in chain.frames),
            not_counted=tuple(name for name in found.calls if name not in graph.frames),
        ),
        instructions=Instructions(
            with_output=_statistics(counts[due], always + both),
            without_output=_statistics(counts[~due], always),
        ),
    )


def _statistics(counts: npt.NDArray[np.int64], macs: int) -> InstructionCounts | None:
    """Return the counts of steps of one kind; None where there are none."""
    if not len(counts):
        return None
    mean = float(counts.mean())
    return InstructionCounts(
        steps=len(counts),
        mean=round(mean, 1),
        min=int(counts.min()),
        max=int(counts.max()),
        macs=macs,
        per_mac=round(mean / macs, 2) if macs else None,
    )
