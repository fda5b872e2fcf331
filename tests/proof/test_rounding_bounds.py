"""Bounds on rounding errors: above everything that a small chain can reach, not far above it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import Adaptor, Cascade, Program, Role
from lmu_hw.program.memory_step import chain
from lmu_hw.proof.claims import Basis
from lmu_hw.proof.derive import derive
from lmu_hw.proof.lossless import RoundingSteps, sections_of
from lmu_hw.proof.memory_bounds import gains_of
from lmu_hw.proof.rounding import error_sums
from lmu_hw.proof.scaled import ONE
from lmu_hw.proof.truncation import Quiet
from tests.factories.network_programs import Builder

Formats = tuple[QFormat, QFormat, QFormat]
WINDOW = 3

SMALL: dict[str, tuple[tuple[tuple[tuple[int, int], ...], ...], Formats]] = {
    "one real": ((((13, 4),),), (QFormat(3, 2), QFormat(1, 0), QFormat(3, 3))),
    "two reals": ((((13, 4),), ((5, 3),)), (QFormat(4, 3), QFormat(1, 0), QFormat(4, 3))),
    "two reals, a fine chain": (
        (((9, 4),), ((5, 3),)),
        (QFormat(4, 4), QFormat(1, 0), QFormat(4, 2)),
    ),
    "a pair": ((((11, 4), (7, 4)),), (QFormat(4, 2), QFormat(5, 2), QFormat(5, 2))),
    "a pair, outer coarse": ((((11, 4), (7, 4)),), (QFormat(4, 3), QFormat(5, 1), QFormat(5, 3))),
    "a pair, outer fine": ((((21, 4), (9, 4)),), (QFormat(4, 2), QFormat(4, 4), QFormat(4, 3))),
    "a pair and a real": (
        (((11, 4), (13, 4)), ((5, 3),)),
        (QFormat(4, 2), QFormat(4, 1), QFormat(4, 1)),
    ),
}
"""Sections, and the formats of the chain, of z_outer and of z_inner."""


def small(name: str) -> Program:
    sections, (chain_fmt, outer, inner) = SMALL[name]
    n_pairs = sum(len(s) == 2 for s in sections)
    build = Builder(0)
    u = build.add("u", 1, Role.INPUT, QFormat(1, 2))
    build.add("silence", 1, Role.STATE, QFormat(4, 0, signed=False))
    if n_pairs:
        build.add("z_outer", n_pairs, Role.STATE, outer)
    build.add("z_inner", len(sections), Role.STATE, inner)
    build.ops.append(
        Cascade(
            source=u,
            silence="silence",
            z_outer="z_outer" if n_pairs else "",
            z_inner="z_inner",
            chain_fmt=chain_fmt,
            sections=tuple(tuple(Adaptor(coef=c, shift=s) for c, s in sec) for sec in sections),
            window=WINDOW,
        )
    )
    return build.program(name)


def reached(program: Program) -> dict[str, int]:
    """Return the largest magnitude of each signal, over all states that any input leads to."""
    op = program.ops[0]
    assert isinstance(op, Cascade)
    fmt, n = program.vector("u").fmt, len(op.sections)
    inputs = np.arange(fmt.min, fmt.max + 1)
    # a row: zeros counted, then o and i
    n_outer = op.n_pairs
    new = np.zeros((1, 1 + n_outer + n), dtype=np.int64)
    seen = {row.tobytes() for row in new}
    most = dict.fromkeys((f"chain of {op.z_inner}", *op.states), 0)
    while len(new):
        u = np.tile(inputs, len(new))[:, None]
        old = np.repeat(new, len(inputs), axis=0)
        count = np.where(u[:, 0] == 0, np.minimum(old[:, 0] + 1, WINDOW), 0)
        words = {"u": u, "z_inner": old[:, 1 + n_outer :]}
        if n_outer:
            words["z_outer"] = old[:, 1 : 1 + n_outer]
        found = list(chain(program, op, words, (count == WINDOW)[:, None]))
        held = [x.outer for x in found if x.outer is not None] + [x.inner for x in found]
        said = {f"chain of {op.z_inner}": [x.w for x in found], "z_inner": held[n_outer:]}
        if n_outer:
            said["z_outer"] = held[:n_outer] + [x.f for x in found if x.f is not None]
        for name, values in said.items():
            most[name] = max(most[name], max(int(np.abs(x).max()) for x in values))
        rows = np.unique(np.column_stack([count, *held]), axis=0)
        new = np.array([row for row in rows if row.tobytes() not in seen])
        seen |= {row.tobytes() for row in new}
    assert len(seen) > 3
    return most


@pytest.mark.parametrize("name", SMALL)
def test_nothing_that_can_be_reached_is_beyond_its_bound(name: str) -> None:
    """Every state of a small chain, zero-input runs included: the bounds hold, and are tight."""
    program = small(name)
    claims = derive(json.loads(program.to_json())).signals
    for signal, most in reached(program).items():
        claim = claims[signal]
        assert claim.basis == Basis.L1, claim
        assert most <= claim.high, (signal, claim)
        assert most >= 0.4 * claim.high, (signal, claim)


def test_bounds_without_rounding_errors_are_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The chains above would show it."""
    monkeypatch.setattr(Quiet, "errors", lambda *_: 0)
    found = []
    for program in map(small, SMALL):
        claims = derive(json.loads(program.to_json())).signals
        found += [most > claims[signal].high for signal, most in reached(program).items()]
    assert any(found)


def test_zero_input_runs_add_what_their_zeros_leave_room_for() -> None:
    """The worst of all lags at which truncation may have ended; `Quiet` groups them in cells."""
    sections = sections_of([((11, 6), (13, 6)), ((5, 5),)])
    window, least = 20, ONE // 3
    gains = gains_of(sections, 4)
    assert gains is not None
    quiet = Quiet(gains.response, window)
    unit = RoundingSteps(chain=ONE >> 3, outer=ONE >> 2, inner=ONE >> 3)
    sums = error_sums(gains.response, unit, gains.total, gains.n_steps, lags=quiet.lags)
    assert sums is not None
    block = [b["o"] for b, _ in zip(gains.response.blocks(), range(40), strict=False)]
    for k, (found, response) in enumerate(zip(sums["o"], quiet.input_response()["o"], strict=True)):
        h = np.abs(np.concatenate(block)[:, k]) / 2.0**gains.response.frac_bits
        more = np.array(found.more) / ONE
        assert np.all(np.diff(more) <= 0)
        exact = [
            more[min(a, len(more) - 1)] - least / ONE * h[a : a + window].sum() for a in range(60)
        ]
        bound = (quiet.errors(found, response, least) - found.nearest) / ONE
        assert max(exact) <= bound <= more[0]
        # with an input that is far louder than the errors, next to nothing is added
        loud = (quiet.errors(found, response, 64 * ONE) - found.nearest) / ONE
        assert loud < 0.2 * more[0]
