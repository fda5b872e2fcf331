"""Widths and alignments of the datapath, worked out from the program's formats."""

from __future__ import annotations

from dataclasses import dataclass

from ..fixedpoint import QFormat
from ..program import Cascade, Dense, Linear, Program
from ..schedule import Schedule
from .command import ResultTable, grid, result_table


@dataclass(frozen=True, slots=True, kw_only=True)
class Formats:
    """Everything about words that the datapath is built from.

    Parameters
    ----------
    table : ResultTable
    chain, outer, inner : QFormat or None
        Formats of a cascade's words; None where there is no such word.
    grid : int
        The frac_bits that a cascade's words are brought to before they meet.
    word_width : int
        Bits of a memory word; the datapath's words are as wide.
    input_width : int
        Bits of a dense memory's input word; 0 without one.
    x_width, base_width, total_width : int
        Bits of what is multiplied, of what the product is added to, and of the accumulator.
    coef_width, bias_width, shift_min, shift_width : int
        As in the schedule.
    """

    table: ResultTable
    chain: QFormat | None
    outer: QFormat | None
    inner: QFormat | None
    grid: int
    word_width: int
    input_width: int
    x_width: int
    base_width: int
    total_width: int
    coef_width: int
    bias_width: int
    shift_min: int
    shift_width: int


def formats(program: Program, schedule: Schedule) -> Formats:
    """Return the datapath's formats for a program."""
    table = result_table(program, schedule)
    word_width = schedule.memory_width
    chain = outer = inner = None
    top = input_width = 0
    x_bits, base_bits, total_bits = [1], [1], [1]
    for phase in schedule.phases:
        if phase.kind == "copy":
            base_bits += [word_width + table.entries[i].align for i in table.of_phase[phase.name]]
            continue
        op = program.ops[phase.op]
        if isinstance(op, Cascade):
            top = grid(program, op)
            chain, inner = op.chain_fmt, program.vector(op.z_inner).fmt
            outer = program.vector(op.z_outer).fmt if op.n_pairs else None
            widest = max(f.width + top - f.frac_bits for f in (chain, outer, inner) if f)
            align = table.entries[table.of_phase[phase.name][0]].align
            x_bits.append(widest + 1)
            base_bits += [widest + 2, _signed_width(program, op.source) + align]
            total_bits.append(widest + 1 + schedule.coef_width)
        elif isinstance(op, Dense):
            entry = table.entries[table.of_phase[phase.name][0]]
            input_width = entry.high.bit_length() + 1
            x_bits.append(max(_signed_width(program, op.state), input_width) + 1)
            base_bits += [word_width, _signed_width(program, op.source) + entry.align]
            total_bits.append(_row_bits(op.rows, (0,), x_bits[-1]))
        elif isinstance(op, Linear):
            x_bits.append(max(_signed_width(program, name) for name in op.sources))
            total_bits.append(_row_bits(op.rows, op.biases, x_bits[-1]))
    return Formats(
        table=table,
        chain=chain,
        outer=outer,
        inner=inner,
        grid=top,
        word_width=max(word_width, *((r.high.bit_length() + 1) for r in table.entries)),
        input_width=input_width,
        x_width=max(x_bits),
        base_width=max(base_bits),
        total_width=max(total_bits),
        coef_width=schedule.coef_width,
        bias_width=schedule.bias_width,
        shift_min=schedule.shift_min,
        shift_width=schedule.shift_width,
    )


def _signed_width(program: Program, name: str) -> int:
    fmt = program.vector(name).fmt
    return fmt.width + (not fmt.signed)


def _row_bits(rows: tuple[tuple[int, ...], ...], biases: tuple[int, ...], operand: int) -> int:
    """Return the bits that hold every partial sum of every row."""
    total = max(sum(map(abs, row)) for row in rows) << (operand - 1)
    return (total + max(map(abs, biases))).bit_length() + 1
