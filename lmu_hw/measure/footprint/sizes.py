"""Flash and RAM, from the sections of the object and of the linked program."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ...firmware.boards.microcontrollers import Board
from ...firmware.boards.toolchain import Image, tool
from .calls import functions, reachable

STATE = "state"
"""Name of the instance in ``sim/firmware/harness.c``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Sizes of a compiled program [bytes].

    Attributes
    ----------
    code : dict of str to int
        Size of every function, inlined functions included.
    tables : int
        Constants that stay in flash.
    data, bss : int
        Global variables with and without an initial value; ``data`` includes constants where they
        are copied to RAM.
    library : int
        Called functions of the compiler's libraries.
    calls : tuple of str
        Their names.
    state : int
        One instance of the design.
    """

    code: dict[str, int]
    tables: int
    data: int
    bss: int
    library: int
    calls: tuple[str, ...]
    state: int


def sizes(target: Board, product: Path, image: Image) -> Sizes:
    """Return the sizes of a compiled program, with its whole interface linked.

    Parameters
    ----------
    target : Board
    product : Path
        Object file of ``NAME.c``.
    image : Image
    """
    sections = _sections(target, product)
    linked = _symbols(target, image.path)
    own = _symbols(target, product)
    defined = sorted(name for name, (kind, _) in own.items() if kind in "tT")
    calls = tuple(sorted(name for name, (kind, _) in own.items() if kind == "U"))
    if not target.toolchain.says_calls:
        called = [name for name in calls if not _of_harness(image, name)]
        calls = reachable(functions(target, image), called)
    constants = _sum(sections, ".rodata", ".srodata")
    in_ram = constants if target.toolchain.constants_in_ram else 0
    return Sizes(
        # as linked: the linker shortens code for RISC-V, and drops what is never called
        code={name: linked[name][1] for name in defined if name in linked},
        tables=_sum(sections, ".progmem") + constants - in_ram,
        data=_sum(sections, ".data", ".sdata") + in_ram,
        bss=_sum(sections, ".bss", ".sbss"),
        library=sum(linked[name][1] for name in calls if name in linked),
        calls=calls,
        state=linked[STATE][1],
    )


def _of_harness(image: Image, name: str) -> bool:
    """Return whether a symbol is start-up code of the harness, which AVR objects refer to."""
    at = image.symbols
    return at["harness_start"] <= at[name] < at["harness_end"]


def _symbols(target: Board, path: Path) -> dict[str, tuple[str, int]]:
    """Return the kind and the size of every symbol of a file; those without a size have 0."""
    found = {}
    for line in tool(target, "nm", "-S", str(path)).splitlines():
        *numbers, kind, name = line.split()
        found[name] = (kind, int(numbers[1], 16) if len(numbers) == 2 else 0)
    return found


def _sections(target: Board, path: Path) -> dict[str, int]:
    """Return the size of every section of a file."""
    found = re.findall(r"^(\.\S+)\s+(\d+)\s+\d+$", tool(target, "size", "-A", str(path)), re.M)
    return {name: int(n) for name, n in found}


def _sum(sections: dict[str, int], *prefixes: str) -> int:
    """Return the bytes of all sections of these names, subsections included."""
    kinds = tuple(f"{p}." for p in prefixes)
    return sum(n for name, n in sections.items() if name in prefixes or name.startswith(kinds))
