"""Parser for the subset of RTLIL that Amaranth writes.

A signal specification becomes a tuple of chunks, lowest bits first; a chunk is a constant or a
slice of a wire.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Const:
    """A constant of ``width`` bits."""

    value: int
    width: int


@dataclass(frozen=True, slots=True)
class Bits:
    """A slice of a wire: ``width`` bits from bit ``low``."""

    wire: str
    low: int
    width: int


@dataclass(frozen=True, slots=True)
class FieldSource(Bits):
    """The bits that a named field stands for, which are not to be called by its name."""


Chunk = Const | Bits
Spec = tuple[Chunk, ...]


@dataclass(slots=True)
class Wire:
    """A wire of a module; ``direction`` is "input", "output" or empty.

    ``enum`` is the name of the enumeration whose ``members`` it holds: value to name.
    ``kept`` is a register that synthesis must not merge with others or with a multiplier.
    """

    name: str
    width: int = 1
    signed: bool = False
    direction: str = ""
    init: int | None = None
    enum: str = ""
    members: dict[int, str] = field(default_factory=dict)
    kept: bool = False


@dataclass(slots=True)
class RTLILCell:
    """An operator, whose kind starts with ``$``, or an instance of a module.

    ``inner`` is the path from a module that was replaced by its only instance to that instance.
    """

    kind: str
    name: str
    parameters: dict[str, int | str] = field(default_factory=dict)
    ports: dict[str, Spec] = field(default_factory=dict)
    inner: str = ""


@dataclass(slots=True)
class Assign:
    """``target = value`` inside a process."""

    target: Bits
    value: Spec


@dataclass(slots=True)
class Switch:
    """A switch inside a process, which takes the first matching case.

    Patterns are bit strings; a case without patterns is the default.
    """

    test: Spec
    cases: list[Case]


Statement = Assign | Switch
Case = tuple[tuple[str, ...], list[Statement]]
"""Patterns, and the statements to execute if one of them matches."""


@dataclass(slots=True)
class Module:
    """A module, with its parts in the order of the text."""

    name: str
    wires: dict[str, Wire] = field(default_factory=dict)
    cells: list[RTLILCell] = field(default_factory=list)
    processes: list[list[Statement]] = field(default_factory=list)
    connects: list[tuple[Spec, Spec]] = field(default_factory=list)


_TOKEN = re.compile(r"\{|\}|\[\d+(?::\d+)?\]|\d+'[01x-]*|[\\$][^\s]+")


def parse(text: str) -> list[Module]:
    """Return the modules of RTLIL text in order."""
    modules = []
    lines = (line.strip() for line in text.splitlines())
    for line in lines:
        if line.startswith("module "):
            modules.append(_module(line.split()[1], lines))
    return modules


def _module(name: str, lines: Iterator[str]) -> Module:
    module = Module(name.removeprefix("\\"))
    attributes: dict[str, str] = {}
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "end":
            return module
        if word == "attribute":
            key, _, value = rest.partition(" ")
            attributes[key.removeprefix("\\")] = value.strip('"')
            continue
        if word == "wire":
            wire = _wire(rest, attributes)
            module.wires[wire.name] = wire
        elif word == "cell":
            module.cells.append(_cell(module, rest, lines))
        elif word == "process":
            module.processes.append(_statements(module, lines)[0])
        elif word == "connect":
            target, value = _specs(module, rest)
            module.connects.append((target, value))
        attributes = {}
    raise ValueError(f"RTLIL of module {name} has no end")


_MEMBER = "enum_value_"


def _wire(text: str, attributes: dict[str, str]) -> Wire:
    words = text.split()
    wire = Wire(words[-1], signed="signed" in words, kept="keep" in attributes)
    if "init" in attributes:
        wire.init = int(attributes["init"].split("'")[1], 2)
    wire.enum = attributes.get("enum_base_type", "")
    wire.members = {
        int(key.removeprefix(_MEMBER), 2): name
        for key, name in attributes.items()
        if key.startswith(_MEMBER)
    }
    if "width" in words:
        wire.width = int(words[words.index("width") + 1])
    wire.direction = next((w for w in words if w in ("input", "output")), "")
    return wire


def _cell(module: Module, text: str, lines: Iterator[str]) -> RTLILCell:
    kind, name = text.split()
    cell = RTLILCell(kind.removeprefix("\\"), name.removeprefix("\\"))
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "end":
            return cell
        name, _, value = rest.removeprefix("signed ").partition(" ")
        key = name.removeprefix("\\")
        if word == "parameter":
            cell.parameters[key] = value.strip('"') if value.startswith('"') else _number(value)
        elif word == "connect":
            (cell.ports[key],) = _specs(module, value)
    raise ValueError(f"RTLIL of cell {name} has no end")


def _number(text: str) -> int:
    return int(text.split("'")[1], 2) if "'" in text else int(text)


def _statements(module: Module, lines: Iterator[str]) -> tuple[list[Statement], str]:
    """Return the statements up to the line that ends them, and that line."""
    found: list[Statement] = []
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "assign":
            target, value = _specs(module, rest)
            (bits,) = target
            assert isinstance(bits, Bits)
            found.append(Assign(bits, value))
        elif word == "switch":
            (test,) = _specs(module, rest)
            found.append(Switch(test, _cases(module, lines)))
        elif word in ("case", "end"):
            return found, line
    raise ValueError("RTLIL of a process has no end")


def _cases(module: Module, lines: Iterator[str]) -> list[Case]:
    cases = []
    line = next(lines)
    while line != "end":
        if not line.startswith("case"):
            line = next(lines)
            continue
        patterns = tuple(p.split("'")[1] for p in line[4:].replace(",", " ").split())
        body, line = _statements(module, lines)
        cases.append((patterns, body))
    return cases


def _specs(module: Module, text: str) -> list[Spec]:
    """Return the signal specifications in a piece of text."""
    found: list[Spec] = []
    concat: list[Spec] | None = None
    for token in _TOKEN.findall(text):
        into = found if concat is None else concat
        if token == "{":
            concat = []
        elif token == "}":
            assert concat is not None
            # a concatenation lists the highest bits first
            found.append(tuple(chunk for spec in reversed(concat) for chunk in spec))
            concat = None
        elif token[0] == "[":
            high, _, low = token[1:-1].partition(":")
            (bits,) = into[-1]
            assert isinstance(bits, Bits)
            start = int(low or high)
            into[-1] = (Bits(bits.wire, start, int(high) - start + 1),)
        elif token[0] in "\\$":
            wire = module.wires.get(token)
            into.append((Bits(token, 0, wire.width if wire else 1),))
        else:
            width, _, digits = token.partition("'")
            into.append((Const(int(digits.replace("x", "0") or "0", 2), int(width)),))
    return found
