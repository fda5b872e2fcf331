"""Options that say what input and output words stand for: names, units, scales, offsets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .._support.channel import Channel
from ..errors import FormatError, SpecError

FIELDS = {"scale": "scale", "offset": "offset", "names": "name", "units": "unit"}
"""Field of a channel by the end of its option."""
NUMBERS = ("scale", "offset")
KEYS = tuple(f"{side}_{end}" for side in ("input", "output") for end in FIELDS)
"""The options, as keys of a specification file."""


def add_channels(sub: Any, default: str) -> None:
    """Add the options; ``default`` is what holds where none is given."""
    group = sub.add_argument_group(
        "units of inputs and outputs",
        "A word of value w stands for scale * w + offset. Give one value for all channels, or one "
        f"for each as in --input-offset=-0.5,2. {default}",
    )
    for side in ("input", "output"):
        for end, metavar, text in (
            ("scale", "S,S", "value of w = 1 less that of w = 0, as a standard deviation"),
            ("offset", "O,O", "value of w = 0, as a mean"),
            ("names", "a,b", "lower-case identifiers, for C and reports"),
            ("units", "U,U", "such as mV"),
        ):
            group.add_argument(f"--{side}-{end}", metavar=metavar, help=text)


def chosen(options: Mapping[str, Any], keys: dict[str, Any] | None = None) -> dict[str, list[Any]]:
    """Return the values of the options that are given; those of ``keys`` are removed from it."""
    taken = {name: keys.pop(name) for name in KEYS if keys and name in keys}
    taken |= {name: options[name] for name in KEYS if options.get(name) is not None}
    return {name: _values(value) for name, value in taken.items()}


def channels(
    given: Mapping[str, list[Any]], side: str, n: int, known: tuple[Channel, ...] | None
) -> tuple[Channel, ...] | None:
    """Return the channels of ``n`` words: those known, with the given fields replaced.

    Raises
    ------
    SpecError
        If an option has not one value, or one for each word, or a value is not valid.
    """
    found = known if known is not None and len(known) == n else (Channel(),) * n
    own = [name for name in given if name.startswith(f"{side}_")]
    for name in own:
        flag, values = f"--{name.replace('_', '-')}", given[name]
        if len(values) not in (1, n):
            each = "1" if n == 1 else f"1 for all, or {n}"
            raise SpecError(f"{flag} has {len(values)} values but should have {each}")
        field = FIELDS[name.partition("_")[2]]
        if field == "name" and len(values) < n:
            raise SpecError(f"{flag} must be {n} names that differ, one for each {side}")
        try:
            found = tuple(
                replace(channel, **{field: _number(value) if field in NUMBERS else value})
                for channel, value in zip(found, values * (n // len(values)), strict=True)
            )
        except FormatError as error:
            raise SpecError(f"{flag}: {error}") from None
    return found if own else known


def _values(value: Any) -> list[Any]:
    """Return the values in an option, or in a key of a file: a number, a text or a list."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")]
    return list(value) if isinstance(value, list) else [value]


def _number(value: Any) -> Any:
    """Return a text as a number if it is one; the channel checks it."""
    try:
        return float(value) if isinstance(value, str) and "_" not in value else value
    except ValueError:
        return value
