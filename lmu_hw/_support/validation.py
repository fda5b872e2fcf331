"""Check numbers from the user; each error names the value and states the valid range."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import SpecError
from .array_types import Array, Words


def check_int(name: str, value: Any, low: int, high: int) -> None:
    """Raise `SpecError` unless ``value`` is an int from ``low`` to ``high``."""
    if type(value) is not int or not low <= value <= high:
        raise SpecError(f"{name} must be a whole number from {low} to {high}, not {value!r}")


def check_positive(name: str, value: Any) -> float:
    """Return ``value`` as a float, or raise `SpecError` unless it is finite and > 0."""
    if not check_real(name, value) > 0:
        raise SpecError(f"{name} must be > 0, not {value!r}")
    return float(value)


def check_real(name: str, value: Any) -> float:
    """Return ``value`` as a float, or raise `SpecError` unless it is a finite number."""
    try:
        if isinstance(value, bool) or not math.isfinite(value):
            raise TypeError
        return float(value)
    except OverflowError:  # an int outside the range of float64
        raise SpecError(f"{name} must be a finite number, not one this large") from None
    except TypeError:
        raise SpecError(f"{name} must be a finite number, not {value!r}") from None


def real_array(name: str, values: npt.ArrayLike) -> Array:
    """Return ``values`` as float64, or raise `SpecError` unless all are finite real numbers."""
    array = _rectangular(name, values)
    if array.dtype.kind not in "biuf" or not np.isfinite(array).all():
        found = "NaN or infinity" if array.dtype.kind == "f" else array.dtype
        raise SpecError(f"{name} must hold finite real numbers, not {found}")
    return array.astype(np.float64)


def integer_array(name: str, values: npt.ArrayLike, remedy: str = "") -> Words:
    """Return ``values`` as int64, or raise `SpecError`, with a remedy, unless they are integers."""
    array = _rectangular(name, values)
    if array.dtype.kind not in "iu" or (array.size and array.max() > np.iinfo(np.int64).max):
        more = f"; {remedy}" if remedy else ""
        raise SpecError(f"{name} must be integers of 64 bits, not {array.dtype}{more}")
    return array.astype(np.int64)


def _rectangular(name: str, values: npt.ArrayLike) -> npt.NDArray[Any]:
    try:
        return np.asarray(values)
    except (ValueError, TypeError, OverflowError):
        raise SpecError(f"{name} must be an array whose rows are of one length") from None
