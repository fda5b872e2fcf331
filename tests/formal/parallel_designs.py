"""Small designs of `--parallel full` and `--parallel ring`, as they are emitted, for proofs."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import Adaptor, Program
from lmu_hw.rtl.hardware_plan import hardware_plan
from lmu_hw.rtl.options import Hardware
from lmu_hw.rtl.parallel.cascade_plan import CascadePlan
from lmu_hw.rtl.parallel.emit_parallel import emit_parallel
from tests.factories.programs import cascade_program, with_op
from tests.formal.prover import Design

OUTER, INNER, CHAIN_WORD = QFormat(3, 1), QFormat(2, 3), QFormat(3, 2)
"""Narrow words, whose bits all differ in value: some are dropped at each port of an adaptor."""
PAIRS = (Adaptor(5, 3), Adaptor(3, 2)), (Adaptor(3, 3), Adaptor(7, 2)), (Adaptor(1, 2),) * 2
REALS = (Adaptor(3, 1),), (Adaptor(5, 2),), (Adaptor(1, 1),)
"""Coefficients of sections, in order."""


@cache
def narrow_program(sections: str) -> Program:
    """Return a cascade of narrow words; ``sections`` spells pairs "p" and reals "r"."""
    program = cascade_program(
        sections=sections, bits=4, outer=OUTER, inner=INNER, chain=CHAIN_WORD, window=2
    )
    given = {"p": iter(PAIRS), "r": iter(REALS)}
    return with_op(program, 0, sections=tuple(next(given[kind]) for kind in sections))


@cache
def parallel_design(
    sections: str,
    module: str = "lmu",
    *,
    cut: tuple[str, ...] = (),
    is_limited: bool = True,
    **options: Any,
) -> Design:
    """Return a module of the Verilog of a narrow cascade.

    Parameters
    ----------
    sections : str
        As in `narrow_program`.
    module, cut
        As in `Design`.
    is_limited : bool
        Saturate words; or else none, as if a certificate proved that none leaves its format.
    **options
        Those of `Hardware`.
    """
    plan = _plan_of(narrow_program(sections), **options)
    if not is_limited:
        plan = replace(plan, limited=frozenset())
    return Design(plan=plan, files=emit_parallel(plan), module=module, cut=cut)


@cache
def wide_design(sections: str, module: str, **options: Any) -> Design:
    """Return the same of a cascade of words of usual width."""
    plan = _plan_of(cascade_program(sections=sections), **options)
    return Design(plan=plan, files=emit_parallel(plan), module=module)


def _plan_of(program: Program, **options: Any) -> CascadePlan:
    plan = hardware_plan(program, Hardware(**options))
    assert isinstance(plan, CascadePlan)
    return plan
