"""Progress on stderr for anything that takes over a second.

A thread draws, so that a step that blocks for long still shows that it runs, and counting costs the
work itself nothing but an addition.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from ..errors import plain

if TYPE_CHECKING:
    from rich.progress import Progress

SHOW_AFTER = 1.0
"""Time until anything is shown [s]."""
LOOK_EVERY = 0.1
"""Time between two looks at how far the work is [s]."""


@contextmanager
def progress(description: str, total: int, quiet: bool = False) -> Iterator[Callable[[int], None]]:
    """Show how far a piece of work is, on stderr, if it takes over a second.

    A terminal gets a bar where rich is installed; otherwise there is a plain line, and another at
    each tenth of the work.

    Parameters
    ----------
    description : str
        What is being done, such as ``"Icarus"``.
    total : int
        Size of the work, in any unit; 0 when it is not known.
    quiet : bool
        Show nothing.

    Yields
    ------
    callable
        ``advance(n)``: ``n`` more units are done.

    Examples
    --------
    >>> with progress("adding", total=3, quiet=True) as advance:
    ...     for _ in range(3):
    ...         advance(1)
    """
    # file names stand in some
    description, done = plain(description), 0

    def advance(n: int) -> None:
        nonlocal done
        done += n

    if quiet:
        yield advance
        return
    finished = threading.Event()
    thread = threading.Thread(
        target=_draw, args=(description, total, lambda: done, finished), daemon=True
    )
    thread.start()
    try:
        yield advance
    finally:
        finished.set()
        thread.join()


def _draw(description: str, total: int, done: Callable[[], int], finished: threading.Event) -> None:
    if finished.wait(SHOW_AFTER):
        return
    try:
        bar = _bar() if sys.stderr.isatty() else None
        if bar is None:
            _draw_lines(description, total, done, finished)
        else:
            _draw_bar(bar, description, total, done, finished)
    except (OSError, ValueError):
        # stderr has been closed; the work goes on.
        return


def _bar() -> Progress | None:
    try:
        from rich.console import Console
        from rich.progress import Progress
    except ImportError:
        return None
    return Progress(console=Console(file=sys.stderr), transient=True, auto_refresh=False)


def _draw_bar(
    bar: Progress,
    description: str,
    total: int,
    done: Callable[[], int],
    finished: threading.Event,
) -> None:
    from rich.errors import LiveError

    # One bar at a time: inside a piece of work that is shown already, its parts are not.
    with suppress(LiveError), bar:
        # Escaped: a bracket in a description is no markup.
        task = bar.add_task(description.replace("[", r"\["), total=total or None)
        while not finished.wait(LOOK_EVERY):
            bar.update(task, completed=done(), refresh=True)


def _draw_lines(
    description: str, total: int, done: Callable[[], int], finished: threading.Event
) -> None:
    shown, last = -1, False
    while True:
        now = done()
        tenth = 10 * now // total if total else 0
        if tenth > shown:
            share = f" {100 * now // total} % ({now} of {total})" if total else ""
            print(f"{description} ...{share}", file=sys.stderr, flush=True)
            shown = tenth
        if last:
            return
        # then one more look: the work may have ended since the last
        last = finished.wait(LOOK_EVERY)
