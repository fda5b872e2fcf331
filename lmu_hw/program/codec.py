"""Convert frozen dataclasses to plain JSON data and back, using their annotations."""

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
"""Names of the JSON types in error messages."""


def to_data(value: Any) -> Any:
    """Convert nested dataclasses to dicts, tuples to lists, and enums to their values.

    A class attribute ``kind`` becomes the first key, which identifies the class in a union.
    """
    if is_dataclass(value):
        kind = {"kind": value.kind} if hasattr(value, "kind") else {}
        return kind | {f.name: to_data(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, tuple):
        # fast path: most of a program is rows of integers
        plain = all(type(v) is int for v in value)
        return list(value) if plain else [to_data(v) for v in value]
    return value.value if isinstance(value, Enum) else value


def from_data(kind: Any, data: Any, name: str = "value") -> Any:
    """Invert `to_data`.

    Parameters
    ----------
    kind : type
        Annotation of the value: a dataclass, enum, union, tuple or JSON type.
    data : any
        Parsed JSON data.
    name : str
        Name of the value, for error messages.

    Raises
    ------
    ValueError, KeyError
        If the data does not match the annotation.
    """
    if isinstance(kind, types.UnionType):
        return _from_union(kind, data, name)
    if typing.get_origin(kind) is tuple:
        return _from_list(typing.get_args(kind), data, name)
    if isinstance(kind, type) and is_dataclass(kind):
        _check_type(dict, data, name)
        hints = _hints(kind)
        return kind(**{name: from_data(hints[name], data[name], name) for name in hints})
    if issubclass(kind, Enum):
        values = [member.value for member in kind]
        if data not in values:
            raise ValueError(f"{name} must be one of {', '.join(values)}, not {data!r}")
        return kind(data)
    _check_type(kind, data, name)
    return data


@cache
def _hints(kind: type) -> dict[str, Any]:
    """Return the type of each field of a dataclass."""
    hints = typing.get_type_hints(kind)
    return {f.name: hints[f.name] for f in fields(kind)}


def _from_union(kind: types.UnionType, data: Any, name: str) -> Any:
    if data is None and type(None) in kind.__args__:
        return None
    members = [member for member in kind.__args__ if member is not type(None)]
    if len(members) == 1:
        return from_data(members[0], data, name)
    _check_type(dict, data, name)
    by_kind = {member.kind: member for member in members}
    # compare with a list: the value may be unhashable
    if data["kind"] not in list(by_kind):
        raise ValueError(f"kind must be one of {', '.join(by_kind)}, not {data['kind']!r}")
    return from_data(by_kind[data["kind"]], data, name)


def _from_list(of: tuple[Any, ...], data: Any, name: str) -> tuple[Any, ...]:
    _check_type(list, data, name)
    # fast path, as in `to_data`
    if of[0] is int and all(type(item) is int for item in data):
        return tuple(data)
    return tuple(from_data(of[0], item, name) for item in data)


def _check_type(kind: type, data: Any, name: str) -> None:
    # an exact match: neither True nor 12.0 is an integer here
    if type(data) is not kind:
        raise ValueError(f"{name} must be {NAMES[kind]}, not {data!r}")
