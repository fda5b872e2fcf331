"""Certificates of memories on spiking neurons: kept by what lmu-hw writes, lost when broken."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lmu_hw.errors import CertificateError, ModelFileError
from lmu_hw.memory.spec import parse
from lmu_hw.program.integer_program import Role, Spiking
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.program.spiking_step import draws, spikes
from lmu_hw.program.spiking_update import DRAW_BITS
from lmu_hw.proof import spiking_claims
from lmu_hw.proof.certificate import certificate, certify
from lmu_hw.proof.claims import Basis
from lmu_hw.proof.derive import derive
from lmu_hw.quantize.memory_design import QuantizedMemory
from lmu_hw.quantize.quantize_memory import quantize_memory
from tests.cli.command import call, refused
from tests.factories.spiking_programs import SPIKING
from tests.proof.test_certificate import check_that_certify_catches, stated_of, write

Data = dict[str, Any]
Edit = Callable[[Data, Data], None]


def designed(neuron_model: str = "integrate-fire", **keys: Any) -> QuantizedMemory:
    common = {"realization": "spiking", "neuron_model": neuron_model}
    return quantize_memory(parse({**common, **keys}))


def op(program: Data) -> Data:
    return next(o for o in program["ops"] if o["kind"] == "spiking")


def vector(program: Data, name: str) -> Data:
    return next(v for v in program["vectors"] if v["name"] == name)


def renamed(stated: Data, name: str, fmt: Data) -> None:
    sign = "" if fmt["signed"] else "U"
    stated["signals"][name]["format"] = f"{sign}Q{fmt['int_bits']}.{fmt['frac_bits']}"


def fewer_neurons(program: Data, _: Data) -> None:
    op(program)["population"] -= 1


def larger_quantum(program: Data, _: Data) -> None:
    op(program)["quanta"][1] += 1


def smaller_quantum(program: Data, _: Data) -> None:
    op(program)["quanta"][0] -= 1


def narrower_membrane(program: Data, stated: Data) -> None:
    fmt = vector(program, "membrane")["fmt"]
    fmt["int_bits"] -= 1
    renamed(stated, "membrane", fmt)


def narrower_state(program: Data, stated: Data) -> None:
    # there is a bit above full scale
    fmt = vector(program, "z_inner")["fmt"]
    fmt["int_bits"] -= 2
    renamed(stated, "z_inner", fmt)


def narrower_chain(program: Data, stated: Data) -> None:
    fmt = op(program)["cascade"]["chain_fmt"]
    fmt["int_bits"] -= 2
    renamed(stated, "chain of z_inner", fmt)


def adaptor_above_2(program: Data, _: Data) -> None:
    e = op(program)["cascade"]["sections"][0][0]
    e["coef"] = 2 << e["shift"]


def shorter_window(program: Data, _: Data) -> None:
    op(program)["cascade"]["window"] = 4


def narrower_spikes(program: Data, stated: Data) -> None:
    fmt = vector(program, "spikes")["fmt"]
    fmt["int_bits"] -= 2
    renamed(stated, "spikes", fmt)


def tighter_bound(_: Data, stated: Data) -> None:
    stated["signals"]["z_outer"]["high"] -= 1


def fewer_spikes(_: Data, stated: Data) -> None:
    stated["signals"]["spikes"]["high"] -= 1


def smaller_residues(_: Data, stated: Data) -> None:
    stated["signals"]["z_inner"]["rounding"] -= 0.001


def no_claim_of_membranes(_: Data, stated: Data) -> None:
    del stated["signals"]["membrane"]


def no_rest_in_the_decay(_: Data, stated: Data) -> None:
    stated["decay"]["z_outer z_inner"] = stated["decay"].pop("z_outer z_inner membrane")


def narrower_accumulator(_: Data, stated: Data) -> None:
    stated["accumulators"][0]["bits"] -= 1


def rounding_mode(_: Data, stated: Data) -> None:
    stated["rounding"]["spiking"] = "trn; saturates"


LOST = "basis is claimed to be 'l1 norm', but the program gives 'saturation'"
CORRUPTIONS: dict[Edit, str] = {
    fewer_neurons: f"z_outer: {LOST}",
    larger_quantum: "membrane: basis is claimed to be 'interval'.*'saturation'",
    smaller_quantum: f"z_outer: {LOST}",
    narrower_membrane: "membrane: basis is claimed to be 'interval'.*'saturation'",
    narrower_state: f"z_outer: {LOST}",
    narrower_chain: "chain of z_inner: basis is claimed to be 'l1 norm'.*'saturation'|z_outer: .*",
    adaptor_above_2: f"z_outer: {LOST}",
    shorter_window: "z_outer: low is claimed|z_outer: .*'saturation'",
    narrower_spikes: "spikes: basis is claimed to be 'interval'.*'saturation'",
    tighter_bound: "z_outer: high is claimed",
    fewer_spikes: "spikes: high is claimed",
    smaller_residues: "z_inner: rounding is claimed",
    no_claim_of_membranes: "membrane: the claim of its signals is missing",
    no_rest_in_the_decay: "z_outer z_inner membrane: the claim of its decay is missing",
    narrower_accumulator: "accumulator of z_inner: bits is claimed",
    rounding_mode: "program: rounding is claimed",
}


@pytest.fixture(scope="module")
def design() -> tuple[Data, Data]:
    return stated_of(designed(d=6, theta=64, bits=12, neurons=768))


@pytest.mark.parametrize("edit", CORRUPTIONS, ids=lambda edit: edit.__name__)
def test_certify_catches(edit: Edit, design: tuple[Data, Data], tmp_path: Path) -> None:
    check_that_certify_catches(edit, CORRUPTIONS[edit], design, tmp_path / "out")


@pytest.mark.parametrize("key", ["cascade", "population", "quanta", "membrane", "spikes"])
@pytest.mark.parametrize("value", [None, -1, 99, "x", [], [-1] * 6, [[-1]]])
def test_damaged_operations_are_errors_of_one_line(
    key: str, value: Any, design: tuple[Data, Data], tmp_path: Path
) -> None:
    program, stated = copy.deepcopy(design)
    op(program)[key] = value
    with pytest.raises((CertificateError, ModelFileError)):
        certify(write(tmp_path / "out", program, stated))


@pytest.mark.parametrize("name", SPIKING)
def test_certify_passes_on_programs_made_by_hand(name: str, tmp_path: Path) -> None:
    program = SPIKING[name].to_json()
    stated = certificate(program, None).to_dict()
    certify(write(tmp_path / "out", json.loads(program), stated))


@pytest.mark.parametrize(
    "keys",
    [
        {"d": 1, "theta": 20, "neurons": 64},
        {"d": 6, "neurons": 768},
        {"d": 7, "theta": 70, "bits": 8, "neurons": 3584, "channels": 2},
        {"d": 12, "neurons": 6144, "output": "taps=0,0.5,1"},
        {"d": 24, "theta": 256, "neurons": 49152},
    ],
    ids=str,
)
def test_bounds_are_not_above_those_that_chose_the_formats(keys: Data) -> None:
    """Two ways to the same worst cases: floats in `quantize`, integers here."""
    found = designed(**keys)
    derived = derive(json.loads(found.program.to_json()))
    assert derived.proven
    names = {"chain": "chain of z_inner"}
    for bound in found.bounds:
        claim = derived.signals[names.get(bound.signal, bound.signal)]
        assert claim.basis is Basis.L1
        assert 0.75 * bound.peak <= claim.high * bound.fmt.lsb <= bound.peak, bound


def test_too_few_neurons_are_not_proven() -> None:
    """Their residues are so large that no full scale holds every state."""
    derived = derive(json.loads(designed(d=24, theta=256, neurons=768).program.to_json()))
    assert derived.unproven == ("z_outer", "z_inner")
    assert "its neurons send" in derived.signals["z_inner"].reason
    assert derived.signals["chain of z_inner"].basis is Basis.ENERGY
    assert all(d.proven for d in derived.decay.values())


def test_poisson_neurons_bound_the_chain_alone() -> None:
    found = designed("poisson", d=6, neurons=768, seed=3, generators=4)
    derived = derive(json.loads(found.program.to_json()))
    assert derived.unproven == ("z_outer", "z_inner")
    for name in derived.unproven:
        assert derived.signals[name].reason == spiking_claims.RANDOM
    chain = derived.signals["chain of z_inner"]
    (bound,) = (b for b in found.bounds if b.signal == "chain")
    assert chain.basis is Basis.ENERGY
    assert chain.high * bound.fmt.lsb == pytest.approx(bound.peak, rel=1e-4)
    assert (derived.signals["generators"].low, derived.signals["generators"].high) == (0, 2**32 - 1)
    assert derived.signals["spikes"].high == 6 * 64
    (names, decay), *_ = derived.decay.items()
    assert names == "z_outer z_inner"
    assert decay.proven
    assert "generators keep their words" in decay.reason


@pytest.mark.parametrize("name", [n for n in SPIKING if n.startswith("poisson")])
def test_spikes_and_chain_stay_within_what_is_claimed(name: str) -> None:
    program = SPIKING[name]
    claims = derive(json.loads(program.to_json())).signals
    fmt, n_in = program.vector("u").fmt, program.vector("u").length
    rails = np.random.default_rng(2).choice([fmt.min, fmt.max], (200, 16, n_in))

    def watch(words: Any) -> None:
        assert words["spikes"].max() <= claims["spikes"].high

    Interpreter(program, 16).run(rails, watch=watch)


def test_a_count_is_right_on_average() -> None:
    """Over all draws, which occur equally often, within half a unit of its threshold."""
    program = SPIKING["poisson_mixed"]
    update = program.ops[0]
    assert isinstance(update, Spiking)
    rng, full = np.random.default_rng(0), [1 << s + update.population for s in update.quanta]
    assert max(full) < 1 << DRAW_BITS
    seeds = np.array(update.seeds, dtype=np.uint32)
    n = 1 << 14
    words = {v.name: np.zeros((n, v.length), dtype=np.int64) for v in program.vectors}
    words["generators"] = rng.integers(1, 1 << 32, (n, len(seeds)))
    z = {
        name: rng.integers(
            program.vector(name).fmt.min, program.vector(name).fmt.max, words[name].shape[1]
        )
        for name in update.cascade.states
    }
    words |= {name: np.tile(z[name], (n, 1)) for name in z}
    counts = spikes(program, update, words, np.zeros((n, 1), dtype=np.bool_)).counts[:, 0]
    for k, (name, index) in enumerate(update.places):
        a = np.clip(z[name][index], -full[k], full[k])
        mean = (1 << update.population) * a / full[k]
        spread = np.sqrt(abs(mean) * (1 - abs(a) / full[k]) / n)
        assert counts[:, k].mean() == pytest.approx(mean, abs=4.5 * spread + 1e-9)


def test_draws_are_even_over_a_period() -> None:
    """Every state but 0 occurs once, so that draws below a threshold are in proportion to it."""
    # a bijection of the states that leaves 0 alone: its matrix over GF(2) has full rank
    basis = draws(np.uint32(1) << np.arange(32, dtype=np.uint32), 1)[:, 0].tolist()
    rank = 0
    while basis:
        pivot = basis.pop()
        if pivot:
            rank += 1
            low = pivot & -pivot
            basis = [x ^ pivot if x & low else x for x in basis]
    assert rank == 32


QUICK = ("integrate_pair", "poisson_pair")


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.soak] * (n not in QUICK)) for n in SPIKING]
)
def test_silence_ends_at_zero_from_any_state(name: str) -> None:
    """Every word and membrane of the memory; generators keep theirs and draw nothing."""
    program = SPIKING[name]
    update = program.ops[0]
    assert isinstance(update, Spiking)
    derived = derive(json.loads(program.to_json()))
    (names,) = derived.decay
    interpreter, rng = Interpreter(program, 32), np.random.default_rng(4)
    states = program.with_role(Role.STATE)
    start = [rng.integers(v.fmt.min, v.fmt.max, (32, v.length), endpoint=True) for v in states]
    interpreter.load(np.hstack(start))
    zeros = np.zeros((update.window, 32, program.n_words(Role.INPUT)), dtype=np.int64)
    interpreter.run(zeros)
    ends = np.cumsum([v.length for v in states])[:-1]
    kept = dict(zip((v.name for v in states), np.split(interpreter.save(), ends, 1), strict=True))
    for _ in range(400):
        interpreter.run(zeros)
    after = dict(zip((v.name for v in states), np.split(interpreter.save(), ends, 1), strict=True))
    for name in names.split():
        assert not after[name].any(), name
    if update.generators:
        assert "generators" not in names
        assert np.array_equal(after["generators"], kept["generators"])


def test_require_proof(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spiking = ("generate", "--d", 3, "--realization", "spiking", "--neurons", 96, "--require-proof")
    fire = (*spiking, "--neuron-model", "integrate-fire", "-o", tmp_path / "fire")
    assert call(capsys, *fire, "--quiet").code == 0
    certified = call(capsys, "certify", tmp_path / "fire")
    assert certified.code == 0
    assert "Zero input dies to exactly zero in z_outer z_inner membrane: proven" in certified.out
    line = refused(capsys, *spiking, "--neuron-model", "poisson", "-o", tmp_path / "poisson")
    assert line.startswith("lmu-hw: z_outer: no proof that it stays in its format (its spikes are")
    assert line.strip().endswith("(tried spiking: --neuron-model integrate-fire may have one)")
    assert not (tmp_path / "poisson").exists()
    few = ("--d", 24, "--theta", 256, "--neurons", 768, "--neuron-model", "integrate-fire")
    line = refused(capsys, *spiking, *few, "-o", tmp_path / "few")
    assert "a state can reach" in line
    assert line.strip().endswith("(tried spiking: more --neurons may have one)")
