"""Bounds that are proven: against exact fractions, against brute force, and against bounds.py."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from lmu_hw.memory.spec import parse
from lmu_hw.program.integer_program import MemoryUpdate, Role
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.proof import matrix, scaled
from lmu_hw.proof.claims import Basis
from lmu_hw.proof.derive import derive
from lmu_hw.proof.feedback import recurrent
from lmu_hw.proof.lossless import LosslessSection, RoundingSteps, noise_of, norms_of, sections_of
from lmu_hw.proof.memory_bounds import ReadoutRow, gains_of
from lmu_hw.proof.response import SIGNALS, Response, TooWideError
from lmu_hw.proof.rounding import error_sums
from lmu_hw.proof.scaled import ONE
from lmu_hw.quantize.quantize_memory import quantize_memory
from tests.factories.network_programs import feedback

CHAINS: dict[str, list[list[tuple[int, int]]]] = {
    "one real": [[(77, 8)]],
    "one real, nearly 2": [[(119, 6)]],
    "one pair": [[(77, 8), (30, 7)]],
    "two pairs and a real": [[(77, 8), (30, 7)], [(100, 6), (9, 5)], [(9, 4)]],
    "a real first": [[(1, 3)], [(5, 4), (1, 0)], [(3, 1), (7, 3)]],
}


def exact_response(chain: list[list[tuple[int, int]]], n_steps: int) -> dict[str, Any]:
    """Return the impulse response of every signal by the program's text, in fractions."""
    state = [[Fraction(0)] * len(s) for s in chain]
    out: dict[str, list[list[Fraction]]] = {name: [] for name in SIGNALS}
    for step in range(n_steps):
        w = Fraction(int(step == 0))
        row: dict[str, list[Fraction]] = {name: [] for name in SIGNALS}
        for section, held in zip(chain, state, strict=True):
            e = [Fraction(coef, 1 << shift) for coef, shift in section]
            f = i = Fraction(0)
            if len(section) == 1:
                t = e[0] * (w - held[0])
                held[0], w = held[0] + t, 2 * held[0] - w + t
            else:
                t = e[0] * (held[1] - w)
                w, f = w + t, 2 * w - held[1] + t
                t = e[1] * (f - held[0])
                held[0], held[1] = held[0] + t, 2 * held[0] - f + t
                i = held[0]
            for name, value in zip(SIGNALS, (w, f, held[-1], i), strict=True):
                row[name].append(value)
        for name in SIGNALS:
            out[name].append(row[name])
    return out


def is_there(name: str, section: LosslessSection) -> bool:
    return section.e2 is not None or name in ("w", "o")


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_l1_norms_are_those_of_the_exact_response(chain: list[list[tuple[int, int]]]) -> None:
    sections = sections_of(chain)
    found = gains_of(sections, 16)
    assert found is not None
    exact = exact_response(chain, 240)
    for name in SIGNALS:
        for k, section in enumerate(sections):
            if is_there(name, section):
                l1 = float(sum(abs(row[k]) for row in exact[name]))
                bound = found.of[name][k].l1 / ONE
                assert l1 <= bound <= 1.0001 * l1 + 1e-3, (name, k)


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_energies_are_the_weights(chain: list[list[tuple[int, int]]]) -> None:
    sections = sections_of(chain)
    norms, exact = norms_of(sections), exact_response(chain, 160)
    for name in SIGNALS:
        for k, section in enumerate(sections):
            if is_there(name, section):
                energy = float(sum(row[k] ** 2 for row in exact[name]))
                # what is left behind 240 steps
                assert energy == pytest.approx(norms[name][k] / ONE, rel=1e-3), (name, k)


def test_rows_are_read_with_one_time() -> None:
    chain = CHAINS["two pairs and a real"]
    rows = (ReadoutRow(of_o=(3, -5, 7), of_i=(2, 1, 0)), ReadoutRow(of_o=(0, 0, 1), of_i=(0, 0, 0)))
    found = gains_of(sections_of(chain), 16, rows)
    assert found is not None
    exact = exact_response(chain, 240)
    for row, gain in zip(rows, found.of["rows"], strict=True):
        l1 = float(
            sum(
                abs(sum(c * x for c, x in zip((*row.of_o, *row.of_i), (*o, *i), strict=True)))
                for o, i in zip(exact["o"], exact["i"], strict=True)
            )
        )
        assert l1 <= gain.l1 / ONE <= 1.0001 * l1 + 1e-3


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_both_bounds_on_rounding_hold_and_one_is_tighter(
    chain: list[list[tuple[int, int]]],
) -> None:
    sections = sections_of(chain)
    unit = RoundingSteps(chain=ONE >> 6, outer=ONE >> 5, inner=ONE >> 7)
    found = gains_of(sections, 16)
    assert found is not None
    sums = error_sums(found.response, unit, found.total, found.n_steps)
    assert sums is not None
    noise = noise_of(sections, unit)
    truncated = random_errors(chain, np.random.default_rng(0), nearest=False)
    rounded = random_errors(chain, np.random.default_rng(0), nearest=True)
    for name in SIGNALS:
        same = {"w": noise.w, "f": noise.f}.get(name, (0,) * len(sections))
        for k, section in enumerate(sections):
            if is_there(name, section):
                by_norm = scaled.product(found.of[name][k].decay, noise.energy) + same[k]
                nearest, units = (
                    sums[name][k].nearest,
                    sums[name][k].nearest + sums[name][k].more[0],
                )
                assert rounded[name][k] <= nearest / ONE, (name, k)
                assert truncated[name][k] <= units / ONE, (name, k)
                assert units <= 1.1 * by_norm, (name, k)
                assert nearest < 0.6 * units, (name, k)


def random_errors(
    chain: list[list[tuple[int, int]]], rng: np.random.Generator, *, nearest: bool
) -> dict[str, Any]:
    """Return the largest values that rounding errors cause without input.

    They have random signs and full size or, with ``nearest``, are those of two words rounded to
    nearest from one sum.
    """
    lsb = {"chain": 2.0**-6, "outer": 2.0**-5, "inner": 2.0**-7}
    held = [np.zeros((len(s), 64)) for s in chain]
    worst = {name: [0.0] * len(chain) for name in SIGNALS}

    def off(*kinds: str) -> list[np.ndarray]:
        if not nearest:
            return [rng.choice([-lsb[kind], lsb[kind]], 64) for kind in kinds]
        rest = rng.integers(0, 64, 64) * 2.0**-9
        return [np.floor(rest / lsb[kind] + 0.5) * lsb[kind] - rest for kind in kinds]

    for _ in range(400):
        w = np.zeros(64)
        for k, (section, z) in enumerate(zip(chain, held, strict=True)):
            e = [coef / 2**shift for coef, shift in section]
            f = i = np.zeros(64)
            if len(section) == 1:
                t, (z_off, w_off) = e[0] * (w - z[0]), off("inner", "chain")
                z[0], w = z[0] + t + z_off, 2 * z[0] - w + t + w_off
            else:
                t, (w_off, f_off) = e[0] * (z[1] - w), off("chain", "outer")
                w, f = w + t + w_off, 2 * w - z[1] + t + f_off
                t, (z_off, o_off) = e[1] * (f - z[0]), off("inner", "outer")
                z[0], z[1] = z[0] + t + z_off, 2 * z[0] - f + t + o_off
                i = z[0]
            for name, value in zip(SIGNALS, (w, f, z[-1], i), strict=True):
                worst[name][k] = max(worst[name][k], float(np.abs(value).max()))
    return worst


def test_the_integer_response_is_within_its_miss() -> None:
    chain = CHAINS["two pairs and a real"]
    response = Response(sections_of(chain), 32)
    found = next(iter(response.blocks()))
    exact, miss = exact_response(chain, 32), response.miss(32)
    for name in SIGNALS:
        for k in range(3):
            for step in range(32):
                error = abs(
                    Fraction(int(found[name][step, k]), 1 << response.frac_bits)
                    - exact[name][step][k]
                )
                if is_there(name, response.sections[k]):
                    assert error <= Fraction(miss[name][k], ONE)


def test_coefficients_that_cannot_be_followed_are_refused() -> None:
    with pytest.raises(TooWideError):
        Response(sections_of([[((1 << 45) + 1, 45)]]), 16)


def test_a_chain_that_never_settles_has_no_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lmu_hw.proof.memory_bounds.MAX_STEPS", 256)
    assert gains_of(sections_of([[(1, 30)]]), 16) is None


ROWS, SHIFTS = ((-40, 30), (-35, -90)), (7, 8)


def exact_matrix(n_steps: int) -> tuple[list[float], list[float]]:
    """Return l1 norms of the response of each word, and what unit errors add up to."""
    E = [[Fraction(x, 1 << s) for x in row] for row, s in zip(ROWS, SHIFTS, strict=True)]
    P = [[Fraction(int(i == j)) for j in range(2)] for i in range(2)]
    b = [-row[0] for row in E]
    l1, rounding = [0.0] * 2, [0.0] * 2
    for _ in range(n_steps):
        for i in range(2):
            l1[i] += float(abs(sum(P[i][j] * b[j] for j in range(2))))
            rounding[i] += float(sum(map(abs, P[i])))
        P = [
            [P[i][j] + sum(E[i][k] * P[k][j] for k in range(2)) for j in range(2)] for i in range(2)
        ]
    return l1, rounding


def test_gains_of_a_matrix_are_exact() -> None:
    found = matrix.matrix_gains(ROWS, SHIFTS)
    assert found is not None
    for exact, bound in zip(exact_matrix(150), (found.l1, found.rounding), strict=True):
        for x, y in zip(exact, bound, strict=True):
            assert x <= y / ONE <= 1.01 * x


@pytest.mark.parametrize(
    ("rows", "why"),
    [(((1, 0), (0, -1)), "it grows"), (((0, 0), (0, -1)), "it never settles")],
)
def test_a_matrix_without_bound(
    rows: tuple[tuple[int, ...], ...], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matrix, "MAX_STEPS", 1 << 12)
    assert matrix.matrix_gains(rows, (2, 2)) is None, why


def test_contraction_is_that_of_the_norm() -> None:
    rng = np.random.default_rng(0)
    verdicts = set()
    for _ in range(60):
        A = rng.uniform(-1, 1, (4, 4)) * rng.uniform(0.3, 0.8)
        rows = np.round((A - np.eye(4)) * 256).astype(int)
        S = np.sqrt(2.0 * np.arange(4) + 1.0)
        norm = np.linalg.norm((np.eye(4) + rows / 256) * (S[None, :] / S[:, None]), 2)
        proven = matrix.contracts(rows.tolist(), (8,) * 4)
        assert proven == (norm < 1.0)
        verdicts.add(proven)
    assert verdicts == {True, False}


def test_recurrent_signals_are_those_of_loops() -> None:
    data = json.loads(feedback().to_json())
    assert recurrent(data) == {"h", "u", "m_z_outer", "m_z_inner", "m_silence"}
    alone = json.loads(quantize_memory(parse({"d": 6, "realization": "cascade"})).program.to_json())
    assert recurrent(alone) == {"z_outer", "z_inner", "silence"}


@pytest.mark.parametrize("seed", range(6))
def test_nothing_leaves_its_range(seed: int) -> None:
    """Whatever is claimed of a hand-made network, its words stay within it."""
    rng = np.random.default_rng(seed)
    program = feedback() if seed % 2 else quantize_memory(parse({"d": seed + 2, "bits": 8})).program
    claims = derive(json.loads(program.to_json())).signals
    interpreter = Interpreter(program, 32)
    inputs = program.with_role(Role.INPUT)
    low = np.concatenate([np.full(v.length, v.fmt.min) for v in inputs])
    high = np.concatenate([np.full(v.length, v.fmt.max) for v in inputs])
    rails = rng.random((200, 32, len(low))) < 0.5
    reached: dict[str, list[int]] = {v.name: [0, 0] for v in program.vectors}

    def watch(words: Any) -> None:
        for name, seen in reached.items():
            seen[0] = min(seen[0], int(words[name].min()))
            seen[1] = max(seen[1], int(words[name].max()))

    interpreter.run(np.where(rails, low, high), watch=watch)
    for name, (least, most) in reached.items():
        assert claims[name].low <= least, name
        assert most <= claims[name].high, name


def test_formats_hold_what_bounds_found() -> None:
    """Two ways to the same worst cases: floats in ``bounds``, integers here."""
    for keys in ({"d": 6}, {"d": 16, "bits": 8}, {"d": 9, "realization": "dense"}):
        design = quantize_memory(parse(keys))
        claims = derive(json.loads(design.program.to_json())).signals
        for bound in design.bounds:
            claim = claims["chain of z_inner" if bound.signal == "chain" else bound.signal]
            found = claim.high * bound.fmt.lsb
            assert found == pytest.approx(bound.peak, rel=0.2), bound.signal
            # without rounding errors, which both estimate from above
            assert found - claim.rounding * bound.fmt.lsb <= bound.peak


def test_memories_of_a_test_program_are_followed() -> None:
    program = feedback()
    assert any(isinstance(op, MemoryUpdate) for op in program.ops)
    found = derive(json.loads(program.to_json()))
    assert found.signals["m_z_inner"].basis in (Basis.L1, Basis.SATURATION)
    assert all(a.exact for a in found.accumulators)
