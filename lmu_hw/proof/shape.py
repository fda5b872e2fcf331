"""Checks the structure of ``program.json`` before anything is derived from it.

Only types and sizes are checked; the claims of a program that breaks other rules fail later.
"""

from __future__ import annotations

from typing import Any

MAX_LENGTH = 1 << 20
"""Limit of the length of vectors and lists [entries]."""
MAX_POINT = 1 << 10
"""Limit of shifts and binary points [bits], which limits the memory for shifted integers."""
MAX_COUNT = 1 << 31
"""Limit of windows and of output_every [steps]."""
MAX_NUMBER = 1 << 63
"""Limit of all other integers."""

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
_ADAPTOR = {"coef": _NUMBER, "shift": _POINT}
_MEMORY = {"source": str, "silence": str, "window": _COUNT}
_CASCADE = {
    **_MEMORY,
    "z_outer": str,
    "z_inner": str,
    "chain_fmt": _FMT,
    "sections": [[_ADAPTOR]],
}
_OPS: dict[str, Any] = {
    "cascade": _CASCADE,
    "spiking": {
        "cascade": _CASCADE,
        "population": _POINT,
        "quanta": [_POINT],
        "membrane": str,
        "generators": str,
        "seeds": [_NUMBER],
        "spikes": str,
    },
    "ladder": {
        **_MEMORY,
        "state": str,
        "previous": str,
        "substeps": _COUNT,
        "sections": [_ADAPTOR],
        "reflection": _ADAPTOR,
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
    "scale": {
        "source": str,
        "target": str,
        "n_channels": _LENGTH,
        "coefs": [_NUMBER],
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
    """Raise `ValueError`, `TypeError` or `KeyError` unless data have the structure of a program."""
    _check(_PROGRAM, program, "program")
    for op in program["ops"]:
        if op["kind"] not in _OPS:
            raise ValueError(f"kind must be one of {', '.join(_OPS)}, not {_short(op['kind'])}")
        _check(_OPS[op["kind"]], op, op["kind"])


def _check(shape: Any, data: Any, what: str) -> None:
    """Check data against a type, a range, an optional shape (tuple), a list or a dict of shapes."""
    if isinstance(shape, tuple):
        if data is not None:
            _check(shape[1], data, what)
    elif isinstance(shape, range):
        # type(), because True is an instance of int
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
    """Return a short description of a value of any size."""
    return f"{data}"[:40] if type(data) in (int, float, bool, str) else type(data).__name__
