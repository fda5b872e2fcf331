"""Pieces of NumPy work side by side: a thread for each core, and BLAS with one thread in each.

BLAS brings threads of its own, which wait for each other at every product and burn time while they
do: beside other programs, or in pieces of a millisecond, that costs more than it gains.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, CancelledError, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

from threadpoolctl import ThreadpoolController

Item = TypeVar("Item")
Advance = Callable[[int], object]


def n_workers() -> int:
    """Return how many pieces are worked on at once."""
    return os.cpu_count() or 1


@contextmanager
def one_blas_thread() -> Iterator[Callable[[], object]]:
    """Let NumPy's products run on the thread that asks for them, and on no other.

    Yields
    ------
    callable
        Sets the same in another thread: some builds of BLAS have a limit for each caller.
    """
    blas = ThreadpoolController().select(user_api="blas")
    with blas.limit(limits=1):
        yield lambda: blas.limit(limits=1)


def work_on(
    items: Sequence[Item], work: Callable[[Item, Advance], object], advance: Advance
) -> None:
    """Do the work of every item, several at once.

    Parameters
    ----------
    items : sequence
    work : callable
        Called with an item and with ``advance(n)``, which it must call now and then, if only with
        0: there it ends when another item has failed, or at Ctrl-C.
    advance : callable
        Told what the items tell, one call at a time.

    Raises
    ------
    BaseException
        What the first item to fail raised.
    """
    with one_blas_thread() as limit:
        if min(len(items), n_workers()) < 2:
            for item in items:
                work(item, advance)
        else:
            with ThreadPoolExecutor(n_workers(), initializer=limit) as pool:
                _work_side_by_side(pool, items, work, advance)


def _work_side_by_side(
    pool: ThreadPoolExecutor,
    items: Sequence[Item],
    work: Callable[[Item, Advance], object],
    advance: Advance,
) -> None:
    ended, one_call = threading.Event(), threading.Lock()

    def told(n: int) -> None:
        if ended.is_set():
            raise CancelledError
        with one_call:
            advance(n)

    futures = [pool.submit(work, item, told) for item in items]
    try:
        done, _ = wait(futures, return_when=FIRST_EXCEPTION)
        for future in done:
            future.result()
    finally:
        ended.set()
        pool.shutdown(wait=False, cancel_futures=True)
