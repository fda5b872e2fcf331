"""Every exception class of lmu-hw.

An error text names the thing, what it must be, the value it got and the remedy, in one line; the
command line prints that line and nothing else.
"""

from __future__ import annotations

import re
from pathlib import Path

MAX_REASON = 160
"""Longest part of another library's message that is repeated [characters]."""


def plain(text: str) -> str:
    """Return a text with every unprintable character written out, as in a Python literal.

    Names come from files, and a terminal obeys what it is sent.
    """
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def reason_of(error: BaseException) -> str:
    """Return what another library said of a fault: its first sentence, without its advice.

    Advice of PyTorch or NumPy (load it all the same, trust the file, raise a limit) is for those
    who call them; lmu-hw's own messages say the remedy.
    """
    # colours are no part of the text
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", str(error))
    sentence = re.split(r"(?<=[.!?])\s", " ".join(text.split()))[0].rstrip(".")
    return sentence[:MAX_REASON] or type(error).__name__


class LMUHWError(Exception):
    """Base of every error that lmu-hw raises on purpose; its text is `plain`."""

    def __init__(self, message: object = "", *rest: object) -> None:
        super().__init__(plain(str(message)), *rest)


class SpecError(LMUHWError, ValueError):
    """A request that cannot be met or is malformed."""


class FormatError(LMUHWError, ValueError):
    """A fixed-point format that is impossible or too wide."""


class RangeError(LMUHWError, OverflowError):
    """A word that does not fit its format."""


class UnstableError(LMUHWError, ArithmeticError):
    """A discretized memory with a pole on or outside the unit circle."""


class ModelFileError(LMUHWError, ValueError):
    """A file that is missing, damaged, tampered with, or not of the kind it claims to be."""


class ScheduleError(LMUHWError):
    """A program that the hardware schedule cannot express."""


class EmitError(LMUHWError):
    """A file or folder that could not be written."""


class ToolError(LMUHWError, RuntimeError):
    """An external tool that is missing or failed.

    Parameters
    ----------
    message : str
        What failed and what to do next.
    command : sequence of str
        The command as it was run.
    exit_code : int or None
        Its exit code; None when it could not be started.
    tail : str
        The last lines that it printed.
    """

    def __init__(
        self,
        message: str,
        *,
        command: tuple[str, ...] = (),
        exit_code: int | None = None,
        tail: str = "",
    ) -> None:
        super().__init__(message)
        self.command = command
        self.exit_code = exit_code
        self.tail = tail


class MismatchError(LMUHWError, AssertionError):
    """Two backends disagree; the text names the first divergent word.

    Parameters
    ----------
    backend : str
        The backend that differs from the interpreter.
    step, signal, index : int, str, int
        Where: time step from 0, vector name, element.
    expected, got : int or str
        The interpreter's word and the backend's (text when it is no integer, such as X).
    fmt : str
        Format of the signal, such as ``Q1.15``.
    seed : int or None
        Seed of the stimulus, where there is one.
    remedy : str
        What to do, where there is something.
    """

    def __init__(
        self,
        *,
        backend: str,
        step: int,
        signal: str,
        index: int,
        expected: int | str,
        got: int | str,
        fmt: str,
        seed: int | None = None,
        remedy: str = "",
    ) -> None:
        where = f"step {step}, {signal}[{index}] ({fmt})"
        source = "" if seed is None else f", seed {seed}"
        text = f"{backend} differs at {where}: expected {expected}, got {got}{source}"
        super().__init__(f"{text}; {remedy}" if remedy else text)
        self.backend, self.step, self.signal, self.index = backend, step, signal, index
        self.expected, self.got, self.fmt, self.seed = expected, got, fmt, seed


class UndefinedBehaviourError(LMUHWError, AssertionError):
    """C that does what C leaves undefined, or loses bits; the text names the line.

    Parameters
    ----------
    report : str
        What the sanitizer found, and where.
    compiler : str
        Whose sanitizer.
    """

    def __init__(self, report: str, compiler: str) -> None:
        super().__init__(f"{report} ({compiler} -fsanitize); this is a fault of lmu-hw")
        self.report, self.compiler = report, compiler


class CertificateError(LMUHWError, AssertionError):
    """A claim of a certificate that does not hold of its program.

    Parameters
    ----------
    signal : str
        Of which something is claimed; ``program`` where it is the whole of it.
    claim : str
        What is claimed, and what holds.
    """

    def __init__(self, signal: str, claim: str) -> None:
        super().__init__(f"{signal}: {claim}")
        self.signal, self.claim = signal, claim


def read_error(path: Path, error: OSError) -> ModelFileError:
    """Return the one-line error for a file that could not be read."""
    return ModelFileError(f"cannot read {path}: {error.strerror or reason_of(error)}")
