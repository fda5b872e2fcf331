"""The exception classes of lmu-hw.

A message is one line: the name of the thing, what it must be, the value it has, and the remedy. The
command line prints that line and nothing else.
"""

from __future__ import annotations

import re
from pathlib import Path

MAX_REASON = 160
"""Longest quotation from another library's message [characters]."""


def plain(text: str) -> str:
    """Return a text with every unprintable character escaped, as in a Python literal.

    Names from files may contain control sequences for a terminal.
    """
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def reason_of(error: BaseException) -> str:
    """Return the first sentence of another library's error message.

    The rest is often advice for callers of PyTorch or NumPy (trust the file, raise a limit), which
    does not apply here; lmu-hw's own message states the remedy.
    """
    # remove terminal colours
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", str(error))
    sentence = re.split(r"(?<=[.!?])\s", " ".join(text.split()))[0].rstrip(".")
    return sentence[:MAX_REASON] or type(error).__name__


class LMUHWError(Exception):
    """Base class of all errors that lmu-hw raises on purpose; escapes its message by `plain`."""

    def __init__(self, message: object = "", *rest: object) -> None:
        super().__init__(plain(str(message)), *rest)


class SpecError(LMUHWError, ValueError):
    """A request that is invalid or cannot be met."""


class FormatError(LMUHWError, ValueError):
    """A fixed-point format that is impossible or too wide."""


class RangeError(LMUHWError, OverflowError):
    """A word that does not fit its format."""


class UnstableError(LMUHWError, ArithmeticError):
    """A discretized memory with a pole on or outside the unit circle."""


class ModelFileError(LMUHWError, ValueError):
    """A file that is missing, damaged, edited, or of an unexpected kind."""


class ScheduleError(LMUHWError):
    """A program that the hardware scheduler cannot map."""


class EmitError(LMUHWError):
    """A file or directory that could not be written."""


class ToolError(LMUHWError, RuntimeError):
    """An external tool that is missing or failed.

    Parameters
    ----------
    message : str
        What failed and what to do next.
    command : sequence of str
        The command line.
    exit_code : int or None
        Its exit code; None if it could not be started.
    tail : str
        The last lines of its output.
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
    """A backend that differs from the interpreter; the message names the first differing word.

    Parameters
    ----------
    backend : str
        The backend that differs from the interpreter.
    step, signal, index : int, str, int
        Position of the word: time step from 0, vector name, index in the vector.
    expected, got : int or str
        Word of the interpreter and of the backend; text if it is not an integer, such as X.
    fmt : str
        Format of the signal, such as ``Q1.15``.
    seed : int or None
        Seed of the stimulus, if any.
    remedy : str
        What to do next, if known.
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


class CircuitMismatchError(MismatchError):
    """A simulated circuit that misses a limit; the message names it.

    Parameters
    ----------
    what : str
        What was measured, with the part of the circuit, if it is of one.
    got, limit : str
        Its value and its limit, with their unit.
    remedy : str
        What to do next.
    """

    def __init__(self, what: str, got: str, limit: str, remedy: str) -> None:
        super().__init__(
            backend="ngspice", step=0, signal=what, index=0, expected=limit, got=got, fmt=""
        )
        # it has neither steps nor words
        self.args = (plain(f"ngspice: {what} must be at most {limit}, not {got}; {remedy}"),)


class UndefinedBehaviourError(LMUHWError, AssertionError):
    """Generated C with undefined behaviour or a lossy conversion; the message names the line.

    Parameters
    ----------
    report : str
        Finding of the sanitizer, with its position.
    compiler : str
        Compiler whose sanitizer found it.
    """

    def __init__(self, report: str, compiler: str) -> None:
        super().__init__(f"{report} ({compiler} -fsanitize); this is a fault of lmu-hw")
        self.report, self.compiler = report, compiler


class CertificateError(LMUHWError, AssertionError):
    """A certificate with a claim that does not hold for its program.

    Parameters
    ----------
    signal : str
        Signal that the claim is about, or ``program``.
    claim : str
        The claim, and the value that holds instead.
    """

    def __init__(self, signal: str, claim: str) -> None:
        super().__init__(f"{signal}: {claim}")
        self.signal, self.claim = signal, claim


def read_error(path: Path, error: OSError) -> ModelFileError:
    """Return the one-line error for a file that could not be read."""
    return ModelFileError(f"cannot read {path}: {error.strerror or reason_of(error)}")
