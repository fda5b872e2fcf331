"""Work side by side: all of it once, one BLAS thread each, and an end when a piece fails."""

from __future__ import annotations

import threading
import time

import pytest
import scipy.linalg.blas  # noqa: F401  a BLAS of its own beside NumPy's
from threadpoolctl import threadpool_info, threadpool_limits

from lmu_hw._support import workers
from lmu_hw._support.workers import Advance, one_blas_thread, run_parallel


@pytest.fixture(params=[1, 3])
def cores(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(workers, "n_workers", lambda: request.param)
    return int(request.param)


def blas_threads() -> set[int]:
    return {lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"}


def test_every_item_is_worked_on_once(cores: int) -> None:
    seen: list[int] = []
    told: list[int] = []

    def work(item: int, advance: Advance) -> None:
        seen.append(item)
        advance(item)

    run_parallel(range(10), work, told.append)
    assert sorted(seen) == sorted(told) == list(range(10))
    run_parallel([], work, told.append)
    assert len(seen) == 10


def test_so_many_items_at_once(cores: int) -> None:
    together = threading.Barrier(cores)
    # nobody passes unless all are there
    run_parallel(range(2 * cores), lambda _, advance: together.wait(10), lambda _: None)


def test_blas_has_one_thread_in_each_and_what_it_had_before_after(cores: int) -> None:
    with threadpool_limits(2, user_api="blas"):
        before, seen = blas_threads(), set[int]()
        run_parallel(range(5), lambda _, advance: seen.update(blas_threads()), lambda _: None)
        assert seen == {1}
        assert blas_threads() == before
        with one_blas_thread():
            assert blas_threads() == {1}
        assert blas_threads() == before


def test_a_piece_that_fails_ends_the_others(cores: int) -> None:
    begun: list[int] = []

    def work(item: int, advance: Advance) -> None:
        begun.append(item)
        if item == 0:
            raise ValueError("of item 0")
        while True:
            advance(0)
            time.sleep(0.001)

    with pytest.raises(ValueError, match="of item 0"):
        run_parallel(range(50), work, lambda _: None)
    # whoever failed may have taken another before all was called off
    assert len(begun) <= cores + 1
    assert not [t for t in threading.enumerate() if t.name.startswith("ThreadPool")]


def test_ctrl_c_ends_the_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "n_workers", lambda: 2)

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(workers, "wait", interrupt)
    ended: list[int] = []

    def work(item: int, advance: Advance) -> None:
        try:
            while True:
                advance(0)
                time.sleep(0.001)
        finally:
            ended.append(item)

    with pytest.raises(KeyboardInterrupt):
        run_parallel(range(4), work, lambda _: None)
    assert len(ended) <= 2


def test_one_piece_tells_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "n_workers", lambda: 4)
    total = 0

    def add(n: int) -> None:
        nonlocal total
        now = total
        time.sleep(0.0001)
        total = now + n

    def work(_: int, advance: Advance) -> None:
        for _ in range(25):
            advance(1)

    run_parallel(range(8), work, add)
    assert total == 200
