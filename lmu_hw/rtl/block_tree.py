"""Blocks of a design and their memories, read from the hierarchy that Amaranth elaborates.

`inventory` finds the same blocks in the netlist, with their multiplications; this is faster.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Fragment

from ..program.integer_program import Program
from .block_memories import VerilogPlatform
from .engine import Engine
from .schedule import Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignMemory:
    """A ROM or RAM.

    Attributes
    ----------
    width, depth : int
        Bits of a word, and number of words.
    writable : bool
        Whether it is a RAM.
    """

    width: int
    depth: int
    writable: bool

    @property
    def bits(self) -> int:
        """Bits in all."""
        return self.width * self.depth


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignBlock:
    """A block of a design.

    Attributes
    ----------
    path : str
        Instance path below the top module, such as ``chain.states``.
    memory : DesignMemory or None
        Its memory, if it is one.
    """

    path: str
    memory: DesignMemory | None = None


def block_tree(program: Program, plan: Schedule) -> tuple[DesignBlock, ...]:
    """Return every block below the top module, parents before their children.

    Parameters
    ----------
    program : Program
    plan : Schedule
        Schedule of the same program.
    """
    name = program.name
    top = Fragment.get(Engine(program, plan, name), VerilogPlatform(name))
    return tuple(_blocks(top, ()))


def _blocks(fragment: Any, path: tuple[str, ...]) -> Iterator[DesignBlock]:
    for child, name, *_ in fragment.subfragments:
        if hasattr(child, "parameters"):
            continue
        below = (*path, str(name))
        yield DesignBlock(path=".".join(below), memory=_memory(child))
        yield from _blocks(child, below)


def _memory(fragment: Any) -> DesignMemory | None:
    """Return the memory that a block wraps: an instance with a width and a depth."""
    for child, *_ in fragment.subfragments:
        found = getattr(child, "parameters", {})
        if "DEPTH" in found:
            return DesignMemory(
                width=int(found["WIDTH"]),
                depth=int(found["DEPTH"]),
                writable="FILE" not in found,
            )
    return None
