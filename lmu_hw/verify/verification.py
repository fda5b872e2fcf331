"""Compare the backends of a build directory with the interpreter, word for word.

The interpreter runs on fresh stimulus; each backend then runs the files of the build directory on
the same words. The result names the first word that differs.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from .._support.array_types import Words
from .._support.progress import progress
from ..errors import ModelFileError, ToolError
from ..firmware.boards.microcontrollers import AVR, BOARDS
from ..program import vectors
from ..program.integer_program import Program, Role
from ..program.vectors import Vectors
from .backends import bench, board_c, host_c, icarus, sanitized
from .backends.compare import CResult
from .load_build import check_manifest, edited, load_program, plan_of
from .selection import COMPILED, known
from .stimulus import Reference, Sequences, rounds, shares, window, work_per_step
from .verify_report import BackendResult, WordMismatch

DEFAULT_C_STEPS = 100_000
C_MULTIPLIES = 4_000_000_000
"""Multiplies of the interpreter beyond which fewer steps are compared in C by default."""
DEFAULT_BOARD_STEPS = 10_000
BOARD_MULTIPLIES = 20_000_000
"""Multiplies, a few seconds of QEMU, beyond which fewer steps are played on a board."""
AVR_MULTIPLIES = 2_000_000
"""The same for an AVR, which takes 100 to 400 instructions for each multiply."""
MIN_BOARD_STEPS = 8
DEFAULT_ICARUS_STEPS = 200
ICARUS_CYCLES = 1_000_000
"""Clock cycles, about two minutes of Icarus, beyond which fewer steps are simulated by default."""
ICARUS_CYCLES_BESIDE = 250_000
"""The same where a compiled simulator plays the long run: Icarus then only looks for X."""
MIN_ICARUS_STEPS = 8
SANITIZED = "c-checked"
"""Name in reports of the C of this machine under sanitizers."""
REMEDY = "generate the build directory again"
DEFAULT_COMPILED_STEPS = 20_000
COMPILED_CYCLES = 3_000_000
"""Clock cycles, a few seconds of a compiled simulator, beyond which fewer steps are simulated."""


def verify(
    build_dir: Path,
    *,
    backends: tuple[str, ...],
    n_steps: int | None = None,
    seed: int = 0,
    inputs: Words | None = None,
    quiet: bool = False,
) -> list[BackendResult]:
    """Run backends of a build directory against the interpreter; return a result for each.

    Parameters
    ----------
    build_dir : Path
    backends : tuple of str
        Of ``icarus``, ``c``, ``cxxrtl``, ``verilator``, ``c-m0``, ``c-m3``, ``c-m4``, ``c-m7``,
        ``c-m33``, ``c-m55``, ``c-rv32``, ``c-avr`` and ``c-uno``.
    n_steps : int, optional
        Steps for every backend, a few more where instances or sequences share them. By default
        200 and more in Icarus, 100,000 in C, 20,000 in cxxrtl and Verilator and 10,000 on a board,
        less where a step takes long.
    seed : int
        Of the stimulus and of the stalls.
    inputs : int64 array, shape (n_steps, n_in), optional
        Stimulus instead of the generated one, its first ``n_steps`` steps.
    quiet : bool
        No progress.

    Raises
    ------
    SpecError
        If a backend is not known.
    ModelFileError
        If the build directory is damaged.
    UndefinedBehaviourError
        If a sanitizer finds a fault in the C. ``c`` runs it under sanitizers as well, where the
        compiler has them, from states that drive its sums to their bounds.
    ToolError
        If a tool is missing or fails.
    """
    names = known(backends)
    program = load_program(build_dir)
    check_manifest(build_dir, program)
    changed = edited(build_dir)
    for name in changed:
        if not (build_dir / name).is_file():
            shared = ", with --kernels" if name.startswith("../") else ""
            raise ModelFileError(f"{build_dir / name} is missing; {REMEDY}{shared}")
    task = _Task(
        build_dir=build_dir,
        program=program,
        n_steps=n_steps,
        seed=seed,
        inputs=None if inputs is None else inputs[:n_steps],
        quiet=quiet,
    )
    plays: dict[int, _Play] = {}
    try:
        return [result for name in names for result in _run(task, name, names, plays)]
    except ToolError as error:
        if not changed:
            raise
        raise ToolError(
            f"{error}; since generate wrote it, {', '.join(changed)} was edited: {REMEDY}",
            command=error.command,
            exit_code=error.exit_code,
            tail=error.tail,
        ) from error


def _run(
    task: _Task, name: str, names: tuple[str, ...], plays: dict[int, _Play]
) -> Iterator[BackendResult]:
    """Run one of several backends; the C of this machine also under sanitizers.

    Boards share what they play.
    """
    if name in BOARDS:
        most = AVR_MULTIPLIES if BOARDS[name].toolchain is AVR else BOARD_MULTIPLIES
        if most not in plays:
            plays[most] = _Play(task, most)
        yield _board(task, name, plays[most])
    elif name == "c":
        yield _host_c(task)
        if sanitized.available() and task.inputs is None:
            yield _sanitized(task)
    elif name == "icarus":
        beside = bool(set(names) & COMPILED.keys())
        yield _icarus(task, ICARUS_CYCLES_BESIDE if beside else ICARUS_CYCLES)
    else:
        yield _compiled(task, name)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class _Task:
    """Arguments of `verify`, checked."""

    build_dir: Path
    program: Program
    n_steps: int | None
    seed: int
    inputs: Words | None
    quiet: bool


def _host_c(task: _Task) -> BackendResult:
    program = task.program
    affordable = C_MULTIPLIES // max(1, work_per_step(program))
    n_streams, stimulus, length = _shared(task, min(DEFAULT_C_STEPS, affordable))
    reference = Reference(program, n_streams)
    with progress("C against the interpreter", length, task.quiet) as advance:
        result = host_c.run(task.build_dir, program, reference.blocks(stimulus, advance), n_streams)
    row = _row("c", program, result, reference.silent_steps, None, task.seed)
    return _with_inputs(row, result.first, _shared(task, min(DEFAULT_C_STEPS, affordable))[1])


def _sanitized(task: _Task) -> BackendResult:
    """Run the C under sanitizers, from states that drive its sums to their bounds."""
    with progress("C under sanitizers against the interpreter", 0, task.quiet):
        result, silent = sanitized.run(task.build_dir, task.program, task.seed)
    return _row(SANITIZED, task.program, result, silent, None, task.seed)


def _shared(task: _Task, default: int) -> tuple[int, Iterator[Words], int]:
    """Return the number of streams, their stimulus in rounds, and the steps of each."""
    if task.inputs is not None:
        return 1, iter([task.inputs[:, None, :]]), len(task.inputs)
    n_streams, length = shares(task.program, task.n_steps or default)
    return n_streams, rounds(task.program, length, n_streams, task.seed), length


def _with_inputs(
    row: BackendResult, first: icarus.Divergence | None, rounds_of: Iterator[Words]
) -> BackendResult:
    """Return a result with the inputs that led to its divergence, if there is one."""
    if first is None:
        return row
    parts, n_steps = [], 0
    for u in rounds_of:
        parts.append(u[:, first.stream])
        n_steps += len(u)
        if n_steps > first.step:
            break
    return replace(row, failing=np.concatenate(parts)[: first.step + 1])


class _Play:
    """Input words of the boards of a kind and the words expected of them, computed once."""

    def __init__(self, task: _Task, multiplies: int) -> None:
        affordable = multiplies // max(1, work_per_step(task.program))
        default = max(MIN_BOARD_STEPS, min(DEFAULT_BOARD_STEPS, affordable))
        self.default = default
        self.n_streams, stimulus, length = _shared(task, default)
        reference = Reference(task.program, self.n_streams)
        with progress("the interpreter, for the boards", length, task.quiet) as advance:
            self.blocks: list[Vectors] = list(reference.blocks(stimulus, advance))
        self.silent_steps = reference.silent_steps


def _board(task: _Task, name: str, play: _Play) -> BackendResult:
    target, program = BOARDS[name], task.program
    with progress(f"{target.core} in QEMU against the interpreter", 0, task.quiet):
        result = board_c.run(target, task.build_dir, program, play.blocks, play.n_streams)
    row = _row(name, program, result, play.silent_steps, None, task.seed)
    return _with_inputs(row, result.first, _shared(task, play.default)[1])


def _icarus(task: _Task, affordable_cycles: int) -> BackendResult:
    build_dir, program, seed = task.build_dir, task.program, task.seed
    u, plan = task.inputs, plan_of(build_dir, program)
    if u is None:
        cycles = plan.cycles_per_step * plan.interleave
        n_steps = _icarus_steps(program, cycles, affordable_cycles)
        if task.n_steps is not None:
            n_steps = -(-task.n_steps // plan.interleave)
        u = vectors.stimulus(program, n_steps, 1, seed)[:, 0]
    reference = Reference(program, 1)
    block = reference.run(u[:, None, :])
    expected = vectors.Vectors(inputs=u, outputs=block.outputs[:, 0], state=block.state[0])
    with tempfile.TemporaryDirectory(prefix="lmu_hw_") as place:
        vectors_dir, scratch = Path(place) / "vectors", Path(place) / "build"
        vectors_dir.mkdir()
        scratch.mkdir()
        for name, text in vectors.to_files(program, expected).items():
            (vectors_dir / name).write_text(text, encoding="ascii")
        with progress(f"Icarus against the interpreter, {len(u)} steps", 0, task.quiet):
            result = icarus.run(build_dir, vectors_dir, scratch, seed)
    silent, measured = reference.silent_steps, result.cycles_per_step
    row = _row("icarus", program, result, silent, measured, seed)
    return _with_inputs(row, result.first, iter([vectors.of_signals(u, plan.interleave)]))


def _compiled(task: _Task, name: str) -> BackendResult:
    """Run a simulator that compiles the design: cxxrtl or Verilator."""
    backend = COMPILED[name]
    program, plan = task.program, plan_of(task.build_dir, task.program)
    affordable = max(MIN_ICARUS_STEPS, COMPILED_CYCLES // plan.cycles_per_step)
    n_steps = task.n_steps or min(DEFAULT_COMPILED_STEPS, affordable)
    sequences = Sequences(program, n_steps, task.seed, task.inputs, plan.interleave)
    with ExitStack() as stack:
        with progress(f"{name}: {backend.BUILDING}", 0, task.quiet):
            library = stack.enter_context(backend.build(task.build_dir, program))
        title = f"{name} against the interpreter"
        with progress(title, sequences.total, task.quiet) as advance:
            result = bench.run(library, program, plan, sequences, task.seed, advance)
    silent, cycles = sequences.silent_steps, result.cycles_per_step
    row = _row(name, program, result, silent, cycles, task.seed)
    if result.first is None:
        return row
    failing = sequences.before(result.first.stream, result.first.step)
    if row.first is not None:
        row = replace(row, first=replace(row.first, step=len(failing) - 1))
    return replace(row, failing=failing)


def _row(
    name: str,
    program: Program,
    result: icarus.IcarusResult | CResult | bench.BenchResult,
    silent_steps: int,
    cycles_per_step: int | None,
    seed: int,
) -> BackendResult:
    return BackendResult(
        backend=name,
        steps=result.steps,
        words=result.words,
        mismatches=result.mismatches,
        silent_steps=silent_steps,
        cycles_per_step=cycles_per_step,
        first=None if result.first is None else mismatch(program, result.first, seed),
    )


def mismatch(program: Program, at: icarus.Divergence, seed: int) -> WordMismatch:
    """Return the vector and element of the word at which a backend diverges."""
    index = at.index
    for v in (*program.with_role(Role.OUTPUT), *program.with_role(Role.STATE)):
        if index < v.length:
            break
        index -= v.length
    return WordMismatch(
        step=at.step,
        signal=v.name,
        index=index,
        format=str(v.fmt),
        expected=at.expected,
        got=at.got,
        seed=seed,
    )


def _icarus_steps(program: Program, cycles_per_step: int, affordable_cycles: int) -> int:
    """Return how many steps Icarus simulates: a whole zero-input run where that is affordable."""
    silence, affordable = 3 * window(program), affordable_cycles // cycles_per_step
    if silence <= affordable:
        return max(min(DEFAULT_ICARUS_STEPS, affordable), silence, MIN_ICARUS_STEPS)
    return max(min(DEFAULT_ICARUS_STEPS, affordable), MIN_ICARUS_STEPS)
