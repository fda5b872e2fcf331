"""Counts of a program's work in C that its instructions, code and stack follow from.

The counts are those of the emitted C: the widths of its sums, its tables and its scratch are the
compiler's own. What an adaptor or a multiply-accumulate costs on a core is fitted to measured
designs by `benchmarks/estimate_error.py`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

from ..firmware import scratch_of, translated
from ..firmware.c_types import type_bits
from ..firmware.layout import NARROWEST
from ..firmware.linear import LinearCode
from ..firmware.operation import OperationCode
from ..program.integer_program import (
    Argmax,
    Cascade,
    DenseUpdate,
    Function,
    Ladder,
    Linear,
    Operation,
    Pointwise,
    Program,
    Role,
    Scale,
    Spiking,
)

Terms = dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramTerms:
    """Counts of a program in C.

    Attributes
    ----------
    step, quiet_step : dict of str to float
        Work of a step with an output, and of one without.
    code : dict of str to float
        Kinds of operations and kernels.
    tables, state, scratch : int
        Constants, one instance, arrays of a step on the stack [bytes].
    """

    step: Terms
    quiet_step: Terms
    code: Terms
    tables: int
    state: int
    scratch: int


@lru_cache(maxsize=8)
def program_terms(program: Program) -> ProgramTerms:
    """Return the counts of a program's C.

    Parameters
    ----------
    program : Program

    Returns
    -------
    ProgramTerms
    """
    layout, functions, codes = translated(program)
    tables = [*(t for code in functions.codes() for t in code.tables)]
    tables += [table for code in codes for table in code.tables]
    pairs = list(zip(program.ops, codes, program.only_for_output, strict=True))
    return ProgramTerms(
        step=_step(program, [(op, code) for op, code, _ in pairs], output=True),
        quiet_step=_step(program, [(op, code) for op, code, alone in pairs if not alone]),
        code=_code(program, codes),
        tables=sum(table.n_bytes for table in tables),
        state=layout.state_bytes,
        scratch=scratch_of(layout, codes),
    )


def _step(
    program: Program, ops: list[tuple[Operation, OperationCode]], *, output: bool = False
) -> Terms:
    terms: Counter[str] = Counter({"one": 1, "inputs": program.n_words(Role.INPUT)})
    terms["outputs"] = program.n_words(Role.OUTPUT) if output else 0
    for op, code in ops:
        terms["operations"] += 1
        terms.update(_work(program, op, code))
    return {name: float(n) for name, n in terms.items()}


def _work(program: Program, op: Operation, code: OperationCode) -> Counter[str]:
    """Return the work of one execution of an operation, all channels together."""
    wide, channels, vector = _wide(code), code.channels, program.vector
    terms: Counter[str] = Counter()
    if isinstance(op, Spiking):
        terms["neuron_states"] = channels * len(op.quanta)
        terms["draws"] = op.draws(vector)
        op = op.cascade
    if isinstance(op, Cascade):
        words = max(vector(name).fmt.width for name in op.states)
        terms[f"adaptors{_type_bits(words)}{wide}"] = channels * sum(map(len, op.sections))
        terms["memory_channels"] = channels
    elif isinstance(op, Ladder):
        words = vector(op.state).fmt.width
        terms[f"ladder{_type_bits(words)}{wide}"] = channels * op.substeps * (len(op.sections) + 1)
        terms["memory_channels"] = channels
    elif isinstance(op, DenseUpdate):
        terms[f"dense{wide}"] = channels * len(op.rows) ** 2
        terms["dense_rows"] = channels * len(op.rows)
    elif isinstance(op, Scale):
        terms[f"scale{wide}"] = len(op.coefs) * op.n_channels
    elif isinstance(op, Linear) and isinstance(code, LinearCode):
        terms.update(_linear(op, code))
    elif isinstance(op, Pointwise):
        length = vector(op.target).length
        terms[f"pointwise{wide}"] = length * len(op.terms)
        terms.update(_function(op.function, length))
    elif isinstance(op, Argmax):
        terms["argmax"] = vector(op.source).length
    return terms


def _linear(op: Linear, code: LinearCode) -> Counter[str]:
    terms: Counter[str] = Counter()
    rows = code.n_rows * op.n_channels
    for part in code.parts:
        # with words of 8 bits, a row takes as long as with 16 on the cores of the estimates
        words = 16 if part.copied or part.place.in_bytes else part.place.bits
        weights = 16 if part.in_bytes else type_bits(code.table(part).ctype)
        how = "" if part.kernel else "loop_"
        name = f"macs_{how}{weights}x{words}_{part.dots.bits}"
        # kernels take four rows at a time
        terms[name] += (code.n_dots * op.n_channels if part.kernel else rows) * part.length
        terms["row_parts"] += rows
    terms[f"rows{_wide(code)}"] = rows
    terms.update(_function(op.function, rows))
    return terms


def _type_bits(width: int) -> int:
    """Return the bits of the C type of a word."""
    return NARROWEST if width <= NARROWEST else 32 if width <= 32 else 64


def _function(function: Function | None, words: int) -> Counter[str]:
    return Counter({f"function{len(function.shifts)}": words}) if function else Counter()


def _wide(code: OperationCode) -> str:
    """Return a suffix for sums of 64 bits."""
    return "_64" if any(a.ctype == "int64_t" for a in code.accumulators) else ""


def _code(program: Program, codes: list[OperationCode]) -> Terms:
    terms: Counter[str] = Counter({"one": 1, "vectors": len(program.vectors)})
    kernels, functions = set(), set()
    for op, code in zip(program.ops, codes, strict=True):
        terms[f"{op.kind}{_wide(code)}"] += 1
        if isinstance(code, LinearCode):
            kernels |= {(code.table(part).ctype, part.dots.bits) for part in code.parts}
        if isinstance(op, Linear | Pointwise) and op.function is not None:
            functions.add(op.function)
        terms["channels"] += code.channels > 1
    terms["kernels"], terms["functions"] = len(kernels), len(functions)
    return {name: float(n) for name, n in terms.items()}
