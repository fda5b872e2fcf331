"""Progress on stderr for work that takes over a second: a tqdm bar, or plain lines on a pipe.

A thread draws, so that a call that blocks for long still shows that it runs, and `advance` costs
the work nothing but an addition. tqdm alone would do neither, and would fill a log with carriage
returns.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from ..errors import plain

SHOW_AFTER = 1.0
"""Time before anything is shown [s]."""
REFRESH_EVERY = 0.1
"""Refresh period [s]."""
BAR = "{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}]"
UNKNOWN_TOTAL = "{desc} ... [{elapsed}]"


@contextmanager
def progress(
    description: str | Callable[[], str], total: int, quiet: bool = False
) -> Iterator[Callable[[int], None]]:
    """Show the progress of some work on stderr, if it takes over a second.

    A terminal shows a bar with the remaining time. Any other stderr gets a plain line, and another
    one at each tenth of the work.

    Parameters
    ----------
    description : str or callable
        Name of the work, such as ``"Icarus"``; or what returns it, where it changes.
    total : int
        Amount of work, in any unit; 0 if unknown.
    quiet : bool
        Show nothing.

    Yields
    ------
    callable
        ``advance(n)``: report that ``n`` more units are done.

    Examples
    --------
    >>> with progress("adding", total=3, quiet=True) as advance:
    ...     for _ in range(3):
    ...         advance(1)
    """
    done = 0

    def text() -> str:
        # descriptions may contain file names
        return plain(description if isinstance(description, str) else description())

    def advance(n: int) -> None:
        nonlocal done
        done += n

    if quiet:
        yield advance
        return
    finished = threading.Event()
    thread = threading.Thread(target=_draw, args=(text, total, lambda: done, finished), daemon=True)
    thread.start()
    try:
        yield advance
    finally:
        finished.set()
        thread.join()


def _draw(
    text: Callable[[], str], total: int, done: Callable[[], int], finished: threading.Event
) -> None:
    if finished.wait(SHOW_AFTER):
        return
    # a closed stderr must not stop the work
    with suppress(OSError, ValueError):
        draw = _draw_bar if sys.stderr.isatty() else _draw_lines
        draw(text, total, done, finished)


def _draw_bar(
    text: Callable[[], str], total: int, done: Callable[[], int], finished: threading.Event
) -> None:
    from tqdm import tqdm

    bar_format = BAR if total else UNKNOWN_TOTAL
    with tqdm(
        desc=text(), total=total or None, file=sys.stderr, leave=False, bar_format=bar_format
    ) as bar:
        bar.start_t -= SHOW_AFTER
        while not finished.wait(REFRESH_EVERY):
            bar.n = done()
            bar.set_description_str(text(), refresh=False)
            bar.refresh()


def _draw_lines(
    text: Callable[[], str], total: int, done: Callable[[], int], finished: threading.Event
) -> None:
    shown, last = -1, False
    while True:
        now = done()
        tenth = 10 * now // total if total else 0
        if tenth > shown:
            share = f" {100 * now // total} % ({now} of {total})" if total else ""
            print(f"{text()} ...{share}", file=sys.stderr, flush=True)
            shown = tenth
        if last:
            return
        # look once more after the end: the work may have advanced
        last = finished.wait(REFRESH_EVERY)
