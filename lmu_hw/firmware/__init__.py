"""C99 code of a program: integers only, no heap, state owned by the caller.

`emit` returns the text of the files. Python chooses every type and expression; the templates only
lay them out.
"""

from __future__ import annotations

import textwrap
from itertools import groupby

from .._support.templates import environment
from ..program.integer_program import Argmax, Cascade, DenseUpdate, Linear, Operation, Program, Role
from .c_types import Table
from .cascade import cascade
from .dense import dense
from .function import FunctionCode, Functions
from .layout import ALIGNMENT, Layout, lay_out
from .linear import linear
from .operation import Accumulator, OperationCode, Routine, routines
from .pointwise import argmax, pointwise
from .saved import digest_words

KERNELS = "lmu_kernels.h"
"""The header that all programs share."""


def emit(program: Program, *, version: str) -> dict[str, str]:
    """Return the C files of a program: header, code, kernels, host test, Makefile.

    Parameters
    ----------
    program : Program
    version : str
        Version of lmu-hw, for the headers.

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
    layout, functions, ops = _translated(program)
    functions_code = functions.codes()
    context = {
        "program": program,
        # compilers warn about "/*" inside a comment
        "title": textwrap.wrap(program.title.replace("/*", "/ *"), 90),
        "version": version,
        "p": prefix,
        "P": prefix.upper(),
        "inputs": layout.with_role(Role.INPUT),
        "outputs": layout.with_role(Role.OUTPUT),
        "states": layout.with_role(Role.STATE),
        "layout": layout,
        "alignment": ALIGNMENT,
        "vector_lines": _vector_lines(layout, (Role.INPUT, Role.STATE, Role.OUTPUT)),
        "work_lines": _vector_lines(layout, (Role.INTERNAL,)),
        "about_lines": _about_lines(program),
        "op_lines": _op_lines(program, ops),
        "n_in": program.n_words(Role.INPUT),
        "n_out": program.n_words(Role.OUTPUT),
        "n_state": program.n_words(Role.STATE),
        "digest": digest_words(program),
        "clock": layout.places.get(program.clock),
        "ops": ops,
        "runs": _runs(program, ops),
        "unused": _unused(program, layout, ops),
        "functions": functions_code,
        "scratch": _scratch(layout, ops),
        "rom": (rom := sum(table.n_bytes for table in _tables(functions, ops))),
        "largest": max(rom, layout.state_bytes, _scratch(layout, ops)),
    }
    env = environment()
    templates = {
        f"{prefix}.h": "lmu.h.j2",
        f"{prefix}.c": "lmu.c.j2",
        KERNELS: "lmu_kernels.h.j2",
        f"test_{prefix}.c": "test_lmu.c.j2",
        "Makefile": "Makefile.j2",
    }
    return {file: env.get_template(f"c/{t}").render(context) for file, t in templates.items()}


def c_sums(program: Program) -> tuple[Accumulator, ...]:
    """Return the variables of the C that hold sums, with their types, for the certificate."""
    _, functions, ops = _translated(program)
    codes: list[OperationCode | FunctionCode] = [*ops, *functions.codes()]
    return tuple(claim for code in codes for claim in code.accumulators)


def tables(program: Program) -> list[Table]:
    """Return all constant arrays of a program's C."""
    _, functions, ops = _translated(program)
    return _tables(functions, ops)


def _tables(functions: Functions, ops: list[OperationCode]) -> list[Table]:
    shared = [table for code in functions.codes() for table in code.tables]
    return shared + [table for op in ops for table in op.tables]


def scratch_bytes(program: Program) -> int:
    """Return the bytes of scratch that a step has on the stack, as stated in the header."""
    layout, _, ops = _translated(program)
    return _scratch(layout, ops)


def _scratch(layout: Layout, ops: list[OperationCode]) -> int:
    return layout.work_bytes + max(op.scratch for op in ops)


def _translated(program: Program) -> tuple[Layout, Functions, list[OperationCode]]:
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
    if isinstance(op, DenseUpdate):
        return dense(program, layout, op, routine)
    if isinstance(op, Linear):
        return linear(program, layout, op, routine, functions)
    if isinstance(op, Argmax):
        return argmax(layout, op, routine)
    return pointwise(program, layout, op, routine, functions)


def _runs(program: Program, ops: list[OperationCode]) -> list[tuple[bool, list[OperationCode]]]:
    """Return consecutive operations grouped by whether they run only in steps with an output."""
    pairs = zip(program.lazy, ops, strict=True)
    return [(lazy, [op for _, op in run]) for lazy, run in groupby(pairs, key=lambda x: x[0])]


def _unused(program: Program, layout: Layout, ops: list[OperationCode]) -> list[str]:
    """Return the unused parameters of the step function."""
    used = {word for op in ops for word in op.routine.arguments.split(", ")}
    used |= {"s"} if program.clock else set()
    used |= {"u"} if layout.taken else set()
    used |= {"y"} if program.output_every == 0 or layout.kept else set()
    return [name for name in ("s", "u", "y") if name not in used]


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


def _vector_lines(layout: Layout, roles: tuple[Role, ...]) -> list[str]:
    """Return a table with a line for each vector of the roles."""
    rows = [("vector", "words", "format", "range", "type")]
    for role in roles:
        for place in layout.with_role(role):
            v = place.vector
            limits = f"{v.fmt.min} .. {v.fmt.max}"
            rows.append((v.name, str(v.length), str(v.fmt), limits, place.ctype))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(n) for cell, n in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
