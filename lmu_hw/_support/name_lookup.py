"""Look up objects and members of enums by names that a user gives."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, TypeVar

from ..errors import SpecError

T = TypeVar("T")
E = TypeVar("E", bound=Enum)


def look_up(names: Sequence[str], known: Mapping[str, T], kind: str) -> tuple[T, ...]:
    """Return the objects with these names, without duplicates.

    Parameters
    ----------
    names : sequence of str
    known : mapping
        Objects by name.
    kind : str
        Kind of the objects, for the error message.

    Raises
    ------
    SpecError
        If a name is unknown; the message suggests a close one.

    Examples
    --------
    >>> look_up(["b", "a", "b"], {"a": 1, "b": 2}, "letter")
    (2, 1)
    """
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"give one of {', '.join(known)}"
            raise SpecError(f"unknown {kind} {name!r}; {hint}")
    return tuple(known[name] for name in dict.fromkeys(names))


def member(option: str, value: Any, kind: type[E]) -> E:
    """Return the member of an enum that a user gives, by its value or as it is.

    Raises
    ------
    SpecError
        If there is none; the message lists all.

    Examples
    --------
    >>> Colour = Enum("Colour", {"RED": "red"})
    >>> member("colour", "red", Colour) is member("colour", Colour.RED, Colour)
    True
    """
    try:
        return kind(value)
    except ValueError:
        choices = ", ".join(str(known.value) for known in kind)
        raise SpecError(f"{option} must be one of {choices}, not {value!r}") from None
