"""Channels of a program: those of a memory's outputs follow from its inputs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lmu_hw._support.channel import Channel
from lmu_hw.errors import FormatError
from lmu_hw.memory.spec import LMUSpec, parse
from lmu_hw.quantize.channels import n_outputs, output_channels, with_channels
from lmu_hw.quantize.quantize_memory import quantize_memory
from tests.factories.network_programs import NETWORKS
from tests.factories.programs import PROGRAMS

ECG = Channel(name="ecg", unit="mV", scale=0.5, offset=2.0)
TEMPERATURE = Channel(unit="K", scale=-10.0, offset=300.0)
LMU = NETWORKS["lmu_every_3"]


def memory(**keys: Any) -> LMUSpec:
    return parse({"d": 3, "theta": 12, "channels": 2, **keys})


def test_coefficients_have_the_scale_and_the_first_the_offset() -> None:
    found = output_channels(memory(), (ECG, TEMPERATURE))
    assert found == (
        replace(ECG, name="ecg_0"),
        replace(ECG, name="ecg_1", offset=0.0),
        replace(ECG, name="ecg_2", offset=0.0),
        TEMPERATURE,
        replace(TEMPERATURE, offset=0.0),
        replace(TEMPERATURE, offset=0.0),
    )


def test_taps_are_the_input_delayed() -> None:
    assert output_channels(memory(output="taps=1"), (ECG, TEMPERATURE)) == (ECG, TEMPERATURE)
    two = output_channels(memory(output="taps=0,1"), (ECG, TEMPERATURE))
    assert two == (replace(ECG, name="ecg_0"), replace(ECG, name="ecg_1"), *(TEMPERATURE,) * 2)


def test_a_state_stands_for_no_value_of_the_input() -> None:
    assert output_channels(memory(output="state"), (ECG, TEMPERATURE)) is None


@pytest.mark.parametrize("output", ["memory", "state", "taps=0,1"])
@pytest.mark.parametrize("realization", ["cascade", "dense"])
def test_the_number_of_output_words(output: str, realization: str) -> None:
    spec = memory(output=output, realization=realization)
    program = quantize_memory(spec).program
    outputs = tuple(Channel(scale=k + 1) for k in range(n_outputs(spec)))
    made = with_channels(program, (ECG, TEMPERATURE), outputs)
    assert sum((v.channels or () for v in made.vectors[-2:] if v.name[0] == "y"), ()) == outputs


def test_none_leaves_a_program_as_it_is() -> None:
    assert with_channels(LMU, None, None) == LMU
    made = with_channels(LMU, (ECG, TEMPERATURE, Channel()), None)
    assert made.vector("x").channels == (ECG, TEMPERATURE, Channel())
    assert with_channels(made, None, None) == LMU


def test_a_label_is_no_real_value() -> None:
    made = with_channels(LMU, None, (TEMPERATURE,) * 4)
    assert made.vector("logits").channels == (TEMPERATURE,) * 4
    assert made.vector("label").channels is None


@pytest.mark.parametrize(
    ("inputs", "outputs", "reason"),
    [
        ((ECG,), None, "the input has 1 channels but should have 3, one for each word"),
        (None, (ECG,), "the output has 1 channels but should have 4, one for each word"),
        ((ECG, ECG, ECG), None, "channel names of the input must differ, but 'ecg' occurs twice"),
    ],
)
def test_refusals(inputs: Any, outputs: Any, reason: str) -> None:
    with pytest.raises(FormatError, match=reason):
        with_channels(LMU, inputs, outputs)


@pytest.mark.parametrize("output", ["memory", "taps=0,1"])
def test_spikes_have_no_unit(output: str) -> None:
    """They are an output beside the memory's, of as many words as it has inputs."""
    spec = memory(output=output, realization="spiking", neurons=64)
    program, inputs = quantize_memory(spec).program, (ECG, TEMPERATURE)
    outputs = output_channels(spec, inputs)
    assert outputs is not None
    made = with_channels(program, inputs, outputs)
    assert made.vector("u").channels == inputs
    assert made.vector("y").channels == outputs
    assert made.vector("spikes").length == 2
    assert made.vector("spikes").channels is None
    with pytest.raises(FormatError, match=f"should have {len(outputs)}, one for each word"):
        with_channels(program, inputs, (*outputs, ECG, TEMPERATURE))


def test_names_differ_across_all_output_vectors() -> None:
    program = PROGRAMS["mixed"]
    n = sum(v.length for v in program.vectors if v.role.value == "output")
    with pytest.raises(FormatError, match="channel names of the output must differ"):
        with_channels(program, None, (ECG,) * n)
