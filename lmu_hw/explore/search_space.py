"""The space of an exploration: axes with their values, and the points of their grid."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from .._support.name_lookup import look_up
from ..errors import SpecError
from .exploration import ExploredAxis

HARDWARE = (
    *("lanes", "state_port", "parallel", "pipeline", "interleave"),
    *("sections_per_multiplier", "layers"),
)
"""Axes that change the Verilog and no word."""
MEMORY = (
    *("d", "theta", "discretizer", "substeps", "accuracy", "bandwidth", "bits", "realization"),
    *("output", "channels", "neurons", "neuron_model", "seed", "generators"),
    *("coef_bits", "weight_bits", "state_bits"),
)
"""Axes of a memory, as the options of ``generate``."""
NETWORK = (
    *("bits", "weight_bits", "act_bits", "coef_bits", "state_bits", "input_bits"),
    *("output_every", "dt_ratio"),
)
"""Axes of a trained network, as the options of ``generate``."""
MAX_POINTS = 1_000_000
MAX_VALUES = 10_000
"""Most values of an axis."""
_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)(?:\.\.(\d+))?\Z")

Choice = tuple[str, ...]
"""A point of the grid: a value, as text, for each axis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSpace:
    """The grid of an exploration.

    Parameters
    ----------
    axes : tuple of ExploredAxis
        Those that change words first, those of the hardware last, so that the points of one
        program follow each other.

    Raises
    ------
    SpecError
        If the grid has over a million points.
    """

    axes: tuple[ExploredAxis, ...]

    def __post_init__(self) -> None:
        if len(self) > MAX_POINTS:
            raise SpecError(
                f"the space must have at most {MAX_POINTS:,} points, not {len(self):,}: "
                "give fewer values"
            )

    def __len__(self) -> int:
        return math.prod(len(axis.values) for axis in self.axes)

    def __iter__(self) -> Iterator[Choice]:
        return itertools.product(*(axis.values for axis in self.axes))

    def number(self, choice: Choice) -> int:
        """Return the place of a point in the grid, from 1."""
        place = 0
        for axis, value in zip(self.axes, choice, strict=True):
            place = place * len(axis.values) + axis.values.index(value)
        return place + 1

    def settings(self, choice: Choice) -> dict[str, str]:
        """Return the value of a point on each axis, by name."""
        return {axis.name: value for axis, value in zip(self.axes, choice, strict=True)}

    def neighbours(self, choice: Choice) -> Iterator[Choice]:
        """Yield the points one value away on one axis."""
        for k, axis in enumerate(self.axes):
            at = axis.values.index(choice[k])
            for near in (at - 1, at + 1):
                if 0 <= near < len(axis.values):
                    yield (*choice[:k], axis.values[near], *choice[k + 1 :])


def space_of(
    over: Sequence[str] | Mapping[str, object], known: Sequence[str], what: str
) -> SearchSpace:
    """Return the space of axes that a user gives.

    Parameters
    ----------
    over : sequence of str, or mapping of str to sequence
        ``"bits=8,12,16"``, or ``{"bits": [8, 12, 16]}``. A range of whole numbers is ``4..16`` or
        ``4..16..4``, both ends included. Commas in a value are written as ``/``, as in
        ``weight_bits=8,4/6/8``.
    known : sequence of str
        Names of the axes that the source has, beside those of the hardware.
    what : str
        Name of the source for errors, such as ``a memory``.

    Raises
    ------
    SpecError
        If a name is not known or given twice, or an axis has no value, or one twice.
    """
    given = dict(over) if isinstance(over, Mapping) else _by_name(over)
    if not given:
        raise SpecError("over must name an axis and its values, as in --over bits=8,12,16")
    axes = []
    for name, values in given.items():
        look_up([name], dict.fromkeys((*known, *HARDWARE)), f"axis of {what}")
        axes.append(ExploredAxis(name=name, values=_values(name, values)))
    axes.sort(key=lambda axis: axis.name in HARDWARE)
    return SearchSpace(axes=tuple(axes))


def _by_name(over: Sequence[str]) -> dict[str, object]:
    found: dict[str, object] = {}
    for text in over:
        name, equals, values = text.partition("=")
        name = name.strip().lstrip("-").replace("-", "_")
        if not equals or not values.strip():
            raise SpecError(f"over must be a name and values, as in bits=8,12,16, not {text!r}")
        name = "d" if name == "order" else name
        if name in found:
            raise SpecError(f"over must name {name} once, not twice: give all its values together")
        found[name] = values.split(",")
    return found


def _values(name: str, given: object) -> tuple[str, ...]:
    """Return the values of an axis as text, ranges written out."""
    if isinstance(given, str | int | float) or not isinstance(given, Sequence):
        given = [given]
    found: list[str] = []
    for value in given:
        text = _text(value).strip()
        if match := _RANGE.match(text):
            low, high, step = int(match[1]), int(match[2]), int(match[3] or 1)
            if low > high or step < 1 or (high - low) // step >= MAX_VALUES:
                raise SpecError(
                    f"a range of {name} must rise in at most {MAX_VALUES:,} steps, as in 4..16 or "
                    f"4..16..4, not {text!r}"
                )
            found += map(str, range(low, high + 1, step))
        elif text:
            found.append(text)
        else:
            raise SpecError(f"{name} must have no empty value, as in {name}=8,12,16")
    spellings: dict[object, str] = {}
    for text in found:
        number = _number(text)
        known = spellings.get(number)
        spellings[number] = text
        if known is not None:
            twice = f"{text} twice" if known == text else f"{known} and {text}"
            raise SpecError(f"{name} must have each value once, not {twice}")
    if not found or len(found) > MAX_VALUES:
        raise SpecError(f"{name} must have 1 to {MAX_VALUES:,} values, not {len(found):,}")
    return tuple(found)


def _number(text: str) -> object:
    """Return the number that a text spells, or the text."""
    try:
        return float(text)
    except ValueError:
        return text


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return "/".join(map(str, value))
    return str(value)
