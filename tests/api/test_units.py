"""Units: from values of a sensor to words and back: memories, networks, build directories."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lmu_hw as lh
from lmu_hw.errors import FormatError, ModelFileError, SpecError
from lmu_hw.manifest import parse_manifest
from lmu_hw.memory.spec import parse
from tests.api.test_sources import X, network

ECG = lh.Channel(name="ecg", unit="mV", scale=0.5, offset=2.0)
RATE = lh.Channel(name="rate", unit="1/min", scale=30.0, offset=70.0)
SCORES = (RATE, lh.Channel(scale=2.0))
MEMORY = lh.Memory(4, theta=30)


@pytest.mark.parametrize("output", ["memory", "taps=0,0.5,1"])
def test_outputs_are_those_of_a_memory_of_values(output: str) -> None:
    """The float memory fed millivolts, against words that know nothing of millivolts."""
    design = lh.compile(MEMORY, output=output, inputs=[ECG])
    values = 2.0 + 0.4 * np.sin(np.arange(400) / 9.0)
    found = design.denormalize(design.predict(design.normalize(values)))
    m = MEMORY.simulate(values)
    want = m @ MEMORY.decoder([0, 0.5, 1]).T if "taps" in output else m
    # not from the start: 0 mV came before the first value here, and 2 mV there
    np.testing.assert_allclose(found[200:], want[200:], atol=2e-3)


def test_a_state_goes_through_bytes() -> None:
    design = lh.compile(MEMORY)
    state = design.run(design.to_words(X[0])).state
    data = design.state_to_bytes(state)
    for given in (data, bytearray(data), memoryview(data)):
        np.testing.assert_array_equal(design.state_from_bytes(given), state)
    for wrong in ("text", 3, None, [1, 2], np.frombuffer(data, np.uint8)):
        with pytest.raises(SpecError, match="data must be bytes, not"):
            design.state_from_bytes(wrong)  # type: ignore[arg-type]
    for shape in ((0, len(state)), (3, len(state)), (len(state) + 1,)):
        with pytest.raises(SpecError, match="state must have shape"):
            design.state_to_bytes(np.zeros(shape, dtype=np.int64))
    with pytest.raises(ModelFileError, match="it is damaged"):
        design.state_from_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def test_a_build_takes_a_path_as_text(tmp_path: Path) -> None:
    lh.compile(MEMORY).write(tmp_path / "out")
    words = np.arange(-5, 5)[:, None]
    first, second = (lh.Build(path) for path in (tmp_path / "out", str(tmp_path / "out")))  # type: ignore[arg-type]
    np.testing.assert_array_equal(first.run(words).outputs, second.run(words).outputs)


def test_words_of_a_memory_do_not_depend_on_units() -> None:
    plain, labelled = lh.compile(MEMORY), lh.compile(MEMORY, inputs=[ECG])
    words = plain.to_words(X[0])
    np.testing.assert_array_equal(labelled.run(words).outputs, plain.run(words).outputs)
    assert plain.program.digest != labelled.program.digest
    assert lh.compile(MEMORY).program.digest == plain.program.digest
    assert "channels" not in plain.program.to_json().replace("n_channels", "")


def test_channels_of_several_inputs_have_an_axis_of_their_own() -> None:
    design = lh.compile(lh.Memory(3, channels=2), inputs=[ECG, RATE])
    values = np.array([[[2.0, 70.0], [2.5, 100.0]]])
    np.testing.assert_array_equal(design.normalize(values), [[[0.0, 0.0], [1.0, 1.0]]])
    found = design.denormalize(np.zeros((5, 6)))
    np.testing.assert_array_equal(found, np.tile([2.0, 0, 0, 70.0, 0, 0], (5, 1)))
    with pytest.raises(SpecError, match=r"values have shape \(3,\) but should be \(..., 2\)"):
        design.normalize([1.0, 2.0, 3.0])
    with pytest.raises(SpecError, match=r"outputs have shape \(\) but should be \(..., 6\)"):
        design.denormalize(1.0)


def test_a_specification_takes_channels_too() -> None:
    design = lh.compile(parse({"d": 3, "output": "state"}), inputs=[ECG])
    assert design.program.vector("u").channels == (ECG,)
    with pytest.raises(SpecError, match="the outputs must have channels: give outputs="):
        design.denormalize(np.zeros(3))


def test_outputs_may_be_given_in_place_of_those_that_follow() -> None:
    design = lh.compile(MEMORY, inputs=[ECG], outputs=[lh.Channel(unit="V")] * 4)
    assert design.program.vector("y").channels == (lh.Channel(unit="V"),) * 4
    alone = lh.compile(MEMORY, outputs=[lh.Channel(unit="V")] * 4)
    assert alone.program.vector("u").channels is None


def test_without_channels_there_is_nothing_to_convert() -> None:
    with pytest.raises(SpecError, match=r"the inputs must have channels: give inputs=\[Channel"):
        lh.compile(MEMORY).normalize([1.0])


@pytest.mark.parametrize(
    ("options", "error", "reason"),
    [
        ({"inputs": [ECG, RATE]}, FormatError, "the input has 2 channels but should have 1"),
        ({"inputs": []}, FormatError, "the input has 0 channels but should have 1"),
        ({"outputs": []}, FormatError, "the output has 0 channels but should have 4"),
        ({"inputs": ECG}, SpecError, "inputs and outputs must be lists of Channel"),
        ({"inputs": ["ecg"]}, SpecError, "inputs and outputs must be lists of Channel"),
    ],
)
def test_refusals(options: dict[str, Any], error: type[Exception], reason: str) -> None:
    with pytest.raises(error, match=reason):
        lh.compile(MEMORY, **options)


def test_channels_of_a_network_are_those_of_its_file_unless_given(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    network(classes=True).with_channels(inputs=[ECG], outputs=SCORES).save(path)
    loaded = lh.load_model(path)
    assert (loaded.model.inputs, loaded.model.outputs) == ((ECG,), SCORES)
    assert loaded.retime(0.5).model.inputs == (ECG,)
    design = lh.compile(loaded, calibration=X)
    assert design.program.vector("x").channels == (ECG,)
    assert design.program.vector("y").channels == SCORES
    assert design.program.vector("label").channels is None
    np.testing.assert_array_equal(design.denormalize([1.0, 1.0]), [100.0, 2.0])
    other = lh.compile(loaded, calibration=lh.calibrate(loaded, X), inputs=[RATE])
    assert other.program.vector("x").channels == other.network.network.inputs == (RATE,)
    assert other.program.vector("y").channels == SCORES
    with pytest.raises(FormatError, match="the output has 1 channels but should have 2"):
        loaded.with_channels(outputs=[ECG])


def test_the_summary_of_a_network_shows_them() -> None:
    plain, labelled = network().summary(), network().with_channels(inputs=[ECG]).summary()
    assert "input_channels" not in plain.to_dict()
    assert str(labelled).splitlines()[-1] == "inputs  ecg [mV] = 0.5 w + 2"
    assert "ecg [mV]" in labelled._repr_html_()
    (shown,) = labelled.to_dict()["input_channels"]
    assert shown == {"name": "ecg", "unit": "mV", "scale": 0.5, "offset": 2.0}


def test_a_build_directory_holds_them(tmp_path: Path) -> None:
    design = lh.compile(lh.Memory(3), inputs=[ECG], output="taps=1")
    build = design.write(tmp_path / "out")
    manifest = build.manifest
    assert manifest.formats["u"].channels == manifest.formats["y"].channels == (ECG,)
    assert manifest.formats["silence"].channels is None
    assert parse_manifest(manifest.to_dict()) == manifest
    assert str(manifest).splitlines()[-2:] == [
        "  input u       ecg [mV] = 0.5 w + 2",
        "  output y      ecg [mV] = 0.5 w + 2",
    ]
    assert "ecg [mV]" in manifest._repr_html_()
    np.testing.assert_array_equal(build.normalize([2.5]), [1.0])
    assert build.certify().proven


def test_a_proof_is_that_of_the_program_with_channels() -> None:
    design = lh.compile(MEMORY, inputs=[ECG], require_proof=True)
    assert design.program.vector("u").channels == (ECG,)
