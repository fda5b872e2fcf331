"""`Channel`: name, unit and scale of one word of an input or output."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import FormatError
from .array_types import Array
from .identifiers import is_channel_name

MAX_UNIT = 16
"""Longest unit [characters]."""
MIN_SCALE, MAX_SCALE = 1e-30, 1e30
"""Limits of the magnitude of scales and offsets, so that constants in C fit a double."""
_UNSAFE = ("*/", "/*", "??", "\\", '"', "'")
"""What ends a comment or a text in C."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """What one word of an input or output stands for: ``value = scale * w + offset``.

    ``w`` is the value of the word in its format. For data that a model reads as
    ``(value - mean) / std``, as after scikit-learn's StandardScaler, ``scale`` is the standard
    deviation and ``offset`` the mean.

    Parameters
    ----------
    name : str
        Lower-case identifier of at most 40 characters, no keyword of C or C++; empty: no name.
    unit : str
        At most 16 printable ASCII characters, such as ``mV`` or ``m/s^2``; empty: no unit.
    scale : float
        Value of one unit of w [unit], not 0, of magnitude 1e-30 to 1e30.
    offset : float
        Value of w = 0 [unit], of magnitude up to 1e30.

    Raises
    ------
    FormatError
        If a field is out of range.

    Examples
    --------
    >>> ecg = Channel(name="ecg", unit="mV", scale=0.5, offset=1.0)
    >>> float(ecg.normalize(2.0)), float(ecg.denormalize(2.0))
    (2.0, 2.0)
    """

    name: str = ""
    unit: str = ""
    scale: float = 1.0
    offset: float = 0.0

    def __post_init__(self) -> None:
        if type(self.name) is not str or (self.name and not is_channel_name(self.name)):
            raise FormatError(
                "a channel's name must be a lower-case identifier of at most 40 characters that "
                f"is not a keyword of C or C++, such as ecg, not {_short(self.name)}"
            )
        if type(self.unit) is not str or not _is_unit(self.unit):
            raise FormatError(
                f"a channel's unit must be at most {MAX_UNIT} printable ASCII characters without "
                f"quotes, backslashes and C comments, such as mV or uV, not {_short(self.unit)}"
            )
        for field, low in (("scale", MIN_SCALE), ("offset", 0.0)):
            value = getattr(self, field)
            number = _real(value)
            # NaN fails every comparison
            if number is None or not low <= abs(number) <= MAX_SCALE:
                raise FormatError(
                    f"a channel's {field} must be a number of magnitude {low:g} to {MAX_SCALE:g}, "
                    f"not {_short(value)}"
                )
            # adding zero turns -0 into 0
            object.__setattr__(self, field, number + 0.0)

    def normalize(self, values: npt.ArrayLike) -> Array:
        """Return ``w = (value - offset) / scale`` for values in the channel's unit."""
        return np.asarray((np.asarray(values, dtype=np.float64) - self.offset) / self.scale)

    def denormalize(self, w: npt.ArrayLike) -> Array:
        """Return ``value = scale * w + offset`` in the channel's unit."""
        return np.asarray(np.asarray(w, dtype=np.float64) * self.scale + self.offset)

    def __str__(self) -> str:
        """Return the channel as a formula, such as ``ecg [mV] = 0.5 w + 1``."""
        unit = f"[{self.unit}] " if self.unit else ""
        offset = f" {'-' if self.offset < 0 else '+'} {abs(self.offset):g}" if self.offset else ""
        return f"{self.name or 'value'} {unit}= {self.scale:g} w{offset}"


def check_channels(what: str, channels: Any, length: int) -> None:
    """Raise `FormatError` unless there is one channel for each word, and their names differ."""
    if type(channels) is not tuple or not all(type(c) is Channel for c in channels):
        raise FormatError(f"channels of {what} must be a tuple of Channel, one for each word")
    if len(channels) != length:
        raise FormatError(
            f"{what} has {len(channels)} channels but should have {length}, one for each word"
        )
    seen: set[str] = set()
    for name in filter(None, (c.name for c in channels)):
        if name in seen:
            raise FormatError(f"channel names of {what} must differ, but {name!r} occurs twice")
        seen.add(name)


def describe(channels: Sequence[Channel]) -> str:
    """Return the channels in one line; a list of more than four is abbreviated in the middle."""
    texts = [str(c) for c in channels]
    if len(texts) > 1 and len(set(texts)) == 1:
        return f"{len(texts)} x {texts[0]}"
    return ", ".join(texts if len(texts) <= 4 else [*texts[:3], "...", texts[-1]])


def _is_unit(text: str) -> bool:
    plain = text.isascii() and text.isprintable() and len(text) <= MAX_UNIT
    return plain and not any(part in text for part in _UNSAFE)


def _real(value: Any) -> float | None:
    """Return a number as a float, or None if it is not one."""
    try:
        return None if isinstance(value, bool | str) else math.fsum([value])
    except (TypeError, ValueError, OverflowError):
        return None


def _short(value: Any) -> str:
    """Return a wrong value in an error, cut to a line."""
    try:
        return repr(value)[:60]
    except ValueError:  # an int of too many digits
        return "a number this large"
