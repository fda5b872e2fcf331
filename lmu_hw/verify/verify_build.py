"""Verify a build directory: choose backends, run them, locate what differs, report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .._support.array_types import Words
from .._support.validation import check_int
from ..errors import SpecError
from . import verification
from .divergence import locate
from .load_build import edited, load_program
from .recordings import verify_recordings
from .selection import choose
from .verify_report import InputFile, VerifyReport
from .worst_case import drive

MAX_STEPS = 10**9
MAX_SEED = 2**31 - 1


def verify_build(
    build_dir: Path,
    *,
    backends: str | None = None,
    n_steps: int | None = None,
    seed: int = 0,
    recordings: Sequence[Words] = (),
    file: InputFile | None = None,
    worst_case: bool = False,
    waves: bool = False,
    quiet: bool = False,
) -> VerifyReport:
    """Run backends of a build directory against the interpreter.

    Parameters
    ----------
    build_dir : Path
    backends : str, optional
        Names with commas between them. Default: all that are installed.
    n_steps : int, optional
        Steps for each backend, >= 1; see `~lmu_hw.verify.verification.verify` for the default.
    seed : int
        Seed of the stimulus and of the stalls, >= 0.
    recordings : sequence of int64 array, shape (n_steps, n_in)
        Stimulus instead of the generated one; each recording is played from reset.
    file : InputFile, optional
        The file that the recordings are from, for the report.
    worst_case : bool
        Stimulus: the inputs that drive the signals of a memory to their bounds.
    waves : bool
        Leave a waveform of the steps around the first word of Verilog that differs.
    quiet : bool
        No progress.

    Raises
    ------
    SpecError
        If steps or seed are out of range, a backend is unknown, or the worst case is asked for
        beside another stimulus.
    ModelFileError
        If the build directory is missing or damaged.
    UndefinedBehaviourError
        If a sanitizer finds a fault in the C.
    CertificateError
        If the worst case passes a bound of the certificate.
    ToolError
        If a tool is missing or fails.
    """
    if n_steps is not None:
        check_int("steps", n_steps, 1, MAX_STEPS)
    check_int("seed", seed, 0, MAX_SEED)
    program = load_program(build_dir)
    chosen, missing = choose(backends, program, build_dir)
    inputs = recordings[0] if recordings else None
    reached = None
    if worst_case:
        if n_steps is not None or recordings:
            raise SpecError("the worst case is a stimulus of its own: give no steps and no input")
        inputs, found = drive(program)
        reached = tuple(found)
    if len(recordings) > 1:
        results = verify_recordings(
            build_dir, recordings, backends=chosen, n_steps=n_steps, seed=seed, quiet=quiet
        )
    else:
        results = verification.verify(
            build_dir, backends=chosen, n_steps=n_steps, seed=seed, inputs=inputs, quiet=quiet
        )
    divergences = None
    if any(result.first is not None for result in results):
        failed = (result for result in results if result.failing is not None)
        divergences = tuple(locate(build_dir, program, r, seed, waves=waves) for r in failed)
    return VerifyReport(
        digest=program.digest,
        results=tuple(results),
        seed=seed,
        not_verified=missing,
        edited=tuple(edited(build_dir)),
        file=file,
        worst_case=reached,
        divergences=divergences,
    )
