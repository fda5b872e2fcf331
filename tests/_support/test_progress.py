"""Progress: silent when quick or quiet, sparse lines on a pipe, a bar on a terminal."""

from __future__ import annotations

import io
import re
import threading
import time
from types import SimpleNamespace

import pytest

from lmu_hw._support import progress as module
from lmu_hw._support.progress import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def stderr(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    stream = io.StringIO()
    monkeypatch.setattr(module, "sys", SimpleNamespace(stderr=stream))
    return stream


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    stream = Terminal()
    monkeypatch.setattr(module, "sys", SimpleNamespace(stderr=stream))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return stream


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHOW_AFTER", 0.01)
    monkeypatch.setattr(module, "REFRESH_EVERY", 0.01)


def wait_for(stream: io.StringIO, pattern: str) -> None:
    end = time.monotonic() + 10
    while not re.search(pattern, stream.getvalue(), re.MULTILINE):
        assert time.monotonic() < end, stream.getvalue()
        time.sleep(0.005)


def test_quick_work_shows_nothing(stderr: io.StringIO) -> None:
    with progress("adding", total=10) as advance:
        advance(10)
    assert stderr.getvalue() == ""


@pytest.mark.usefixtures("hurry")
def test_quiet_shows_nothing(stderr: io.StringIO) -> None:
    with progress("adding", total=10, quiet=True) as advance:
        advance(5)
        time.sleep(0.1)
    assert stderr.getvalue() == ""


@pytest.mark.usefixtures("hurry")
def test_a_pipe_gets_lines(stderr: io.StringIO) -> None:
    with progress("adding", total=10) as advance:
        advance(5)
        wait_for(stderr, r"^adding \.\.\. 50 % \(5 of 10\)\n")
        advance(4)
        wait_for(stderr, r"\nadding \.\.\. 90 % \(9 of 10\)\n")
    assert "\x1b" not in stderr.getvalue()


@pytest.mark.usefixtures("hurry")
def test_lines_without_a_total(stderr: io.StringIO) -> None:
    with progress("converting", total=0):
        wait_for(stderr, r"^converting \.\.\.\n")


def test_lines_are_sparse(stderr: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHOW_AFTER", 0.01)
    with progress("adding", total=1000) as advance:
        for _ in range(30):
            advance(1)
            time.sleep(0.005)
    assert stderr.getvalue().count("\n") == 1


@pytest.mark.usefixtures("hurry")
def test_a_terminal_gets_a_bar_with_the_remaining_time(terminal: Terminal) -> None:
    with progress("adding [0:3]", total=10) as advance:
        advance(5)
        wait_for(terminal, r"adding \[0:3\]  50%\|.*\| 5/10 \[00:0\d<00:0\d\]")
    # and is erased at the end
    assert terminal.getvalue().rpartition("]")[2].strip(" \r") == ""
    assert "\n" not in terminal.getvalue()


@pytest.mark.usefixtures("hurry")
def test_a_bar_of_unknown_size_shows_the_time(terminal: Terminal) -> None:
    with progress("converting", total=0):
        wait_for(terminal, r"converting \.\.\. \[00:0\d\]")


@pytest.mark.usefixtures("hurry")
def test_a_bar_inside_a_bar(terminal: Terminal) -> None:
    with progress("outer", total=2) as advance:
        advance(1)
        wait_for(terminal, "outer  50%")
        with progress("inner", total=1):
            wait_for(terminal, "inner   0%")
        advance(1)
        wait_for(terminal, "outer 100%")


@pytest.mark.usefixtures("hurry")
def test_a_closed_stderr_stops_nothing(stderr: io.StringIO) -> None:
    stderr.close()
    with progress("adding", total=10) as advance:
        time.sleep(0.05)
        advance(1)


@pytest.mark.usefixtures("hurry", "stderr")
@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_the_thread_ends_with_the_work(error: type[BaseException]) -> None:
    before = threading.active_count()
    with pytest.raises(error), progress("adding", total=10):
        raise error
    assert threading.active_count() == before


def test_a_line_at_each_tenth_and_none_twice(stderr: io.StringIO) -> None:
    looks = iter([0, 3, 9, 10, 10, 19, 20, 55, 55, 99, 100])
    more = iter([False] * 9 + [True])
    finished = SimpleNamespace(wait=lambda _: next(more))
    module._draw_lines("work", 100, lambda: next(looks), finished)  # type: ignore[arg-type]
    shares = re.findall(r"^work \.\.\. (\d+) % \(\1 of 100\)$", stderr.getvalue(), re.MULTILINE)
    assert shares == ["0", "10", "20", "55", "99", "100"]
    assert stderr.getvalue().count("\n") == len(shares)


def test_work_of_unknown_size_has_one_line(stderr: io.StringIO) -> None:
    more = iter([False] * 50 + [True])
    finished = SimpleNamespace(wait=lambda _: next(more))
    module._draw_lines("work", 0, lambda: 7, finished)  # type: ignore[arg-type]
    assert stderr.getvalue() == "work ...\n"
