"""What a user chooses of the hardware; no word of the program depends on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from .spec import check_int

MAX_LANES = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """Choices for the Verilog of a program.

    Parameters
    ----------
    lanes : int
        Multiply-accumulate lanes, 1 to 64.

    Raises
    ------
    SpecError
        If a choice is out of its range.
    """

    lanes: int = 1

    def __post_init__(self) -> None:
        check_int("lanes", self.lanes, 1, MAX_LANES)


def chosen(options: Mapping[str, Any], keys: dict[str, Any] | None = None) -> Hardware:
    """Return what a command line asks for.

    Parameters
    ----------
    options : mapping
        None where an option was not given.
    keys : dict, optional
        Of a specification file; those of the hardware are taken out.

    Raises
    ------
    SpecError
        If a choice is out of its range.
    """
    names = [f.name for f in fields(Hardware)]
    given = {name: keys.pop(name) for name in names if keys and name in keys}
    return Hardware(**given | {name: options[name] for name in names if options[name] is not None})
