"""Comments of the Verilog modules, from the docstrings of their blocks."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping

from .verilog import ModuleComments, pattern_of

_SECTIONS = ("Latency:", "Throughput:", "Schedule:")
_STREAM = {
    "In": {
        "valid": "There is a word; it must stay until it is taken",
        "ready": "The word, if there is one, is taken in this cycle",
    },
    "Out": {
        "valid": "There is a word; it stays until the reader takes it",
        "ready": "The reader takes the word, if there is one",
    },
}
"""Ports of a stream beside its words, by its direction."""


def comments_of(block: type, signatures: Mapping[str, type] | None = None) -> ModuleComments:
    """Return the comments of a block's module.

    Parameters
    ----------
    block : type
        A component whose docstring has a section ``Members``.
    signatures : mapping, optional
        Classes whose docstrings describe the ports ``<member>_<name>``, by member, or by the type
        that the docstring gives a member.
    """
    text = inspect.cleandoc(block.__doc__ or "")
    ports = _with_streams(text)
    kinds = signatures or {}
    typed = {
        name: kinds[kind]
        for names, kind in re.findall(r"^(\w[\w, ]*) : (?:In|Out)\((\w+)\)$", text, re.MULTILINE)
        if kind in kinds
        for name in names.split(", ")
    }
    prefixes = {name: kind for name, kind in kinds.items() if name[0].islower()}
    for member, signature in (prefixes | typed).items():
        inner = _with_streams(inspect.cleandoc(signature.__doc__ or ""))
        named = {f"{member}_{name}": about for name, about in inner.items()}
        ports = {name: about for name, about in ports.items() if name not in named} | named
    title = _plain(text.partition("\n")[0])
    timing = tuple(timing_of(text))
    return ModuleComments(above=(title, *(("", *timing) if timing else ())), ports=ports)


def timing_of(docstring: str) -> Iterator[str]:
    """Yield the paragraphs of a docstring about latency, throughput and schedule.

    Those that refer to Python, and not only to ports or blocks, are left out.

    Examples
    --------
    >>> list(timing_of('''Adds.
    ...
    ... Latency: 1 cycle
    ... from ``a``.
    ... Throughput: `Plan.interval`.
    ...
    ... Schedule:
    ...
    ... - add: register the sum.
    ... '''))
    ['Latency: 1 cycle from a.', 'Schedule:', '- add: register the sum.']
    """
    paragraphs: list[str] = []
    for line in docstring.splitlines():
        if line.startswith(_SECTIONS) or (paragraphs and line.startswith("- ")):
            paragraphs.append(line.rstrip())
        elif re.match(r"-+$", line) and paragraphs:
            # the line before is the title of another section
            paragraphs[-1] = paragraphs[-1].rpartition(" ")[0]
            break
        elif paragraphs and line:
            paragraphs[-1] += " " + line.strip()
    python = re.compile(r"`\w+\.\w|(?<!`)`[a-z]\w*`")
    for paragraph in paragraphs:
        if not python.search(paragraph):
            yield _plain(paragraph)


def _with_streams(docstring: str) -> dict[str, str]:
    """Return the comments of the members of a docstring, and of the parts of its streams."""
    streams = {
        name: flow
        for names, flow in re.findall(r"^(\w[\w, ]*) : (In|Out)\(stream", docstring, re.MULTILINE)
        for name in names.split(", ")
    }
    ports: dict[str, str] = {}
    for name, about in members_of(docstring).items():
        if name in streams:
            ports[f"{name}_data"] = about
            ports |= {f"{name}_{part}": text for part, text in _STREAM[streams[name]].items()}
        else:
            ports[name] = about
    return ports


def members_of(docstring: str) -> dict[str, str]:
    """Return the first sentence about each member of a docstring.

    Examples
    --------
    >>> members_of('''Adds.
    ...
    ... Members
    ... -------
    ... a, b : In(4)
    ...     Terms, from ``left``. Both are taken.
    ... total : Out(5)
    ... ''')
    {'a': 'Terms, from left', 'b': 'Terms, from left', 'total': ''}

    The members of ``words_0, .. : In(4)`` share the name ``words_#``.
    """
    _, _, section = docstring.partition("\nMembers\n-------\n")
    found: dict[str, str] = {}
    names: list[str] = []
    groups: list[list[str]] = []
    for line in section.splitlines():
        head = re.match(r"(\w+(?:, (?:\w+|\.\.))*)(?: : .*)?$", line)
        if line.startswith(_SECTIONS) or re.match(r"-+$", line):
            break
        if head:
            names = head[1].split(", ")
            if names[-1] == "..":
                names = [pattern_of(names[0])]
            found |= dict.fromkeys(names, "")
            groups.append(names)
        elif line.startswith("    ") and names:
            for name in names:
                found[name] = f"{found[name]} {line.strip()}".strip()
        elif line:
            names = []
    return {name: text for names in groups for name, text in _shares(names, found[names[0]])}


def _shares(names: list[str], text: str) -> Iterator[tuple[str, str]]:
    """Yield each name with its part of the first sentence, if that has a part for each name."""
    sentence = re.split(r"(?<=[.:]) (?=[A-Z])", text, maxsplit=1)[0]
    parts = sentence.rstrip(".").split("; ")
    for k, name in enumerate(names):
        part = parts[k] if len(parts) == len(names) > 1 else sentence.rstrip(".")
        # names keep their small letters
        yield name, _plain(part[:1].upper() + part[1:])


def _plain(text: str) -> str:
    return text.replace("`", "")
