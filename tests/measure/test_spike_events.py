"""`lmu-hw simulate --spikes`: every spike of every neuron."""

from __future__ import annotations

import json
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from lmu_hw.measure import spike_events
from lmu_hw.program.fixedpoint import from_real
from lmu_hw.program.integer_program import Program, Role
from lmu_hw.program.interpreter import Interpreter
from tests.cli.command import call, refused
from tests.factories.builds import write_files
from tests.factories.programs import cascade_program, stimulus
from tests.factories.spiking_programs import SPIKING
from tests.program.staggered import Staggered

N_STEPS = 160
NAMES = ["integrate_mixed", "integrate_channels", "poisson_mixed", "poisson_channels"]


def build(program: Program, build_dir: Path) -> Path:
    """Write as much of a build directory as simulate reads."""
    manifest = {"tool": "lmu-hw", "digest": program.digest, "files": {}}
    texts = {"program.json": program.to_json(), "manifest.json": json.dumps(manifest)}
    return write_files(build_dir, texts)


def simulate(
    program: Program, folder: Path, capsys: pytest.CaptureFixture[str], *argv: object
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return the words of the ``spikes`` output (n_steps, n_channels), and the file of spikes."""
    build_dir = build(program, folder / "out")
    command = ("simulate", build_dir, "--output", folder / "y.npz", "--raw", "-q")
    assert call(capsys, *command, "--spikes", folder / "s.npz", *argv).code == 0
    with np.load(folder / "y.npz") as outputs, np.load(folder / "s.npz") as found:
        return outputs["spikes"].reshape(-1, program.vector("spikes").length), dict(found)


@pytest.mark.parametrize("name", NAMES)
def test_spikes_of_a_step_are_those_of_the_output(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # in many pieces
    monkeypatch.setattr(spike_events, "BUFFER", 500)
    program = SPIKING[name]
    np.save(tmp_path / "u.npy", stimulus(program, N_STEPS))
    words, found = simulate(program, tmp_path, capsys, "--input", tmp_path / "u.npy")
    channels, d, _, H = found["shape"]
    assert (channels, 2 * d * H * channels) == (
        words.shape[1],
        program.ops[0].neurons(program.vector),
    )
    where = np.unravel_index(found["address"], found["shape"])
    counts = np.zeros_like(words)
    np.add.at(counts, (found["time"], where[0]), 1)
    np.testing.assert_array_equal(counts, words)
    assert found["offset"].tolist() == [0, words.sum()]
    assert (np.diff(found["time"]) >= 0).all()
    # a neuron fires once in a step
    assert len(np.unique(found["time"] * found["shape"].prod() + found["address"])) == words.sum()


@pytest.mark.parametrize("name", ["integrate_mixed", "integrate_channels"])
def test_staggered_neurons_fire_where_the_file_says(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = SPIKING[name]
    inputs = stimulus(program, N_STEPS)
    np.save(tmp_path / "u.npy", inputs)
    _, found = simulate(program, tmp_path, capsys, "--input", tmp_path / "u.npy")
    H = int(found["shape"][3])
    neurons = Staggered(program)
    for t, row in enumerate(inputs.tolist()):
        neurons.step(row)
        expected = [(membrane * 2 + sign) * H + i for membrane, sign, i in neurons.fired]
        assert sorted(found["address"][found["time"] == t]) == sorted(expected), t


def test_poisson_neurons_fire_at_their_draws(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = SPIKING["poisson_one"]
    inputs = stimulus(program, N_STEPS)
    np.save(tmp_path / "u.npy", inputs)
    words, found = simulate(program, tmp_path, capsys, "--input", tmp_path / "u.npy")
    states: list[int] = [0]
    Interpreter(program).run(
        inputs[:, None], watch=lambda words: states.append(int(words["z_inner"][0, 0]))
    )
    # one neuron for either sign: it is the one of the sign of the state
    signs = [int(states[t] < 0) for t in np.flatnonzero(words[:, 0])]
    assert 0 < sum(signs) < len(signs)
    assert found["address"].tolist() == signs


def test_recordings_of_different_lengths(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = SPIKING["poisson_channels"]
    u = stimulus(program, 3 * N_STEPS)
    lengths = [70, 9, 70, 30]
    offset = np.cumsum([0, *lengths])
    np.savez(tmp_path / "x.npz", x=u[: offset[-1]], offset=offset)
    words, found = simulate(program, tmp_path, capsys, "--input", tmp_path / "x.npz")
    np.save(tmp_path / "u.npy", u[79:149])
    _, alone = simulate(program, tmp_path, capsys, "--input", tmp_path / "u.npy")
    for name in ("address", "time"):
        part = found[name][found["offset"][2] : found["offset"][3]]
        np.testing.assert_array_equal(part, alone[name], strict=True)
    totals = [words[a:b].sum() for a, b in pairwise(offset)]
    assert np.diff(found["offset"]).tolist() == totals


def test_raster(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    program = SPIKING["poisson_readout"]
    build_dir = build(program, tmp_path / "out")
    np.save(tmp_path / "u.npy", stimulus(program, N_STEPS))
    argv = ("simulate", build_dir, "--input", tmp_path / "u.npy", "--output", tmp_path / "y.npz")
    said = call(capsys, *argv, "--raw", "--spikes", tmp_path / "a.PNG")
    assert (said.code, said.err) == (0, "")
    n_spikes = np.load(tmp_path / "y.npz")["spikes"].sum()
    share = n_spikes / N_STEPS / 192
    assert f"{n_spikes} spikes of 192 neurons ({share:.3g} a neuron and step)" in said.out
    said = call(capsys, *argv, "--raw", "--spikes", tmp_path / "b.png", "--json")
    assert said.json["spikes"] == {
        "file": str(tmp_path / "b.png"),
        "spikes": n_spikes,
        "neurons": 192,
    }
    assert (tmp_path / "a.PNG").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.PNG").read_bytes().startswith(b"\x89PNG")


def test_a_raster_counts_every_spike() -> None:
    program = SPIKING["poisson_channels"]
    lengths = np.array([50, 20])
    with spike_events.SpikeLog(program, 2) as log:
        for i, n in enumerate(lengths):
            inputs = stimulus(program, int(n), seed=i)[:, None]
            Interpreter(program).run(inputs, watch=log.start(np.array([i])))
            log.finish()
        share = log.raster(lengths)
        # fewer neurons and steps than cells: a cell each
        assert share.shape == (log.n_neurons, 70)
        assert share.sum() == log.n_spikes > 0
        assert set(share.ravel().tolist()) == {0.0, 1.0}


def test_what_does_not_go_is_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    neurons = build(SPIKING["integrate_one"], tmp_path / "neurons")
    plain = build(cascade_program(sections="p"), tmp_path / "plain")
    np.save(tmp_path / "u.npy", np.zeros((4, 1), dtype=np.int64))
    files = ("--input", tmp_path / "u.npy", "--output", tmp_path / "y.npy")
    with_spikes = (*files, "--raw", "--spikes", tmp_path / "s.npz")
    said = refused(capsys, "simulate", plain, *with_spikes)
    assert "one memory on neurons, not 0: generate it with --realization spiking" in said
    said = refused(capsys, "simulate", neurons, *with_spikes, "--engine", "c")
    assert "--spikes must go with --engine interpreter or auto, not c" in said
    for name, reason in (
        ("s.txt", "must end in .npz or .png"),
        ("no/s.npz", "there is no directory"),
        ("y.npz", "--spikes must not be"),
    ):
        argv = ("--input", tmp_path / "u.npy", "--output", tmp_path / "y.npz")
        assert reason in refused(capsys, "simulate", neurons, *argv, "--spikes", tmp_path / name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    said = refused(capsys, "simulate", neurons, *files, "--spikes", tmp_path / "s.png")
    assert "needs matplotlib: python -m pip install 'lmu-hw[plots]'" in said
    assert not list(tmp_path.glob("[sy].*"))


def test_a_full_temporary_directory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        def write(self, data: bytes) -> None:
            raise OSError(28, "No space left on device")

        def close(self) -> None:
            pass

    monkeypatch.setattr(spike_events.tempfile, "TemporaryFile", Full)
    program = SPIKING["integrate_one"]
    build_dir = build(program, tmp_path / "out")
    np.save(tmp_path / "u.npy", stimulus(program, 8))
    argv = ("--input", tmp_path / "u.npy", "--output", tmp_path / "y.npy", "--raw")
    said = refused(capsys, "simulate", build_dir, *argv, "--spikes", tmp_path / "s.npz")
    assert "No space left on device; set TMPDIR" in said
    assert not list(tmp_path.glob("[sy].np?"))


def test_outputs_are_those_without_spikes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = SPIKING["integrate_readout"]
    build_dir = build(program, tmp_path / "out")
    np.save(tmp_path / "u.npy", stimulus(program, 40))
    argv = ("simulate", build_dir, "--input", tmp_path / "u.npy", "--raw", "-q", "--output")
    assert call(capsys, *argv, tmp_path / "a.npy", "--engine", "interpreter").code == 0
    assert call(capsys, *argv, tmp_path / "b.npy", "--spikes", tmp_path / "s.npz").code == 0
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes()
    assert program.n_words(Role.OUTPUT) == np.load(tmp_path / "a.npy").shape[1]


@pytest.mark.parametrize("suffix", ["npz", "csv"])
def test_counts_are_in_no_unit(
    suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of real values a full scale is that of the memory; a spike is one."""
    program = SPIKING["integrate_mixed"]
    build_dir = build(program, tmp_path / "out")
    u = np.random.default_rng(0).uniform(-9.0, 9.0, 50)
    np.save(tmp_path / "u.npy", u)
    file = tmp_path / f"y.{suffix}"
    command = ("simulate", build_dir, "--input", tmp_path / "u.npy", "--output", file, "-q")
    assert call(capsys, *command, "--full-scale", 10).code == 0
    words, _ = from_real(u[:, None] / 10.0, program.vector("u").fmt)
    expected = Interpreter(program).run(words[:, None, :])[:, 0, -1]
    if suffix == "npz":
        with np.load(file) as found:
            got = found["spikes"]
    else:
        got = np.loadtxt(file, delimiter=",")[:, -1]
    assert expected.max() > 1
    np.testing.assert_array_equal(got, expected)
