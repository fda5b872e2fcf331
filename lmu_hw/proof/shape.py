"""Whether ``program.json`` has the shape of a program, before anything is derived from it.

Types and sizes alone: a program that breaks its own rules is still looked at, and its claims fail.
"""

from __future__ import annotations

from typing import Any

MAX_LENGTH = 1 << 20
"""Longest vector, longest list [entries]."""
MAX_POINT = 1 << 10
"""Farthest shift or binary point [bits]: what is moved so far takes as much memory."""
MAX_COUNT = 1 << 31
"""Largest window and pace [steps]."""
MAX_NUMBER = 1 << 63
"""Largest of all other integers."""

_POINT, _COUNT, _NUMBER = (range(-n, n + 1) for n in (MAX_POINT, MAX_COUNT, MAX_NUMBER))
_LENGTH = range(1, MAX_LENGTH + 1)
_FMT = {"int_bits": _POINT, "frac_bits": _POINT, "signed": bool}
_FUNCTION = {
    "name": str,
    "in_fmt": _FMT,
    "pieces": [[_NUMBER]],
    "shifts": [_POINT],
    "guard": _POINT,
}
_TARGET = {"target": str, "function": (None, _FUNCTION)}
_MEMORY = {"source": str, "silence": str, "window": _COUNT}
_OPS: dict[str, Any] = {
    "cascade": {
        **_MEMORY,
        "z_outer": str,
        "z_inner": str,
        "chain_fmt": _FMT,
        "sections": [[{"coef": _NUMBER, "shift": _POINT}]],
    },
    "dense": {**_MEMORY, "state": str, "rows": [[_NUMBER]], "shifts": [_POINT]},
    "linear": {
        **_TARGET,
        "sources": [str],
        "n_channels": _LENGTH,
        "rows": [[_NUMBER]],
        "aligns": [_POINT],
        "biases": [_NUMBER],
        "multipliers": [_NUMBER],
        "shifts": [_POINT],
    },
    "pointwise": {**_TARGET, "terms": [{"a": str, "b": str, "minus": bool}]},
    "argmax": {"source": str, "target": str},
}
_PROGRAM = {
    "digest": str,
    "clock": str,
    "output_every": _COUNT,
    "vectors": [{"name": str, "length": _LENGTH, "role": str, "fmt": _FMT}],
    "ops": [{"kind": str}],
}


def check_shape(program: Any) -> None:
    """Raise `ValueError` or `KeyError` unless data have the types and sizes of a program."""
    _check(_PROGRAM, program, "program")
    for op in program["ops"]:
        if op["kind"] not in _OPS:
            raise ValueError(f"kind must be one of {', '.join(_OPS)}, not {_short(op['kind'])}")
        _check(_OPS[op["kind"]], op, op["kind"])


def _check(shape: Any, data: Any, what: str) -> None:
    """Hold data against a type, a range, a tuple (None or a shape), a list or a dict of shapes."""
    if isinstance(shape, tuple):
        if data is not None:
            _check(shape[1], data, what)
    elif isinstance(shape, range):
        # exactly an integer: True is none
        if type(data) is not int or data not in shape:
            low, high = shape[0], shape[-1]
            raise ValueError(f"{what} must be an integer from {low} to {high}, not {_short(data)}")
    elif isinstance(shape, dict):
        _check(dict, data, what)
        for name, inner in shape.items():
            _check(inner, data[name], name)
    elif isinstance(shape, list):
        _check(list, data, what)
        if len(data) > MAX_LENGTH:
            raise ValueError(f"{what} must have at most {MAX_LENGTH} entries, not {len(data)}")
        for item in data if shape else ():
            _check(shape[0], item, what)
    elif type(data) is not shape:
        raise ValueError(f"{what} must be {_NAMES[shape]}, not {_short(data)}")


_NAMES = {dict: "an object", list: "a list", str: "text", bool: "true or false"}


def _short(data: Any) -> str:
    """Return what a value is, of which a file may hold any amount."""
    return f"{data}"[:40] if type(data) in (int, float, bool, str) else type(data).__name__
