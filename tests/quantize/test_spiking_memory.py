"""Memories on spiking neurons: their error and spikes are the predicted ones, at any number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lmu_hw.errors import SpecError
from lmu_hw.generate import certificate_of, describe
from lmu_hw.memory.neurons import NeuronModel
from lmu_hw.memory.spec import parse
from lmu_hw.program.integer_program import Role, Spiking
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.quantize.memory_search import MemorySource
from lmu_hw.quantize.quantize_memory import quantize_memory
from lmu_hw.quantize.spiking_memory import SpikingSource, generator_seeds
from tests.factories.spiking_errors import measured, spiking_design
from tests.tools import require

MODELS = [model.value for model in NeuronModel]


def source_of(**keys: Any) -> SpikingSource:
    return SpikingSource(MemorySource(spiking_design(**keys).spec))


def operation(**keys: Any) -> Spiking:
    op = spiking_design(**keys).program.ops[0]
    assert isinstance(op, Spiking)
    return op


# Prediction.


@pytest.mark.some(6)
@pytest.mark.cc
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("d", "neurons"), [(3, 384), (6, 3072), (12, 6144), (24, 12288)])
def test_error_and_spikes_are_those_predicted(d: int, neurons: int, model: str) -> None:
    """Within 10 %: what catches a bad generator, and a wrong gain of any source."""
    require("cc|gcc|clang")
    design = spiking_design(d=d, bits=20, neurons=neurons, neuron_model=model)
    assert design.neurons is not None
    nrmse, spikes = measured(design)
    assert nrmse == pytest.approx(design.neurons.nrmse, rel=0.1)
    # the input has the predicted RMS, but a Gaussian magnitude only on average
    assert spikes == pytest.approx(design.neurons.spikes_per_step, rel=0.1)


@pytest.mark.cc
@pytest.mark.soak
@pytest.mark.parametrize("d", [6, 12, 24])
@pytest.mark.parametrize(("model", "slope"), [("poisson", -0.5), ("integrate-fire", -1.0)])
def test_slope_of_the_error_over_the_number_of_neurons(d: int, model: str, slope: float) -> None:
    """m from 2**6 to 2**17, six seeds of generators and inputs, words of 24 bits.

    Noise that is larger than the signal makes neurons fire more, which is more noise: errors above
    1 are on a steeper line, as predicted. So few Poisson neurons at d = 24 have a longer window,
    whose error is smaller for each number of neurons.
    """
    require("cc|gcc|clang")
    theta, windows = (2048.0, 10) if (d, model) == (24, "poisson") else (256.0, 34)
    sizes, errors = [], []
    for log2_m in range(6, 18):
        for seed in range(6):
            keys: dict[str, Any] = {"theta": theta, "neurons": 2**log2_m, "neuron_model": model}
            keys |= {"seed": seed} if model == "poisson" else {}
            design = spiking_design(d=d, bits=24, **keys)
            assert design.neurons is not None
            error, _ = measured(design, n_streams=1, windows=windows, seed=seed)
            sizes.append(design.neurons.neurons)
            errors.append(error)
            # above 1 a single run saturates more or less
            assert error > 1.0 or error == pytest.approx(design.neurons.nrmse, rel=0.25)
    fitted, _ = np.polyfit(np.log(sizes), np.log(errors), 1)
    print(f"d = {d}, {model}: slope {fitted:.3f}")
    assert fitted == pytest.approx(slope, abs=0.05)


@pytest.mark.parametrize("model", MODELS)
def test_the_report_has_the_error_of_neurons(model: str) -> None:
    """Added to that of the words as variances, in the manifest and in the certificate."""
    design = spiking_design(d=3, neurons=96, neuron_model=model)
    plain = quantize_memory(parse({"d": 3, "theta": 256.0, "realization": "cascade"}))
    assert design.neurons is not None
    assert design.error == pytest.approx(np.hypot(plain.error, design.neurons.error_lsb))
    for error in (describe(design).error_lsb, certificate_of(design).predicted_error_lsb):
        assert error is not None
        assert error.neurons == pytest.approx(design.neurons.error_lsb, rel=1e-5)
        assert not error.kept


@pytest.mark.parametrize("model", MODELS)
def test_accuracy_takes_the_smallest_population(model: str) -> None:
    design = spiking_design(d=6, accuracy=0.05, neuron_model=model)
    assert design.neurons is not None
    assert design.neurons.nrmse <= 0.05
    half = spiking_design(d=6, neurons=design.neurons.neurons // 2, neuron_model=model)
    assert half.neurons is not None
    assert half.neurons.nrmse > 0.05


# Words.


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("d", [1, 3, 6])
@pytest.mark.parametrize("H", [1, 1024])
def test_a_spike_is_the_full_scale_over_the_population(d: int, H: int, model: str) -> None:
    op = operation(d=d, neurons=2 * d * H, neuron_model=model)
    source = source_of(d=d, neurons=2 * d * H, neuron_model=model)
    formats = source.formats(op.population)
    assert 1 << op.population == H
    for (name, _), s, full in zip(op.places, op.quanta, formats.full_scale, strict=True):
        fmt = formats.bounds[name].fmt
        assert 2.0**s * fmt.lsb * H == full
        # one bit above full scale, or saturated at it
        assert (2 if formats.bounded else 1) * full <= (fmt.max + 1) * fmt.lsb


@pytest.mark.parametrize("d", [1, 3, 6, pytest.param(12, marks=pytest.mark.soak)])
def test_states_of_integrate_and_fire_neurons_stay_in_full_scale(d: int) -> None:
    """For the input that drives each state to its largest value, and silence at any time."""
    design = spiking_design(d=d, theta=20.0 * d, bits=12, neurons=2 * d * 64)
    source = SpikingSource(MemorySource(design.spec))
    op, program = design.program.ops[0], design.program
    assert isinstance(op, Spiking)
    formats = source.formats(op.population)
    assert formats.bounded
    n = 12 * int(20 * d)
    A, b = source.memory.recurrence.A, source.memory.recurrence.b
    response = np.empty((n, d))
    x = b.copy()
    for t in range(n):
        response[t], x = x, x + A @ x
    fmt = program.vector("u").fmt
    u = np.where(response[::-1].T >= 0.0, fmt.max, fmt.min)[:, :, None]
    peak = np.zeros(d)

    def watch(words: Any) -> None:
        for k, (name, i) in enumerate(op.places):
            peak[k] = max(peak[k], np.abs(words[name][:, i]).max() / 2.0 ** op.quanta[k])

    Interpreter(program, d).run(u.swapaxes(0, 1), watch=watch)
    assert np.all(peak <= 64)
    # the worst cases are near: full scales are powers of two above them
    assert np.all(peak > 64 / 2.6)


@pytest.mark.parametrize(("d", "theta"), [(1, 4.0), (2, 8.0), (4, 32.0), (6, 40.0)])
def test_residue_gains_hold_what_zero_input_runs_discard(d: int, theta: float) -> None:
    """The worst residues of a float64 recursion, with a run of a step in every window."""
    source = source_of(d=d, theta=theta, neurons=2 * d * 64)
    recurrence, window = source.memory.recurrence, source.window
    rows = np.diag(1.0 / source.noise.weight)
    gains = source.noise.residue_gains(rows, window)
    x, response = source.noise.sent, np.empty((int(40 * theta), d, d))
    for t in range(len(response)):
        response[t], x = rows @ x, x + recurrence.A @ x
    steps = np.abs(np.diff(response, axis=0, prepend=np.zeros((1, d, d))))
    worst = np.zeros((d, d))
    for first in range(1, window + 2):
        kept = steps.copy()
        # a run sends no residue, and that of the step before it is never made up for
        kept[first :: window + 1] = 0.0
        kept[first + 1 :: window + 1] = np.abs(response[first + 1 :: window + 1])
        worst = np.maximum(worst, kept.sum(axis=0))
    assert np.all(worst <= gains)
    assert np.max(worst / gains) > 0.35


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("population", [1, 1 << 10, 1 << 16])
def test_a_spike_is_worth_a_few_words(population: int, model: str) -> None:
    """At least 4: words get more fractional bits where they are too coarse for a spike."""
    design = spiking_design(d=3, bits=4, neurons=6 * population, neuron_model=model)
    op = design.program.ops[0]
    assert isinstance(op, Spiking)
    finer = {
        design.program.vector(bound.signal).fmt.frac_bits - bound.fmt.frac_bits
        for bound in SpikingSource(MemorySource(design.spec)).base.bounds
        if bound.signal != "chain"
    }
    if population == 1:
        assert finer == {0}
        assert min(op.quanta) >= 2
    else:
        # no finer than they must be
        assert min(finer) > 0
        assert min(op.quanta) == 2


@pytest.mark.parametrize("model", MODELS)
def test_outputs_and_states(model: str) -> None:
    design = spiking_design(d=4, theta=32.0, channels=3, neurons=64, neuron_model=model)
    program = design.program
    assert [v.name for v in program.with_role(Role.OUTPUT)] == ["y", "spikes"]
    kept = "generators" if model == "poisson" else "membrane"
    names = [v.name for v in program.with_role(Role.STATE)]
    assert names == ["z_outer", "z_inner", kept, "silence"]
    assert program.vector("spikes").length == 3
    assert program.vector(kept).length == (1 if model == "poisson" else 12)
    assert program.multiplies_per_step == 3 * (4 + 16)


def test_seeds_are_different_and_repeatable() -> None:
    seeds = [s for seed in range(64) for s in generator_seeds(seed, 16)]
    assert len(set(seeds)) == len(seeds)
    assert 0 not in seeds
    # fmix32 of murmur3 at its published constants
    assert generator_seeds(0, 1) == (0x92CA2F0E,)
    first, again = (
        operation(d=2, neurons=64, neuron_model="poisson", seed=5, generators=4) for _ in range(2)
    )
    assert first == again
    assert first.seeds == generator_seeds(5, 4)


# Refusals.

REFUSED = {
    "neurons": ({"neurons": 3}, "neurons must be a whole number from 12 to 268435456, not 3"),
    "no neurons": ({}, "neurons must be given for a spiking memory, as in --neurons 3072"),
    "other realization": (
        {"realization": "cascade", "neurons": 64},
        "neurons must go with a spiking memory: add --realization spiking",
    ),
    "seed": ({"neurons": 64, "seed": 1}, "seed must be left out for integrate-and-fire neurons"),
    "generators": (
        {"neurons": 64, "neuron_model": "poisson", "generators": 3},
        "generators must be a power of two, not 3",
    ),
    "more generators than neurons": (
        {"neurons": 64, "neuron_model": "poisson", "generators": 8},
        "generators must be at most 5, the neurons of a population, not 8",
    ),
    "accuracy": (
        {"accuracy": 1e-9},
        "accuracy must be at least .* for 786432 integrate-fire neurons, the most possible",
    ),
    "accuracy of given neurons": (
        {"accuracy": 0.01, "neurons": 64},
        "accuracy must be at least .* for 64 neurons, not 0.01: leave out --neurons",
    ),
    "state bits": (
        {"neurons": 64, "state_bits": 20},
        "state_bits must be left out for a spiking memory",
    ),
    "substeps": (
        {"neurons": 64, "substeps": 2, "discretizer": "bilinear"},
        "substeps must be 1 with --realization spiking",
    ),
}


@pytest.mark.parametrize(("keys", "reason"), REFUSED.values(), ids=REFUSED)
def test_refusals(keys: dict[str, Any], reason: str) -> None:
    with pytest.raises(SpecError, match=reason):
        spiking_design(d=6, **keys)
