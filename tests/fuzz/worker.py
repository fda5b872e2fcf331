"""Reads damaged inputs within limits of time and memory, and reports unexpected errors."""

from __future__ import annotations

import resource
import shutil
import signal
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import FrameType

from lmu_hw.errors import LMUHWError
from tests.fuzz.readers import Files, Reader

SECONDS = 5.0
"""Processor time that an input may take: that of the clock depends on what else runs."""
MEMORY = 1 << 30
"""Bytes beyond what is in use before the first input."""
MINIMIZE = 200
"""Attempts at a smaller input."""
ROOM = Path("/dev/shm")
"""Where files cost nothing, if the machine has it."""


class HangError(BaseException):
    """More than the seconds allowed; no `Exception`, so that nobody takes it for damage."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """An outcome that is not allowed.

    Attributes
    ----------
    kind : str
        Exception and the place where it was raised: findings of one kind are told once.
    text : str
        The last lines of the traceback.
    files : dict
        The smallest input found.
    """

    kind: str
    text: str
    files: Files


def make(reader: Reader, seed: int, number: int) -> Files:
    """Return the input of a number: always the same."""
    return reader.make(Random(f"{reader.name} {seed} {number}"))


def outcome(reader: Reader, files: Files, build_dir: Path) -> BaseException | None:
    """Return what reading raised that it should not have."""
    for name, content in files.items():
        path = build_dir / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        reader.read(build_dir)
    except LMUHWError as error:
        return _memory(error)
    except (Exception, HangError) as error:
        return error
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return None


def _memory(error: BaseException) -> BaseException | None:
    """Return the lack of memory that an error was made of: a size was believed."""
    seen: BaseException | None = error
    while seen is not None:
        # one without a word comes from parsers of nested brackets
        if isinstance(seen, MemoryError) and str(seen):
            return seen
        seen = seen.__cause__ or seen.__context__
    return None


def kind_of(error: BaseException) -> str:
    """Return the exception and the deepest place of ours, or of anybody's, that it comes from."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if "/lmu_hw/" in f.filename] or frames
    last = ours[-1] if ours else None
    place = "nowhere" if last is None else f"{Path(last.filename).name}:{last.name}"
    return f"{type(error).__name__} in {place}"


def finding(reader: Reader, files: Files, error: BaseException, build_dir: Path) -> Finding:
    """Return a finding with the smallest input that shows it, as far as a few attempts go."""
    kind = kind_of(error)
    text = "".join(traceback.format_exception(error))[-3000:]
    if not isinstance(error, HangError):
        files = smaller(files, lambda f: _is(reader, f, build_dir, kind))
    return Finding(kind=kind, text=text, files=files)


def _is(reader: Reader, files: Files, build_dir: Path, kind: str) -> bool:
    error = outcome(reader, files, build_dir)
    return error is not None and kind_of(error) == kind


def smaller(files: Files, shows: Callable[[Files], bool]) -> Files:
    """Return files with parts left out, as long as they show the same."""
    attempts = MINIMIZE
    for name in files:
        size = len(files[name]) // 2
        while size and attempts:
            at = 0
            while at < len(files[name]) and attempts:
                attempts -= 1
                content = files[name]
                shorter = {**files, name: content[:at] + content[at + size :]}
                if shows(shorter):
                    files = shorter
                else:
                    at += size
            size //= 2
    return files


@contextmanager
def limits() -> Iterator[Path]:
    """Limit this process, and give it a directory; a warning counts as a finding."""

    def hang(signum: int, frame: FrameType | None) -> None:
        raise HangError(f"more than {SECONDS:g} s")

    with tempfile.TemporaryDirectory(dir=ROOM if ROOM.is_dir() else None) as name:
        before = signal.signal(signal.SIGPROF, hang)
        limit = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (_in_use() + MEMORY, limit[1]))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                yield Path(name)
        finally:
            resource.setrlimit(resource.RLIMIT_AS, limit)
            signal.signal(signal.SIGPROF, before)


def _in_use() -> int:
    if not sys.platform.startswith("linux"):
        return MEMORY
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


def run(
    reader: Reader,
    seed: int,
    numbers: range,
    begin: Callable[[int], object],
    tell: Callable[[int, Finding], object],
) -> None:
    """Read the inputs of some numbers.

    Parameters
    ----------
    reader : Reader
    seed : int
    numbers : range
    begin : callable
        Told of every number before its input is read.
    tell : callable
        Told of the first finding of each kind.
    """
    seen: set[str] = set()
    # packages that a first input loads are none of its memory
    make(reader, seed, numbers.start)
    with limits() as build_dir:
        for number in numbers:
            begin(number)
            files = make(reader, seed, number)
            error = outcome(reader, files, build_dir)
            if error is not None and kind_of(error) not in seen:
                found = finding(reader, files, error, build_dir)
                seen.add(found.kind)
                tell(number, found)
                for path in build_dir.iterdir():
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
