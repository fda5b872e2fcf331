"""The directory of an exploration: the store, the CSV file and the page."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from .._support.build_directory import write_file
from ..errors import EmitError, SpecError
from .exploration import Exploration
from .exploration_csv import exploration_csv
from .exploration_page import exploration_page
from .result_store import ResultStore

STORE, CSV, PAGE = "explore.sqlite", "explore.csv", "explore.html"


def check_directory(out: Path) -> None:
    """Check, before the work starts, that a directory may hold an exploration.

    Raises
    ------
    EmitError
        If it is a file, or holds other files and no exploration.
    """
    if out.exists() and not out.is_dir():
        raise EmitError(f"{out} must be a directory, not a file; name another")
    if out.is_dir() and any(out.iterdir()) and not (out / STORE).is_file():
        raise EmitError(f"{out} must be new, empty or of an exploration; it holds other files")


@contextmanager
def opened_store(out: Path | None) -> Iterator[ResultStore]:
    """Open the store in a directory; without a directory, one that is gone afterwards."""
    if out is None:
        with (
            TemporaryDirectory(prefix="lmu-hw-explore-") as place,
            ResultStore(Path(place) / STORE) as store,
        ):
            yield store
        return
    check_directory(out)
    is_new = not out.exists()
    try:
        with ResultStore(out / STORE) as store:
            yield store
    except SpecError:
        # a refused request leaves nothing
        if is_new:
            shutil.rmtree(out, ignore_errors=True)
        raise


def write_exploration(exploration: Exploration, out: Path) -> None:
    """Write the CSV file and the page beside the store, each atomically.

    Raises
    ------
    EmitError
        If one cannot be written.
    """
    texts = {CSV: exploration_csv(exploration), PAGE: exploration_page(exploration)}
    for name, text in texts.items():
        content = text.encode()
        write_file(out / name, lambda file, content=content: file.write(content))  # type: ignore[misc]
