"""Compute the ROM and RAM bits of a program, before a target rounds up to its word sizes."""

from __future__ import annotations

from collections.abc import Iterable

from .integer_program import (
    Cascade,
    DenseUpdate,
    Function,
    Ladder,
    Linear,
    Pointwise,
    Program,
    Role,
    Scale,
    Spiking,
)
from .spiking_update import GENERATOR_FMT

SHIFT_BITS = 6


def rom_bits(program: Program) -> int:
    """Return the bits of all coefficients, scales and distinct function tables."""
    total = 0
    functions = set()
    for op in program.ops:
        if isinstance(op, Spiking):
            total += SHIFT_BITS * len(op.quanta) + GENERATOR_FMT.width * len(op.seeds)
            op = op.cascade
        if isinstance(op, Cascade):
            adaptors = [a for section in op.sections for a in section]
            total += _bits(a.coef for a in adaptors) + SHIFT_BITS * len(adaptors)
        elif isinstance(op, Ladder):
            adaptors = [*op.sections, op.reflection]
            total += _bits(a.coef for a in adaptors) + SHIFT_BITS * len(adaptors)
        elif isinstance(op, Scale):
            total += _bits(op.coefs) + SHIFT_BITS * len(op.coefs)
        elif isinstance(op, DenseUpdate):
            total += _bits(w for row in op.rows for w in row) + SHIFT_BITS * len(op.rows)
        elif isinstance(op, Linear):
            total += _bits(w for row in op.rows for w in row) + _bits(op.biases)
            total += _bits(op.multipliers) + SHIFT_BITS * len(op.rows)
        if isinstance(op, Linear | Pointwise) and op.function is not None:
            functions.add(op.function)
    return total + sum(map(function_bits, functions))


def ram_bits(program: Program) -> int:
    """Return the bits of all state and internal words."""
    kept = (Role.STATE, Role.INTERNAL)
    return sum(v.length * v.fmt.width for v in program.vectors if v.role in kept)


def function_bits(f: Function) -> int:
    """Return the ROM bits of a function's table."""
    columns = zip(*f.pieces, strict=True)
    widths = [max(abs(int(c)) for c in column).bit_length() + 1 for column in columns]
    return len(f.pieces) * sum(widths)


def _bits(values: Iterable[int]) -> int:
    """Return the bits of a table of signed integers of equal width."""
    table = list(values)
    return len(table) * (1 + max(max(table), -min(table) - 1).bit_length())
