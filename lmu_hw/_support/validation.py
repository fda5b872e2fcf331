"""Check numbers from the user; each error names the value and states the valid range."""

from __future__ import annotations

import math
from typing import Any

from ..errors import SpecError


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
