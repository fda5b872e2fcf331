"""Data files of examples: .npz files that must hold certain arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import ModelFileError
from ..models.importers.bare_arrays import read_npz

MAX_BYTES = 1 << 31
"""Most bytes that the arrays of a file may take as float64."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedArray:
    """What an array of a data file must be.

    Attributes
    ----------
    shape : tuple of int and str
        A name stands for any size from 1, the same in all arrays of the file.
    low, high : int, optional
        Range of the elements, which must then be integers. Default: finite numbers.
    """

    shape: tuple[int | str, ...]
    low: int | None = None
    high: int | None = None


def read_expected(
    path: Path, arrays: Mapping[str, ExpectedArray], *, source: str
) -> dict[str, np.ndarray]:
    """Return arrays of a .npz file by name, in their stored types.

    Parameters
    ----------
    path : Path
    arrays : mapping of str to ExpectedArray
        Other arrays of the file are left out.
    source : str
        Where to download the file.

    Raises
    ------
    ModelFileError
        If the file is missing or damaged, or an array is missing or is not as expected.
    """
    found = read_npz(path, MAX_BYTES)
    sizes: dict[str, int] = {}
    for name, expected in arrays.items():
        wrong = _wrong(name, found.get(name), expected, sizes)
        if wrong:
            raise ModelFileError(f"{path}: {wrong}; download it from {source}")
    return {name: found[name] for name in arrays}


def _wrong(
    name: str, array: np.ndarray | None, expected: ExpectedArray, sizes: dict[str, int]
) -> str | None:
    """Return what is wrong with an array; note the sizes that it gives names."""
    if array is None:
        return f"no array {name}"
    if array.ndim == len(expected.shape):
        for size, wanted in zip(array.shape, expected.shape, strict=True):
            if isinstance(wanted, str) and size:
                sizes.setdefault(wanted, size)
    shape = tuple(sizes.get(n, n) if isinstance(n, str) else n for n in expected.shape)
    if array.shape != shape:
        shown = ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "")
        return f"{name} has shape {array.shape} but should be ({shown})"
    if expected.low is None or expected.high is None:
        return None if np.isfinite(array).all() else f"{name} must hold finite numbers"
    if array.dtype.kind not in "iu" or array.min() < expected.low or array.max() > expected.high:
        return f"{name} must hold integers from {expected.low} to {expected.high}"
    return None
