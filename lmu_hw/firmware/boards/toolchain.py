"""Compiles the C of a build directory with the harness of `sim/firmware` for a board."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..._support.subprocesses import run_tool
from ..._support.templates import sim_dir
from ...errors import SpecError, ToolError
from ...program.integer_program import Program, Role
from .. import scratch_bytes
from ..c_types import type_bits
from ..layout import lay_out
from ..shared_kernels import c_sources
from .installed import check
from .microcontrollers import KB, Board

OPTIMIZE = ("-O2", "-ffunction-sections", "-fdata-sections")
"""Common compiler options for firmware."""
IMAGE = "firmware.elf"
_OTHER_OUTPUT = re.compile(r"-(E|S|c|x|M|o|flto|fsyntax-only|save-temps|-?help|-?version|v|#)")
"""Options after which there is no object file with the program's functions where it should be."""
_OTHER_CORE = re.compile(r"-m(cpu|arch|mcu|abi|float-abi|thumb|arm|[0-9]+)\b")
"""Options that select another core or ABI than the target's."""


class DoesNotFitError(ToolError):
    """The program is larger than the memory of the board."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A linked program.

    Attributes
    ----------
    path : Path
    symbols : dict of str to int
        Addresses by symbol.
    """

    path: Path
    symbols: dict[str, int]


def build(target: Board, program: Program, c_dir: Path, place: Path, *cflags: str) -> Image:
    """Compile the C files of a program for a board, and link them with the harness.

    Parameters
    ----------
    target : Board
    program : Program
    c_dir : Path
        Directory of the C files.
    place : Path
        Directory for all output.
    *cflags : str
        More options for the program's C file.

    Raises
    ------
    ModelFileError
        If a file is missing.
    DoesNotFitError
        If the program is larger than the board's memory.
    ToolError
        If a tool is missing, or fails.
    """
    check(target)
    name, sim = program.name, sim_dir() / "firmware"
    layout = lay_out(program, name)
    row = program.n_words(Role.INPUT) * type_bits(layout.in_type) // 8
    row += program.n_words(Role.OUTPUT) * type_bits(layout.out_type) // 8
    defines = (
        f"-DPREFIX={name}",
        f"-DPREFIX_UPPER={name.upper()}",
        f'-DHEADER="{name}.h"',
        f"-DOUTPUT_EVERY={program.output_every}",
        f"-DCHUNK_STEPS={max(1, target.chunk // row)}",
    )
    compile_object(target, program, c_dir, place, *cflags)
    _compile(
        target, sim / "harness.c", place / "harness.o", (*defines, "-iquote", str(c_dir.resolve()))
    )
    _compile(target, sim / target.toolchain.start, place / "start.o", ())
    path = place / IMAGE
    _link(target, place, path, scratch_bytes(program) + target.stack)
    return Image(path=path, symbols=symbols(target, path))


def checked(cflags: Sequence[str]) -> tuple[str, ...]:
    """Return options of a caller for the program's C file.

    Raises
    ------
    SpecError
        If one is no option, changes what the compiler writes, or selects another core.
    """
    for option in cflags:
        if not re.fullmatch(r"-\S+", option):
            raise SpecError(
                "cflags must be options of the compiler, each one word that starts with -, such as "
                f"-Os or -DNAME=1, not {option!r}"
            )
        if _OTHER_OUTPUT.match(option):
            raise SpecError(
                f"cflags must not change what the compiler writes, as {option} does: leave it out"
            )
        if _OTHER_CORE.match(option):
            raise SpecError(f"cflags must not select a core, as {option} does: give its target")
    return tuple(cflags)


def optimize(target: Board) -> tuple[str, ...]:
    """Return the compiler options for a board, without those that select its core."""
    return (OPTIMIZE[0], f"-std={target.toolchain.standard}", *OPTIMIZE[1:])


def compile_object(target: Board, program: Program, c_dir: Path, place: Path, *more: str) -> Path:
    """Compile the program's C file alone; return the object file.

    Raises
    ------
    ModelFileError
        If a file is missing.
    ToolError
        If a tool is missing, or fails.
    """
    check(target)
    sources, path = c_sources(c_dir, program.name), place / "product.o"
    _compile(target, sources.source, path, (*sources.options, *more))
    return path


def symbols(target: Board, path: Path) -> dict[str, int]:
    """Return the addresses of the symbols of a linked program."""
    text = tool(target, "nm", str(path))
    lines = (line.split() for line in text.splitlines())
    return {line[2]: int(line[0], 16) for line in lines if len(line) == 3}


def tool(target: Board, name: str, *arguments: str) -> str:
    """Run one of the compiler's binary utilities; return its output.

    Raises
    ------
    ToolError
        If it fails.
    """
    command = (f"{target.toolchain.prefix}{name}", *arguments)
    code, text = run_tool(command)
    if code:
        raise ToolError(f"{command[0]} failed: {text.strip()}", command=command, exit_code=code)
    return text


def _compile(target: Board, source: Path, to: Path, more: tuple[str, ...]) -> None:
    # absolute, because the compiler runs in another directory
    options = ("-c", str(source.resolve()), "-o", str(to), *optimize(target), *more)
    code, text = _gcc(target, to.parent, *options)
    if code and "_needs_larger_sizes" in text:
        raise DoesNotFitError(
            f"{target.name} ({target.place}) is too small: the program's "
            "tables or words take more than 32 kB, the limit of its 16-bit size_t"
        )
    if code:
        raise _failed(target, f"could not compile {source}", text)


def _link(target: Board, place: Path, path: Path, stack: int) -> None:
    memory = {
        "FLASH_AT": target.flash[0],
        "FLASH_SIZE": target.flash[1],
        "RAM_AT": target.ram[0],
        "RAM_SIZE": target.ram[1],
        "STACK_SIZE": stack,
    }
    script = sim_dir() / "firmware" / target.toolchain.script
    options = (
        *("-nostartfiles", "-Wl,--gc-sections", "-T", str(script)),
        *(f"-Wl,--defsym={name}={value:#x}" for name, value in memory.items()),
        *("-o", path.name, "product.o", "harness.o", "start.o"),
    )
    code, text = _gcc(target, place, *options)
    over = {part: int(n) for part, n in re.findall(r"`(\w+)' overflowed by (\d+) byte", text)}
    if over:
        parts = [f"{n} bytes more than its {_memory(target, part)}" for part, n in over.items()]
        raise DoesNotFitError(
            f"{target.name} ({target.place}) is too small: the program needs {' and '.join(parts)}"
        )
    if code:
        raise _failed(target, "could not link the program", text)


def _memory(target: Board, part: str) -> str:
    """Return the description of a memory region of the linker script."""
    if part == "NEAR":
        return f"{min(target.flash[1] // KB, 64)} kB of flash for tables"
    size = {"FLASH": target.flash, "RAM": target.ram}[part][1]
    return f"{size // KB} kB of {part}"


def _gcc(target: Board, cwd: Path, *options: str) -> tuple[int, str]:
    toolchain = target.toolchain
    return run_tool((toolchain.compiler, *target.cpu, *toolchain.options, *options), cwd=cwd)


def _failed(target: Board, what: str, text: str) -> ToolError:
    said = text.strip().splitlines() or ["no message"]
    first = next(
        (line for line in said if re.search("error:|undefined reference|: cannot", line)), said[-1]
    )
    return ToolError(
        f"{target.toolchain.compiler} {what}: {first}", tail="\n".join(said[-10:]), exit_code=1
    )
