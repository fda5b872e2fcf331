"""Recurrent signals of a program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Data = Mapping[str, Any]


def reads(op: Data) -> list[str]:
    """Return the vectors that an operation reads, its own state included."""
    kind = op["kind"]
    if kind == "linear":
        return list(op["sources"])
    if kind == "pointwise":
        return [name for term in op["terms"] for name in (term["a"], term["b"]) if name]
    if kind == "spiking":
        return [op["cascade"]["source"], *_kept(op)]
    return [op["source"], *([] if kind in ("argmax", "scale") else writes(op))]


def writes(op: Data) -> list[str]:
    """Return the vectors that an operation writes."""
    kind = op.get("kind")
    if kind == "cascade":
        return [name for name in (op["silence"], op["z_outer"], op["z_inner"]) if name]
    if kind == "spiking":
        return [op["spikes"], *_kept(op)]
    if kind == "ladder":
        return [name for name in (op["silence"], op["previous"], op["state"]) if name]
    if kind == "dense":
        return [op["silence"], op["state"]]
    return [op["target"]] if "target" in op else []


def _kept(op: Data) -> list[str]:
    """Return the state vectors of a memory on spiking neurons."""
    return [op["membrane"] or op["generators"], *writes({**op["cascade"], "kind": "cascade"})]


def recurrent(program: Data) -> set[str]:
    """Return the vectors that depend on their own values of earlier steps."""
    follows: dict[str, set[str]] = {v["name"]: set() for v in program["vectors"]}
    for op in program["ops"]:
        for name in reads(op):
            follows[name] |= set(writes(op))
    return {name for name in follows if name in _reached(follows, name)}


def _reached(follows: Mapping[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    stack = list(follows[start])
    while stack:
        name = stack.pop()
        if name not in seen:
            seen.add(name)
            stack += follows[name]
    return seen
