"""Bounds of memories on spiking neurons: above everything that a small one can reach."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lmu_hw.memory.spec import parse
from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import Adaptor, Cascade, Program, Role, Spiking, Vector
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.program.memory_step import chain
from lmu_hw.program.spiking_step import spikes, spiking_step
from lmu_hw.proof import residues, spiking_claims
from lmu_hw.proof.claims import Basis
from lmu_hw.proof.derive import derive
from lmu_hw.proof.lossless import sections_of
from lmu_hw.proof.memory_bounds import ReadoutRow, RowReader, gains_of
from lmu_hw.proof.residues import Residues, StateQuantum
from lmu_hw.proof.scaled import ONE
from lmu_hw.proof.truncation import Quiet
from lmu_hw.quantize.quantize_memory import quantize_memory
from lmu_hw.verify.rounding_search import linear_step
from tests.factories.spiking_programs import SPIKING
from tests.proof.test_rounding_bounds import WINDOW
from tests.proof.test_rounding_bounds import small as small_chain

SMALL: dict[str, tuple[str, int, tuple[int, ...], tuple[int, ...]]] = {
    "one": ("one real", 2, (3,), (4, 0, 4)),
    "one, many neurons": ("one real", 4, (0,), (3, 0, 3)),
    "two": ("two reals", 3, (2, 2), (4, 0, 4)),
    "a pair": ("a pair", 3, (2, 1), (5, 5, 5)),
    "a pair, few neurons": ("a pair", 3, (3, 2), (5, 6, 5)),
    "a pair, outer fine": ("a pair, outer fine", 4, (3, 1), (5, 5, 5)),
}
"""The chain, log2 of a population, quanta, and integer bits of chain, z_outer and z_inner."""


def on_neurons(program: Program, population: int, quanta: tuple[int, ...], **bits: int) -> Program:
    """Return a chain on integrate-and-fire neurons, with formats of this many integer bits."""
    cascade = program.ops[0]
    vectors = []
    for v in program.vectors:
        fmt = QFormat(bits[v.name], v.fmt.frac_bits) if v.name in bits else v.fmt
        vectors.append(replace(v, fmt=fmt))
    chain_fmt = QFormat(bits["chain"], cascade.chain_fmt.frac_bits)
    vectors.append(
        Vector(
            name="membrane",
            length=len(quanta),
            role=Role.STATE,
            fmt=QFormat(max(1, *quanta), 0),
        )
    )
    vectors.append(
        Vector(name="spikes", length=1, role=Role.OUTPUT, fmt=QFormat(9, 0, signed=False))
    )
    op = Spiking(
        cascade=replace(cascade, chain_fmt=chain_fmt),
        population=population,
        quanta=quanta,
        membrane="membrane",
        spikes="spikes",
    )
    return replace(program, vectors=tuple(vectors), ops=(op,))


def small(name: str) -> Program:
    chain_name, population, quanta, (w, outer, inner) = SMALL[name]
    return on_neurons(
        small_chain(chain_name), population, quanta, chain=w, z_outer=outer, z_inner=inner
    )


def claims_of(program: Program) -> Any:
    return derive(json.loads(program.to_json())).signals


def reached(program: Program) -> dict[str, int]:
    """Return the largest magnitude of each signal, over all states that any input leads to."""
    op = program.ops[0]
    assert isinstance(op, Spiking)
    fmt = program.vector("u").fmt
    inputs = np.arange(fmt.min, fmt.max + 1)
    names = [*op.cascade.states, "membrane"]
    ends = np.cumsum([1, *(program.vector(name).length for name in names)])
    w_name = f"chain of {op.cascade.z_inner}"
    most = dict.fromkeys((w_name, *names, "spikes"), 0)

    def at_least(name: str, words: Any) -> None:
        most[name] = max(most[name], int(np.abs(words).max()))

    # a row: zeros counted, then the words of the states
    new = np.zeros((1, ends[-1]), dtype=np.int64)
    seen = {row.tobytes() for row in new}
    while len(new):
        u = np.tile(inputs, len(new))[:, None]
        old = np.repeat(new, len(inputs), axis=0)
        count = np.where(u[:, 0] == 0, np.minimum(old[:, 0] + 1, WINDOW), 0)
        words = {"u": u}
        for name, first, end in zip(names, ends[:-1], ends[1:], strict=True):
            words[name] = old[:, first:end]
        silent = (count == WINDOW)[:, None]
        sent = spikes(program, op, words, silent).sent[:, 0]
        read = {
            name: sent[:, [k for k, place in enumerate(op.places) if place[0] == name]]
            for name in op.cascade.states
        }
        for section in chain(program, op.cascade, {"u": u, **read}, silent):
            at_least(w_name, section.w)
            if section.f is not None:
                at_least(op.cascade.z_outer, section.f)
        after = spiking_step(program, op, words, silent)
        for name in (*names, "spikes"):
            at_least(name, after[name])
        rows = np.unique(np.column_stack([count, *(after[name] for name in names)]), axis=0)
        new = np.array([row for row in rows if row.tobytes() not in seen])
        seen |= {row.tobytes() for row in new}
    assert len(seen) > 3
    return most


@pytest.mark.parametrize("name", SMALL)
def test_nothing_that_can_be_reached_is_beyond_its_bound(name: str) -> None:
    """Every state, membrane and zero-input run: the bounds hold, and are not far away."""
    program = small(name)
    claims = claims_of(program)
    for signal, most in reached(program).items():
        claim = claims[signal]
        assert not claim.reason, claim
        high = max(-claim.low, claim.high)
        assert most <= high, (signal, claim)
        assert most >= 0.5 * high, (signal, claim)


@pytest.mark.parametrize("part", ["kept", "nearest"])
def test_bounds_without_residues_or_roundings_are_passed(
    part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The memories above would show it."""
    together = spiking_claims._together

    def less(rounding: Any, residues: Any) -> Any:
        if part == "kept":
            return rounding
        return together(replace(rounding, nearest=0, more=(0,) * len(rounding.more)), residues)

    monkeypatch.setattr(spiking_claims, "_together", less)
    found = []
    for program in map(small, SMALL):
        claims = claims_of(program)
        found += [most > claims[signal].high for signal, most in reached(program).items()]
    assert any(found)


@pytest.mark.parametrize("keys", [{"d": 5, "theta": 20.0}, {"d": 6, "theta": 64.0}], ids=str)
def test_residue_sums_are_those_of_the_recursion(keys: dict[str, Any]) -> None:
    """Total variations and windows' peaks, in float64 from a dense matrix."""
    design = quantize_memory(
        parse({**keys, "realization": "spiking", "neurons": 2048, "neuron_model": "integrate-fire"})
    )
    op = design.program.ops[0]
    assert isinstance(op, Spiking)
    sections = sections_of([[(e.coef, e.shift) for e in s] for s in op.cascade.sections])
    n = len(sections)
    gains = gains_of(sections, 8)
    assert gains is not None
    places = [
        StateQuantum(section=k, kind=kind, half=(1 + 2 * number) * ONE >> 4)
        for number, (k, kind) in enumerate(
            (k, kind)
            for k, s in enumerate(sections)
            for kind in ("o", "i")[: len(op.cascade.sections[k])]
        )
    ]
    quiet = Quiet(gains.response, op.window)
    rows = [ReadoutRow(of_o=tuple(range(1, n + 1)), of_i=(3,) * n)]
    residues = Residues(gains.response, places, RowReader(gains.response, rows))
    found = residues.sums(gains.total, gains.n_steps, quiet.cell, quiet.parts)
    assert found is not None
    # columns: o, then i, of every section; an error in what is read
    sent = np.eye(2 * n)[:, [p.section + n * (p.kind == "i") for p in places]]
    half = np.array([p.half / ONE for p in places])
    responses: dict[str, list[Any]] = {name: [] for name in ("w", "f", "o", "i", "rows")}
    x, read = 0.0 * sent, sent
    for _ in range(3000):
        after, signals = linear_step(sections, read)
        x = after - (read - x)
        read = x
        signals |= {"o": x[:n], "i": x[n:], "rows": [np.r_[1 : n + 1, [3.0] * n] @ x]}
        for name, values in signals.items():
            responses[name].append(np.array(values))
    for name, sums in found.items():
        h = np.array(responses[name])
        steps = np.diff(np.concatenate([0 * h[:1], h]), axis=0)
        exact = np.abs(steps).sum(axis=0) @ half
        kept = np.array([s.kept / ONE for s in sums])
        assert np.all(kept >= exact * (1 - 1e-9)), name
        assert kept == pytest.approx(exact, rel=0.01, abs=1e-6), name
        sizes = np.abs(h) @ half
        cells = sizes[: len(h) // quiet.cell * quiet.cell].reshape(-1, quiet.cell, h.shape[1])
        largest = cells.max(axis=1)
        for m, s in enumerate(sums):
            for first, bound in enumerate(s.discarded):
                column = largest[first:, m]
                starts = range(0, len(column), quiet.parts)
                want = sum(max(column[k : k + quiet.parts]) for k in starts)
                assert bound / ONE >= want * (1 - 1e-9), (name, first)
                assert bound / ONE == pytest.approx(want, rel=0.05, abs=3e-3 * kept.max()), name


def test_residues_that_would_be_followed_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(residues, "MAX_VALUES", 0)
    claim = claims_of(small("two"))["z_inner"]
    assert (claim.basis, claim.reason) == (Basis.SATURATION, spiking_claims.TOO_LONG)


def test_states_beyond_full_scale_are_not_proven() -> None:
    """Their neurons send full scale, and the residue would grow."""
    chain_name, population, quanta, (w, _, inner) = SMALL["two"]
    few, wide = population - 1, w + 1
    program = on_neurons(small_chain(chain_name), few, quanta, chain=wide, z_inner=inner)
    claims = claims_of(program)
    assert (
        claims["z_inner"].reason == "a state can reach 18 words of z_inner, and its neurons send 16"
    )
    # what is sent is within the format, whatever the residues are
    assert claims["chain of z_inner"].basis is Basis.ENERGY
    assert claims["spikes"].high == 2 << population - 1


def test_spikes_beyond_the_format_are_not_proven() -> None:
    """Two spikes, 32 words, would saturate at 31: the membrane counts what was not sent."""
    for bits, proven in ((3, False), (4, True)):
        program = on_neurons(small_chain("one real"), 2, (4,), chain=5, z_inner=bits)
        claim = claims_of(program)["z_inner"]
        if proven:
            # full scale, and the bound of 27 words, are in either format
            assert (claim.basis, claim.high, claim.reason) == (Basis.L1, 27, "")
        else:
            assert claim.basis is Basis.SATURATION
            assert claim.reason == "spikes can send 42 words of z_inner, which holds 31"


@pytest.mark.parametrize(("window", "share"), [(1, 0.4), (2, 0.5), (3, 0.6)])
def test_residues_that_zero_input_runs_discard_are_in_the_bound(window: int, share: float) -> None:
    """Runs of a step as often as may be, at the worst lags, between the worst residues."""
    e, quantum = 2, 9
    chained = small_chain("one real")
    cascade = chained.ops[0]
    assert isinstance(cascade, Cascade)
    op = replace(cascade, sections=((Adaptor(coef=e, shift=4),),), window=window)
    wide = quantum + 1
    program = on_neurons(replace(chained, ops=(op,)), 0, (quantum,), chain=wide, z_inner=wide)
    claim = claims_of(program)["z_inner"]
    # the state after inputs of 8 words, and after residues, of each lag
    drive = 8 * e / 16 * (1 - e / 16) ** np.arange(300)
    sent = drive / 8
    worst = 0.0
    for first in range(1, 20):
        inputs, kept = drive.copy(), np.abs(np.diff(sent, prepend=0.0))
        for lag in range(first, 300 - window - 1, window + 1):
            inputs[lag : lag + window] = 0.0
            # the run sends no residue; that of the step before it is never made up for
            kept[lag], kept[lag + 1] = 0.0, sent[lag + 1]
        worst = max(worst, inputs.sum() + kept.sum() * (1 << quantum) / 2)
    assert claim.basis is Basis.L1
    assert share * claim.high <= worst <= claim.high


@pytest.mark.parametrize("name", [name for name in SPIKING if SPIKING[name].ops[0].membrane])
def test_random_words_stay_within_what_is_claimed(name: str) -> None:
    program = SPIKING[name]
    claims = claims_of(program)
    fmt, n_in = program.vector("u").fmt, program.vector("u").length
    rails = np.random.default_rng(1).choice([fmt.min, fmt.max], (300, 16, n_in))
    rails[100:140] = 0

    def watch(words: Any) -> None:
        for signal, claim in claims.items():
            if signal in words:
                assert claim.low <= words[signal].min(), signal
                assert words[signal].max() <= claim.high, signal

    Interpreter(program, 16).run(rails, watch=watch)
