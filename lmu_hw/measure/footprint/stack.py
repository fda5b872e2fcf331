"""Stack depth: the deepest call chain, from gcc's reports.

``-fcallgraph-info=su`` reports the frame of each function, as ``-fstack-usage`` does, and the call
graph. Generated code has no recursion and no call through a pointer, so that the frames along a
call chain add up to the stack. Functions of the compiler's libraries push a few registers more,
which gcc does not report.

gcc for AVR has only ``-fstack-usage``: there the calls, and the pushes of the libraries, come from
the machine code; see `calls`.
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
"""Kinds of ``-fstack-usage`` with a bound; the second pushes arguments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallGraph:
    """Stack frames and calls of functions.

    Attributes
    ----------
    frames : dict of str to (int, str)
        Bytes and kind of every function; the bytes are a bound where the kind is ``static``.
    calls : dict of str to set of str
    """

    frames: dict[str, tuple[int, str]]
    calls: dict[str, set[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallChain:
    """Nested calls, outermost first, each with the bytes of its frame."""

    frames: tuple[tuple[str, int], ...]

    @property
    def n_bytes(self) -> int:
        """Sum of all frames [bytes]."""
        return sum(n for _, n in self.frames)


def option(target: Board) -> str:
    """Return the compiler option whose report `read` takes."""
    return "-fcallgraph-info=su" if target.toolchain.says_calls else "-fstack-usage"


def read(target: Board, product: Path, image: Image) -> CallGraph:
    """Return the frames and calls of a program that was compiled with `option`.

    Parameters
    ----------
    target : Board
    product : Path
        Object file of ``NAME.c``, with the compiler's report beside it.
    image : Image
        The linked program.
    """
    if target.toolchain.says_calls:
        return from_callgraph(product.with_suffix(".ci").read_text(encoding="utf-8"))
    found = functions(target, image)
    reported = from_usage(product.with_suffix(".su").read_text(encoding="utf-8"))
    return CallGraph(
        # compiled functions: frame as reported; library functions: pushed bytes
        frames={n: reported.get(_of_copy(n), (f.pushed, f.kind)) for n, f in found.items()},
        calls={name: set(f.calls) for name, f in found.items()},
    )


def from_callgraph(text: str) -> CallGraph:
    """Return the call graph in a report of ``-fcallgraph-info=su``."""
    calls: dict[str, set[str]] = {}
    for caller, called in _EDGE.findall(text):
        calls.setdefault(caller, set()).add(called)
    return CallGraph(
        frames={name: (int(n), kind) for name, n, kind in _NODE.findall(text)}, calls=calls
    )


def from_usage(text: str) -> dict[str, tuple[int, str]]:
    """Return the frames in a report of ``-fstack-usage``; of clones of a function, the largest."""
    found: dict[str, tuple[int, str]] = {}
    for name, n, kind in _USAGE.findall(text):
        frame = (int(n), "static" if kind in _BOUNDED else kind)
        # a clone without a bound leaves the function without one
        found[_of_copy(name)] = max(
            found.get(_of_copy(name), frame), frame, key=lambda f: (f[1] != "static", f[0])
        )
    return found


def _of_copy(name: str) -> str:
    """Return the name of a function without its clone number, which gcc sometimes omits.

    Examples
    --------
    >>> _of_copy("f.constprop.0"), _of_copy("f.constprop"), _of_copy("f")
    ('f.constprop', 'f.constprop', 'f')
    """
    return re.sub(r"\.\d+$", "", name)


def deepest(graph: CallGraph, function: str) -> CallChain:
    """Return the deepest call chain that starts with a function.

    Raises
    ------
    ToolError
        If a frame is not known, or a function calls itself.
    """
    if function not in graph.frames:
        raise ToolError(f"the compiler reports no stack of {function}")
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
        if name in graph.frames  # others are library functions
    ]
    longest = max(below, key=lambda chain: sum(n for _, n in chain), default=())
    # gcc prefixes static functions with the file name
    return ((function.rpartition(":")[2], n_bytes), *longest)
