"""Run NumPy work in parallel: one Python thread for each core, each with single-threaded BLAS.

The threads of a multi-threaded BLAS synchronize at every product by busy waiting. That costs more
than it gains for products of about a millisecond, or if other programs use the cores too.
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
    """Return the number of parallel workers: one for each core."""
    return os.cpu_count() or 1


@contextmanager
def one_blas_thread() -> Iterator[Callable[[], object]]:
    """Limit BLAS to the calling thread.

    Yields
    ------
    callable
        Applies the limit in another thread, as some BLAS builds have one limit for each thread.
    """
    blas = ThreadpoolController().select(user_api="blas")
    with blas.limit(limits=1):
        yield lambda: blas.limit(limits=1)


def run_parallel(
    items: Sequence[Item], work: Callable[[Item, Advance], object], advance: Advance
) -> None:
    """Process all items in parallel.

    Parameters
    ----------
    items : sequence
    work : callable
        Called with an item and with ``advance(n)``, which it must call regularly, if only with 0:
        that call stops the work after Ctrl-C or the failure of another item.
    advance : callable
        Called with the sum of progress, from one thread at a time.

    Raises
    ------
    BaseException
        The exception of the first item that fails.
    """
    with one_blas_thread() as limit:
        if min(len(items), n_workers()) < 2:
            for item in items:
                work(item, advance)
        else:
            with ThreadPoolExecutor(n_workers(), initializer=limit) as pool:
                _run_in_threads(pool, items, work, advance)


def _run_in_threads(
    pool: ThreadPoolExecutor,
    items: Sequence[Item],
    work: Callable[[Item, Advance], object],
    advance: Advance,
) -> None:
    ended, one_call = threading.Event(), threading.Lock()

    def advance_one_by_one(n: int) -> None:
        if ended.is_set():
            raise CancelledError
        with one_call:
            advance(n)

    futures = [pool.submit(work, item, advance_one_by_one) for item in items]
    try:
        done, _ = wait(futures, return_when=FIRST_EXCEPTION)
        for future in done:
            future.result()
    finally:
        ended.set()
        pool.shutdown(wait=False, cancel_futures=True)
