"""Measures the C of a build directory on each target."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..._support.progress import progress
from ...errors import ToolError
from ...firmware.boards.disassembly import Instruction, disassemble
from ...firmware.boards.installed import missing, remedy
from ...firmware.boards.microcontrollers import TARGETS, Board
from ...firmware.boards.toolchain import Image, build, checked, compile_object, optimize, tool
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
    WorstStep,
)
from .control_flow import CodeBlock, UnknownFlowError, blocks
from .cycle_estimate import Analyzer, CycleEstimate, analyzer, estimate
from .instructions import count, flow
from .longest_path import Counts, Flow, longest
from .sizes import sizes
from .worst_inputs import NamedInput, joined, loaded, name_at, worst_inputs

SEED = 1
STEPS = 64
"""Steps of noise; more where these have fewer than two outputs."""
MAX_STEPS = 4096
_Bounds = tuple[int | None, int | None]
"""Over the ways that were taken, and over all ways."""


def footprint(
    build_dir: Path,
    targets: tuple[Board, ...] | None,
    *,
    cflags: Sequence[str] = (),
    cycles: bool = False,
    quiet: bool = False,
) -> FootprintReport:
    """Compile the C of a build directory for targets and measure it.

    Parameters
    ----------
    build_dir : Path
    targets : tuple of Board, or None
        None: all whose tools are installed and that the program fits.
    cflags : sequence of str
        Compiler options for the program's C file, such as ``-Os``; they follow our own and win.
    cycles : bool
        Estimate the cycles of inner loops with llvm-mca, where LLVM has a model of the core.
    quiet : bool
        No progress.

    Returns
    -------
    FootprintReport

    Raises
    ------
    ModelFileError
        If the build directory is damaged.
    SpecError
        If an option in ``cflags`` cannot be used.
    DoesNotFitError
        If a target that was named is too small.
    ToolError
        If a tool is missing or fails.
    """
    cflags = checked(cflags)
    tool = analyzer() if cycles else None
    program = load_program(build_dir)
    left_out: dict[str, str] = {}
    if targets is None:
        left_out = {
            name: why for name, t in TARGETS.items() if (why := _why_not(t, build_dir, program))
        }
        targets = tuple(t for name, t in TARGETS.items() if name not in left_out)
        if not targets:
            raise ToolError(f"there is no target to measure on: {'; '.join(left_out.values())}")
    steps = counted_steps(program)
    return FootprintReport(
        title=program.title,
        digest=program.digest,
        multiplies_per_step=program.multiplies_per_step,
        multiplies_per_output=program.multiplies_per_output,
        steps=steps.n_noise,
        seed=SEED,
        searched=len(steps.due) - steps.n_noise,
        edited=tuple(name for name in edited(build_dir) if name.startswith(("c/", "../"))),
        targets=tuple(
            measure(t, build_dir / "c", program, steps, cflags=cflags, cycles=tool, quiet=quiet)
            for t in targets
        ),
        not_measured=left_out,
    )


def _why_not(target: Board, build_dir: Path, program: Program) -> str:
    if missing(target.toolchain):
        return f"not installed ({remedy(target.toolchain)})"
    return refusal(target, build_dir, program)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class CountedSteps:
    """Inputs of the steps to count.

    Attributes
    ----------
    inputs : tuple of NamedInput
        The first is noise, of which the mean is reported.
    due : bool array, shape (n_steps,)
        Steps with an output; includes the last step.
    """

    inputs: tuple[NamedInput, ...]
    due: npt.NDArray[np.bool_]

    @property
    def n_noise(self) -> int:
        """Steps of noise."""
        return len(self.inputs[0].words)


def counted_steps(program: Program) -> CountedSteps:
    """Return the noise, and all other inputs that may have the worst step."""
    n_steps = min(max(STEPS, 2 * program.output_every), MAX_STEPS)
    noise = NamedInput(name="noise", words=vectors.stimulus(program, n_steps, 1, SEED)[:, 0])
    inputs = (noise, *worst_inputs(program))
    return CountedSteps(inputs=inputs, due=_due(program, inputs))


def _due(program: Program, inputs: Sequence[NamedInput]) -> npt.NDArray[np.bool_]:
    """Return which steps have an output, the last ones before a state is loaded included."""
    lengths = [len(one.words) for one in inputs]
    starts = {0: np.zeros(program.n_words(Role.STATE), dtype=np.int64)} | loaded(inputs)
    parts = []
    for (start, state), end in zip(starts.items(), [*list(starts)[1:], sum(lengths)], strict=True):
        n = end - start
        if program.output_every <= 1:
            # the caller may leave out any output: half of them, or one in four
            due = np.arange(n) % (2 if program.output_every == 0 else 4) > 0
            due[-1] = True
        else:
            due = due_steps(program, n, state[None])
        parts.append(due)
    return np.concatenate(parts)


def measure(
    target: Board,
    c_dir: Path,
    program: Program,
    steps: CountedSteps,
    *,
    cflags: Sequence[str] = (),
    cycles: Analyzer | None = None,
    quiet: bool = False,
) -> BoardReport:
    """Compile the C files of a program for a target and measure them over given steps.

    Parameters
    ----------
    target : Board
    c_dir : Path
    program : Program
    steps : CountedSteps
    cflags : sequence of str
        As `footprint`.
    cycles : Analyzer, optional
        Estimates the cycles of inner loops.
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
        progress(f"{target.core}: counting the instructions of {len(steps.due)} steps", 0, quiet),
    ):
        place = Path(build_dir)
        image = build(target, program, c_dir, place, *cflags)
        instructions = Instructions(with_output=None, without_output=None)
        estimated: CycleEstimate | None = None
        if target.runs:
            counted = _counted(target, program, image, steps)
            instructions = _instructions(program, steps, counted)
            if cycles is not None:
                estimated = _cycles(cycles, target, steps, counted, place)
        product = compile_object(target, program, c_dir, place, *cflags, stack.option(target))
        graph = stack.read(target, product, image)
        found = sizes(target, product, image)
    chain = stack.deepest(graph, f"{name}_step")
    calls = ("init", "reset", "step", "run", "save", "load")
    depths = {call: stack.deepest(graph, f"{name}_{call}").n_bytes for call in calls}
    code, deep = sum(found.code.values()), max(depths.values())
    compiler = tool(target, "gcc", "-dumpfullversion", "-dumpversion").strip()
    return BoardReport(
        target=target.name,
        core=target.core,
        compiler=f"{target.toolchain.compiler} {compiler}",
        options=(*target.cpu, *optimize(target), *cflags),
        cflags=tuple(cflags),
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
        instructions=instructions,
        cycles=estimated,
    )


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class _Executed:
    """Machine code of a step, and how often each of its blocks was executed."""

    entry: int
    code: list[Instruction]
    blocks: dict[int, CodeBlock]
    flow: Flow


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class _Counted:
    """Instructions of all steps; None where the machine code could not be followed."""

    counts: Counts
    executed: _Executed | None


def instructions_of(
    target: Board, program: Program, image: Image, steps: CountedSteps
) -> Instructions:
    """Return the instructions of all steps, counted in QEMU, and bounds of those of any other."""
    return _instructions(program, steps, _counted(target, program, image, steps))


def _counted(target: Board, program: Program, image: Image, steps: CountedSteps) -> _Counted:
    """Count the instructions of all steps in QEMU, and follow them in the machine code."""
    inputs, due = joined(steps.inputs), steps.due
    counts = count(target, program, image, inputs, due, loaded(steps.inputs))
    if not target.toolchain.says_calls:
        return _Counted(counts=counts, executed=None)  # AVR skips instructions
    entry = image.symbols[f"{program.name}_step"] & ~1  # the lowest bit marks Thumb code
    try:
        code = disassemble(target, image)
        found = blocks(code, entry)
        executed = flow(image.path.parent, code, found, counts)
    except UnknownFlowError:
        return _Counted(counts=counts, executed=None)
    return _Counted(
        counts=counts, executed=_Executed(entry=entry, code=code, blocks=found, flow=executed)
    )


def _instructions(program: Program, steps: CountedSteps, counted: _Counted) -> Instructions:
    counts, due = counted.counts, steps.due
    both = program.multiplies_per_step + program.multiplies_per_output
    always = both - program.multiplies_for_output
    return Instructions(
        with_output=_statistics(steps, counts, due, both, _bounds(counted, due)),
        without_output=_statistics(steps, counts, ~due, always, _bounds(counted, ~due)),
    )


def _bounds(counted: _Counted, steps: npt.NDArray[np.bool_]) -> _Bounds:
    """Return the bounds of steps of one kind; None where there are none."""
    one = counted.executed
    if one is None or not steps.any():
        return (None, None)
    return (
        longest(one.blocks, one.entry, one.flow, steps, executed=True),
        longest(one.blocks, one.entry, one.flow, steps, executed=False),
    )


def _cycles(
    tool: Analyzer, target: Board, steps: CountedSteps, counted: _Counted, place: Path
) -> CycleEstimate:
    """Return the estimate for the inner loops of the steps of noise that have an output."""
    one, noise = counted.executed, np.flatnonzero(steps.due[: steps.n_noise])
    if one is None or not len(noise):
        return CycleEstimate(model="", loops=())
    own = Flow(blocks={at: n[noise] for at, n in one.flow.blocks.items()}, jumps={})
    return estimate(tool, target, one.code, one.blocks, own, counted.counts[noise], place)


def _statistics(
    steps: CountedSteps,
    counts: Counts,
    kind: npt.NDArray[np.bool_],
    macs: int,
    bounds: _Bounds,
) -> InstructionCounts | None:
    """Return the counts of steps of one kind; None where there are none."""
    of_noise = counts[: steps.n_noise][kind[: steps.n_noise]]
    if not len(of_noise):
        return None
    mean = float(of_noise.mean())
    at = int(np.argmax(np.where(kind, counts, -1)))
    name, step = name_at(steps.inputs, at)
    bound, all_ways = bounds
    return InstructionCounts(
        steps=len(of_noise),
        mean=round(mean, 1),
        min=int(of_noise.min()),
        max=int(of_noise.max()),
        macs=macs,
        per_mac=round(mean / macs, 2) if macs else None,
        worst=WorstStep(
            reached=int(counts[at]), input=name, step=step, bound=bound, all_ways=all_ways
        ),
    )
