"""Verification with several recordings, each from reset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from .._support.array_types import Words
from . import verification
from .verification import Outcome


def verify_recordings(
    build_dir: Path,
    recordings: Sequence[Words],
    *,
    backends: tuple[str, ...],
    n_steps: int | None = None,
    seed: int = 0,
    quiet: bool = False,
) -> list[Outcome]:
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
    list of Outcome
        One for each backend, for all recordings together. The first divergence is that of the
        first recording that has one; its step counts from the start of that recording.

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
    return [_together(outcomes) for outcomes in zip(*runs, strict=True)]


def _together(outcomes: Sequence[Outcome]) -> Outcome:
    """Return the combined outcome of one backend."""
    failed = next((o for o in outcomes if o.first is not None), outcomes[0])
    return replace(
        failed,
        steps=sum(o.steps for o in outcomes),
        words=sum(o.words for o in outcomes),
        mismatches=sum(o.mismatches for o in outcomes),
        silent_steps=sum(o.silent_steps for o in outcomes),
        cycles_per_step=next((o.cycles_per_step for o in outcomes if o.cycles_per_step), None),
    )
