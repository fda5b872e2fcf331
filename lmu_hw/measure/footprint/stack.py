"""Stack: the deepest chain of calls, from what gcc says of every function.

``-fcallgraph-info=su`` writes the frame of each function, as ``-fstack-usage`` does, and who calls
whom. Generated code has no recursion and no call through a pointer: the frames along a chain of
calls are all there is. Functions of the compiler's libraries take a few registers more, of which
gcc says nothing.

A gcc that has ``-fstack-usage`` alone is that of AVR: there the calls, and the registers that the
libraries push, come from the machine code; see `calls`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ...errors import ToolError
from ...firmware.boards.microcontrollers import Board
from ...firmware.boards.toolchain import Image
from .calls import functions

_NODE = re.compile(r'node: \{ title: "([^"]*)" label: "[^"]*?\\n(\d+) bytes \((\w+)[^"]*"')
_EDGE = re.compile(r'edge: \{ sourcename: "([^"]*)" targetname: "([^"]*)"')
_USAGE = re.compile(r"^\S+:([^\s:]+)\t(\d+)\t(\S+)$", re.MULTILINE)
_BOUNDED = ("static", "dynamic,bounded")
"""Kinds of ``-fstack-usage`` whose number is a bound: the second pushes arguments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallGraph:
    """Frames, and who calls whom.

    Attributes
    ----------
    frames : dict of str to (int, str)
        Bytes of every function, and their kind: ``static`` where that is a bound.
    calls : dict of str to set of str
    """

    frames: dict[str, tuple[int, str]]
    calls: dict[str, set[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallChain:
    """Calls within calls, outermost first, each with the bytes of its frame."""

    frames: tuple[tuple[str, int], ...]

    @property
    def n_bytes(self) -> int:
        """Bytes of all frames."""
        return sum(n for _, n in self.frames)


def option(target: Board) -> str:
    """Return the option of the compiler that makes it say what `read` looks for."""
    return "-fcallgraph-info=su" if target.toolchain.says_calls else "-fstack-usage"


def read(target: Board, product: Path, image: Image) -> CallGraph:
    """Return the frames of a program that was compiled with `option`, and its calls.

    Parameters
    ----------
    target : Board
    product : Path
        The object of ``NAME.c``; what the compiler wrote of it lies beside it.
    image : Image
        The same, linked.
    """
    if target.toolchain.says_calls:
        return from_callgraph(product.with_suffix(".ci").read_text(encoding="utf-8"))
    found = functions(target, image)
    said = from_usage(product.with_suffix(".su").read_text(encoding="utf-8"))
    return CallGraph(
        # a compiled function's frame is its compiler's word, a library's is what it pushes
        frames={n: said.get(_of_copy(n), (f.pushed, f.kind)) for n, f in found.items()},
        calls={name: set(f.calls) for name, f in found.items()},
    )


def from_callgraph(text: str) -> CallGraph:
    """Return what ``-fcallgraph-info=su`` wrote."""
    calls: dict[str, set[str]] = {}
    for caller, called in _EDGE.findall(text):
        calls.setdefault(caller, set()).add(called)
    return CallGraph(
        frames={name: (int(n), kind) for name, n, kind in _NODE.findall(text)}, calls=calls
    )


def from_usage(text: str) -> dict[str, tuple[int, str]]:
    """Return the frames that ``-fstack-usage`` wrote; of copies of a function, the largest."""
    found: dict[str, tuple[int, str]] = {}
    for name, n, kind in _USAGE.findall(text):
        frame = (int(n), "static" if kind in _BOUNDED else kind)
        # what has no bound stays so
        found[_of_copy(name)] = max(
            found.get(_of_copy(name), frame), frame, key=lambda f: (f[1] != "static", f[0])
        )
    return found


def _of_copy(name: str) -> str:
    """Return the name of a function without the number of its copy, which gcc leaves out at times.

    Examples
    --------
    >>> _of_copy("f.constprop.0"), _of_copy("f.constprop"), _of_copy("f")
    ('f.constprop', 'f.constprop', 'f')
    """
    return re.sub(r"\.\d+$", "", name)


def deepest(graph: CallGraph, function: str) -> CallChain:
    """Return the deepest chain of calls that begins with a function.

    Raises
    ------
    ToolError
        If a frame is not known, or a function calls itself.
    """
    if function not in graph.frames:
        raise ToolError(f"the compiler says nothing of the stack of {function}")
    return CallChain(frames=_deepest(function, graph, ()))


def _deepest(
    function: str, graph: CallGraph, above: tuple[str, ...]
) -> tuple[tuple[str, int], ...]:
    if function in above:
        raise ToolError(f"{function} calls itself: its stack has no bound")
    n_bytes, kind = graph.frames[function]
    if kind != "static":
        raise ToolError(f"the stack of {function} is {kind}: it has no bound")
    below = [
        _deepest(name, graph, (*above, function))
        for name in sorted(graph.calls.get(function, ()))
        if name in graph.frames  # the others are of a library
    ]
    longest = max(below, key=lambda chain: sum(n for _, n in chain), default=())
    # a static function's name comes with its file's
    return ((function.rpartition(":")[2], n_bytes), *longest)
