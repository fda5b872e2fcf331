"""``lmu-hw``: runs a command and turns errors into one line and an exit code.

Exit codes: 0 success, 1 error (one line with the remedy), 2 no command given, 3 mismatch between
backends, 130 Ctrl-C, 143 terminated. With ``--json`` stdout holds one JSON object or, after an
error, nothing.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import NoReturn

from .._support.version import __version__
from ..errors import LMUHWError, MismatchError, UndefinedBehaviourError, plain
from .command_line import COMMANDS, parse_args, parser

MAX_LINE = 2000
"""Longest error message [characters]."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    # a path may hold bytes that the terminal cannot show
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        args = parse_args(argv, __version__)
        if args.command is None:
            parser(__version__)[0].print_help(sys.stderr)
            return 2
        with _tidy_termination():
            code: int = COMMANDS[args.command].run(args)
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except (MismatchError, UndefinedBehaviourError) as error:
        return _fail(error, 3)
    except LMUHWError as error:
        return _fail(error, 1)
    except BrokenPipeError:
        # the reader of the output has closed the pipe: no error
        _discard_stdout()
        return 0
    except OSError as error:
        try:
            sys.stdout.flush()
        except (AttributeError, OSError, ValueError):
            _discard_stdout()
        at = f" at {error.filename}" if error.filename else ""
        return _fail(f"{error.strerror or error}{at}; make room or choose another place", 1)
    except MemoryError:
        return _fail("out of memory; ask for a smaller d or a shorter input", 1)
    except KeyboardInterrupt as error:
        # Amaranth warns of unused elaboratables
        warnings.filterwarnings("ignore", message=".* created but never used")
        if isinstance(error, _Terminated):
            return _fail("terminated", 143)
        return _fail("interrupted", 130)


class _Terminated(KeyboardInterrupt):
    """SIGTERM: ends the tools that run and removes unfinished files, as Ctrl-C does."""


@contextlib.contextmanager
def _tidy_termination() -> Iterator[None]:
    """Raise `_Terminated` on SIGTERM, where a program may set that: in its main thread."""

    def terminate(number: int, frame: FrameType | None) -> NoReturn:
        raise _Terminated

    try:
        before = signal.signal(signal.SIGTERM, terminate)
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _fail(error: object, code: int) -> int:
    """Print an error as one line; return the exit code."""
    text = " ".join(str(error).split())[:MAX_LINE]
    print("lmu-hw:", plain(text), file=sys.stderr)
    return code


def _discard_stdout() -> None:
    """Discard unwritten output, which Python would write again at exit."""
    with contextlib.suppress(AttributeError, OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
