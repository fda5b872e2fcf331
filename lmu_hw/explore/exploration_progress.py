"""Progress of an exploration on stderr: the phase, what is running, and the time that is left."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType

from .._support.progress import progress

MAX_NAMES = 60
"""Most characters of the names of tasks that run."""


class ExplorationProgress:
    """Shows the progress of each phase; its `watch` is that of `explore`.

    Parameters
    ----------
    quiet : bool
        Show nothing.
    """

    def __init__(self, quiet: bool = False) -> None:
        self._quiet, self._stack = quiet, ExitStack()
        self._phase = ("", 0)
        self._done, self._began = 0, 0.0
        self._running: tuple[str, ...] = ()
        self._advance: Callable[[int], object] = lambda _: None

    def __enter__(self) -> ExplorationProgress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def watch(self, what: str, done: int, total: int, running: tuple[str, ...]) -> None:
        """Show that so many of the tasks of a phase are done, and which ones run."""
        if (what, total) != self._phase or done < self._done:
            self._stack.close()
            self._phase, self._done, self._began = (what, total), 0, time.monotonic()
            self._advance = self._stack.enter_context(progress(self._text, total, self._quiet))
        self._running = running
        self._advance(done - self._done)
        self._done = done

    def _text(self) -> str:
        what, total = self._phase
        names = ", ".join(self._running)
        names = names if len(names) <= MAX_NAMES else f"{names[: MAX_NAMES - 3]}..."
        text = f"{what}: {names}" if names else what
        if sys.stderr.isatty() or not self._done:
            return text  # a bar says itself how long it takes
        left = (time.monotonic() - self._began) * (total - self._done) / self._done
        return f"{text}; {_duration(left)} left"


def _duration(seconds: float) -> str:
    """Return a duration as text.

    Examples
    --------
    >>> _duration(7.2), _duration(200), _duration(9000)
    ('7 s', '3 min', '2.5 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
