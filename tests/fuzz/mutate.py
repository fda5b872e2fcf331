"""Damage done to bytes, texts, JSON values and command lines."""

from __future__ import annotations

import json
import re
import struct
from random import Random
from typing import Any

INTS = (0, 1, -1, 2, 3, 7, 8, 63, 64, 65, 255, 256, 65535, 65536, 10**6, 10**9)
INTS += (2**31 - 1, 2**31, -(2**31), 2**32, 2**53 + 1, 2**62, 2**63 - 1, 2**63, -(2**63), 2**64)
INTS += (10**20, -(10**30), 10**400)
FLOATS = (0.0, -0.0, 0.5, 1.0, -1.5, 1e-320, 1e-9, 1e9, 1e30, 1.7e308, -1e300)
FLOATS += (float("nan"), float("inf"), float("-inf"))
TEXTS = (
    "",
    " ",
    "x",
    "lmu",
    "*/",
    "a\nb",
    "\0",
    "\x1b[2J",
    "é",
    "\ud800",
    "\U0001f600",
    "x" * 5000,
)
TEXTS += ("u", "z_inner", "state", "input", "dense", "cascade", "linear", "tanh", "softmax", "zoh")
TEXTS += (
    "1",
    "-1",
    "1e999",
    "nan",
    "inf",
    "taps=0,0.5,1",
    "taps=",
    "taps=,",
    "auto",
    "true",
    "null",
)
TEXTS += (
    "../../etc/passwd",
    "/",
    ".",
    "%s%n",
    "{}",
    "[",
    "0x10",
    "1_000",
    "9" * 5000,
    "1e400",
    "٣",
)
PUNCTUATION = b"[]{}(),:;\"'\\=#.-+_eE0123456789 \t\r\n\0\xff\x80"

Value = Any


def hostile(rng: Random) -> Value:
    """Return a value that no author of a file had in mind."""
    kind = rng.randrange(9)
    if kind < 3:
        return rng.choice(INTS)
    if kind == 3:
        return rng.choice(FLOATS)
    if kind == 4:
        return rng.choice(TEXTS)
    if kind == 5:
        return rng.choice((None, True, False))
    if kind == 6:
        return rng.choice(([], {}, [[]], [None], {"": None}, [0] * 300))
    if kind == 7:
        return rng.randrange(-(2 ** rng.randrange(70)), 2 ** rng.randrange(1, 70))
    deep: Value = rng.choice((1, {}, "x"))
    for _ in range(rng.choice((2, 30, 900))):
        deep = [deep] if rng.random() < 0.7 else {"a": deep}
    return deep


def near(rng: Random, value: Value) -> Value:
    """Return a value of the same kind that is a little different."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        change = rng.randrange(6)
        step = 1 << rng.randrange(40)
        choices = (value + 1, value - 1, -value, value * 2, value + step, value - step)
        return choices[change]
    if isinstance(value, float):
        return rng.choice((-value, value * 1e3, value / 1e3, value + 1, round(value, 1)))
    if isinstance(value, str):
        return value[: rng.randrange(len(value) + 1)] + rng.choice(("", "_", "x", "0"))
    if isinstance(value, list) and value:
        change, at = rng.randrange(6), rng.randrange(len(value))
        if change == 0:
            return value[:at] + value[at + 1 :]
        if change == 1:
            return value[:at] + [value[at]] * rng.choice((2, 3, 200)) + value[at + 1 :]
        if change == 2:
            return value[::-1]
        if change == 3:
            return value[:at]
        if change == 4:
            return [*value, hostile(rng)]
        return [value[at]] * len(value)
    if isinstance(value, dict) and value:
        key = rng.choice(list(value))
        other = rng.choice((*value, "", "x", "kind", "name"))
        if rng.random() < 0.5:
            return {k: v for k, v in value.items() if k != key}
        return {**value, other: value[key]}
    return hostile(rng)


def places(value: Value) -> list[tuple[Any, ...]]:
    """Return the paths to every value inside a JSON value, itself first."""
    found: list[tuple[Any, ...]] = [()]
    for path in found:
        inside = at(value, path)
        if isinstance(inside, dict):
            found += [(*path, key) for key in inside]
        elif isinstance(inside, list):
            found += [(*path, k) for k in range(len(inside))]
    return found


def at(value: Value, path: tuple[Any, ...]) -> Value:
    """Return what lies at the end of a path."""
    for key in path:
        value = value[key]
    return value


def put(value: Value, path: tuple[Any, ...], new: Value) -> Value:
    """Return a copy of a JSON value with another one at the end of a path."""
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = put(value[path[0]], path[1:], new)
    return copy


class Tree:
    """A JSON value to be damaged again and again."""

    def __init__(self, value: Value) -> None:
        self.value = value
        self._places = places(value)
        # what stands near the root decides more than one of many numbers in a row
        self._weights = [4.0 ** -len(path) for path in self._places]

    def damaged(self, rng: Random) -> Value:
        """Return the value with one to three others inside it."""
        value = self.value
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            if rng.random() < 0.3:
                (path,) = rng.choices(self._places, self._weights)
            else:
                path = rng.choice(self._places)
            try:
                old = at(value, path)
                change = rng.random()
                if change < 0.45:
                    new = near(rng, old)
                elif change < 0.9:
                    new = hostile(rng)
                else:
                    new = at(self.value, rng.choice(self._places))
                value = put(value, path, new)
            except (AttributeError, IndexError, KeyError, TypeError):
                continue  # the place went with an earlier change
        return value


def json_bytes(rng: Random, value: Value) -> bytes:
    """Return a value as JSON, now and then with damage that no value has."""
    try:
        text = json.dumps(value)
    except (RecursionError, ValueError):
        text = "[" * 2000
    content = text.encode("utf-8", "surrogatepass")
    chance = rng.random()
    if chance < 0.03:
        return content.replace(b":", b":" + b"[" * 100_000, 1)
    return damaged_text(rng, content) if chance < 0.1 else content


def damaged_text(rng: Random, content: bytes) -> bytes:
    """Return text with another number, word or sign in some places."""
    for _ in range(rng.choice((1, 1, 2, 4))):
        change = rng.randrange(4)
        if change == 0:
            found = list(re.finditer(rb"-?[0-9]+(\.[0-9]+)?", content))
            if found:
                match = rng.choice(found)
                new = rng.choice((*map(str, INTS), *map(str, FLOATS), "9" * 5000)).encode()
                content = content[: match.start()] + new + content[match.end() :]
        elif change == 1:
            found = list(re.finditer(rb"[A-Za-z_]+", content))
            if found:
                match = rng.choice(found)
                new = rng.choice(TEXTS).encode("utf-8", "surrogatepass")
                content = content[: match.start()] + new + content[match.end() :]
        elif change == 2:
            lines = content.split(b"\n")
            k = rng.randrange(len(lines))
            lines[k : k + 1] = rng.choice(([], [lines[k]] * 2, [lines[k]] * 500, [b"", lines[k]]))
            content = b"\n".join(lines)
        else:
            content = damaged_bytes(rng, content, PUNCTUATION)
    return content


def damaged_bytes(rng: Random, content: bytes, alphabet: bytes = bytes(range(256))) -> bytes:
    """Return bytes that were flipped, cut, repeated, moved, or made the ends of their ranges."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        if not data:
            break
        change, a = rng.randrange(8), _somewhere(rng, len(data))
        b = min(len(data), a + rng.choice((1, 2, 4, 8, 64, 1000)))
        if change == 0:
            data[a] ^= 1 << rng.randrange(8)
        elif change == 1:
            data[a] = rng.choice(alphabet)
        elif change == 2:
            del data[a:b]
        elif change == 3:
            data[a:a] = data[a:b] * rng.choice((1, 2, 50))
        elif change == 4:
            del data[a:]
        elif change == 5:
            c = rng.randrange(len(data))
            data[c : c + b - a] = data[a:b]
        elif change == 6:
            form = rng.choice(("<B", "<H", ">H", "<I", ">I", "<Q", ">Q"))
            top = 1 << 8 * struct.calcsize(form)
            value = rng.choice((0, 1, top - 1, top // 2, top // 2 - 1, rng.randrange(top)))
            data[a : a + struct.calcsize(form)] = struct.pack(form, value)
        else:
            data[a:a] = bytes(rng.choices(alphabet, k=rng.choice((1, 3, 20))))
    return bytes(data)


def _somewhere(rng: Random, length: int) -> int:
    """Return a place, more often than not near an end: there stand headers and directories."""
    if length > 256 and rng.random() < 0.6:
        place = rng.randrange(128)
        return place if rng.random() < 0.6 else length - 1 - place
    return rng.randrange(length)
