"""`lmu-hw simulate`: files in and out, the same words from every engine."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from lmu_hw.measure import simulate as module
from lmu_hw.program.fixedpoint import from_real
from lmu_hw.program.integer_program import Program, Role
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.verify.load_build import load_program
from tests.cli.command import call, refused
from tests.factories.builds import generate, read_files
from tests.tools import require

SCALE = 1024.0


@pytest.fixture(scope="module")
def build_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate(tmp_path_factory.mktemp("simulate") / "out", "--d", 6, "--theta", 30)


@pytest.fixture(scope="module")
def program(build_dir: Path) -> Program:
    return load_program(build_dir)


@pytest.fixture
def wave() -> np.ndarray:
    t = np.arange(400)
    return SCALE * (0.7 * np.sin(t / 9) + 0.3 * np.sin(t))


def words_of(program: Program, u: np.ndarray) -> np.ndarray:
    """Return the output words of one stream of input words, shape (n_steps, n_in)."""
    return Interpreter(program).run(u[:, None, :])[:, 0]


def reals_of(program: Program, words: np.ndarray) -> np.ndarray:
    fmts = [v.fmt for v in program.with_role(Role.OUTPUT) for _ in range(v.length)]
    return np.stack([np.ldexp(words[:, k] * 1.0, -f.frac_bits) for k, f in enumerate(fmts)], axis=1)


@pytest.mark.parametrize("engine", ["interpreter", pytest.param("c", marks=pytest.mark.cc)])
def test_real_units_are_words_times_lsb_times_full_scale(
    engine: str,
    build_dir: Path,
    program: Program,
    wave: np.ndarray,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if engine == "c":
        require("cc|gcc|clang")
    np.save(tmp_path / "u.npy", wave)
    argv = ("simulate", build_dir, "--input", tmp_path / "u.npy", "--output", tmp_path / "m.npy")
    said = call(capsys, *argv, "--full-scale", SCALE, "--engine", engine, "--json")
    assert (said.code, said.err) == (0, "")
    u, n = from_real(wave[:, None] / SCALE, program.with_role(Role.INPUT)[0].fmt)
    expected = words_of(program, u)
    np.testing.assert_array_equal(
        np.load(tmp_path / "m.npy"), SCALE * reals_of(program, expected), strict=True
    )
    assert said.json == {
        "output": str(tmp_path / "m.npy"),
        "recordings": 1,
        "steps": 400,
        "samples": 400,
        "saturated": n,
        "engine": engine,
        "formats": {"y": "Q3.13"},
        "notes": [],
    }
    np.save(tmp_path / "words.npy", u)
    raw = ("simulate", build_dir, "--input", tmp_path / "words.npy", "--output", tmp_path / "y.npy")
    assert call(capsys, *raw, "--raw", "--engine", engine, "-q").code == 0
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), expected, strict=True)


def test_every_kind_of_file(
    build_dir: Path,
    program: Program,
    wave: np.ndarray,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pcm = np.round(wave / SCALE * 32767).astype(np.int16)
    wavfile.write(tmp_path / "u.wav", 360, pcm)
    np.save(tmp_path / "u.npy", pcm / 32768)
    np.savetxt(tmp_path / "u.csv", pcm / 32768, header="volts", comments="")
    expected = reals_of(program, words_of(program, pcm[:, None].astype(np.int64)))
    for source in ("u.wav", "u.npy", "u.csv"):
        for suffix in (".npy", ".csv", ".WAV"):
            target = tmp_path / f"out{suffix}"
            argv = ("simulate", build_dir, "--input", tmp_path / source, "--output", target)
            if suffix == ".WAV" and source != "u.wav":
                assert "needs a whole sample rate" in refused(capsys, *argv)
                continue
            assert call(capsys, *argv, "-q").code == 0
            if suffix == ".npy":
                np.testing.assert_array_equal(np.load(target), expected)
            elif suffix == ".csv":
                np.testing.assert_array_equal(np.loadtxt(target, delimiter=","), expected)
            else:
                rate, data = wavfile.read(target)
                assert rate == 360
                # 32-bit floats hold words of 16 bits exactly
                np.testing.assert_array_equal(data, expected)
            target.unlink()


def test_saturated_samples_are_counted(
    build_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "u.csv").write_text("0.5\n1\n-1\n-1.5\n2\n0\n")
    argv = ("simulate", build_dir, "--input", tmp_path / "u.csv", "--output", tmp_path / "m.csv")
    said = call(capsys, *argv)
    # 1.0 itself is one LSB above the largest word of Q1.15, as in any converter
    assert "2 of 6 samples (33.3 %) were saturated: raise --full-scale (now 1)" in said.out
    assert call(capsys, *argv, "--json").json["saturated"] == 2
    said = call(capsys, *argv, "--full-scale", "2.5")
    assert "raise" not in said.out
    assert call(capsys, *argv, "--full-scale", "2.5", "--json").json["saturated"] == 0


def test_samples_beyond_all_bounds(
    build_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "u.csv").write_text("1e308\n-1e308\n")
    (tmp_path / "one.csv").write_text("1\n-1\n")
    argv = (
        "simulate",
        build_dir,
        "--output",
        tmp_path / "m.csv",
        "--full-scale",
        "1e-99",
        "--input",
    )
    said = call(capsys, *argv, tmp_path / "u.csv")
    assert (said.code, said.err) == (0, "")
    assert "2 of 2 samples (100 %)" in said.out
    saturated = (tmp_path / "m.csv").read_text()
    assert call(capsys, *argv, tmp_path / "one.csv").code == 0
    assert (tmp_path / "m.csv").read_text() == saturated


def test_channels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert call(capsys, "generate", "--d", 3, "--channels", 2, "-o", out, "-q").code == 0
    rng = np.random.default_rng(0)
    u = rng.uniform(-2, 2, (90, 2))
    np.save(tmp_path / "u.npy", u)
    argv = ("simulate", out, "--input", tmp_path / "u.npy", "--output", tmp_path / "m.npy")
    said = call(capsys, *argv, "--json").json
    outside = np.abs(u) >= 1
    assert said["samples"] == 180
    assert abs(said["saturated"] - np.count_nonzero(outside)) <= 2
    both = np.load(tmp_path / "m.npy")
    assert both.shape == (90, 6)
    program = load_program(out)
    words, _ = from_real(u, program.with_role(Role.INPUT)[0].fmt)
    np.testing.assert_array_equal(both, reals_of(program, words_of(program, words)))
    np.save(tmp_path / "u.npy", u[:, :1])
    line = refused(capsys, *argv)
    assert "has 1 column but the design takes 2 inputs" in line
    np.save(tmp_path / "u.npy", u.T)
    assert "transpose it" in refused(capsys, *argv)


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("none.csv", None, "cannot read"),
        ("u.csv", "", "no samples"),
        ("u.csv", "1\ntwo\n", "line 2, column 1: 'two' is not a number"),
        ("u.csv", "1\nnan\n", "line 2, column 1: 'nan' is not finite"),
        ("u.csv", "1\n-inf\n", "'-inf' is not finite"),
        ("u.csv", "1,2\n3,4\n", "has 2 columns but the design takes 1 input"),
        ("u.csv", "1\n2,3\n", "line 2 has 2 cells"),
        ("u.npy", "garbage", "numpy.save"),
        ("u.wav", "RIFF", "u.wav"),
        ("u.txt", "1\n", "must end in .npy, .csv or .wav"),
    ],
)
def test_bad_input_files(
    name: str,
    content: str | None,
    text: str,
    build_dir: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path, target = tmp_path / name, tmp_path / "m.npy"
    if content is not None:
        path.write_text(content)
    for argv in (
        ("simulate", build_dir, "--input", path, "--output", target),
        ("verify", build_dir, "--input", path),
    ):
        line = refused(capsys, *argv)
        assert text in line
        assert name in line
    assert not target.exists()


def test_damaged_arrays(
    build_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, target = tmp_path / "u.npy", tmp_path / "m.npy"
    argv = ("simulate", build_dir, "--input", path, "--output", target)
    for bad in (np.nan, np.inf):
        u = np.zeros(50)
        u[17] = bad
        np.save(path, u)
        assert f"holds {bad} at sample 17, column 0" in refused(capsys, *argv)
    np.save(path, np.zeros(50))
    path.write_bytes(path.read_bytes()[:-7])
    assert "not a complete array" in refused(capsys, *argv)
    np.save(path, np.array(["a", "b"]))
    assert "must hold real numbers" in refused(capsys, *argv)
    np.save(path, np.zeros((2, 2, 2)))
    assert "has shape (2, 2, 2)" in refused(capsys, *argv)
    np.save(path, np.array([0, 32768]))
    line = refused(capsys, *argv, "--raw")
    assert "holds word 32768 at sample 1, column 0" in line
    assert "-32768 to 32767" in line
    np.save(path, np.array([0.5]))
    assert "integers, as raw words are" in refused(capsys, *argv, "--raw")
    assert not target.exists()


@pytest.mark.parametrize("scale", ["0", "-1", "nan", "inf", "abc", "", "1e400", "1e-320", "1e308"])
def test_full_scale(
    scale: str, build_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "u.csv").write_text("0\n")
    argv = ("--input", tmp_path / "u.csv", "--full-scale", scale)
    line = refused(capsys, "simulate", build_dir, *argv, "--output", tmp_path / "m.csv")
    assert "--full-scale must be" in line
    assert "--full-scale must be" in refused(capsys, "verify", build_dir, *argv)
    assert not (tmp_path / "m.csv").exists()


def test_outputs_that_cannot_be(
    build_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "u.csv"
    source.write_text("0.25\n")
    (tmp_path / "link.csv").symlink_to(source)
    os.link(source, tmp_path / "hard.csv")
    (tmp_path / "folder.csv").mkdir()
    for name, text in (
        ("u.csv", "output must not be the input"),
        ("link.csv", "output must not be the input"),
        ("hard.csv", "output must not be the input"),
        ("folder.csv", "is a directory"),
        ("none/m.csv", "there is no directory"),
        ("u.csv/m.csv", "there is no directory"),
        ("m.txt", "must end in .npy, .csv, .wav, .npz"),
        ("m", "must end in"),
        (".csv", "must end in"),
    ):
        argv = ("simulate", build_dir, "--input", source, "--output", tmp_path / name)
        assert text in refused(capsys, *argv), name
    assert source.read_text() == "0.25\n"
    assert sorted(read_files(tmp_path)) == ["hard.csv", "link.csv", "u.csv"]


def test_an_existing_output_survives_errors_and_ctrl_c(
    build_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source, target = tmp_path / "u.csv", tmp_path / "m.csv"
    source.write_text("0.25\n0.5\n")
    argv = ("simulate", build_dir, "--input", source, "--output", target)
    for old in (None, "old\n"):
        if old:
            target.write_text(old)
        before = read_files(tmp_path)
        for error, code in ((KeyboardInterrupt(), 130), (OSError(28, "No space left"), 1)):

            def fail(*_: object, error: BaseException = error) -> None:
                raise error

            with monkeypatch.context() as patch:
                patch.setattr(Interpreter, "run", fail)
                assert call(capsys, *argv, "--engine", "interpreter").code == code
            with monkeypatch.context() as patch:
                patch.setattr(os, "replace", fail)
                said = call(capsys, *argv)
            assert said.code == code
            assert said.err.count("\n") == 1
            assert read_files(tmp_path) == before


def test_auto_engine(build_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "u.csv").write_text("0.25\n0.5\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    result = module.simulate(
        load_program(build_dir),
        tmp_path / "u.csv",
        tmp_path / "m.csv",
        full_scale=1.0,
        raw=False,
        engine="auto",
        quiet=True,
    )
    assert result.engine == "interpreter"


def test_c_engine_without_a_compiler(
    build_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "u.csv").write_text("0.25\n0.5\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    argv = ("simulate", build_dir, "--input", tmp_path / "u.csv", "--output", tmp_path / "m.csv")
    assert "install a C compiler" in refused(capsys, *argv, "--engine", "c")
    assert not (tmp_path / "m.csv").exists()


def test_tampered_build_directory(
    build_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("program.json", "manifest.json"):
        (copy / name).write_bytes((build_dir / name).read_bytes())
    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps(manifest | {"digest": "0"}))
    (tmp_path / "u.csv").write_text("0.25\n")
    argv = ("simulate", copy, "--input", tmp_path / "u.csv", "--output", tmp_path / "m.csv")
    assert "generate it again" in refused(capsys, *argv)
