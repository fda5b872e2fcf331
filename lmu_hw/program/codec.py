"""Frozen dataclasses as plain JSON data and back, by their annotations alone.

A field is written under its own name unless `written`, as its metadata, says otherwise.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any

NAMES: dict[type, str] = {
    dict: "an object",
    list: "a list",
    str: "text",
    int: "an integer",
    float: "a number",
    bool: "true or false",
}
"""What the types of JSON are called in errors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRule:
    """How a field is written; see `written`."""

    key: str = ""
    optional: bool = False
    absent: Any = None
    inline: bool = False
    skipped: bool = False


PLAIN = FieldRule()


def written(
    *,
    key: str = "",
    optional: bool = False,
    absent: Any = None,
    inline: bool = False,
    skipped: bool = False,
) -> dict[str, FieldRule]:
    """Return the metadata of a field that is not written under its own name.

    Parameters
    ----------
    key : str
        Its key in JSON instead of its name.
    optional : bool
        Leave it out where it is ``absent``; such a field has that as its default.
    absent : object
        The value for which an optional field is left out.
    inline : bool
        It holds a dataclass without a kind, whose keys stand among those of the dataclass around
        it; nothing where it is None.
    skipped : bool
        Never write it; such a field has a default.

    Examples
    --------
    >>> from dataclasses import dataclass, field
    >>> @dataclass
    ... class Score:
    ...     mean: float = field(metadata=written(key="average"))
    ...     worst: float | None = field(default=None, metadata=written(optional=True))
    >>> to_data(Score(0.5))
    {'average': 0.5}
    """
    rule = FieldRule(key=key, optional=optional, absent=absent, inline=inline, skipped=skipped)
    return {"json": rule}


class Report:
    """A result that prints as text, shows as a table in a notebook and is written as JSON."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON data: what ``--json`` prints and files hold."""
        data: dict[str, Any] = to_data(self)
        return data


def to_data(value: Any) -> Any:
    """Return nested dataclasses as dicts of their fields, tuples as lists, enums as their values.

    A class with a ``kind`` that is not a field writes it first, so that a union can be read back.
    """
    if is_dataclass(value):
        return _record_data(value)
    if isinstance(value, tuple):
        # rows of integers are most of a program: they need no look at each
        plain = all(type(v) is int for v in value)
        return list(value) if plain else [to_data(v) for v in value]
    if isinstance(value, Mapping):
        return {key: to_data(item) for key, item in value.items()}
    return value.value if isinstance(value, Enum) else value


def _record_data(value: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    record: type = type(value)
    named = _rules(record)
    if "kind" not in named and hasattr(value, "kind"):
        found["kind"] = value.kind
    for name, rule in named.items():
        item = getattr(value, name)
        left_out = (rule.optional and item == rule.absent) or (rule.inline and item is None)
        if rule.skipped or left_out:
            continue
        if rule.inline:
            found |= _record_data(item)
        else:
            found[rule.key or name] = to_data(item)
    return found


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
    if typing.get_origin(kind) is Mapping:
        _check_type(dict, data, what)
        return {key: from_data(typing.get_args(kind)[1], item, key) for key, item in data.items()}
    if isinstance(kind, type) and is_dataclass(kind):
        return _from_record(kind, data, what)
    if kind is float and type(data) is int:
        return data
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


@cache
def _rules(kind: type) -> dict[str, FieldRule]:
    """Return how each field of a dataclass is written."""
    return {f.name: f.metadata.get("json", PLAIN) for f in fields(kind)}


def _from_record(kind: type, data: Any, what: str) -> Any:
    _check_type(dict, data, what)
    values = {}
    for name, rule in _rules(kind).items():
        hint, key = _hints(kind)[name], rule.key or name
        if rule.inline:
            values[name] = _from_inline(hint, data, what)
        elif not rule.skipped and (key in data or not rule.optional):
            values[name] = from_data(hint, data[key], key)
    return kind(**values)


def _from_inline(kind: Any, data: dict[str, Any], what: str) -> Any:
    """Read a dataclass whose keys stand among others."""
    known = [_keys(member) for member in _members(kind)]
    if _may_be_none(kind) and not any(keys & data.keys() for keys in known):
        return None
    return from_data(kind, data, what)


@cache
def _keys(kind: type) -> frozenset[str]:
    """Return the keys of a dataclass in JSON, those of inline dataclasses among them."""
    found: set[str] = set()
    for name, rule in _rules(kind).items():
        if rule.inline:
            found.update(*(_keys(member) for member in _members(_hints(kind)[name])))
        else:
            found.add(rule.key or name)
    return frozenset(found)


def _members(kind: Any) -> list[Any]:
    """Return the types of a union except None, or the type itself."""
    every = kind.__args__ if isinstance(kind, types.UnionType) else (kind,)
    return [member for member in every if member is not type(None)]


def _may_be_none(kind: Any) -> bool:
    return isinstance(kind, types.UnionType) and type(None) in kind.__args__


def _from_union(kind: types.UnionType, data: Any, what: str) -> Any:
    if data is None and _may_be_none(kind):
        return None
    members = _members(kind)
    if len(members) == 1:
        return from_data(members[0], data, what)
    _check_type(dict, data, what)
    if not all(hasattr(member, "kind") for member in members):
        # without a kind, the keys tell
        return from_data(max(members, key=lambda m: len(_keys(m) & data.keys())), data, what)
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
