"""A live stream gives the words of the design, beside those of float64, whatever the pieces."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lmu_hw as lh
from lmu_hw.errors import SpecError
from lmu_hw.live import live_stream
from lmu_hw.live.live_design import LiveDesign, open_design
from lmu_hw.live.live_frame import LiveFrame
from lmu_hw.live.live_stream import LiveStream
from lmu_hw.models import forward
from lmu_hw.program.codec import from_data

from ..tools import needs
from .live_designs import made, memory_design, network_design, recordings, small_network

tools = needs("make", "cc|gcc|clang")


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no busy machine cut a call short."""
    monkeypatch.setattr(live_stream, "BUDGET", 3600.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the build directory of a memory of two channels."""
    path = tmp_path_factory.mktemp("memory") / "out"
    memory_design(path)
    return path


@pytest.fixture(scope="module")
def design(folder: Path) -> LiveDesign:
    """Return that memory, ready to run live."""
    return open_design(folder)


def words_of(frame: LiveFrame) -> list[int]:
    return [word for vector in frame.outputs for word in vector]


@pytest.mark.parametrize("compiled", [True, False])
def test_words_and_states_are_those_of_a_run(
    design: LiveDesign, folder: Path, tmp_path: Path, compiled: bool
) -> None:
    assert design.compiled is not None
    if not compiled:
        design = replace(design, compiled=None)
    found = recordings(design, tmp_path / "u.csv")
    assert design.setting(found).engine == ("c" if compiled else "interpreter")
    stream = LiveStream(design, found)
    stream.advance(13)
    stream.advance(20)
    frame = stream.frame()
    run = lh.open_build(folder).run(found.recordings[0][:33], engine="interpreter")
    assert (frame.recording, frame.step, frame.ended) == (0, 33, False)
    assert words_of(frame) == run.outputs[-1].tolist()
    assert [word for vector in frame.states for word in vector] == run.state.tolist()
    assert frame.input_words == tuple(found.recordings[0][32].tolist())


def test_errors_are_those_against_float64(design: LiveDesign, folder: Path, tmp_path: Path) -> None:
    found, build = recordings(design, tmp_path / "u.csv"), lh.open_build(folder)
    stream = LiveStream(design, found)
    stream.advance(50)
    frame = stream.frame(output=7, channel=1)
    words = build.run(found.recordings[0], engine="interpreter").outputs
    floats = build.memory.simulate(found.values[0])
    off = words - floats / design.word_lsb
    assert frame.rms_error == pytest.approx(np.sqrt(np.mean(off**2)))
    assert frame.worst_error == pytest.approx(np.max(np.abs(off)))
    assert 0 < frame.rms_error < 1 < frame.rms_error * 10
    assert frame.floats == tuple(floats[-1].round(6).tolist())
    assert frame.history.rms[-1] == pytest.approx(np.sqrt(np.mean(off[-1] ** 2)), abs=1e-6)
    assert frame.history.worst == tuple(np.max(np.abs(off), axis=1).round(6).tolist())
    assert frame.history.output == tuple((words[:, 7] * design.word_lsb[7]).round(6).tolist())
    assert frame.history.output_float == tuple(floats[:, 7].round(6).tolist())
    assert frame.history.input == tuple(found.values[0][:, 1].round(6).tolist())


def test_the_window_is_that_of_the_channel(
    design: LiveDesign, folder: Path, tmp_path: Path
) -> None:
    design = memory_design(
        tmp_path / "out",
    )
    found, build = made(design), lh.open_build(folder)
    stream = LiveStream(design, found)
    stream.advance(200)
    fractions = np.linspace(0, 1, len(design.ages))
    words = build.to_real(build.run(found.recordings[0][:200], engine="interpreter").outputs[-1])
    floats = build.memory.simulate(found.values[0][:200])[-1]
    for channel in range(2):
        window = stream.frame(channel=channel).window
        assert window is not None
        part = slice(6 * channel, 6 * channel + 6)
        rows = build.memory.decoder(fractions)
        assert window.words == pytest.approx((rows @ words[part]), abs=1e-6)
        assert window.floats == pytest.approx((rows @ floats[part]), abs=1e-6)
        past = found.values[0][199 - design.past, channel]
        assert window.true == pytest.approx(past, abs=1e-6)
        # zoh decodes half a sample early
        assert (design.ages[0], design.ages[-1]) == (-0.5, 39.5)
        assert window.floats_error is not None
        assert window.words_error == pytest.approx(window.floats_error, rel=0.2)
        assert window.floats_error < 0.3


def test_a_silent_window_has_no_relative_error(design: LiveDesign) -> None:
    silence = np.zeros((60, 2), dtype=np.int64)
    found = replace(made(design), recordings=(silence,), values=(silence * 0.0,))
    stream = LiveStream(design, found)
    before = stream.frame()
    assert (before.due, before.step, before.rms_error, before.history.input) == (False, 0, None, ())
    stream.advance(60)
    frame = stream.frame()
    assert frame.window is not None
    assert (frame.window.words_error, frame.window.floats_error) == (None, None)
    assert (frame.rms_error, frame.ended) == (0.0, True)


@pytest.mark.parametrize("output", ["taps=0,0.5,1", "state"])
def test_other_outputs(tmp_path: Path, output: str) -> None:
    design = memory_design(tmp_path / "out", output=output)
    found, build = made(design), lh.open_build(tmp_path / "out")
    setting = design.setting(found)
    stream = LiveStream(design, found)
    stream.advance(90)
    frame = stream.frame(channel=1)
    assert frame.window is not None
    assert len(frame.window.floats) == len(setting.ages)
    if output == "state":
        assert (setting.floats, frame.floats, frame.rms_error) == (False, (), None)
        assert (setting.word_ages, frame.window.words) == ((), ())
        return
    assert setting.word_ages == (-0.5, 19.5, 39.5)
    real = build.to_real(build.run(found.recordings[0][:90], engine="interpreter").outputs[-1])
    assert frame.window.words == pytest.approx(real[3:], abs=1e-6)
    assert frame.rms_error is not None
    assert 0 < frame.rms_error < 1


def test_recordings_follow_each_other_from_reset(
    design: LiveDesign, folder: Path, tmp_path: Path
) -> None:
    found, build = recordings(design, tmp_path / "u.csv"), lh.open_build(folder)
    assert [len(r) for r in found.recordings] == [50, 30]
    stream = LiveStream(design, found)
    for recording, step, ended in ((0, 40, False), (0, 50, True), (1, 30, True), (0, 40, False)):
        stream.advance(40)
        frame = stream.frame()
        assert (frame.recording, frame.step, frame.ended) == (recording, step, ended)
        run = build.run(found.recordings[recording][:step], engine="interpreter")
        assert words_of(frame) == run.outputs[-1].tolist()
        assert len(frame.history.rms) == step
    stream.restart()
    assert stream.frame().step == 0


def test_a_slow_design_stops_early(design: LiveDesign, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = LiveStream(design, made(design))
    monkeypatch.setattr(live_stream, "BUDGET", 1e-9)
    stream.advance(1000)
    assert stream.frame().step == live_stream.PIECE


def test_a_network_is_asked_at_every_step(tmp_path: Path) -> None:
    design = network_design(tmp_path / "out")
    found = recordings(design, tmp_path / "u.csv")
    stream, setting = LiveStream(design, found), design.setting(found)
    assert (setting.on_demand, setting.floats, setting.order) == (True, True, None)
    assert [v.label for v in setting.outputs] == [False, True]
    build = lh.open_build(tmp_path / "out")
    for step in (1, 2, 20):
        stream.advance(step - stream.frame().step)
        frame = stream.frame()
        outputs = build.run(found.recordings[0][:step], engine="interpreter").outputs[-1]
        assert words_of(frame) == outputs.tolist()
        assert frame.outputs[1] == (int(np.argmax(outputs[:3])),)
        assert frame.floats[3] is None
        scores = forward.run(forward_scores(), found.values[0][None, :step])[0]
        assert frame.floats[:3] == pytest.approx(scores, abs=1e-5)
        assert frame.window is None


def forward_scores() -> Any:
    from lmu_hw.models.network import scores

    return scores(small_network().model)


def test_a_network_without_its_model_has_no_floats(tmp_path: Path) -> None:
    design = network_design(tmp_path / "out", beside=False)
    stream = LiveStream(design, made(design))
    stream.advance(30)
    frame = stream.frame()
    assert (frame.floats, frame.rms_error, frame.window) == ((), None, None)
    assert frame.history.rms == (None,) * 30
    assert any(v is not None for v in frame.history.output)
    assert design.setting(made(design)).notes[0].startswith("The signal means nothing")


def test_rare_outputs_stay_until_the_next(tmp_path: Path) -> None:
    design = network_design(tmp_path / "out", every=7)
    found = recordings(design, tmp_path / "u.csv")
    stream = LiveStream(design, found)
    stream.advance(6)
    assert not stream.frame().due
    stream.advance(10)
    frame = stream.frame()
    assert frame.due
    outputs = lh.open_build(tmp_path / "out").run(found.recordings[0][:16]).outputs
    assert words_of(frame) == outputs[-1].tolist()
    assert [v is not None for v in frame.history.output] == [k in (6, 13) for k in range(16)]


def test_frames_and_settings_are_plain_json(design: LiveDesign) -> None:
    found = made(design)
    stream = LiveStream(design, found)
    stream.advance(10)
    frame = stream.frame()
    text = json.dumps(frame.to_dict(), allow_nan=False)
    assert from_data(LiveFrame, json.loads(text)).outputs == frame.outputs
    json.dumps(design.setting(found).to_dict(), allow_nan=False)


def test_a_model_must_fit(folder: Path, tmp_path: Path) -> None:
    network_design(tmp_path / "network")
    other = lh.Network.from_layers(
        lh.layers.LMULayer(memory=lh.layers.LinearMemory(order=3, theta=20, channels=2), n_in=2)
    )
    with pytest.raises(SpecError, match=r"--model is for a network, and .* is a memory's"):
        open_design(folder, other.model)
    with pytest.raises(SpecError, match="was generated from: it has 6 outputs, not 3"):
        open_design(tmp_path / "network", other.model)


def test_spikes_are_counted_not_compared(tmp_path: Path) -> None:
    design: LiveDesign = memory_design(tmp_path / "out", realization="spiking", neurons=256)
    found = made(design)
    setting, stream = design.setting(found), LiveStream(design, found)
    stream.advance(60)
    frame = stream.frame()
    assert [v.label for v in setting.outputs] == [False, True]
    assert all(value is None for value in frame.floats[12:])
    assert sum(frame.outputs[1]) > 0
    # a budget of rounding means nothing there
    assert setting.budget is None
    assert setting.predicted is not None
