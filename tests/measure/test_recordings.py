"""Recordings, data sets and networks through `lmu-hw simulate` and `lmu-hw verify`."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lmu_hw.measure import simulate as simulating
from lmu_hw.measure.output_file import real_outputs
from lmu_hw.models.importers.model_file import to_bytes
from lmu_hw.models.network import LinearMemory
from lmu_hw.program.fixedpoint import from_real
from lmu_hw.program.integer_program import Program, Role
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.verify.load_build import load_program
from tests.cli.command import call, refused
from tests.factories.builds import break_c, generate
from tests.factories.networks import lmu, rng, with_classes
from tests.tools import require

Capture = pytest.CaptureFixture[str]
ENGINES = ["interpreter", pytest.param("c", marks=pytest.mark.cc)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with a memory, and with a classifier with outputs at several rates."""
    place = tmp_path_factory.mktemp("recordings")
    generate(place / "memory", "--d", 4, "--channels", 2)
    first = lmu(rng(1), 2, kind="dense", n=6, memory=LinearMemory(order=3, theta=8.0, channels=2))
    (place / "model.npz").write_bytes(to_bytes(with_classes(first, bias=1.0)))
    for every in ("last", "1", "3"):
        generate(place / f"network_{every}", place / "model.npz", "--output-every", every)
    return place


def outputs_of(program: Program, x: np.ndarray) -> np.ndarray:
    """Return the output words of one recording from reset."""
    words, _ = from_real(x, program.with_role(Role.INPUT)[0].fmt)
    return Interpreter(program).run(words[:, None, :])[:, 0]


def ragged(*lengths: int, peak: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    return rng(7).uniform(-peak, peak, (sum(lengths), 2)), np.cumsum([0, *lengths])


def simulate(capsys: Capture, build_dir: Path, source: Path, target: Path, *options: object) -> Any:
    line = ("simulate", build_dir, "--input", source, "--output", target, *options)
    said = call(capsys, *line, "--json", "-q")
    assert said.code == 0, said
    return said.json


# data sets


@pytest.mark.some(2)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("every", ["last", "1", "3"])
def test_every_sequence_of_a_data_set_begins_from_reset(
    every: str, engine: str, place: Path, tmp_path: Path, capsys: Capture
) -> None:
    if engine == "c":
        require("cc|gcc|clang")
    build_dir = place / f"network_{every}"
    program = load_program(build_dir)
    x, offset = ragged(5, 9, 2, 5, 1)
    # answers are of no concern, whatever they are
    np.savez(tmp_path / "d.npz", x=x, offset=offset, y=np.zeros(77))
    options = ("--words", "--engine", engine)
    said = simulate(capsys, build_dir, tmp_path / "d.npz", tmp_path / "o.npz", *options)
    assert (said["recordings"], said["steps"], said["samples"]) == (5, 22, 44)
    wanted = [outputs_of(program, x[a:b]) for a, b in pairwise(offset)]
    with np.load(tmp_path / "o.npz") as found:
        assert set(found) == {"y", "y_frac_bits", "label", "label_frac_bits", "offset"}
        arrays = dict(found)
    assert arrays["offset"].tolist() == np.cumsum([0, *map(len, wanted)]).tolist()
    if every == "last":
        assert arrays["offset"].tolist() == [0, 1, 2, 3, 4, 5]
    words = np.concatenate(wanted)
    np.testing.assert_array_equal(arrays["y"], words[:, :3])
    np.testing.assert_array_equal(arrays["label"], words[:, 3])
    assert arrays["y"].dtype == arrays["label"].dtype == np.int16
    y = program.vector("y").fmt
    assert (arrays["y_frac_bits"], arrays["label_frac_bits"]) == (y.frac_bits, 0)
    assert said["formats"] == {"y": str(y), "label": "UQ2.0"}
    # real values are the words, labels stay integers
    simulate(capsys, build_dir, tmp_path / "d.npz", tmp_path / "o.npz", "--engine", engine)
    with np.load(tmp_path / "o.npz") as found:
        assert set(found) == {"y", "label", "offset"}
        np.testing.assert_array_equal(found["y"], arrays["y"] * 2.0 ** -arrays["y_frac_bits"])
        np.testing.assert_array_equal(found["label"], arrays["label"], strict=True)


def test_batches_do_not_matter(
    place: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = rng(5).uniform(-1, 1, (40, 6, 2))
    np.savez(tmp_path / "d.npz", x=x)
    simulate(capsys, place / "network_1", tmp_path / "d.npz", tmp_path / "a.npz")
    monkeypatch.setattr(simulating, "BATCH_VALUES", 50)
    simulate(capsys, place / "network_1", tmp_path / "d.npz", tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    with np.load(tmp_path / "a.npz") as found:
        assert found["y"].shape == (240, 3)


def test_a_data_set_of_words_and_a_memory(place: Path, tmp_path: Path, capsys: Capture) -> None:
    program = load_program(place / "memory")
    x = rng(1).integers(-30000, 30000, (3, 8, 2))
    np.savez(tmp_path / "w.npz", x=x)
    simulate(capsys, place / "memory", tmp_path / "w.npz", tmp_path / "o.npz", "--raw")
    wanted = [Interpreter(program).run(s[:, None])[:, 0] for s in x]
    with np.load(tmp_path / "o.npz") as found:
        np.testing.assert_array_equal(found["y"], np.concatenate(wanted))
        words = found["y"]
    np.savez(tmp_path / "r.npz", x=x / 2**10)
    options = ("--full-scale", 2**5)
    simulate(capsys, place / "memory", tmp_path / "r.npz", tmp_path / "o.npz", *options)
    with np.load(tmp_path / "o.npz") as found:
        np.testing.assert_array_equal(found["y"], 32 * real_outputs(program, words))


@pytest.mark.parametrize(
    ("arrays", "options", "text"),
    [
        ({"x": np.zeros((3, 4, 5))}, (), "x has 5 channels but the design takes 2"),
        ({"y": np.zeros(3)}, (), "must hold an array x (N, T, n)"),
        ({"x": np.zeros((3, 4, 2))}, ("--raw",), "x must hold integers, as raw words are"),
        ({"x": np.full((3, 4, 2), 40000)}, ("--raw",), "holds word 40000 at sample 0, column 0"),
        ({"x": np.full((3, 4, 2), np.nan)}, (), "x must hold finite real numbers"),
        ({"x": np.zeros((3, 4, 2))}, ("--columns", "1,2"), "--columns is for .npy, .csv and .wav"),
    ],
)
def test_data_sets_that_cannot_be(
    arrays: dict[str, Any], options: Any, text: str, place: Path, tmp_path: Path, capsys: Capture
) -> None:
    np.savez(tmp_path / "d.npz", **arrays)
    line = ("simulate", place / "memory", "--input", tmp_path / "d.npz", "--output")
    assert text in refused(capsys, *line, tmp_path / "o.npz", *options)
    assert not (tmp_path / "o.npz").exists()


def test_a_damaged_data_set(place: Path, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "d.npz").write_bytes(b"PK\3\4")
    line = ("simulate", place / "memory", "--input", tmp_path / "d.npz", "--output")
    assert "d.npz is not a .npz file, or is damaged" in refused(capsys, *line, tmp_path / "o.npz")
    assert "output must not be the input" in refused(capsys, *line, tmp_path / "d.npz")
    assert "needs a whole sample rate" in refused_wav(place, tmp_path, capsys)


def refused_wav(place: Path, tmp_path: Path, capsys: Capture) -> str:
    np.savez(tmp_path / "d.npz", x=np.zeros((3, 4, 2)))
    line = ("simulate", place / "memory", "--input", tmp_path / "d.npz", "--output")
    return refused(capsys, *line, tmp_path / "o.wav")


# text


def write_csv(path: Path, x: np.ndarray, offset: np.ndarray) -> Path:
    parts = [
        "".join(f"t{k},{a!r},note,{b!r}\n" for k, (a, b) in enumerate(x[i:j].tolist()))
        for i, j in pairwise(offset)
    ]
    path.write_text("time,ax,remark,ay\n" + "\n".join(parts))
    return path


def test_recordings_and_columns_of_a_csv_file(place: Path, tmp_path: Path, capsys: Capture) -> None:
    x, offset = ragged(5, 9, 2)
    source = write_csv(tmp_path / "log.csv", x, offset)
    program = load_program(place / "network_1")
    words = [outputs_of(program, x[a:b]) for a, b in pairwise(offset)]
    texts = []
    for columns in ("2,4", "ax,ay", "ax,4"):
        target = tmp_path / "o.csv"
        options = ("--columns", columns)
        said = call(
            capsys, "simulate", place / "network_1", "--input", source, "--output", target, *options
        )
        assert said.code == 0
        assert "3 recordings, 16 steps through" in said.out
        assert "the state reset between them" in said.out
        texts.append(target.read_text())
    assert len(set(texts)) == 1
    blocks = [block.splitlines() for block in texts[0].split("\n\n")]
    assert [len(block) for block in blocks] == [5, 9, 2]
    for block, rows in zip(blocks, words, strict=True):
        for line, row in zip(block, rows, strict=True):
            *scores, label = line.split(",")
            reals = real_outputs(program, row)
            assert [float(score) for score in scores] == reals[:3].tolist()
            # a label is no 2.0
            assert label == str(row[3])


def test_a_single_row_of_each_recording_is_a_line(
    place: Path, tmp_path: Path, capsys: Capture
) -> None:
    x, offset = ragged(5, 9, 2)
    source = write_csv(tmp_path / "log.csv", x, offset)
    options = ("--columns", "2,4", "--words")
    simulate(capsys, place / "network_last", source, tmp_path / "o.csv", *options)
    lines = (tmp_path / "o.csv").read_text().splitlines()
    program = load_program(place / "network_last")
    wanted = [outputs_of(program, x[a:b]) for a, b in pairwise(offset)]
    assert lines == [",".join(map(str, row.tolist())) for (row,) in wanted]
    simulate(capsys, place / "network_last", source, tmp_path / "o.npy", *options)
    np.testing.assert_array_equal(np.load(tmp_path / "o.npy"), np.concatenate(wanted))


def test_words_are_described(place: Path, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "u.csv").write_text("0.5,0.25\n")
    line = ("simulate", place / "memory", "--input", tmp_path / "u.csv", "--output")
    said = call(capsys, *line, tmp_path / "o.csv", "--words")
    fmt = load_program(place / "memory").vector("y").fmt
    assert f"words of y {fmt}, word * 2^{-fmt.frac_bits}" in said.out
    assert "words of" not in call(capsys, *line, tmp_path / "o.csv").out


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        ("ax", "--columns must name 2 columns, one for each input of the design, not 1"),
        ("ax,az", "log.csv has no column named 'az', only time, ax, remark, ay"),
        ("1,9", "log.csv has 4 columns, numbered from 1, but --columns asks for column 9"),
        ("0,1", "--columns must be numbers from 1, or names"),
        ("time,ax", "log.csv, line 2, column 1: 't0' is not a number"),
    ],
)
def test_columns_that_cannot_be(
    columns: str, text: str, place: Path, tmp_path: Path, capsys: Capture
) -> None:
    source = write_csv(tmp_path / "log.csv", *ragged(3, 2))
    line = ("--input", source, "--columns", columns)
    assert text in refused(
        capsys, "simulate", place / "memory", *line, "--output", tmp_path / "o.csv"
    )
    assert text in refused(capsys, "verify", place / "memory", *line)
    assert not (tmp_path / "o.csv").exists()


# what does not scale, and what is beyond the range


def test_a_network_has_no_full_scale(place: Path, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "u.csv").write_text("0.5,0.25\n")
    line = ("--input", tmp_path / "u.csv", "--full-scale")
    for every in ("1", "last"):
        build_dir = place / f"network_{every}"
        text = refused(capsys, "simulate", build_dir, *line, 8, "--output", tmp_path / "o.csv")
        assert "--full-scale is for a memory" in text
        assert "--input-peak" in text
        assert "--full-scale is for a memory" in refused(capsys, "verify", build_dir, *line, 8)
        assert not (tmp_path / "o.csv").exists()
    # nothing is scaled by 1
    build_dir = place / "network_1"
    line = ("simulate", build_dir, *line, 1, "--output", tmp_path / "o.csv")
    assert call(capsys, *line, "-q").code == 0
    line = ("simulate", place / "memory", "--input", tmp_path / "u.csv", "--output", "o.csv")
    text = refused(capsys, *line, "--raw", "--full-scale", "8")
    assert "--full-scale is for real values, and --raw reads and writes words" in text


def test_what_is_beyond_the_range_of_a_network_is_said(
    place: Path, tmp_path: Path, capsys: Capture
) -> None:
    np.savez(tmp_path / "d.npz", x=np.array([[[0.5, -7.5], [0.25, 3.0]]]))
    line = ("simulate", place / "network_1", "--input", tmp_path / "d.npz", "--output")
    said = call(capsys, *line, tmp_path / "o.npz")
    text = (
        "2 of 4 samples (50 %) were saturated, beyond the calibrated range: to keep them generate "
        "the network again with --input-peak 7.5, or calibrated on data like these"
    )
    assert text in said.out
    said = call(capsys, *line, tmp_path / "o.npz", "--json")
    assert (said.json["saturated"], said.json["notes"]) == (2, [text])


def test_no_output_in_so_few_steps(place: Path, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "u.csv").write_text("0.5,0.25\n\n0,0\n0,0\n")
    said = simulate(capsys, place / "network_3", tmp_path / "u.csv", tmp_path / "o.csv")
    assert said["notes"] == ["no output was due: the first comes after 3 steps"]
    assert (tmp_path / "o.csv").read_text() == ""


# verify


@pytest.mark.cc
def test_verify_plays_each_recording_from_reset(
    place: Path, tmp_path: Path, capsys: Capture
) -> None:
    require("cc|gcc|clang")
    source = write_csv(tmp_path / "log.csv", *ragged(5, 9, 2, peak=0.9))
    line = ("verify", place / "memory", "--backends", "c", "--input", source, "--columns", "ax,ay")
    said = call(capsys, *line, "--json", "-q").json
    assert said["recordings"] == 3
    assert said["notes"] == ["3 recordings, the state reset between them"]
    assert said["backends"]["c"] == {
        "steps": 16,
        "words": 16 * 8,
        "mismatches": 0,
        "silent_steps": 0,
    }
    assert "note: 3 recordings, the state reset between them" in call(capsys, *line).out
    few = call(capsys, *line, "--steps", 7, "--json", "-q").json
    assert few["backends"]["c"]["steps"] == 7


@pytest.mark.cc
def test_a_word_that_differs_is_found_in_its_recording(tmp_path: Path, capsys: Capture) -> None:
    require("cc|gcc|clang")
    assert call(capsys, "generate", "--d", 4, "-o", tmp_path / "out", "-q").code == 0
    break_c(tmp_path / "out")
    # zero input shows nothing of a coefficient
    u = np.round(rng(3).uniform(-0.9, 0.9, 60), 3)
    loud = "".join(f"{x}\n" for x in u)
    (tmp_path / "u.csv").write_text(f"0\n0\n\n0\n\n{loud}\n0\n")
    line = ("verify", tmp_path / "out", "--backends", "c", "--input", tmp_path / "u.csv")
    said = call(capsys, *line, "--json", "-q")
    assert said.code == 3
    assert said.json["backends"]["c"]["steps"] == 64
    (found,) = said.json["divergences"]
    replay = np.load(tmp_path / "out" / "c" / "build" / "first_divergence.npy").ravel()
    assert len(replay) == found["step"] + 1
    np.testing.assert_allclose(replay, u[: len(replay)], atol=2.0**-15)


def test_columns_take_a_file(place: Path, capsys: Capture) -> None:
    text = refused(capsys, "verify", place / "memory", "--columns", "1,2")
    assert "--columns needs --input: give the file too" in text
