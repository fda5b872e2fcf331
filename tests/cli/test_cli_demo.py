"""`lmu-hw demo` serves a page until Ctrl-C, and refuses what it cannot use in one line."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy as np
import pytest

import lmu_hw as lh

from ..tools import needs
from .command import refused

tools = needs("make", "cc|gcc|clang")


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the build directory of a memory."""
    path = tmp_path_factory.mktemp("demo") / "out"
    lh.compile(lh.Memory(4, theta=32), bits=12).write(path)
    return path


def test_ctrl_c_ends_it(build: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "u.npy", np.linspace(-2, 2, 50))
    words = ("demo", build, "--input", tmp_path / "u.npy", "--full-scale", "2", "--json")
    with subprocess.Popen(
        [sys.executable, "-m", "lmu_hw", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # no screen: no browser opens
        env={k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
        | {"TMPDIR": str(tmp_path), "BROWSER": ""},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        assert said["url"].startswith(f"http://127.0.0.1:{said['port']}/")
        with urllib.request.urlopen(said["url"], timeout=30) as answer:
            page = answer.read().decode()
        assert "<code>u.npy</code> runs through" in page
        assert "saturated" not in page
        # what was generated or compiled is gone while the page is served
        assert sorted(path.name for path in tmp_path.iterdir()) == ["u.npy"]
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "lmu-hw: interrupted\n")


def test_a_port_in_use_is_said(capsys: pytest.CaptureFixture[str], build: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = refused(capsys, "demo", build, "--port", port, "--no-browser")
    assert f"port {port} is in use; choose another with --port, or leave it out" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--port", "x"), "--port must be"),
        (("--rate", "0"), "--rate must be > 0"),
        (("--columns", "1"), "--columns must go with --input, which is missing"),
        (("--full-scale", "2"), "--full-scale must go with --input, which is missing"),
        (("--input", "none.wav"), "cannot read none.wav"),
        (("--input", "none.mp3"), "must end in .npy, .csv or .wav"),
        (("--model", "none.npz"), "none.npz"),
    ],
)
def test_bad_options_are_refused(
    capsys: pytest.CaptureFixture[str], build: Path, words: tuple[str, ...], said: str
) -> None:
    assert said in refused(capsys, "demo", build, "--no-browser", *words)


def test_a_model_needs_its_directory(capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys, "demo", "--model", "x.npz", "--no-browser")
    assert "--model must go with the build directory of a network, which is missing" in said


def test_a_directory_of_something_else(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert str(tmp_path) in refused(capsys, "demo", tmp_path, "--no-browser")
    lh.analog(2, "1ms").write(tmp_path / "circuit")
    assert "analog" in refused(capsys, "demo", tmp_path / "circuit", "--no-browser")
