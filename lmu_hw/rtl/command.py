"""What the sequencers tell the datapath: one command for each word read from the memory.

A command enters with its memory read and travels beside its word through the pipeline of
`lmu_hw.schedule`; each stage looks at the fields that concern it. What depends on formats alone is
settled here, at build time: a command names one entry of the table of `Result`.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from amaranth.hdl import Module, Shape, Signal
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import Out

from ..fixedpoint import QFormat
from ..program import Cascade, Dense, Linear, Pointwise, Program
from ..schedule import Phase, Schedule


class Kind(enum.Enum, shape=3):
    """What the word just read is, and what is computed with it."""

    COPY = 0
    """A word to round to another format."""
    ROW = 1
    """One element of a row: multiply and accumulate."""
    OUTER = 2
    """z_outer: the adaptor between the chain word and z_outer."""
    INNER = 3
    """z_inner: the adaptor between z_inner and the outer adaptor's word."""
    REAL = 4
    """z_inner of a real section: the adaptor between z_inner and the chain word."""


class Sink(enum.Flag):
    """Where a rounded word goes."""

    CHAIN = 1
    """The register of the word between two sections."""
    INPUT = 2
    """The register of the dense memory's input word."""
    MEMORY = 4
    """The memory: for a cascade where the word came from, else the next word of the target."""
    STREAM = 8
    """The output FIFO."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How the rounder forms a word, and where the word goes.

    Parameters
    ----------
    align : int
        Left shift of the word read, for `Kind.COPY`.
    drop : int
        Bits to drop after the shift of the coefficient.
    low, high : int
        Range of the target's words.
    sink : Sink
    """

    align: int = 0
    drop: int
    low: int
    high: int
    sink: Sink


@dataclass(frozen=True, slots=True)
class ResultTable:
    """Every `Result` of a program, and which of them each phase uses.

    Parameters
    ----------
    entries : tuple of Result
    of_phase : dict
        Phase name to indices: (input, outer, inner) for a cascade, (input, row) for a dense memory,
        one for the others.
    """

    entries: tuple[Result, ...]
    of_phase: dict[str, tuple[int, ...]]


def result_table(program: Program, schedule: Schedule) -> ResultTable:
    """Return the results that a program's phases produce."""
    entries: list[Result] = []
    of_phase = {}
    for phase in schedule.phases:
        wanted = _results(program, phase)
        entries += [r for r in dict.fromkeys(wanted) if r not in entries]
        of_phase[phase.name] = tuple(entries.index(r) for r in wanted)
    return ResultTable(tuple(entries), of_phase)


def grid(program: Program, op: Cascade) -> int:
    """Return the frac_bits that all of a cascade's words are brought to, exactly."""
    names = (op.z_outer, op.z_inner) if op.n_pairs else (op.z_inner,)
    return max(op.chain_fmt.frac_bits, *(program.vector(n).fmt.frac_bits for n in names))


def _results(program: Program, phase: Phase) -> list[Result]:
    sink = Sink(0)
    if phase.target:
        sink |= Sink.MEMORY
    if phase.to_stream:
        sink |= Sink.STREAM
    if phase.op < 0:
        name = phase.name.removeprefix("copy_")
        fmt = program.vector(name).fmt
        return [_copy(fmt, fmt, sink)]
    op = program.ops[phase.op]
    if isinstance(op, Cascade):
        top = grid(program, op)
        inner = program.vector(op.z_inner).fmt
        return [
            _copy(program.vector(op.source).fmt, op.chain_fmt, Sink.CHAIN),
            _to_format(op.chain_fmt, top - op.chain_fmt.frac_bits, Sink.CHAIN),
            _to_format(inner, top - inner.frac_bits, Sink.MEMORY),
        ]
    if isinstance(op, Dense):
        source, state = program.vector(op.source).fmt, program.vector(op.state).fmt
        return [
            _copy(source, _unlimited(source, state), Sink.INPUT),
            _to_format(state, 0, Sink.MEMORY),
        ]
    if isinstance(op, Linear):
        return [_to_format(program.vector(op.target).fmt, 0, sink)]
    assert isinstance(op, Pointwise)
    return [_copy(program.vector(op.terms[0].a).fmt, program.vector(op.target).fmt, sink)]


def _unlimited(source: QFormat, target: QFormat) -> QFormat:
    """Return a format with target's frac_bits that no rounded word of source leaves."""
    int_bits = max(source.int_bits + 1 + (not source.signed), 2 - target.frac_bits)
    return QFormat(int_bits, target.frac_bits)


def _copy(source: QFormat, target: QFormat, sink: Sink) -> Result:
    drop = source.frac_bits - target.frac_bits
    return Result(
        align=max(0, -drop), drop=max(0, drop), low=target.min, high=target.max, sink=sink
    )


def _to_format(target: QFormat, drop: int, sink: Sink) -> Result:
    return Result(drop=drop, low=target.min, high=target.max, sink=sink)


class Command(wiring.Signature):
    """One command, as a bundle of wires.

    Members
    -------
    valid : Out(1)
        The word goes through the datapath.
    kind : Out(Kind)
    result : Out(range(n_results))
        Index into the table of results.
    address : Out(unsigned)
        Where to read the word; for a cascade's z_inner also where to write it.
    old : Out(1)
        The word is as the last step left it: zero in the first step.
    first, last : Out(1)
        First and last element of a row; both for anything else.
    keep : Out(1)
        The row's result is added to this word.
    less_input : Out(1)
        Subtract the dense memory's input word from this element.
    silent : Out(1)
        Round toward zero.
    is_input, is_silence : Out(1)
        The word is a memory's input word, or its silence counter.
    """

    def __init__(self, address_width: int, n_results: int) -> None:
        super().__init__(
            {
                "valid": Out(1),
                "kind": Out(Kind),
                "result": Out(Shape.cast(range(n_results))),
                "address": Out(address_width),
                "old": Out(1),
                "first": Out(1),
                "last": Out(1),
                "keep": Out(1),
                "less_input": Out(1),
                "silent": Out(1),
                "is_input": Out(1),
                "is_silence": Out(1),
            }
        )


def delayed(m: Module, command: Any, stage: str) -> SimpleNamespace:
    """Return the command one cycle later, in registers named after a stage.

    A command whose ``valid`` is zero does nothing, so only what starts something is ever reset.
    """
    starts = ("valid", "is_input", "is_silence")
    later = SimpleNamespace()
    for name, member in command.signature.members.items():
        register = Signal(member.shape, name=f"{stage}_{name}", reset_less=name not in starts)
        m.d.sync += register.eq(getattr(command, name))
        setattr(later, name, register)
    later.signature = command.signature
    return later
