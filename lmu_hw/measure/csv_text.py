"""Reads numbers from CSV text: selected columns, and recordings separated by blank lines.

Cells are separated by commas or spaces and may be quoted, as in ``"a, b"``; ``#`` starts a comment;
the first line may hold names. A blank line, or one of commas only, ends a recording.
"""

from __future__ import annotations

import csv
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .._support.array_types import AnyArray
from ..errors import ModelFileError

Column = int | str
"""A column by its number, from 1, or by its name."""

_INT64 = np.iinfo(np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """Layout of a file: lines before the first row, and the places of the selected cells."""

    skip: int
    comma: bool
    n_cells: int
    places: tuple[int, ...]


def read_csv(
    path: Path, *, columns: int, raw: bool, select: Sequence[Column] | None
) -> tuple[AnyArray, list[int]]:
    """Read the numbers of a file.

    Parameters
    ----------
    path : Path
    columns : int
        Number of columns, or of selected columns.
    raw : bool
        Read integers of 64 bits instead of real numbers.
    select : sequence of int or str, or None
        Columns to read, in this order; the others need not hold numbers. None: all.

    Returns
    -------
    samples : float64 or int64 array, shape (n_steps, columns)
    starts : list of int
        First row of each recording.

    Raises
    ------
    ModelFileError
        If the file cannot be read as such; the message names line and column.
    OSError
        If it cannot be read.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            layout = _head(file, path, columns, select)
        read = _fast(path, layout, raw)
        if read is None or not np.isfinite(read[0]).all() or read[0].shape[1] != columns:
            # The slow reader finds line and column of an error, and reads quotes.
            read = _slow(path, layout, raw)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ModelFileError(
            f"{path} is not a text file; write numbers separated by commas"
        ) from error
    return read


def _head(
    file: Iterable[str], path: Path, columns: int, select: Sequence[Column] | None
) -> _Layout:
    """Return the layout of a file, from its lines up to the first row."""
    names: list[str] | None = None
    wanted = {name for name in select or () if isinstance(name, str)}
    for index, line in enumerate(file):
        text = line.partition("#")[0].strip()
        if not text.strip(", \t"):
            continue
        cells = _cells(text, "," in text)
        if names is None:
            titles = [cell.strip("'").strip() for cell in cells]
            if not any(_is_number(cell) for cell in cells) or (wanted and wanted <= set(titles)):
                names = titles
                continue
        if select is None:
            check_columns(path, len(cells), columns)
            places = tuple(range(columns))
        else:
            places = chosen(path, len(cells), select, names)
        return _Layout(skip=index, comma="," in text, n_cells=len(cells), places=places)
    what = "samples; give at least one" if names is None else "numbers; write them below the names"
    raise ModelFileError(f"{path} holds no {what}")


def chosen(
    path: Path, n_columns: int, select: Sequence[Column], names: Sequence[str] | None
) -> tuple[int, ...]:
    """Return the indices, from 0, of columns selected by number or name.

    Raises
    ------
    ModelFileError
        If the file has no such column, or several of one name.
    """
    places = []
    for column in select:
        if isinstance(column, str):
            places.append(_named(path, n_columns, column, names))
        elif 1 <= column <= n_columns:
            places.append(column - 1)
        else:
            raise ModelFileError(
                f"{path} has {count(n_columns, 'column')}, numbered from 1, but --columns asks "
                f"for column {column}"
            )
    return tuple(places)


def _named(path: Path, n_columns: int, name: str, names: Sequence[str] | None) -> int:
    if names is None:
        raise ModelFileError(
            f"{path} has no line of names, but --columns asks for {name[:40]!r}; give the number "
            "of the column, from 1"
        )
    if len(names) != n_columns:
        raise ModelFileError(
            f"{path} has {count(len(names), 'name')} but {count(n_columns, 'column')}; give "
            "--columns by number"
        )
    if names.count(name) != 1:
        found = "no column" if name not in names else "several columns"
        have = ", ".join(names[:12])[:200]
        raise ModelFileError(
            f"{path} has {found} named {name[:40]!r}, only {have}; choose of these, or by number"
        )
    return names.index(name)


def check_columns(path: Path, found: int, columns: int) -> None:
    """Raise unless a file has a column for each input."""
    if found != columns:
        more = ", or choose with --columns" if found > columns else ""
        raise ModelFileError(
            f"{path} has {count(found, 'column')} but the design takes "
            f"{count(columns, 'input')}; give one column for each input{more}"
        )


def _rows(lines: Iterable[str], skip: int, starts: list[int]) -> Iterator[tuple[int, str]]:
    """Yield number and text of every row; append the first row of each recording to ``starts``."""
    n_rows, parted = 0, False
    for number, line in enumerate(lines, start=1):
        if number <= skip:
            continue
        text = (line.partition("#")[0] if "#" in line else line).strip()
        if text.strip(", \t"):
            if parted:
                starts.append(n_rows)
            parted = False
            n_rows += 1
            yield number, text
        elif "#" not in line:
            parted = True


def _fast(path: Path, layout: _Layout, raw: bool) -> tuple[AnyArray, list[int]] | None:
    """Return the numbers of a file without errors and quotes; None for any other file."""
    starts = [0]

    def texts(file: Iterable[str]) -> Iterator[str]:
        for _, text in _rows(file, layout.skip, starts):
            n_cells = text.count(",") + 1 if layout.comma else len(text.split())
            if n_cells != layout.n_cells or '"' in text:
                raise ValueError("left to the slow reader")
            yield text

    try:
        with path.open(encoding="utf-8-sig") as file, warnings.catch_warnings():
            # Some releases of NumPy only warn of a fraction among integers.
            warnings.simplefilter("error")
            samples = np.loadtxt(
                texts(file),
                dtype=np.int64 if raw else np.float64,
                delimiter="," if layout.comma else None,
                comments=None,
                usecols=layout.places,
                ndmin=2,
            )
    except (ValueError, OverflowError, Warning):
        return None
    return samples, starts


def _slow(path: Path, layout: _Layout, raw: bool) -> tuple[AnyArray, list[int]]:
    rows, starts = [], [0]
    with path.open(encoding="utf-8-sig") as file:
        for number, text in _rows(file, layout.skip, starts):
            cells = _cells(text, layout.comma or "," in text)
            if len(cells) != layout.n_cells:
                raise ModelFileError(
                    f"{path}, line {number} has {count(len(cells), 'cell')} but should have "
                    f"{layout.n_cells}"
                )
            where = f"{path}, line {number}, column"
            rows.append([_number(cells[c], f"{where} {c + 1}", raw) for c in layout.places])
    return np.array(rows, dtype=np.int64 if raw else np.float64), starts


def _cells(text: str, comma: bool) -> list[str]:
    """Return the cells of a row, without quotes; a quoted cell may hold separators."""
    if not comma:
        text = " ".join(text.split())
    if '"' in text:
        (cells,) = csv.reader([text], delimiter="," if comma else " ", skipinitialspace=True)
    else:
        cells = text.split("," if comma else None)
    return [cell.strip() for cell in cells]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def _number(cell: str, where: str, raw: bool) -> float | int:
    if not _is_number(cell):
        raise ModelFileError(f"{where}: {cell[:40]!r} is not a number; correct it")
    if not raw:
        value = float(cell)
        if not np.isfinite(value):
            raise ModelFileError(f"{where}: {cell[:40]!r} is not finite; replace it by a number")
        return value
    try:
        word = int(cell)
    except ValueError as error:
        raise ModelFileError(f"{where}: raw words must be integers, not {cell[:40]!r}") from error
    if not _INT64.min <= word <= _INT64.max:
        raise ModelFileError(f"{where}: raw words must fit 64 bits, not {cell[:40]!r}")
    return word


def count(n: int, what: str) -> str:
    """Return a number and a noun, in the plural where it is not 1.

    Examples
    --------
    >>> count(1, "column"), count(2, "column")
    ('1 column', '2 columns')
    """
    return f"{n} {what}{'' if n == 1 else 's'}"
