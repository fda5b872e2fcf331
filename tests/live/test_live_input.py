"""Recordings of a live view: those of files, with their notes, and made ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import lmu_hw as lh
from lmu_hw.errors import ModelFileError, SpecError
from lmu_hw.live.live_input import made_input, read_input
from lmu_hw.live.made_signal import made_signal
from lmu_hw.measure.signal_files import write_signal

MEMORY = lh.compile(lh.Memory(4, theta=32), bits=12)


def test_a_made_voice_is_a_voice() -> None:
    signal = made_signal(2000, window=100, order=16, channels=2)
    assert signal.shape == (2000, 2)
    assert np.abs(signal).max(axis=0) == pytest.approx([0.9, 0.9])
    assert np.array_equal(signal, made_signal(2000, window=100, order=16, channels=2))
    assert not np.allclose(signal[:, 0], signal[:, 1])
    spectrum = np.abs(np.fft.rfft(signal[:, 0])) ** 2
    # 4 cycles in 100 samples are 80 in 2000
    assert spectrum[:100].sum() > 0.98 * spectrum.sum()
    assert spectrum[20:100].sum() > 0.5 * spectrum.sum()


@pytest.mark.parametrize(
    ("n_steps", "window", "order"), [(1, 8.0, 1), (480, 8.0, 1), (50, 1e6, 1024), (100, 8.0, 1024)]
)
def test_a_made_voice_of_any_memory(n_steps: int, window: float, order: int) -> None:
    signal = made_signal(n_steps, window, order, 3)
    assert np.isfinite(signal).all()
    assert np.abs(signal).max() <= 0.9 + 1e-12


def test_a_memory_can_hold_a_made_voice() -> None:
    found = made_input(MEMORY.program, MEMORY.quantized.spec, None)  # type: ignore[union-attr]
    assert (found.source, found.made, found.notes) == ("made", True, ())
    assert found.recordings[0].shape == (60 * 32, 1)
    words = MEMORY.to_words(found.values[0])
    assert np.array_equal(words, found.recordings[0])


def test_a_recording_has_its_rate(tmp_path: Path) -> None:
    path = tmp_path / "voice.wav"
    write_signal(path, np.linspace(-0.5, 0.5, 40), sample_rate=8000.0)
    found = read_input(MEMORY.program, path, network=False, rate=None)
    assert (found.source, found.made, found.sample_rate) == ("voice.wav", False, 8000)
    assert read_input(MEMORY.program, path, network=False, rate=11.5).sample_rate == 11.5


def test_saturation_is_said(tmp_path: Path) -> None:
    path = tmp_path / "u.npy"
    np.save(path, np.array([0.5, 3.0, -1.5, 0.0]))
    found = read_input(MEMORY.program, path, network=False, rate=None)
    (note,) = found.notes
    assert note.startswith("2 of 4 samples (50 %) were saturated: raise --full-scale")
    scaled = read_input(MEMORY.program, path, network=False, rate=None, full_scale=4.0)
    assert scaled.notes == ()
    assert scaled.values[0][:, 0] == pytest.approx([0.125, 0.75, -0.375, 0.0], abs=1e-3)


def test_bad_recordings_are_refused(tmp_path: Path) -> None:
    data = tmp_path / "data.npz"
    np.savez(data, x=np.zeros((2, 5)))
    with pytest.raises(SpecError, match=r"--columns is for .npy, .csv and .wav files"):
        read_input(MEMORY.program, data, network=False, rate=None, columns=(1,))
    assert len(read_input(MEMORY.program, data, network=False, rate=None).recordings) == 2
    with pytest.raises(ModelFileError, match="cannot read"):
        read_input(MEMORY.program, tmp_path / "none.wav", network=False, rate=None)
    with pytest.raises(ModelFileError, match=r"must end in .npy, .csv or .wav"):
        read_input(MEMORY.program, tmp_path / "u.mp3", network=False, rate=None)
