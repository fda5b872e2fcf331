"""The ECG example's firmware, unchanged, with inputs of several widths; on made-up beats."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

import lmu_hw as lh
from tests.conftest import ROOT
from tests.project.examples import load
from tests.tools import require

ecg = load(ROOT / "examples" / "ecg_detector.py")
N_BEATS = 60


@pytest.fixture(scope="module")
def beats() -> np.ndarray:
    """Return random walks of the ADC, of 200 to 3000 counts, and constants at its ends."""
    rng = np.random.default_rng(0)
    steps = rng.normal(size=(N_BEATS, ecg.BEAT_LENGTH)) * np.linspace(20, 300, N_BEATS)[:, None]
    walks = np.cumsum(steps, axis=1).clip(-32768, 32767).astype(np.int16)
    walks[0], walks[1], walks[2] = -32768, 32767, 0
    return walks


@pytest.fixture(scope="module")
def network(beats: np.ndarray) -> lh.Network:
    fitted: lh.Network = ecg.fit(beats, np.arange(N_BEATS) % 3 == 0)
    return fitted


@pytest.mark.qemu
@pytest.mark.parametrize(
    "bits",
    [8, pytest.param(10, marks=pytest.mark.soak), pytest.param(12, marks=pytest.mark.soak), 16],
)
def test_one_main_for_every_width(
    bits: int, beats: np.ndarray, network: lh.Network, tmp_path: Path
) -> None:
    require("make", "arm-none-eabi-gcc", "qemu-system-arm")
    widths = {"weight_bits": 8, "input_bits": bits}
    ranges = lh.calibrate(network, ecg.as_input(beats).clip(-1, 1), input_peak=1.0)
    design = lh.compile(network, widths=widths, calibration=ranges, name="ecg", inputs=[ecg.ADC])
    assert design.formats["x"].width == bits
    design.write(tmp_path / "design")
    found_at = np.arange(N_BEATS) * 100
    printed = ecg.run_firmware(tmp_path, beats, found_at)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # beats beyond the range saturate
        scores = ecg.expected_scores(design, beats)
    assert len(np.unique(scores)) > N_BEATS / 2
    assert [int(line.split()[2]) for line in printed] == scores.tolist()
    assert [line.split()[1] for line in printed] == ["V" if s > 0 else "-" for s in scores]
