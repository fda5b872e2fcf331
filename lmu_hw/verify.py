"""All executors of a generated folder against the interpreter, word for word.

The interpreter is run on fresh stimulus; each executor then runs the folder's own files on the same
words. The first word that differs is named.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from . import vectors
from .errors import (
    MismatchError,
    ModelFileError,
    ScheduleError,
    SpecError,
    ToolError,
    read_error,
)
from .executors import host_c, icarus
from .folder import changed_files, read_manifest
from .hardware import from_data
from .interpreter import Interpreter
from .program import Cascade, Dense, Program, Role, from_json
from .progress import progress
from .schedule import schedule, why_not

Words = npt.NDArray[np.int64]

DEFAULT_C_STEPS = 100_000
C_MULTIPLIES = 4_000_000_000
"""Multiplications of the interpreter beyond which fewer steps are compared in C by default."""
C_STREAMS = 64
"""Independent instances among which the steps of the C executor are shared."""
DEFAULT_ICARUS_STEPS = 200
ICARUS_CYCLES = 1_000_000
"""Clock cycles, about two minutes of Icarus, beyond which fewer steps are simulated by default."""
MIN_ICARUS_STEPS = 8
ROUND_STEPS = 1 << 20
"""Steps, of all instances together, whose stimulus is drawn at a time."""
BLOCK_WORDS = 1 << 21
"""Output words compared at a time: bounds the memory that a long run takes."""
SEQUENCE_STEPS = 16
"""Steps from output to output in C where the program leaves that to the caller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one executor.

    Attributes
    ----------
    executor : str
    steps, words, mismatches : int
        Steps and output words compared, and words that differed.
    silent_steps : int
        Steps among them in which the memory update truncated.
    cycles_per_step : int or None
        Measured without stalls, where the executor has a clock.
    first : MismatchError or None
        The first divergence.
    """

    executor: str
    steps: int
    words: int
    mismatches: int
    silent_steps: int
    cycles_per_step: int | None
    first: MismatchError | None


def load_program(folder: Path) -> Program:
    """Read the program of a generated folder.

    Raises
    ------
    ModelFileError
        If it is missing, damaged, edited, or not the one that the manifest names.
    """
    manifest = read_manifest(folder)
    path = folder / "program.json"
    try:
        program = from_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise read_error(path, error) from error
    except UnicodeDecodeError as error:
        raise ModelFileError(f"{path} is damaged: {error}; generate it again") from error
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from error
    if manifest.get("digest") != program.digest:
        raise ModelFileError(
            f"{path} is not the program that {folder}/manifest.json names; generate it again"
        )
    return program


def check_manifest(folder: Path, program: Program) -> None:
    """Hold what the manifest says of a program against the program itself.

    Raises
    ------
    ModelFileError
        If they differ.
    """
    manifest = read_manifest(folder)
    facts = {
        "multiplies_per_step": program.multiplies_per_step,
        "cycles_per_step": _cycles(folder, manifest, program),
    }
    for key, fact in facts.items():
        if manifest.get(key) != fact:
            raise ModelFileError(
                f"{folder}/manifest.json gives {manifest.get(key)!r} as {key} but the program has "
                f"{fact}; generate it again"
            )


def _cycles(folder: Path, manifest: dict[str, Any], program: Program) -> int | None:
    """Return the cycles of a step of the hardware that a manifest describes."""
    if why_not(program):
        return None
    try:
        hardware = from_data(manifest["hardware"])
        plan = schedule(program, hardware.lanes, state_port=hardware.state_port)
    except (KeyError, TypeError, SpecError, ScheduleError) as error:
        raise ModelFileError(
            f"{folder}/manifest.json does not say what hardware it describes: {error}; generate it "
            "again"
        ) from error
    return plan.cycles_per_step


def edited(folder: Path) -> list[str]:
    """Return the files of a generated folder that are not as generate wrote them."""
    return changed_files(folder, read_manifest(folder))


def available() -> dict[str, bool]:
    """Return which executors can run on this machine."""
    return {"icarus": icarus.available(), "c": host_c.available()}


def choose(names: str | None, program: Program) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the executors to run, and why others cannot.

    Parameters
    ----------
    names : str or None
        As on the command line, separated by commas; None for all that can.
    program : Program

    Raises
    ------
    SpecError
        If a name is unknown, or the program has no files for it.
    ToolError
        If nothing is installed.
    """
    refused = why_not(program)
    if names is not None:
        chosen = _known(tuple(name.strip() for name in names.split(",")))
        if refused and "icarus" in chosen:
            raise SpecError(f"there is no Verilog of this program: {refused}; verify it in C")
        return chosen, {}
    missing = {
        name: "not installed (see lmu-hw doctor)" for name, ok in available().items() if not ok
    }
    if refused:
        missing["icarus"] = f"there is no Verilog of this program: {refused}"
    executors = tuple(name for name in _RUNNERS if name not in missing)
    if not executors:
        raise ToolError(
            "no executor is installed, so nothing can be verified: install a C compiler or "
            "Icarus Verilog (see lmu-hw doctor)"
        )
    return executors, missing


def _known(executors: tuple[str, ...]) -> tuple[str, ...]:
    """Return executors, each once, or raise `SpecError`."""
    for name in executors:
        if name not in _RUNNERS:
            raise SpecError(f"executors must be among {', '.join(_RUNNERS)}, not {name!r}")
    return tuple(dict.fromkeys(executors))


def verify(
    folder: Path,
    *,
    executors: tuple[str, ...],
    n_steps: int | None = None,
    seed: int = 0,
    inputs: Words | None = None,
    quiet: bool = False,
) -> list[Outcome]:
    """Run executors of a generated folder against the interpreter.

    Parameters
    ----------
    folder : Path
    executors : tuple of str
        Of ``icarus`` and ``c``.
    n_steps : int, optional
        Steps for every executor, a few more in C, where instances share them. By default 200 and
        more in Icarus and 100,000 in C, less where a step takes long.
    seed : int
        Of the stimulus and of the stalls.
    inputs : int64 array, shape (n_steps, n_in), optional
        Stimulus instead of the generated one; Icarus plays as much of it as ``n_steps`` says.
    quiet : bool
        No progress.

    Raises
    ------
    SpecError
        If an executor is not known.
    ModelFileError
        If the folder is damaged.
    ToolError
        If a tool is missing or fails.
    """
    names = _known(executors)
    program = load_program(folder)
    check_manifest(folder, program)
    for name in edited(folder):
        if not (folder / name).is_file():
            raise ModelFileError(f"{folder / name} is missing; generate the folder again")
    return [_RUNNERS[name](folder, program, n_steps, seed, inputs, quiet) for name in names]


def summary(program: Program, outcomes: list[Outcome]) -> dict[str, Any]:
    """Return the result as ``verify --json`` prints it."""
    report: dict[str, Any] = {}
    for o in outcomes:
        entry: dict[str, Any] = {
            "steps": o.steps,
            "words": o.words,
            "mismatches": o.mismatches,
            "silent_steps": o.silent_steps,
        }
        if o.cycles_per_step is not None:
            entry["cycles_per_step"] = o.cycles_per_step
        if o.first is not None:
            entry["first_divergence"] = {
                "step": o.first.step,
                "signal": o.first.signal,
                "index": o.first.index,
                "format": o.first.fmt,
                "expected": o.first.expected,
                "got": o.first.got,
                "seed": o.first.seed,
            }
        report[o.executor] = entry
    ok = all(o.mismatches == 0 for o in outcomes)
    return {"ok": ok, "digest": program.digest, "executors": report}


def _host_c(
    folder: Path,
    program: Program,
    n_steps: int | None,
    seed: int,
    inputs: Words | None,
    quiet: bool,
) -> Outcome:
    if inputs is None:
        affordable = C_MULTIPLIES // max(1, _multiplies_per_step(program))
        total = n_steps or min(DEFAULT_C_STEPS, affordable)
        # long enough in every stream for a silence to run its course, where that is affordable,
        # and for outputs at all
        silence, outputs = (
            min(3 * _window(program), total // 4),
            min(2 * program.output_every, total),
        )
        wanted = max(total // C_STREAMS, silence, outputs, 1)
        n_streams = -(-total // wanted)
        length = -(-total // n_streams)
        rounds = _rounds(program, length, n_streams, seed)
    else:
        n_streams, length = 1, len(inputs[:n_steps])
        rounds = iter([inputs[:n_steps, None, :]])
    reference = _Reference(program, n_streams)
    with progress("C against the interpreter", length, quiet) as advance:
        result = host_c.run(folder, program, reference.blocks(rounds, advance), n_streams)
    return _outcome("c", program, result, reference.silent_steps, None, seed)


def _icarus(
    folder: Path,
    program: Program,
    n_steps: int | None,
    seed: int,
    inputs: Words | None,
    quiet: bool,
) -> Outcome:
    n_steps = n_steps or _icarus_steps(program, icarus.plan_of(folder, program).cycles_per_step)
    u = vectors.stimulus(program, n_steps, 1, seed)[:, 0] if inputs is None else inputs[:n_steps]
    reference = _Reference(program, 1)
    block = reference.run(u[:, None, :])
    expected = vectors.Vectors(inputs=u, outputs=block.outputs[:, 0], state=block.state[0])
    with tempfile.TemporaryDirectory(prefix="lmu_hw_") as place:
        vectors_dir, build_dir = Path(place) / "vectors", Path(place) / "build"
        vectors_dir.mkdir()
        build_dir.mkdir()
        for name, text in vectors.to_files(program, expected).items():
            (vectors_dir / name).write_text(text, encoding="ascii")
        with progress(f"Icarus against the interpreter, {len(u)} steps", 0, quiet):
            result = icarus.run(folder, vectors_dir, build_dir, seed)
    return _outcome("icarus", program, result, reference.silent_steps, result.cycles_per_step, seed)


_RUNNERS: dict[str, Callable[..., Outcome]] = {"icarus": _icarus, "c": _host_c}


def _outcome(
    name: str,
    program: Program,
    result: icarus.IcarusResult | host_c.HostCResult,
    silent_steps: int,
    cycles_per_step: int | None,
    seed: int,
) -> Outcome:
    return Outcome(
        executor=name,
        steps=result.steps,
        words=result.words,
        mismatches=result.mismatches,
        silent_steps=silent_steps,
        cycles_per_step=cycles_per_step,
        first=None if result.first is None else mismatch(program, name, result.first, seed),
    )


def mismatch(program: Program, executor: str, at: icarus.Divergence, seed: int) -> MismatchError:
    """Return the error that names the word of a divergence."""
    index = at.index
    for v in (*program.with_role(Role.OUTPUT), *program.with_role(Role.STATE)):
        if index < v.length:
            break
        index -= v.length
    return MismatchError(
        executor=executor,
        step=at.step,
        signal=v.name,
        index=index,
        expected=at.expected,
        got=at.got,
        fmt=str(v.fmt),
        seed=seed,
    )


class _Reference:
    """The interpreter over several streams, in blocks, counting silent steps.

    Parameters
    ----------
    program : Program
    n_streams : int

    Attributes
    ----------
    silent_steps : int
        Steps of all streams in which a memory update truncated.
    """

    def __init__(self, program: Program, n_streams: int) -> None:
        self._program = program
        self._interpreter = Interpreter(program, n_streams)
        self._memories = [op for op in program.ops if isinstance(op, Cascade | Dense)]
        self.silent_steps = 0

    def blocks(
        self, rounds: Iterator[Words], advance: Callable[[int], None]
    ) -> Iterator[vectors.Vectors]:
        """Yield the vectors of one round of stimulus after the other, in pieces."""
        row = self._interpreter.n_streams * self._program.n_words(Role.OUTPUT)
        size = max(1, BLOCK_WORDS // row)
        if self._program.output_every == 0:
            size = min(size, SEQUENCE_STEPS)
        for u in rounds:
            for start in range(0, len(u), size):
                yield self.run(u[start : start + size], advance)

    def run(self, u: Words, advance: Callable[[int], None] = lambda _: None) -> vectors.Vectors:
        """Return what comes of inputs of shape (n_steps, n_streams, n_in)."""
        outputs = self._interpreter.run(u, lambda _: advance(1), watch=self._watch)
        return vectors.Vectors(inputs=u, outputs=outputs, state=self._interpreter.save())

    def _watch(self, words: Mapping[str, Words]) -> None:
        silent = np.zeros(self._interpreter.n_streams, dtype=np.bool_)
        for op in self._memories:
            silent |= (words[op.silence] == op.window).any(axis=1)
        self.silent_steps += int(np.count_nonzero(silent))


def _multiplies_per_step(program: Program) -> int:
    """Return the multiplications of a step, those for an output shared among its steps."""
    every = program.output_every or SEQUENCE_STEPS
    return program.multiplies_per_step + program.multiplies_per_output // every


def _rounds(program: Program, n_steps: int, n_streams: int, seed: int) -> Iterator[Words]:
    """Yield the stimulus of many steps in rounds, the k-th drawn from the seed plus k."""
    size = max(1, ROUND_STEPS // n_streams)
    for k, start in enumerate(range(0, n_steps, size)):
        yield vectors.stimulus(program, min(size, n_steps - start), n_streams, seed + k)


def _window(program: Program) -> int:
    """Return the longest silence window of the program."""
    return max((op.window for op in program.ops if isinstance(op, Cascade | Dense)), default=1)


def _icarus_steps(program: Program, cycles_per_step: int) -> int:
    """Return how many steps Icarus simulates: a whole silence where that is affordable."""
    silence, affordable = 3 * _window(program), ICARUS_CYCLES // cycles_per_step
    if silence <= affordable:
        return max(DEFAULT_ICARUS_STEPS, silence)
    return max(min(DEFAULT_ICARUS_STEPS, affordable), MIN_ICARUS_STEPS)
