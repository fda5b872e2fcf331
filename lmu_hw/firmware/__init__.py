"""C99 code of a program: integers only, no heap, state owned by the caller.

`emit` returns the text of the files. Python chooses every type and expression; the templates only
lay them out.
"""

from __future__ import annotations

import re
import textwrap
import zlib
from collections.abc import Sequence
from itertools import groupby

from .._support.templates import environment
from ..program import saved_state
from ..program.integer_program import (
    Argmax,
    Cascade,
    DenseUpdate,
    Ladder,
    Linear,
    Operation,
    Program,
    Role,
    Scale,
    Spiking,
)
from .c_types import Table
from .cascade import cascade
from .conversions import conversions, named_inputs
from .dense import dense
from .digits import LOW_BITS
from .firing_neurons import spiking
from .function import FunctionCode, Functions
from .ladder_sweeps import ladder
from .layout import ALIGNMENT, Layout, Place, lay_out
from .linear import linear
from .operation import Accumulator, OperationCode, Routine, routines
from .pointwise import argmax, pointwise
from .word_scales import scale

KERNELS = "lmu_kernels.h"
"""The header that all programs share."""
INTERFACE = 2
"""Version of the functions and macros of the header."""


def source_files(name: str) -> tuple[str, ...]:
    """Return the files that a compiler needs for the program ``name``, the C file first."""
    return f"{name}.c", f"{name}.h", f"{name}_units.h", f"{name}_tables.h", KERNELS


def emit(program: Program, *, version: str, kernels: str = "") -> dict[str, str]:
    """Return the C files of a program: header, code, tables, kernels, C++ class, host test.

    Parameters
    ----------
    program : Program
    version : str
        Version of lmu-hw, for the headers.
    kernels : str
        Directory of a shared ``lmu_kernels.h``, from that of the C files; it is then not among the
        files.

    Returns
    -------
    dict of str to str
        File name to text; the same bytes for the same arguments.

    Raises
    ------
    EmitError
        If a name is reserved in C, or the program cannot be translated to C.
    """
    prefix = program.name
    layout, functions, ops = translated(program)
    env = environment()
    rom = _tables(functions, ops)
    places = [*layout.with_role(Role.INPUT), *layout.with_role(Role.OUTPUT)]
    converted = conversions(places)
    context = {
        "program": program,
        # compilers warn about "/*" inside a comment
        "title": textwrap.wrap(program.title.replace("/*", "/ *"), 90),
        "version": version,
        "version_numbers": _numbers(version),
        "interface": INTERFACE,
        "p": prefix,
        "P": prefix.upper(),
        "inputs": layout.with_role(Role.INPUT),
        "outputs": layout.with_role(Role.OUTPUT),
        "states": layout.with_role(Role.STATE),
        "layout": layout,
        "alignment": ALIGNMENT,
        "vector_lines": _vector_lines(
            [p for role in (Role.INPUT, Role.STATE, Role.OUTPUT) for p in layout.with_role(role)]
        ),
        "work_lines": _vector_lines(layout.work),
        "about_lines": _about_lines(program),
        "op_lines": _op_lines(program, ops),
        "n_in": program.n_words(Role.INPUT),
        "n_out": program.n_words(Role.OUTPUT),
        "n_state": program.n_words(Role.STATE),
        "saved_bytes": saved_state.n_bytes(program),
        "saved_header": tuple(saved_state.header(program)),
        "conversions": converted,
        "named_inputs": named_inputs(converted, prefix),
        "helpers": sorted({(c.real, c.bits) for c in converted}),
        "clock": layout.places.get(program.clock),
        "ops": ops,
        "runs": _runs(program, ops),
        "skipped": program.multiplies_for_output,
        "functions": functions.codes(),
        "tables": rom,
        "scratch": scratch_of(layout, ops),
        "rom": (rom_bytes := sum(table.n_bytes for table in rom)),
        "largest": max(rom_bytes, layout.state_bytes, scratch_of(layout, ops)),
        "kernels_id": _kernels_id(),
        "low_bits": LOW_BITS,
        "files": [name for name in source_files(prefix) if not (kernels and name == KERNELS)],
        "kernels": kernels,
    }
    templates = {
        f"{prefix}.h": "lmu.h.j2",
        f"{prefix}.c": "lmu.c.j2",
        f"{prefix}_tables.h": "tables.h.j2",
        f"{prefix}_units.h": "units.h.j2",
        f"{prefix}.hpp": "lmu.hpp.j2",
        KERNELS: "lmu_kernels.h.j2",
        f"test_{prefix}.c": "test_lmu.c.j2",
        "Makefile": "Makefile.j2",
    }
    if kernels:
        del templates[KERNELS]
    return {file: env.get_template(f"c/{t}").render(context) for file, t in templates.items()}


def kernels_text() -> str:
    """Return ``lmu_kernels.h``, which is the same for all programs."""
    return (
        environment()
        .get_template(f"c/{KERNELS}.j2")
        .render(kernels_id=_kernels_id(), low_bits=LOW_BITS)
    )


def c_sums(program: Program) -> tuple[Accumulator, ...]:
    """Return the variables of the C that hold sums, with their types, for the certificate."""
    _, functions, ops = translated(program)
    codes: list[OperationCode | FunctionCode] = [*ops, *functions.codes()]
    return tuple(claim for code in codes for claim in code.accumulators)


def tables(program: Program) -> list[Table]:
    """Return all constant arrays of a program's C."""
    _, functions, ops = translated(program)
    return _tables(functions, ops)


def _tables(functions: Functions, ops: list[OperationCode]) -> list[Table]:
    shared = [table for code in functions.codes() for table in code.tables]
    return shared + [table for op in ops for table in op.tables]


def scratch_bytes(program: Program) -> int:
    """Return the bytes of scratch that a step has on the stack, as stated in the header."""
    layout, _, ops = translated(program)
    return scratch_of(layout, ops)


def scratch_of(layout: Layout, ops: list[OperationCode]) -> int:
    """Return the bytes of scratch of translated operations."""
    return layout.work_bytes + max(op.scratch for op in ops)


def translated(program: Program) -> tuple[Layout, Functions, list[OperationCode]]:
    """Return the layout of the vectors, the shared functions and the operations."""
    layout, functions = lay_out(program, program.name), Functions(program.name)
    ops = [
        _translate(program, layout, op, routine, functions)
        for op, routine in zip(program.ops, routines(program, layout, program.name), strict=True)
    ]
    return layout, functions, ops


def _translate(
    program: Program,
    layout: Layout,
    op: Operation,
    routine: Routine,
    functions: Functions,
) -> OperationCode:
    if isinstance(op, Cascade):
        return cascade(program, layout, op, routine)
    if isinstance(op, Spiking):
        return spiking(program, layout, op, routine)
    if isinstance(op, Ladder):
        return ladder(program, layout, op, routine)
    if isinstance(op, DenseUpdate):
        return dense(program, layout, op, routine)
    if isinstance(op, Scale):
        return scale(program, layout, op, routine)
    if isinstance(op, Linear):
        return linear(program, layout, op, routine, functions)
    if isinstance(op, Argmax):
        return argmax(layout, op, routine)
    return pointwise(program, layout, op, routine, functions)


def _runs(program: Program, ops: list[OperationCode]) -> list[tuple[bool, list[OperationCode]]]:
    """Return consecutive operations grouped by whether they serve outputs alone."""
    pairs = zip(program.only_for_output, ops, strict=True)
    return [(alone, [op for _, op in run]) for alone, run in groupby(pairs, key=lambda x: x[0])]


def _kernels_id() -> str:
    """Return the identity of the kernels, from their text alone, as a C constant."""
    text = environment().get_template(f"c/{KERNELS}.j2").render(kernels_id="", low_bits=LOW_BITS)
    return f"0x{zlib.crc32(text.encode()):08X}"


def _numbers(version: str) -> list[str]:
    """Return major, minor and patch of a version; zeros where it has none.

    Examples
    --------
    >>> _numbers("1.2.3"), _numbers("test")
    (['1', '2', '3'], ['0', '0', '0'])
    """
    parts = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
    return list(parts.groups()) if parts else ["0", "0", "0"]


def _op_lines(program: Program, ops: list[OperationCode]) -> list[str]:
    """Return a numbered list of the operations of a step, with their multiplications."""
    lines = []
    for n, (op, lazy) in enumerate(zip(ops, program.lazy, strict=True), start=1):
        costs = [str(op.multiplies)] if op.multiplies else []
        costs += ["with an output"] if lazy else []
        cost = f" ({', '.join(costs)})" if costs else ""
        lines += textwrap.wrap(f"{n}. {op.kind}: {op.about}{cost}", 92, subsequent_indent="   ")
    return lines


def _about_lines(program: Program) -> list[str]:
    """Return the descriptions of the vectors after an empty line, or nothing."""
    known = [v for v in program.vectors if v.about]
    width = max((len(v.name) for v in known), default=0)
    lines = [f"{v.name.ljust(width)}  {v.about}" for v in known]
    return ["", *(part for line in lines for part in textwrap.wrap(line, 90))] if lines else []


def _vector_lines(places: Sequence[Place]) -> list[str]:
    """Return a table with a line for each vector."""
    rows = [("vector", "words", "format", "range", "type")]
    for place in places:
        v = place.vector
        limits = f"{v.fmt.min} .. {v.fmt.max}"
        rows.append((v.name, str(v.length), str(v.fmt), limits, place.ctype))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(n) for cell, n in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
