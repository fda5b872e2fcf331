"""Signals that users bring and take away: .npy, .csv and .wav files.

A reading is real-valued unless raw words are asked for. Every failure is one line that says where
the trouble is and what to do.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError
from typing import Any, BinaryIO, Literal

import numpy as np
import numpy.typing as npt

from .errors import EmitError, ModelFileError, read_error, reason_of
from .folder import write_file
from .wav import read_wav, wav_rate, wav_samples, write_wav

Array = npt.NDArray[Any]

SUFFIXES = (".npy", ".csv", ".wav")
_INT64 = np.iinfo(np.int64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Signal:
    """A signal as read from a file.

    Parameters
    ----------
    samples : float64 or int64 array, shape (n_steps, columns)
        Read-only; int64 only for raw words.
    sample_rate : float or None
        Samples per second, where the file says.
    kind : {"real", "pcm", "raw"}
        Real numbers as they stand, PCM samples scaled to -1 .. 1, or integer words.
    """

    samples: Array
    sample_rate: float | None
    kind: Literal["real", "pcm", "raw"]


def read_signal(path: Path, *, columns: int, raw: bool = False) -> Signal:
    """Read a signal with a known number of columns.

    Parameters
    ----------
    path : Path
        A ``.npy`` array of shape (n_steps,) or (n_steps, columns); a ``.csv`` text of numbers
        separated by commas or spaces, with ``#`` comments and at most one line of names on top; or
        a ``.wav`` recording with a channel for each column.
    columns : int
        Inputs of the design, >= 1.
    raw : bool
        Read integer words instead of real numbers.

    Returns
    -------
    Signal

    Raises
    ------
    ModelFileError
        If the file is missing, damaged, empty, of the wrong shape, or holds what is no finite real
        number (with ``raw``: no integer of 64 bits).
    """
    readers = {".npy": _read_npy, ".csv": _read_csv, ".wav": _read_wav}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise ModelFileError(f"{path} must end in {_suffixes()}, not {path.suffix!r}")
    try:
        if path.is_dir():
            raise ModelFileError(f"{path} is a folder; give a {_suffixes()} file")
        samples, sample_rate, pcm = reader(path, columns, raw)
    except OSError as error:
        raise read_error(path, error) from error
    if not raw and not np.isfinite(samples).all():
        t, c = np.argwhere(~np.isfinite(samples))[0]
        raise ModelFileError(
            f"{path} holds {samples[t, c]} at sample {t}, column {c} (both from 0); "
            "replace it by a number"
        )
    samples.flags.writeable = False
    return Signal(
        samples=samples, sample_rate=sample_rate, kind="raw" if raw else "pcm" if pcm else "real"
    )


def write_signal(
    path: Path, samples: npt.ArrayLike, *, sample_rate: float | None, width: int | None = None
) -> None:
    """Write real numbers or integer words, whole or not at all.

    Reals go to a WAV file as 32-bit floats, words as unscaled PCM of 8, 16 or 32 bits.

    Parameters
    ----------
    path : Path
        Ends in ``.npy``, ``.csv`` or ``.wav``; an existing file is replaced.
    samples : array_like of float or int, shape (n_steps,) or (n_steps, columns)
    sample_rate : float or None
        Samples per second; kept by WAV files alone, which must have a whole one.
    width : int or None
        Width of the words [bits], for WAV files; as wide as the widest word by default.

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
        _write_atomic(path, lambda file: file.writelines(_csv_lines(data)))
    else:
        raise EmitError(f"{path} must end in {_suffixes()}, not {path.suffix!r}")


Reading = tuple[Array, "float | None", bool]

_DAMAGE = (
    *(ArithmeticError, LookupError, SyntaxError, TokenError, TypeError, ValueError),
    *(MemoryError, RecursionError),  # brackets nested too deep for the parser
)
"""What a damaged header reaches inside NumPy."""


def _read_npy(path: Path, columns: int, raw: bool) -> Reading:
    try:
        with warnings.catch_warnings():
            # Files of old releases are welcome, and a damaged header is told of below.
            warnings.simplefilter("ignore")
            # Mapped: the header is held against the file's size before any memory is taken.
            data = np.lib.format.open_memmap(path, mode="r")
    except _DAMAGE as error:
        if not path.stat().st_size:
            raise ModelFileError(f"{path} is empty; write it again with numpy.save") from error
        raise ModelFileError(
            f"{path} is no whole array of numbers ({reason_of(error)}); "
            "write it again with numpy.save"
        ) from error
    _check_kind(path, data, raw)
    if data.ndim not in (1, 2):
        raise ModelFileError(
            f"{path} has shape {data.shape} but should be (steps,) or (steps, {columns})"
        )
    n = 1 if data.ndim == 1 else data.shape[1]
    if n != columns and data.ndim == 2 and len(data) == columns:
        raise ModelFileError(
            f"{path} has shape {data.shape} but should be ({n}, {columns}); transpose it"
        )
    _check_columns(path, n, columns)
    _check_not_empty(path, len(data))
    with np.errstate(invalid="ignore"):  # a NaN that signals is refused by its place
        samples = np.array(data, dtype=np.int64 if raw else np.float64)
    return samples.reshape(-1, columns), None, False


def _check_kind(path: Path, data: Array, raw: bool) -> None:
    kinds = "iu" if raw else "iuf"
    what = "integers, as raw words are" if raw else "real numbers"
    if data.dtype.kind not in kinds:
        raise ModelFileError(f"{path} must hold {what}, not {data.dtype}; convert it")
    if raw and data.dtype.kind == "u" and data.size and int(data.max()) > _INT64.max:
        raise ModelFileError(f"{path} must hold words of 64 bits signed, not {data.max()}")


def _check_columns(path: Path, found: int, columns: int) -> None:
    if found != columns:
        raise ModelFileError(
            f"{path} has {_count(found, 'column')} but the design takes "
            f"{_count(columns, 'input')}; give one column for each input"
        )


def _check_not_empty(path: Path, n: int) -> None:
    if n == 0:
        raise ModelFileError(f"{path} holds no samples; give at least one")


def _read_csv(path: Path, columns: int, raw: bool) -> Reading:
    try:
        with path.open(encoding="utf-8-sig") as file:
            skip, comma = _csv_head(file, path, columns)
        samples = _csv_fast(path, skip, comma, raw)
        if samples is None or not np.isfinite(samples).all() or samples.shape[1] != columns:
            # The slow reader says where the trouble is.
            with path.open(encoding="utf-8-sig") as file:
                samples = _csv_slow(file, path, skip, comma, columns, raw)
    except UnicodeDecodeError as error:
        raise ModelFileError(f"{path} is no text; write numbers separated by commas") from error
    return samples, None, False


def _csv_head(file: Iterable[str], path: Path, columns: int) -> tuple[int, bool]:
    """Return how many lines precede the first sample, and whether commas separate cells."""
    header_seen = False
    for index, line in enumerate(file):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        comma = "," in text
        cells = _csv_cells(text, comma)
        if not header_seen and not any(_is_number(cell) for cell in cells):
            header_seen = True
            continue
        _check_columns(path, len(cells), columns)
        return index, comma
    if header_seen:
        raise ModelFileError(f"{path} holds no numbers; write them separated by commas")
    raise ModelFileError(f"{path} holds no samples; give at least one")


def _csv_cells(text: str, comma: bool) -> list[str]:
    return [cell.strip() for cell in text.split(",")] if comma else text.split()


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def _csv_fast(path: Path, skip: int, comma: bool, raw: bool) -> Array | None:
    """Return the samples of a flawless file, None of any other."""
    try:
        with path.open(encoding="utf-8-sig") as file, warnings.catch_warnings():
            # Some releases of NumPy only warn of a fraction among integers.
            warnings.simplefilter("error")
            return np.loadtxt(
                file,
                dtype=np.int64 if raw else np.float64,
                delimiter="," if comma else None,
                skiprows=skip,
                ndmin=2,
            )
    except UnicodeDecodeError:
        raise
    except (ValueError, OverflowError, Warning):
        return None


def _csv_slow(
    file: Iterable[str], path: Path, skip: int, comma: bool, columns: int, raw: bool
) -> Array:
    rows = []
    for number, line in enumerate(file, start=1):
        text = line.partition("#")[0].strip()
        if number <= skip or not text:
            continue
        cells = _csv_cells(text, comma or "," in text)
        if len(cells) != columns:
            raise ModelFileError(
                f"{path}, line {number} has {_count(len(cells), 'cell')} but should have {columns}"
            )
        places = (f"{path}, line {number}, column {c}" for c in range(1, columns + 1))
        rows.append([_csv_number(cell, at, raw) for cell, at in zip(cells, places, strict=True)])
    return np.array(rows, dtype=np.int64 if raw else np.float64)


def _csv_number(cell: str, where: str, raw: bool) -> float | int:
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


def _read_wav(path: Path, columns: int, raw: bool) -> Reading:
    data, bits, rate = read_wav(path)
    _check_kind(path, data, raw)
    _check_columns(path, data.shape[1], columns)
    _check_not_empty(path, len(data))
    if raw:
        return data, rate, True
    with np.errstate(invalid="ignore"):
        reals = data.astype(np.float64)
    return (np.ldexp(reals, 1 - bits) if bits else reals), rate, bits > 0


def _csv_lines(data: Array) -> Iterable[bytes]:
    # tolist gives Python numbers, whose repr is the shortest text that reads back the same.
    return ((",".join(map(repr, row.tolist())) + "\n").encode() for row in data)


def _write_atomic(path: Path, write: Callable[[BinaryIO], object]) -> None:
    try:
        write_file(path, write)
    except (ValueError, struct.error) as error:
        raise EmitError(
            f"{path} cannot hold the samples ({reason_of(error)}); write .npy instead"
        ) from error


def _suffixes() -> str:
    return ", ".join(SUFFIXES[:-1]) + f" or {SUFFIXES[-1]}"


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"
