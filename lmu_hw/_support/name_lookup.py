"""What goes by a name that a user gives."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import TypeVar

from ..errors import SpecError

T = TypeVar("T")


def look_up(names: Sequence[str], known: Mapping[str, T], what: str) -> tuple[T, ...]:
    """Return what goes by these names, each once.

    Parameters
    ----------
    names : sequence of str
    known : mapping
    what : str
        What the names are of, for the message.

    Raises
    ------
    SpecError
        If nothing goes by one of the names.

    Examples
    --------
    >>> look_up(["b", "a", "b"], {"a": 1, "b": 2}, "letter")
    (2, 1)
    """
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"give one of {', '.join(known)}"
            raise SpecError(f"unknown {what} {name!r}; {hint}")
    return tuple(known[name] for name in dict.fromkeys(names))
