"""Every example that trains: one command, which goes on after ``kill -9`` and leaves a picture."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the extra train is not installed")

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
TASKS = {
    "ecg_beats": ("ecg/mitbih_beats_120hz_i16.npz", "--limit=200"),
    "psmnist": ("mnist/mnist.npz", "--order=8", "--limit=300"),
    "spoken_digits": ("speech/fsdd_logmel20_i8.npz", "--limit=60"),
    "mackey_glass": ("mackey_glass/mackey_glass_lmu2019.npz", "--limit=4"),
    "vowels": ("vowels/JapaneseVowels_TRAIN.ts", "--limit=60"),
}
SHORT = ("--epochs=5", "--rival-epochs=3", "--qat-epochs=2", "--qat-bits=8", "--quiet")
NETWORKS = ("lmu", "lstm", "qat8")
PATIENCE = 900.0
"""Seconds until a network has trained for an epoch."""


def start(name: str, data_dir: Path, out: Path) -> subprocess.Popen[str]:
    command = [sys.executable, str(EXAMPLES / f"{name}.py"), "--data", str(data_dir)]
    command += ["--out", str(out), *TASKS[name][1:], *SHORT]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True)


def kill_after(process: subprocess.Popen[str], path: Path) -> None:
    """Kill a script, at once, when it has written a file."""
    until = time.monotonic() + PATIENCE
    while not path.is_file() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.002)
    process.kill()
    _, errors = process.communicate()
    assert path.is_file(), f"{path.name} is not written: {errors}"
    assert process.returncode == -signal.SIGKILL, "it had ended"


def finished(process: subprocess.Popen[str], out: Path, name: str) -> dict[str, Any]:
    """Return losses and scores of a script that runs to its end."""
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    report = json.loads((out / f"{name}.json").read_text())
    assert (out / f"{name}.png").stat().st_size > 10_000
    rows = {
        label: {key: value for key, value in row.items() if key != "s/epoch"}
        for label, row in report["rows"].items()
    }
    return {"losses": report["losses"], "rows": rows}


def first_epoch(path: Path) -> float:
    """Return the seconds that the first epoch of a checkpoint took: no two are alike."""
    seconds: float = torch.load(path, weights_only=True)["history"][0]["seconds"]
    return seconds


@pytest.mark.soak
@pytest.mark.parametrize("name", TASKS)
def test_an_example_goes_on_after_a_kill(name: str, tmp_path: Path, data_dir: Path) -> None:
    pytest.importorskip("matplotlib")
    if not (data_dir / TASKS[name][0]).is_file():
        pytest.skip(f"no {TASKS[name][0]} among the data sets")
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    checkpoints = {network: killed / f"{name}_{network}.pt" for network in NETWORKS}
    took = {}
    for network, path in checkpoints.items():
        kill_after(start(name, data_dir, killed), path)
        took[network] = first_epoch(path)
    found = finished(start(name, data_dir, killed), killed, name)
    # nothing that was trained is trained again
    assert took == {network: first_epoch(path) for network, path in checkpoints.items()}
    assert found == finished(start(name, data_dir, whole), whole, name)
