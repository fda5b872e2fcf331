"""Look up objects by names that a user gives."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import TypeVar

from ..errors import SpecError

T = TypeVar("T")


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
