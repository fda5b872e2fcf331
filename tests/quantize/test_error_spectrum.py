"""Predicted errors of output words, against runs of the program beside the float64 memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lmu_hw.generate import describe
from lmu_hw.memory.discretize import discretize
from lmu_hw.memory.float_memory import band_limited_noise, run_memory
from lmu_hw.memory.legendre import state_space
from lmu_hw.memory.spec import parse
from lmu_hw.program.integer_program import Role
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.quantize.error_spectrum import ErrorPrediction
from lmu_hw.quantize.memory_design import QuantizedMemory
from lmu_hw.quantize.quantize_memory import quantize_memory

STREAMS = 12


def predict(keys: dict[str, Any], band: float) -> tuple[QuantizedMemory, ErrorPrediction]:
    design = quantize_memory(parse(keys))
    prediction = ErrorPrediction(
        spec=design.spec,
        program=design.program,
        realization=design.realization,
        coef_bits=design.coef_bits,
        lsbs={name: 2.0**-b.frac_bits for name, b in describe(design).bounds.items()},
        bandwidth=band,
    )
    return design, prediction


def measure(design: QuantizedMemory, prediction: ErrorPrediction) -> tuple[np.ndarray, float]:
    """Return the errors of all words after the first window [LSB], and the input's RMS."""
    spec, n = design.spec, int(24 * design.spec.theta)
    rng = np.random.default_rng(3)
    u = np.stack([band_limited_noise(n, prediction.bandwidth, rng) for _ in range(STREAMS)], axis=1)
    lsb = design.program.with_role(Role.INPUT)[0].fmt.lsb
    words = np.floor(0.98 * u / lsb).astype(np.int64)
    outputs = Interpreter(design.program, STREAMS).run(words[:, :, None])
    outputs = outputs[:, :, : len(prediction.rows)] * prediction.output_lsbs
    system = discretize(state_space(spec.order), spec.theta, spec.discretizer, spec.substeps)
    wanted = run_memory(system, words * lsb, prediction.wanted)
    start = int(2 * spec.theta)
    errors = (outputs - wanted)[start:] / prediction.output_lsbs
    return errors, float(np.sqrt(np.mean((words[start:] * lsb) ** 2)))


@pytest.mark.parametrize(
    ("keys", "within"),
    [
        ({"order": 8, "bits": 12}, 0.03),
        ({"order": 8, "bits": 12, "discretizer": "bilinear", "realization": "ladder"}, 0.03),
        ({"order": 5, "bits": 12, "realization": "dense"}, 0.03),
        ({"order": 6, "theta": 60, "output": "taps=0,0.5,1"}, 0.03),
        # roundoff of a narrow state, and coefficients of few bits, far above the output's rounding
        ({"order": 6, "bits": 16, "state_bits": 14}, 0.08),
        ({"order": 6, "bits": 14, "coef_bits": 7, "weight_bits": 7, "state_bits": 24}, 0.08),
        # counts of neurons are less even than words
        ({"order": 4, "realization": "spiking", "neurons": 1024}, 0.08),
    ],
    ids=["cascade", "ladder", "dense", "taps", "narrow-state", "coarse-coefficients", "spiking"],
)
def test_predicted_errors_are_those_of_runs(keys: dict[str, Any], within: float) -> None:
    design, prediction = predict(keys, 1.0 / 48.0)
    errors, input_rms = measure(design, prediction)
    found = np.sqrt(np.mean(errors**2, axis=(0, 1)))
    np.testing.assert_allclose(prediction.total_rms(input_rms), found, rtol=within)


def test_narrow_states_are_worse_than_the_rounding_of_the_output() -> None:
    """The cases above tell roundoff from rounding of the output, 0.29 LSB."""
    _, prediction = predict({"order": 6, "bits": 16, "state_bits": 14}, 0.02)
    assert np.max(prediction.rms) > 2.0
    _, coarse = predict({"order": 6, "bits": 14, "coef_bits": 7, "state_bits": 24}, 0.02)
    assert np.max(coarse.transfer_error(np.array([0.01]))) > 3.0
    assert np.max(coarse.rms) < 0.4


@pytest.mark.parametrize("word", [0, 5])
def test_the_spectrum_holds_the_whole_error(word: int) -> None:
    _, prediction = predict({"order": 6, "bits": 16, "state_bits": 14}, 0.02)
    # without input: roundoff alone, which the covariance gives in another way
    edges = np.concatenate([np.geomspace(1e-5, 1e-2, 400), np.linspace(1.01e-2, 0.4999, 2000)])
    density = prediction.spectrum(word, edges, 0.0)
    assert density is not None
    total = np.sqrt(np.sum((density[1:] + density[:-1]) / 2 * np.diff(edges)))
    assert total == pytest.approx(prediction.rms[word], rel=0.02)


def test_words_of_a_state_stand_for_the_rounded_chain() -> None:
    _, prediction = predict({"order": 4, "output": "state"}, 0.02)
    assert prediction.of_chain
    assert not prediction.transfer_error(np.array([0.01, 0.1])).any()


def test_poisson_neurons_have_no_predicted_spectrum() -> None:
    keys = {"order": 4, "realization": "spiking", "neurons": 64, "neuron_model": "poisson"}
    _, prediction = predict(keys, 0.02)
    assert prediction.spectrum(0, np.array([0.1]), 0.3) is None
