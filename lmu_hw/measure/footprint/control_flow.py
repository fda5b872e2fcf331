"""Control flow of machine code: the blocks that a function can execute, with their successors.

A block is straight-line code with one entry and one exit. Blocks of called functions are included.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import ToolError
from ...firmware.boards.disassembly import Instruction

_PLACE = re.compile(r"\b(?:0x)?([0-9a-f]+) <")
_INSIDE = re.compile(r"<[^>]*\+0x[0-9a-f]+>")
"""A place that is not the start of a function."""
_CONDITION = "eq|ne|cs|hs|cc|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le"
_BRANCH = re.compile(
    rf"b({_CONDITION})|cbn?z|b(eq|ne|lt|ge|ltu|geu|gt|le|gtu|leu)|b(eq|ne|le|ge|lt|gt)z|letp|wlstp|wls"
)
"""Conditional branches; with those of a loop whose count is in the link register (Armv8.1-M)."""
_JUMP = {"b", "j"}
_CALL = {"bl", "jal", "jalr"}
_RETURN = re.compile(rf"(?:bx(?P<bx>{_CONDITION})?|(?:pop|ldm\w*|ldr)(?P<load>{_CONDITION})?|ret)")
_INDIRECT = {"tbb", "tbh", "blx", "jr"}


class UnknownFlowError(ToolError):
    """The code jumps to an address that is not in the instruction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeBlock:
    """Straight-line code.

    Attributes
    ----------
    start, length : int
        Address of the first instruction, and number of instructions.
    successors : tuple of int
        Addresses that can follow in the same function; after a call, that of the next instruction.
    calls : int or None
        Address of the function that it calls at its end.
    """

    start: int
    length: int
    successors: tuple[int, ...]
    calls: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _End:
    """What an instruction that ends a block can lead to."""

    targets: tuple[int, ...]
    falls_through: bool
    calls: int | None = None


def blocks(code: Sequence[Instruction], entry: int) -> dict[int, CodeBlock]:
    """Return all blocks that can be reached from a function, by address.

    Parameters
    ----------
    code : sequence of Instruction
        In the order of their addresses.
    entry : int
        Address of the function.

    Raises
    ------
    UnknownFlowError
        If the function or one that it calls jumps to a computed address.
    """
    place = {one.address: n for n, one in enumerate(code)}
    ends: dict[int, _End] = {}
    leaders: set[int] = set()
    todo = [entry]
    while todo:
        at = todo.pop()
        if at in leaders:
            continue
        if at not in place:
            raise UnknownFlowError(f"there is no code at {at:#x}")
        leaders.add(at)
        n = place[at]
        while (end := _end(code[n])) is None:
            n += 1
        ends[n] = end
        after = (code[n + 1].address,) if end.falls_through else ()
        todo += [*end.targets, *after, *(() if end.calls is None else (end.calls,))]
    return {at: _block(code, place[at], leaders, ends) for at in sorted(leaders)}


def _block(
    code: Sequence[Instruction], first: int, leaders: set[int], ends: dict[int, _End]
) -> CodeBlock:
    n = first
    while n not in ends and code[n + 1].address not in leaders:
        n += 1
    end = ends.get(n, _End(targets=(), falls_through=True))
    after = (code[n + 1].address,) if end.falls_through else ()
    return CodeBlock(
        start=code[first].address,
        length=n + 1 - first,
        successors=tuple(dict.fromkeys((*end.targets, *after))),
        calls=end.calls,
    )


def _end(one: Instruction) -> _End | None:
    """Return what an instruction leads to if it ends a block; None for all others."""
    name, operands = one.mnemonic, one.operands
    if name == "le":
        name = "letp" if operands.startswith("lr") else "b"  # without a count, it always jumps
    place = _PLACE.search(operands)
    target = None if place is None else int(place[1], 16)
    if name in _CALL and target is not None and not _INSIDE.search(operands):
        return _End(targets=(), falls_through=True, calls=target)
    # a Cortex-M0 jumps by bl within functions of more than 2 kB
    if name in _JUMP or (name in {"jr", *_CALL} and target is not None):
        if target is None:
            raise UnknownFlowError(f"{one.function} jumps to a computed address")
        return _End(targets=(target,), falls_through=False)
    if _BRANCH.fullmatch(name) and target is not None:
        return _End(targets=(target,), falls_through=True)
    back = _RETURN.fullmatch(name)
    if back and _returns(name, operands):
        return _End(targets=(), falls_through=bool(back["bx"] or back["load"]))
    if name in _INDIRECT | _CALL or name.startswith("bx") or re.match(r"(\.\w)?\s*pc,", operands):
        raise UnknownFlowError(f"{one.function} jumps to a computed address")
    return None


def _returns(name: str, operands: str) -> bool:
    """Return whether an instruction, of a kind that can, goes back to the caller."""
    if name.startswith("bx"):
        return operands.strip() == "lr"
    if name.startswith(("pop", "ldm")):
        return bool(re.search(r"\bpc\}", operands))
    if name.startswith("ldr"):
        return bool(re.match(r"(\.\w)?\s*pc, \[sp\]", operands))
    return True
