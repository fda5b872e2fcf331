"""Stack: the deepest chain of calls, from what gcc says of every function.

``-fcallgraph-info=su`` writes the frame of each function, as ``-fstack-usage`` does, and who calls
whom. Generated code has no recursion and no call through a pointer: the frames along a chain of
calls are all there is. Functions of the compiler's libraries take a few registers more, of which
gcc says nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import ToolError

OPTION = "-fcallgraph-info=su"
SUFFIX = ".ci"
_NODE = re.compile(r'node: \{ title: "([^"]*)" label: "[^"]*?\\n(\d+) bytes \((\w+)[^"]*"')
_EDGE = re.compile(r'edge: \{ sourcename: "([^"]*)" targetname: "([^"]*)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Calls within calls, outermost first, each with the bytes of its frame."""

    frames: tuple[tuple[str, int], ...]

    @property
    def n_bytes(self) -> int:
        """Bytes of all frames."""
        return sum(n for _, n in self.frames)


def deepest(text: str, function: str) -> Chain:
    """Return the deepest chain of calls that begins with a function.

    Parameters
    ----------
    text : str
        What ``-fcallgraph-info=su`` wrote.
    function : str

    Raises
    ------
    ToolError
        If gcc does not know a frame, or a function calls itself.
    """
    frames = {name: (int(n), kind) for name, n, kind in _NODE.findall(text)}
    calls: dict[str, set[str]] = {}
    for caller, called in _EDGE.findall(text):
        calls.setdefault(caller, set()).add(called)
    if function not in frames:
        raise ToolError(f"the compiler says nothing of the stack of {function}")
    return Chain(frames=_deepest(function, frames, calls, ()))


def _deepest(
    function: str,
    frames: dict[str, tuple[int, str]],
    calls: dict[str, set[str]],
    above: tuple[str, ...],
) -> tuple[tuple[str, int], ...]:
    if function in above:
        raise ToolError(f"{function} calls itself: its stack has no bound")
    n_bytes, kind = frames[function]
    if kind != "static":
        raise ToolError(f"the stack of {function} is {kind}: it has no bound")
    below = [
        _deepest(name, frames, calls, (*above, function))
        for name in sorted(calls.get(function, ()))
        if name in frames  # the others are of a library
    ]
    longest = max(below, key=lambda chain: sum(n for _, n in chain), default=())
    # a static function's name comes with its file's
    return ((function.rpartition(":")[2], n_bytes), *longest)
