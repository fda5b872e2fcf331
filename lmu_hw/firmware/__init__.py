"""Programs as C99: integers only, no heap, state owned by the caller, equal in every word.

`emit` returns the text of the files; Python decides every width here, the templates lay out.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from ..program import Cascade, Dense, Linear, Operation, Program, Role
from ..templates import environment
from .cascade import cascade
from .layout import Layout, Place, lay_out
from .operation import Function, OperationCode, check_flow, functions
from .rows import dense, linear
from .words import Helpers, Rescale


@dataclass(frozen=True, slots=True, kw_only=True)
class RequantizeCode(OperationCode):
    """A `~lmu_hw.program.Requantize`."""

    source: Place
    target: Place
    rescale: Rescale


def emit(program: Program, *, version: str) -> dict[str, str]:
    """Return the C files of a program: header, code, host test, Makefile.

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
        If a name is taken in C, or the flow of the program has no rendering in C.
    """
    prefix = program.name
    check_flow(program)
    layout = lay_out(program, prefix)
    helpers = Helpers()
    ops = [
        _translate(program, layout, op, function, helpers)
        for op, function in zip(program.ops, functions(program, layout, prefix), strict=True)
    ]
    context = {
        "program": program,
        # Compilers warn of a comment that opens inside a comment.
        "title": textwrap.wrap(program.title.replace("/*", "/ *"), 90),
        "version": version,
        "p": prefix,
        "P": prefix.upper(),
        "inputs": layout.with_role(Role.INPUT),
        "outputs": layout.with_role(Role.OUTPUT),
        "states": layout.with_role(Role.STATE),
        "layout": layout,
        "vector_lines": _vector_lines(layout),
        "about_lines": _about_lines(program),
        "n_in": program.n_words(Role.INPUT),
        "n_out": program.n_words(Role.OUTPUT),
        "n_state": program.n_words(Role.STATE),
        "ops": ops,
        "helpers": helpers,
        "scratch": max(op.scratch for op in ops),
        "rom": sum(table.n_bytes for op in ops for table in op.tables),
    }
    env = environment()
    templates = {
        f"{prefix}.h": "lmu.h.j2",
        f"{prefix}.c": "lmu.c.j2",
        f"test_{prefix}.c": "test_lmu.c.j2",
        "Makefile": "Makefile.j2",
    }
    return {file: env.get_template(f"c/{t}").render(context) for file, t in templates.items()}


def _translate(
    program: Program, layout: Layout, op: Operation, function: Function, helpers: Helpers
) -> OperationCode:
    if isinstance(op, Cascade):
        return cascade(program, layout, op, function, helpers)
    if isinstance(op, Dense):
        return dense(program, layout, op, function, helpers)
    if isinstance(op, Linear):
        return linear(layout, op, function, helpers)
    source, target = layout.places[op.source], layout.places[op.target]
    rescale = Rescale.between(source.vector.fmt, target.vector.fmt.frac_bits, target.vector.fmt)
    helpers.use_rescale(rescale)
    return RequantizeCode(
        kind=op.kind,
        about=f"{op.source} -> {op.target}",
        multiplies=op.multiplies,
        function=function,
        channels=1,
        tables=(),
        scratch=0,
        source=source,
        target=target,
        rescale=rescale,
    )


def _about_lines(program: Program) -> list[str]:
    """Return what each vector is, after an empty line, or nothing."""
    known = [v for v in program.vectors if v.about]
    width = max((len(v.name) for v in known), default=0)
    lines = [f"{v.name.ljust(width)}  {v.about}" for v in known]
    return ["", *(part for line in lines for part in textwrap.wrap(line, 90))] if lines else []


def _vector_lines(layout: Layout) -> list[str]:
    """Return one line for each vector, in columns, the order of the roles as in the header."""
    rows = [("vector", "words", "format", "range", "type")]
    for role in (Role.INPUT, Role.STATE, Role.OUTPUT):
        for place in layout.with_role(role):
            v = place.vector
            limits = f"{v.fmt.min} .. {v.fmt.max}"
            rows.append((v.name, str(v.length), str(v.fmt), limits, place.ctype))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(n) for cell, n in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
