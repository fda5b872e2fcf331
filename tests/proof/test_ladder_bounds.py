"""Bounds of a ladder: exact products, energies, and nothing reached beyond a claim."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from lmu_hw.program.fixedpoint import QFormat, Rounding
from lmu_hw.program.integer_program import Adaptor, Ladder, Program
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.program.memory_step import ladder_substep
from lmu_hw.proof import ladder_claims, ladder_errors, ladder_gains
from lmu_hw.proof.claims import Basis
from lmu_hw.proof.derive import derive
from lmu_hw.proof.exact_product import FRAC_BITS, ExactMatrix
from lmu_hw.proof.ladder_errors import LadderErrors
from lmu_hw.proof.ladder_step import step_of
from lmu_hw.proof.lossless_ladder import ladder_of
from lmu_hw.proof.scaled import ONE
from lmu_hw.proof.transition import UNIT, Transition
from tests.factories.legendre_ladders import legendre_ladder
from tests.factories.programs import MORE_LADDERS, PROGRAMS, ladder_program, with_op

LADDERS = {name: p for name, p in (PROGRAMS | MORE_LADDERS).items() if isinstance(p.ops[0], Ladder)}
REAL = {
    "one": legendre_ladder(1, 10.0, QFormat(3, 12)),
    "six": legendre_ladder(6, 48.0, QFormat(8, 14), scaled=True),
    "substeps": legendre_ladder(5, 20.0, QFormat(8, 12), substeps=4),
    "short": legendre_ladder(12, 14.0, QFormat(7, 16), readout=5),
}


def ladder(program: Program) -> Any:
    return ladder_of(json.loads(program.to_json())["ops"][0])


def signals(program: Program) -> Any:
    return derive(json.loads(program.to_json())).signals


def test_products_are_exact_but_for_what_is_left_out() -> None:
    rng = np.random.default_rng(0)
    n = 40
    A, x = (
        (rng.uniform(-1, 1, shape) * 2.0**FRAC_BITS / np.sqrt(n)).astype(np.int64)
        for shape in ((7, n), (n, 3))
    )
    matrix = ExactMatrix(A)
    exact = A.astype(object) @ x.astype(object)
    got = matrix.times(x).astype(object) << FRAC_BITS
    assert np.all(got <= exact)
    assert np.all(exact - got < matrix.miss << FRAC_BITS)


def test_columns_beyond_the_exact_ones_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lmu_hw.proof.exact_product.MAX_COLUMNS", 3)
    claim = signals(REAL["six"])["w"]
    assert claim.basis is Basis.SATURATION
    assert claim.reason == "its matrix must have at most 3 columns, not 6"


def test_matrices_beyond_memory_are_not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ladder_gains, "MAX_ORDER", 5)
    claim = signals(REAL["six"])["w"]
    assert claim.basis is Basis.SATURATION
    assert claim.reason == "its matrix must have at most 5 rows, not 6"


@pytest.mark.parametrize("block", [1, 2, 16])
def test_powers_stay_within_their_error(block: int) -> None:
    step = step_of(ladder(REAL["six"]))
    transition = Transition(step.states[:6], block)
    state = step.inputs[:6, :1]
    exact = [Fraction(int(v), 1 << FRAC_BITS) for v in state[:, 0]]
    A = [[Fraction(int(v), 1 << FRAC_BITS) for v in row] for row in step.states[:6]]
    n_steps = 0
    for states in transition.blocks(state):
        for k in range(block):
            got = [Fraction(int(v), 1 << FRAC_BITS) for v in states[:, k, 0]]
            off = max(abs(a - b) for a, b in zip(got, exact, strict=True))
            assert off * ONE <= transition.miss(n_steps)
            exact = [sum(a * b for a, b in zip(row, exact, strict=True)) for row in A]
            n_steps += 1
        if n_steps >= 32:
            break
    # far tighter than a word, and not a bound of everything
    assert 0 < transition.miss(32) < ONE >> 30
    assert UNIT == ONE >> FRAC_BITS


@pytest.mark.parametrize("name", [*LADDERS, *REAL])
def test_a_step_preserves_energy(name: str) -> None:
    """Rows over states and inputs are orthogonal, of the energy of their port."""
    found = ladder({**LADDERS, **REAL}[name])
    step = step_of(found)
    d = step.order
    assert len(step.matrix) == 3 * d + 1
    units = 2.0 ** np.array([*step.exponents[:d], step.source, 0])
    energies = np.array([*map(float, found.states), float(found.source), 1.0])
    rows = step.matrix[:, : d + 2] / 2.0**FRAC_BITS
    rows = rows * 2.0 ** np.array(step.exponents)[:, None] / units
    gram = rows * energies @ rows.T
    R = np.array([float(x) for x in step.resistances])
    assert np.diag(gram) == pytest.approx(R, rel=1e-12)
    assert gram[:d, :d] == pytest.approx(np.diag(R[:d]), abs=1e-12 * R.max())


def dense(program: Program) -> tuple[np.ndarray, ...]:
    """Return A, b, rows of the waves over state and x, and columns of the errors, in float64."""
    step = step_of(ladder(program))
    d = step.order
    own = 2.0 ** np.array(step.exponents)
    T = step.matrix / 2.0**FRAC_BITS * own[:, None]
    T = T / np.array([*own[:d], 2.0**step.source, 1.0, *own])
    errors = T[:, d + 2 :]
    errors[:, d : 2 * d : 2] = 0  # a + w is exact
    return T[:, :d], T[:, d], errors


@pytest.mark.parametrize("name", REAL)
def test_gains_are_those_of_the_recursion(name: str) -> None:
    program = REAL[name]
    A, b, errors = dense(program)
    d = A.shape[1]
    l1, constant, noise = np.abs(b), b.copy(), np.abs(errors).sum(axis=1)
    x, V = b[:d], errors[:d]
    for _ in range(4000):
        h, E = A @ x, A @ V
        l1, constant, noise = l1 + np.abs(h), constant + h, noise + np.abs(E).sum(axis=1)
        x, V = h[:d], E[:d]
    op = program.ops[0]
    assert isinstance(op, Ladder)
    gains = ladder_gains.ladder_gains(ladder(program), op.window * op.substeps)
    assert gains is not None
    found = np.array([g.l1 / ONE for g in gains.of])
    assert np.all(found >= l1 * (1 - 1e-12))
    assert found == pytest.approx(l1, rel=1e-4, abs=1e-6)
    assert [g.constant / ONE for g in gains.of] == pytest.approx(np.abs(constant), abs=1e-4)
    by_place = LadderErrors(gains).by_place(range(3 * d + 1))
    assert by_place is not None
    close = np.array([x / ONE for x in by_place])
    assert np.all(close >= noise * (1 - 1e-12))
    assert close == pytest.approx(noise, rel=0.02, abs=noise.max() / 32)
    by_norm = np.array([x / ONE for x in LadderErrors(gains).by_norm()])
    assert np.all(by_norm >= noise)


@pytest.mark.parametrize("quiet", [ladder_gains.QUIET, ONE, 8 * ONE])
def test_tails_are_bounded_wherever_the_sums_end(
    quiet: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ladder_gains, "QUIET", quiet)
    program = REAL["six"]
    A, b, _ = dense(program)
    R = np.array([float(x) for x in ladder(program).states])
    rows, x, l1, decay = A, b[:6], np.abs(b), np.zeros(len(A))
    for _ in range(4000):
        l1, decay = l1 + np.abs(A @ x), decay + np.sqrt(rows**2 @ R)
        x, rows = (A @ x)[:6], rows @ A[:6]
    # states of the same step
    decay[:6] += np.sqrt(R)
    gains = ladder_gains.ladder_gains(ladder(program), 48)
    assert gains is not None
    assert np.all(np.array([g.l1 / ONE for g in gains.of[:19]]) >= l1)
    found = np.array([g.decay / ONE for g in gains.of[:19]])
    assert np.all(found >= decay)
    if quiet == ladder_gains.QUIET and quiet < ONE:
        assert np.all(found <= 1.5 * decay + 20)


def test_the_input_is_rounded_to_the_waves() -> None:
    """A wave of 4 fractional bits takes an input of 11: half a unit more in every step."""
    program = legendre_ladder(6, 48.0, QFormat(9, 4))
    gains = ladder_gains.ladder_gains(ladder(program), 48)
    assert gains is not None
    l1 = max(g.l1 for g in gains.of[:6]) / ONE
    claim = signals(program)["w"]
    # |x| <= 2 - 2**-11 on average, and half a unit
    assert claim.high - claim.rounding == pytest.approx(l1 * (2 * 16 + 0.5), abs=1.1)


def test_the_widest_intermediate_by_hand() -> None:
    program = ladder_program(order=2, bits=8, state=QFormat(3, 5))
    program = with_op(program, 0, sections=(Adaptor(1, 3),) * 2, reflection=Adaptor(1, 3))
    (ladder_bits, *_) = derive(json.loads(program.to_json())).accumulators
    # three waves of 128 and t of 256 and its rounding
    assert ladder_bits.bits == (5 * 128 + 1).bit_length() + 1
    program = with_op(program, 0, sections=(Adaptor(1, 3), Adaptor(5, 3)))
    (ladder_bits, *_) = derive(json.loads(program.to_json())).accumulators
    # 5 (w - a) and a half
    assert ladder_bits.bits == (5 * 256 + 8).bit_length() + 1


def test_errors_that_would_be_followed_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """The norm that they add to the state still bounds them, further away."""
    near = signals(REAL["six"])["w"]
    monkeypatch.setattr(ladder_errors, "MAX_PRODUCTS", 0)
    far = signals(REAL["six"])["w"]
    assert far.basis is Basis.L1
    assert far.rounding > 2 * near.rounding
    monkeypatch.setattr(ladder_gains, "MAX_STEPS", 16)
    lost = signals(REAL["six"])["w"]
    assert (lost.basis, lost.reason) == (
        Basis.SATURATION,
        "no bound of its impulse response was found",
    )


SMALL: dict[str, tuple[tuple[tuple[int, int], ...], tuple[int, int], QFormat, int]] = {
    "one": (((3, 3),), (1, 2), QFormat(3, 3), 1),
    "one, reflecting": (((5, 3),), (-1, 2), QFormat(4, 4), 1),
    "two": (((3, 3), (5, 4)), (1, 3), QFormat(4, 2), 1),
    "two, substeps": (((3, 3), (5, 4)), (-1, 3), QFormat(4, 2), 2),
    "three": (((9, 4), (1, 1), (5, 3)), (1, 2), QFormat(5, 1), 1),
}
"""Sections, reflection, format and substeps of ladders small enough to visit all their states."""
WINDOW = 3


def small(name: str) -> Program:
    sections, reflection, fmt, substeps = SMALL[name]
    program = ladder_program(
        order=len(sections), bits=3, state=fmt, window=WINDOW, substeps=substeps
    )
    coefficients = tuple(Adaptor(*e) for e in sections)
    return with_op(program, 0, sections=coefficients, reflection=Adaptor(*reflection))


def reached(program: Program) -> dict[str, int]:
    """Return the largest magnitude of states and waves, over all that any input leads to."""
    op = program.ops[0]
    assert isinstance(op, Ladder)
    fmt, d = program.vector("u").fmt, len(op.sections)
    inputs = np.arange(fmt.min, fmt.max + 1)
    # a row: zeros counted, the previous input, the state
    new = np.zeros((1, 2 + d), dtype=np.int64)
    seen = {row.tobytes() for row in new}
    most = {"w": 0, "waves of w": 0}
    while len(new):
        u = np.tile(inputs, len(new))
        old = np.repeat(new, len(inputs), axis=0)
        count = np.where(u == 0, np.minimum(old[:, 0] + 1, WINDOW), 0)
        words = {"u": u[:, None], "previous": old[:, 1:2], "w": old[:, 2:]}
        for j in range(op.substeps):
            waves = ladder_substep(program, op, words, (count == WINDOW)[:, None], j)
            words["w"] = waves.state[:, 0]
            most["w"] = max(most["w"], int(np.abs(waves.state).max()))
            both = max(int(np.abs(x).max()) for x in (waves.left, waves.right))
            most["waves of w"] = max(most["waves of w"], both)
        previous = u if op.substeps > 1 else 0 * u
        rows = np.unique(np.column_stack([count, previous, words["w"]]), axis=0)
        new = np.array([row for row in rows if row.tobytes() not in seen])
        seen |= {row.tobytes() for row in new}
    assert len(seen) > 20
    return most


@pytest.mark.parametrize("name", SMALL)
def test_nothing_that_can_be_reached_is_beyond_its_bound(name: str) -> None:
    program = small(name)
    claims = signals(program)
    for signal, most in reached(program).items():
        claim = claims[signal]
        assert claim.basis == Basis.L1, claim
        assert 0.4 * claim.high <= most <= claim.high, (signal, claim)


def test_bounds_without_rounding_errors_are_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ladders above would show it."""
    monkeypatch.setattr(
        ladder_claims.LadderErrors, "by_norm", lambda self: [0] * len(self._gains.of)
    )
    monkeypatch.setattr(ladder_claims.LadderErrors, "by_place", lambda *_: None)
    found = []
    for program in map(small, SMALL):
        claims = signals(program)
        found += [most > claims[signal].high for signal, most in reached(program).items()]
    assert any(found)


@pytest.mark.parametrize("name", [*LADDERS, *REAL])
def test_random_words_stay_within_what_is_claimed(name: str) -> None:
    program = {**LADDERS, **REAL}[name]
    claims = signals(program)
    rng = np.random.default_rng(1)
    fmt, n_in = program.vector("u").fmt, program.vector("u").length
    rails = rng.choice([fmt.min, fmt.max], (300, 16, n_in))
    rails[100:140] = 0
    op, before = program.ops[0], {}
    assert isinstance(op, Ladder)

    def watch(words: Any) -> None:
        for signal in ("w", *(v.name for v in program.vectors if v.name.startswith("y"))):
            assert claims[signal].low <= words[signal].min(), signal
            assert words[signal].max() <= claims[signal].high, signal
        if before and claims["w"].basis == Basis.L1 == claims["waves of w"].basis:
            start = {**before, "u": words["u"]}
            silent = words["silence"] == op.window
            mode = Rounding.TRN_ZERO if silent.all() else Rounding.RND
            waves = ladder_substep(program, op, start, mode, 0)
            for x in (waves.left, waves.right):
                assert np.abs(x).max() <= claims["waves of w"].high
        before.update({n: words[n].copy() for n in ("w", "previous") if n in words})

    Interpreter(program, 16).run(rails, watch=watch)
