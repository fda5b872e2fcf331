"""Frozen dataclasses as plain JSON data and back, by their annotations alone."""

from __future__ import annotations

import types
import typing
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any

NAMES: dict[type, str] = {
    dict: "an object",
    list: "a list",
    str: "text",
    int: "an integer",
    bool: "true or false",
}
"""What the types of JSON are called in errors."""


def to_data(value: Any) -> Any:
    """Return nested dataclasses as dicts of their fields, tuples as lists, enums as their values.

    A class with a ``kind`` of its own says it first, so that a union can be read back.
    """
    if is_dataclass(value):
        kind = {"kind": value.kind} if hasattr(value, "kind") else {}
        return kind | {f.name: to_data(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, tuple):
        # rows of integers are most of a program: they need no look at each
        plain = all(type(v) is int for v in value)
        return list(value) if plain else [to_data(v) for v in value]
    return value.value if isinstance(value, Enum) else value


def from_data(kind: Any, data: Any, what: str = "value") -> Any:
    """Return what `to_data` made of a value annotated as ``kind``; ``what`` names it in errors.

    Raises
    ------
    ValueError, KeyError
        If the data is something else.
    """
    if isinstance(kind, types.UnionType):
        return _from_union(kind, data, what)
    if typing.get_origin(kind) is tuple:
        return _from_list(typing.get_args(kind), data, what)
    if isinstance(kind, type) and is_dataclass(kind):
        _check_type(dict, data, what)
        hints = _hints(kind)
        return kind(**{name: from_data(hints[name], data[name], name) for name in hints})
    if issubclass(kind, Enum):
        values = [member.value for member in kind]
        if data not in values:
            raise ValueError(f"{what} must be one of {', '.join(values)}, not {data!r}")
        return kind(data)
    _check_type(kind, data, what)
    return data


@cache
def _hints(kind: type) -> dict[str, Any]:
    """Return the type of each field of a dataclass."""
    hints = typing.get_type_hints(kind)
    return {f.name: hints[f.name] for f in fields(kind)}


def _from_union(kind: types.UnionType, data: Any, what: str) -> Any:
    if data is None and type(None) in kind.__args__:
        return None
    members = [member for member in kind.__args__ if member is not type(None)]
    if len(members) == 1:
        return from_data(members[0], data, what)
    _check_type(dict, data, what)
    by_kind = {member.kind: member for member in members}
    # a list of them, because the value may be one that no dict can look up
    if data["kind"] not in list(by_kind):
        raise ValueError(f"kind must be one of {', '.join(by_kind)}, not {data['kind']!r}")
    return from_data(by_kind[data["kind"]], data, what)


def _from_list(of: tuple[Any, ...], data: Any, what: str) -> tuple[Any, ...]:
    _check_type(list, data, what)
    # rows of integers, as in `to_data`
    if of[0] is int and all(type(item) is int for item in data):
        return tuple(data)
    return tuple(from_data(of[0], item, what) for item in data)


def _check_type(kind: type, data: Any, what: str) -> None:
    # exactly that type: True is no integer here, and 12.0 neither
    if type(data) is not kind:
        raise ValueError(f"{what} must be {NAMES[kind]}, not {data!r}")
