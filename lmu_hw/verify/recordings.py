"""Verification with several recordings, each from reset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from .._support.array_types import Words
from . import verification
from .verify_report import BackendResult


def verify_recordings(
    build_dir: Path,
    recordings: Sequence[Words],
    *,
    backends: tuple[str, ...],
    n_steps: int | None = None,
    seed: int = 0,
    quiet: bool = False,
) -> list[BackendResult]:
    """Run backends of a build directory against the interpreter, each recording from reset.

    Parameters
    ----------
    build_dir : Path
    recordings : sequence of int64 array, shape (n_steps, n_in)
    backends, seed, quiet
        See `~lmu_hw.verify.verification.verify`.
    n_steps : int, optional
        Limit of the total number of steps.

    Returns
    -------
    list of BackendResult
        One for each backend, of all recordings together. Its first divergence is that of the first
        recording that has one; the step counts from the reset before it.

    Raises
    ------
    SpecError, ModelFileError, ToolError
        See `~lmu_hw.verify.verification.verify`.
    """
    runs, done = [], 0
    for recording in recordings:
        inputs = recording if n_steps is None else recording[: n_steps - done]
        if not len(inputs):
            break
        done += len(inputs)
        runs.append(
            verification.verify(build_dir, backends=backends, seed=seed, inputs=inputs, quiet=quiet)
        )
    return [_together(results) for results in zip(*runs, strict=True)]


def _together(results: Sequence[BackendResult]) -> BackendResult:
    """Return the result of one backend over all runs."""
    failed = next((r for r in results if r.first is not None), results[0])
    return replace(
        failed,
        steps=sum(r.steps for r in results),
        words=sum(r.words for r in results),
        mismatches=sum(r.mismatches for r in results),
        silent_steps=sum(r.silent_steps for r in results),
        cycles_per_step=next((r.cycles_per_step for r in results if r.cycles_per_step), None),
    )
