"""The result of verifying a build directory: a row for each backend, and where they differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .._support.array_types import Words
from .._support.tables import html_table
from ..errors import MismatchError, plain
from ..program.codec import Report, to_data, written


@dataclass(frozen=True, slots=True, kw_only=True)
class WordMismatch:
    """The first word in which a backend differs from the interpreter.

    Attributes
    ----------
    step, signal, index : int, str, int
        Time step from 0, name of the vector, element of it.
    format : str
        Fixed-point format of the signal, such as ``Q1.15``.
    expected, got : int or str
        The word of the interpreter and that of the backend; text where it is not an integer, such
        as X.
    seed : int or None
        Seed of the stimulus.
    """

    step: int
    signal: str
    index: int
    format: str
    expected: int | str
    got: int | str
    seed: int | None

    def error(self, backend: str) -> MismatchError:
        """Return the error that names this word of a backend."""
        return MismatchError(
            backend=backend,
            step=self.step,
            signal=self.signal,
            index=self.index,
            expected=self.expected,
            got=self.got,
            fmt=self.format,
            seed=self.seed,
        )


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class BackendResult:
    """Comparison of one backend with the interpreter.

    Attributes
    ----------
    backend : str
    steps, words, mismatches : int
        Steps and output words compared, and words that differed.
    silent_steps : int
        Steps among them in which the memory update truncated, as it does in a zero-input run.
    cycles_per_step : int or None
        Clock cycles measured without stalls; None where the backend has no clock.
    first : WordMismatch or None
        The first word that differed.
    failing : int64 array, shape (n_steps, n_in), or None
        Input words from reset to the step of that word; they are not written as JSON.
    """

    backend: str = field(metadata=written(skipped=True))
    steps: int
    words: int
    mismatches: int
    silent_steps: int
    cycles_per_step: int | None = field(default=None, metadata=written(optional=True))
    first: WordMismatch | None = field(
        default=None, metadata=written(key="first_divergence", optional=True)
    )
    failing: Words | None = field(default=None, metadata=written(skipped=True))

    @property
    def passed(self) -> bool:
        """Whether every word was equal."""
        return self.mismatches == 0

    @property
    def verdict(self) -> str:
        """The result in a few words."""
        return "equal in every word" if self.passed else f"{self.mismatches} words differ"

    def __str__(self) -> str:
        clock = "" if self.cycles_per_step is None else f", {self.cycles_per_step} cycles per step"
        return (
            f"{self.backend:9} {self.steps} steps ({self.silent_steps} silent), {self.words} "
            f"words: {self.verdict}{clock}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """Largest magnitude of a signal under its worst-case input.

    Attributes
    ----------
    signal : str
        Name as in the certificate.
    observed, bound : int
        Largest magnitude that occurred, and the bound of the certificate [words].
    rounding : float
        Part of the bound due to rounding errors [words].
    """

    signal: str
    observed: int
    bound: int
    rounding: float

    def __str__(self) -> str:
        share = f"{100 * self.observed / self.bound:.1f} % of its bound"
        return f"{self.signal}: {self.observed} words reached, {share} of {self.bound}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocatedDivergence:
    """Where a backend and the interpreter part.

    Attributes
    ----------
    backend : str
    step : int
        From reset, at 0.
    operation : str
        The operation that writes the signal, such as ``operation 0 (cascade)``.
    signal, index : str, int
        Name of the vector, element of it.
    format : str
        Fixed-point format of the signal, such as ``Q1.15``.
    expected, got : int or str
        The word of the interpreter and that of the backend.
    repeats : bool
        The input alone shows the divergence again; else it takes the stalls and resets of the
        seed.
    replay : str
        The command that shows it again.
    waveform : str
        Path of a VCD file, or empty.
    """

    backend: str
    step: int
    operation: str
    signal: str
    index: int
    format: str
    expected: int | str
    got: int | str
    repeats: bool
    replay: str
    waveform: str

    def __str__(self) -> str:
        word = f"{self.signal}[{self.index}] ({self.format})"
        lines = [
            f"first divergence of {self.backend}: step {self.step}, {self.operation} writes "
            f"{word}: expected {self.expected}, got {self.got}",
            f"  again     {self.replay}",
        ]
        if not self.repeats:
            lines.append("  note      it takes the stalls and resets that come with the seed")
        if self.waveform:
            lines.append(f"  waveform  {self.waveform}")
        return "\n".join(map(plain, lines))


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFile:
    """The file that the stimulus was read from.

    Attributes
    ----------
    input : str
        Its path.
    recordings : int
        Number of recordings, each played from reset, >= 1.
    saturated : int
        Number of samples beyond the input format.
    notes : tuple of str
        Remarks on it, a line each.
    """

    input: str
    recordings: int
    saturated: int
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class VerifyReport(Report):
    """Comparison of the backends of a build directory with the interpreter.

    Attributes
    ----------
    digest : str
        sha256 of the program, in hexadecimal.
    results : tuple of BackendResult
        One for each backend that ran.
    seed : int
        Seed of the stimulus and of the stalls.
    not_verified : mapping of str to str
        Backends that did not run, and why.
    edited : tuple of str
        Files of the build directory that are not as generate wrote them.
    file : InputFile or None
        The stimulus, where it is a file.
    worst_case : tuple of Reached, or None
        What the worst-case input reached, where that is the stimulus.
    divergences : tuple of LocatedDivergence, or None
        Where backends differ: the first word of each; None where all are equal.
    """

    digest: str
    results: tuple[BackendResult, ...] = field(metadata=written(key="backends"))
    seed: int
    not_verified: Mapping[str, str]
    edited: tuple[str, ...]
    file: InputFile | None = field(default=None, metadata=written(inline=True))
    worst_case: tuple[Reached, ...] | None = field(default=None, metadata=written(optional=True))
    divergences: tuple[LocatedDivergence, ...] | None = field(
        default=None, metadata=written(optional=True)
    )

    @property
    def passed(self) -> bool:
        """Whether every word of every backend that ran was equal."""
        return all(result.passed for result in self.results)

    def check(self) -> None:
        """Raise the error of the first backend that differs.

        Raises
        ------
        MismatchError
        """
        for result in self.results:
            if result.first is not None:
                raise result.first.error(result.backend)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON data: what ``verify --json`` prints."""
        return {
            "ok": self.passed,
            **to_data(self),
            "backends": {result.backend: to_data(result) for result in self.results},
            "not_verified": list(self.not_verified),
        }

    def __str__(self) -> str:
        notes = () if self.file is None else self.file.notes
        lines = [
            *map(str, self.worst_case or ()),
            *map(str, self.results),
            *(f"{name:9} NOT VERIFIED: {why}" for name, why in self.not_verified.items()),
            *(f"note: {name} was edited since generate wrote it" for name in self.edited),
            *(f"note: {note}" for note in notes),
        ]
        return "\n".join([*map(plain, lines), *map(str, self.divergences or ())])

    def _repr_html_(self) -> str:
        rows: list[tuple[str, ...]] = [
            ("backend", "result", "steps", "silent", "words", "cycles per step")
        ]
        for r in self.results:
            cycles = "" if r.cycles_per_step is None else str(r.cycles_per_step)
            counts = (str(r.steps), str(r.silent_steps), str(r.words), cycles)
            rows.append((r.backend, r.verdict, *counts))
        for name, why in self.not_verified.items():
            rows.append((name, f"not verified: {why}", "", "", "", ""))
        return html_table(rows, n_left=2)
