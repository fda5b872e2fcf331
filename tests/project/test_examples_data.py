"""Examples with data that are not what they expect: one line, and nothing written."""

from __future__ import annotations

import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from runpy import run_path

import numpy as np
import pytest

from lmu_hw.errors import ModelFileError

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def beats(**others: np.ndarray) -> dict[str, np.ndarray]:
    found = {}
    for part, n in (("ds1", 4), ("ds2", 3)):
        found[f"{part}_x"] = np.zeros((n, 84), np.int16)
        found[f"{part}_y"] = np.zeros(n, np.uint8)
        found[f"{part}_rec"] = np.full(n, 100, np.uint8)
        found[f"{part}_rr"] = np.full(n, 300, np.int16)
    return found | others


def recordings(**others: np.ndarray) -> dict[str, np.ndarray]:
    found = {
        "feat": np.zeros((9, 20), np.int8),
        "offset": np.array([0, 4, 9], np.int32),
        "label": np.array([3, 7], np.uint8),
        "index": np.array([0, 20], np.uint8),
    }
    return found | others


@pytest.mark.parametrize(
    ("script", "arrays", "message"),
    [
        ("ecg", {"x": np.zeros(3)}, "no array signal"),
        ("ecg", {"signal": np.zeros((9, 2))}, "signal must hold integers from 0 to 2047"),
        ("ecg_detector", beats(ds2_x=np.zeros((3, 85), np.int16)), "ds2_x has shape (3, 85)"),
        ("digits", recordings(feat=np.zeros((9, 19), np.int8)), "feat has shape (9, 19)"),
    ],
)
def test_an_example_stops_with_one_line(
    script: str, arrays: dict[str, np.ndarray], message: str, tmp_path: Path
) -> None:
    np.savez(tmp_path / "wrong.npz", **arrays)
    command = [sys.executable, str(EXAMPLES / f"{script}.py"), "--data", "wrong.npz"]
    done = subprocess.run([*command, "--out", "out"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: wrong.npz: {message}")
    assert "download it from https://" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"offset": np.array([0, 4, 8])}, "offset must rise from 0 to the steps"),
        ({"offset": np.array([0, 9, 9])}, "offset must rise from 0 to the steps"),
        ({"offset": np.array([0, 9])}, "offset must hold one bound more than label"),
    ],
)
def test_recordings_are_cut_where_they_end(
    arrays: dict[str, np.ndarray], message: str, tmp_path: Path
) -> None:
    split, path = run_path(str(EXAMPLES / "digits.py"))["split"], tmp_path / "digits.npz"
    np.savez(path, **recordings())
    assert [len(s) for s in split(path)["fit"].sequences] == [5]
    np.savez(path, **recordings(**arrays))
    with pytest.raises(ModelFileError, match=message):
        split(path)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"ds1_y": np.zeros(5, np.uint8)}, r"ds1_y has shape \(5,\) but should be \(4,\)"),
        ({"ds1_y": np.full(4, 5, np.uint8)}, "ds1_y must hold integers from 0 to 4"),
        ({"ds2_rr": np.full(3, -1, np.int16)}, "ds2_rr must hold integers from 0 to 32767"),
        ({"ds2_x": np.full((3, 84), np.nan)}, "ds2_x must hold integers from -32768 to 32767"),
    ],
)
def test_beats_are_checked(arrays: dict[str, np.ndarray], message: str, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the extra train is not installed")
    load, path = run_path(str(EXAMPLES / "ecg_beats.py"))["load"], "mitbih_beats_120hz_i16.npz"
    options = Namespace(data=tmp_path, limit=None)
    np.savez(tmp_path / path, **beats())
    assert [len(part) for part in load(options)] == [4, 4, 3, 3]
    np.savez(tmp_path / path, **beats(**arrays))
    with pytest.raises(ModelFileError, match=message):
        load(options)


UTTERANCE = ":".join(["1.0,2.0"] * 12)


@pytest.mark.parametrize(
    "line",
    [
        f"{UTTERANCE}:10",
        f"{UTTERANCE}:0",
        f"{UTTERANCE}:who",
        f"{UTTERANCE}:1.0,2.0:1",
        f"{UTTERANCE.replace('2.0', 'x', 1)}:1",
        f"{UTTERANCE.replace('2.0', 'nan', 1)}:1",
        f"{UTTERANCE.replace('1.0,', '', 1)}:1",
        "nonsense",
    ],
)
def test_utterances_are_checked(line: str, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the extra train is not installed")
    load, path = run_path(str(EXAMPLES / "vowels.py"))["load"], tmp_path / "vowels.ts"
    path.write_text(f"@problemName vowels\n@data\n{UTTERANCE}:9\n")
    (x,), y = load(path, None)
    assert x.shape == (2, 12)
    assert y.tolist() == [8]
    path.write_text(f"@data\n{UTTERANCE}:9\n{line}\n")
    with pytest.raises(ModelFileError, match="utterance 1 must be 12 channels of as many finite"):
        load(path, None)
    path.write_text("nonsense")
    with pytest.raises(ModelFileError, match="has no utterance after @data"):
        load(path, None)


def spoken(**arrays: np.ndarray) -> dict[str, np.ndarray]:
    """Return the arrays of the spoken digits, of silence."""
    made: dict[str, np.ndarray] = {
        "feat": np.zeros((125_237, 20), np.int8),
        "offset": np.r_[np.arange(3000), 125_237].astype(np.int32),
        "label": np.zeros(3000, np.uint8),
        "index": (np.arange(3000) % 50).astype(np.uint8),
    }
    return made | arrays


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"label": np.full(3000, 10, np.uint8)}, "label must hold integers from 0 to 9"),
        ({"offset": np.zeros(3001, np.int32)}, "offset must rise; download it from https"),
        ({"feat": np.zeros((9, 19), np.int8)}, r"feat has shape \(9, 19\) but should be \(9, 20\)"),
    ],
)
def test_spoken_digits_are_checked(
    arrays: dict[str, np.ndarray], message: str, tmp_path: Path
) -> None:
    pytest.importorskip("torch", reason="the extra train is not installed")
    load, path = run_path(str(EXAMPLES / "spoken_digits.py"))["load"], "fsdd_logmel20_i8.npz"
    np.savez(tmp_path / path, **spoken())
    options = Namespace(data=tmp_path, limit=None, validate=True)
    x, y, held_x, _ = load(options, 80)
    assert (x.shape, len(y), len(held_x)) == ((2160, 80, 20), 2160, 540)
    np.savez(tmp_path / path, **spoken(**arrays))
    with pytest.raises(ModelFileError, match=message):
        load(options, 80)
