"""Reads and writes signals in .npy, .csv and .wav files.

Values are real unless raw words are asked for. Every error is one line with the place and the
remedy.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tokenize import TokenError
from typing import BinaryIO, Literal

import numpy as np
import numpy.typing as npt

from .._support.array_types import AnyArray
from .._support.build_directory import write_file
from ..errors import EmitError, ModelFileError, SpecError, read_error, reason_of
from .csv_text import Column, check_columns, chosen, count, read_csv
from .wav import read_wav, wav_rate, wav_samples, write_wav

SUFFIXES = (".npy", ".csv", ".wav")
_INT64 = np.iinfo(np.int64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Samples:
    """A signal as read from a file.

    Parameters
    ----------
    samples : float64 or int64 array, shape (n_steps, columns)
        Read-only; int64 only for raw words.
    offset : tuple of int
        Start of each recording, and the end: recording i is ``samples[offset[i]:offset[i + 1]]``.
    sample_rate : float or None
        Sample rate [samples/s]; None where the file has none.
    kind : {"real", "pcm", "raw"}
        Real numbers, PCM samples scaled to -1 .. 1, or integer words.
    """

    samples: AnyArray
    offset: tuple[int, ...]
    sample_rate: float | None
    kind: Literal["real", "pcm", "raw"]


def parse_columns(text: str) -> tuple[Column, ...]:
    """Return the columns in a text such as ``1,3`` or ``ax,ay``.

    Raises
    ------
    SpecError
        If one is empty, or below 1.

    Examples
    --------
    >>> parse_columns("3,ax")
    (3, 'ax')
    """
    columns: list[Column] = []
    for part in text.split(","):
        name = part.strip()
        number = int(name) if name.isascii() and name.lstrip("+-").isdigit() else None
        if not name or (number is not None and number < 1):
            raise SpecError(
                f"--columns must be numbers from 1, or names, as in 1,3 or ax,ay, not {text[:80]!r}"
            )
        columns.append(name if number is None else number)
    return tuple(columns)


def read_signal(
    path: Path, *, columns: int, raw: bool = False, select: Sequence[Column] | None = None
) -> Samples:
    """Read a signal with a known number of columns.

    Parameters
    ----------
    path : Path
        A ``.npy`` array of shape (n_steps,) or (n_steps, columns); a ``.csv`` text of numbers
        separated by commas or spaces, with ``#`` comments, at most one line of names on top, and
        blank lines between recordings; or a ``.wav`` recording with a channel for each column.
    columns : int
        Inputs of the design, >= 1.
    raw : bool
        Read integer words instead of real numbers.
    select : sequence of int or str, optional
        The columns to read, one for each input in this order: by number, from 1, or in CSV by name.
        Default: all, of which there must be as many as inputs.

    Returns
    -------
    Samples

    Raises
    ------
    ModelFileError
        If the file is missing, damaged, empty, of the wrong shape, or holds something other than
        finite real numbers (with ``raw``: integers of 64 bits).
    SpecError
        If the number of selected columns is not that of the inputs.
    """
    if select is not None and len(select) != columns:
        raise SpecError(
            f"--columns must name {count(columns, 'column')}, one for each input of the design, "
            f"not {len(select)}"
        )
    readers = {".npy": _read_npy, ".csv": _read_csv, ".wav": _read_wav}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise ModelFileError(f"{path} must end in {_suffixes()}, not {path.suffix!r}")
    try:
        if path.is_dir():
            raise ModelFileError(f"{path} is a directory; name a {_suffixes()} file")
        samples, starts, sample_rate, pcm = reader(path, columns, raw, select)
    except OSError as error:
        raise read_error(path, error) from error
    if not raw and not np.isfinite(samples).all():
        t, c = np.argwhere(~np.isfinite(samples))[0]
        raise ModelFileError(
            f"{path} holds {samples[t, c]} at sample {t}, column {c} (both from 0); "
            "replace it by a number"
        )
    samples.flags.writeable = False
    return Samples(
        samples=samples,
        offset=(*starts, len(samples)),
        sample_rate=sample_rate,
        kind="raw" if raw else "pcm" if pcm else "real",
    )


def write_signal(
    path: Path,
    samples: npt.ArrayLike,
    *,
    sample_rate: float | None,
    width: int | None = None,
    offset: Sequence[int] = (),
    whole: Collection[int] = (),
) -> None:
    """Write real numbers or integer words, atomically.

    Reals go to a WAV file as 32-bit floats, words as unscaled PCM of 8, 16 or 32 bits.

    Parameters
    ----------
    path : Path
        Ends in ``.npy``, ``.csv`` or ``.wav``; an existing file is replaced.
    samples : array_like of float or int, shape (n_steps,) or (n_steps, columns)
    sample_rate : float or None
        Sample rate [samples/s]; written to WAV files only, where it must be a whole number.
    width : int or None
        Width of the words [bits] of a WAV file. Default: that of the widest word.
    offset : sequence of int
        Start of each recording, and the end; in CSV a blank line separates recordings, unless each
        is a single row.
    whole : collection of int
        Columns of whole numbers, which CSV files write as integers.

    Raises
    ------
    EmitError
        If the file cannot be written, or its format cannot hold the samples.
    """
    data = np.asarray(samples)
    data = data[:, None] if data.ndim == 1 else data
    suffix = path.suffix.lower()
    if suffix == ".wav":
        rate, pcm = wav_rate(path, sample_rate), wav_samples(path, data, width)
        _write_atomic(path, lambda file: write_wav(file, rate, pcm))
    elif suffix == ".npy":
        _write_atomic(path, lambda file: np.save(file, data, allow_pickle=False))
    elif suffix == ".csv":
        _write_atomic(path, lambda file: file.writelines(_csv_lines(data, offset, whole)))
    else:
        raise EmitError(f"{path} must end in {_suffixes()}, not {path.suffix!r}")


Reading = tuple[AnyArray, list[int], "float | None", bool]
Selection = Sequence[Column] | None

_DAMAGE = (
    *(ArithmeticError, LookupError, SyntaxError, TokenError, TypeError, ValueError),
    *(MemoryError, RecursionError),  # brackets nested too deep for the parser
)
"""Errors that a damaged header raises inside NumPy."""


def _read_npy(path: Path, columns: int, raw: bool, select: Selection) -> Reading:
    try:
        with warnings.catch_warnings():
            # Old format versions only warn; a damaged header raises below.
            warnings.simplefilter("ignore")
            # Mapped: the header is checked against the file size before memory is allocated.
            data = np.lib.format.open_memmap(path, mode="r")
    except _DAMAGE as error:
        if not path.stat().st_size:
            raise ModelFileError(f"{path} is empty; write it again with numpy.save") from error
        raise ModelFileError(
            f"{path} is not a complete array of numbers ({reason_of(error)}); "
            "write it again with numpy.save"
        ) from error
    _check_kind(path, data, raw)
    if data.ndim not in (1, 2):
        raise ModelFileError(
            f"{path} has shape {data.shape} but should be (steps,) or (steps, {columns})"
        )
    n = 1 if data.ndim == 1 else data.shape[1]
    if select is None and n != columns and data.ndim == 2 and len(data) == columns:
        raise ModelFileError(
            f"{path} has shape {data.shape} but should be ({n}, {columns}); transpose it"
        )
    _check_not_empty(path, len(data))
    places = _places(path, n, columns, select)
    with np.errstate(invalid="ignore"):  # a signaling NaN is refused later, with its place
        samples = np.array(data.reshape(-1, n)[:, places], dtype=np.int64 if raw else np.float64)
    return samples, [0], None, False


def _places(path: Path, found: int, columns: int, select: Selection) -> list[int]:
    """Return the indices of the columns to read, in a file without names."""
    if select is not None:
        return list(chosen(path, found, select, None))
    check_columns(path, found, columns)
    return list(range(columns))


def _check_kind(path: Path, data: AnyArray, raw: bool) -> None:
    kinds = "iu" if raw else "iuf"
    what = "integers, as raw words are" if raw else "real numbers"
    if data.dtype.kind not in kinds:
        raise ModelFileError(f"{path} must hold {what}, not {data.dtype}; convert it")
    if raw and data.dtype.kind == "u" and data.size and int(data.max()) > _INT64.max:
        raise ModelFileError(f"{path} must hold words of 64 bits signed, not {data.max()}")


def _check_not_empty(path: Path, n: int) -> None:
    if n == 0:
        raise ModelFileError(f"{path} holds no samples; give at least one")


def _read_csv(path: Path, columns: int, raw: bool, select: Selection) -> Reading:
    return *read_csv(path, columns=columns, raw=raw, select=select), None, False


def _read_wav(path: Path, columns: int, raw: bool, select: Selection) -> Reading:
    data, bits, rate = read_wav(path)
    _check_kind(path, data, raw)
    data = data[:, _places(path, data.shape[1], columns, select)]
    _check_not_empty(path, len(data))
    if raw:
        return data, [0], rate, True
    with np.errstate(invalid="ignore"):
        reals = data.astype(np.float64)
    return (np.ldexp(reals, 1 - bits) if bits else reals), [0], rate, bits > 0


def _csv_lines(data: AnyArray, offset: Sequence[int], whole: Collection[int]) -> Iterable[bytes]:
    single = all(b - a <= 1 for a, b in pairwise(offset))
    ends = set() if single else set(offset[1:-1])
    for number, row in enumerate(data):
        # tolist gives Python numbers, whose repr is the shortest text that reads back the same.
        cells = row.tolist()
        for column in whole:
            cells[column] = int(cells[column])
        blank = "\n" if number in ends else ""
        yield (blank + ",".join(map(repr, cells)) + "\n").encode()


def _write_atomic(path: Path, write: Callable[[BinaryIO], object]) -> None:
    try:
        write_file(path, write)
    except (ValueError, struct.error) as error:
        raise EmitError(
            f"{path} cannot hold the samples ({reason_of(error)}); write .npy instead"
        ) from error


def _suffixes() -> str:
    return ", ".join(SUFFIXES[:-1]) + f" or {SUFFIXES[-1]}"
