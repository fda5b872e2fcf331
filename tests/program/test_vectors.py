"""Test vectors: files read back the same, and the stimulus covers rails and zero-input runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lmu_hw.errors import ModelFileError
from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import Program, Role, Vector
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.program.vectors import Vectors, expect, read, stimulus, to_files
from tests.factories.builds import write_files
from tests.factories.network_programs import NETWORKS
from tests.factories.programs import PROGRAMS, cascade_program, copy

MIXED = PROGRAMS["mixed"]

EVERY_STEP = PROGRAMS | {n: p for n, p in NETWORKS.items() if p.output_every == 1}

every_program = pytest.mark.parametrize("program", EVERY_STEP.values(), ids=EVERY_STEP)


def copies(*formats: QFormat) -> Program:
    """Return a program that copies inputs of these formats, with a state that stays zero."""
    vectors = [
        Vector(name=f"{kind}{i}", length=i + 1, fmt=fmt, role=role)
        for kind, role in (("u", Role.INPUT), ("y", Role.OUTPUT))
        for i, fmt in enumerate(formats)
    ]
    vectors.append(Vector(name="m", length=2, fmt=QFormat(1, 4), role=Role.STATE))
    ops = tuple(copy(f"u{i}", f"y{i}") for i in range(len(formats)))
    return Program(title="copies", vectors=tuple(vectors), ops=ops)


def same(a: Vectors, b: Vectors) -> bool:
    return all(
        x.dtype == y.dtype == np.int64 and np.array_equal(x, y)
        for x, y in ((a.inputs, b.inputs), (a.outputs, b.outputs), (a.state, b.state))
    )


# Files.


@every_program
def test_files_come_back(program: Program, tmp_path: Path) -> None:
    vectors = expect(program, stimulus(program, 40, 1, 3)[:, 0])
    files = to_files(program, vectors)
    assert sorted(files) == ["input.hex", "output.hex", "state.hex"]
    write_files(tmp_path, files)
    assert same(read(program, tmp_path), vectors)
    assert to_files(program, read(program, tmp_path)) == files


def test_expected_words_are_the_interpreters() -> None:
    u = stimulus(MIXED, 30, 1, 0)[:, 0]
    vectors = expect(MIXED, u)
    interpreter = Interpreter(MIXED)
    assert np.array_equal(vectors.outputs, interpreter.run(u[:, None, :])[:, 0])
    assert np.array_equal(vectors.state, interpreter.save()[0])
    assert np.array_equal(vectors.inputs, u)


def test_words_are_twos_complement_at_the_width_of_their_format(tmp_path: Path) -> None:
    signed5, unsigned9 = QFormat(1, 4), QFormat(1, 8, signed=False)
    program = copies(signed5, unsigned9)
    inputs = np.array([[-16, 511, 0], [15, 256, 1], [-1, 0, 255]])
    vectors = expect(program, inputs)
    files = to_files(program, vectors)
    expected = "10\n1ff\n000\n0f\n100\n001\n1f\n000\n0ff\n"
    assert files == {"input.hex": expected, "output.hex": expected, "state.hex": "00\n00\n"}
    write_files(tmp_path, files)
    assert same(read(program, tmp_path), vectors)


def test_widths_of_every_kind(tmp_path: Path) -> None:
    formats = [QFormat(w, 0, s) for w in (1, 3, 4, 5, 16, 31, 32, 33, 61) for s in (True, False)]
    program = copies(*formats)
    low = np.concatenate([np.full(i + 1, f.min) for i, f in enumerate(formats)])
    high = np.concatenate([np.full(i + 1, f.max) for i, f in enumerate(formats)])
    vectors = expect(program, np.array([low, high, np.zeros_like(low)]))
    files = to_files(program, vectors)
    lines = files["input.hex"].split("\n")
    digits = [-(-f.width // 4) for i, f in enumerate(formats) for _ in range(i + 1)]
    assert [len(line) for line in lines] == [*digits * 3, 0]
    write_files(tmp_path, files)
    assert same(read(program, tmp_path), vectors)


@pytest.mark.parametrize("name", ["input.hex", "output.hex", "state.hex"])
@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "holds 0 words but should hold a multiple of {n}"),
        (b"\n\n", "holds 0 words but should hold a multiple of {n}"),
        (b"00\n" * 3, "holds 3 words but should hold a multiple of {n}"),
        (b"0g\n", "must hold hex words, one a line: .*"),
        (b"xx\n", "must hold hex words, one a line: .*"),
        (b"\xff\n", "must hold hex words, one a line: .*"),
        (b"0.5\n", "must hold hex words, one a line: .*"),
    ],
)
def test_damaged_files(name: str, content: bytes, text: str, tmp_path: Path) -> None:
    program = copies(QFormat(1, 4), QFormat(1, 4), QFormat(1, 4), QFormat(1, 4))
    write_files(tmp_path, to_files(program, expect(program, np.zeros((2, 10), dtype=np.int64))))
    (tmp_path / name).write_bytes(content)
    n = 2 if name == "state.hex" else 10
    with pytest.raises(ModelFileError, match=rf"{name} {text.format(n=n)}\Z") as error:
        read(program, tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("input.hex", "100\n"),  # 9 bits for a word of 8
        ("input.hex", "f" * 17 + "\n"),  # beyond int64
        ("input.hex", "-1\n"),
        ("input.hex", "0_1\n"),
        ("input.hex", "0x01\n"),
        ("output.hex", "00\n00\n"),  # two steps for the one step of the inputs
        ("state.hex", "0000\n" * 4),  # two states
    ],
)
def test_damage_that_still_looks_like_hex(name: str, content: str, tmp_path: Path) -> None:
    program = PROGRAMS["one_real"]
    write_files(tmp_path, to_files(program, expect(program, np.zeros((1, 1), dtype=np.int64))))
    (tmp_path / name).write_text(content)
    with pytest.raises(ModelFileError, match=name):
        read(program, tmp_path)


@pytest.mark.parametrize("name", ["input.hex", "output.hex", "state.hex"])
def test_missing_files(name: str, tmp_path: Path) -> None:
    write_files(tmp_path, to_files(MIXED, expect(MIXED, stimulus(MIXED, 5, 1, 0)[:, 0])))
    (tmp_path / name).unlink()
    with pytest.raises(ModelFileError, match=rf"cannot read .*{name}: No such file or directory"):
        read(MIXED, tmp_path)
    (tmp_path / name).mkdir()
    with pytest.raises(ModelFileError, match=rf"cannot read .*{name}: Is a directory"):
        read(MIXED, tmp_path)


# Stimulus.


@every_program
@pytest.mark.parametrize("n_steps", [1, 7, 100])
def test_stimulus_is_legal_input(program: Program, n_steps: int) -> None:
    u = stimulus(program, n_steps, 3, seed=1)
    assert u.dtype == np.int64
    assert u.shape == (n_steps, 3, program.n_words(Role.INPUT))
    fmt = program.with_role(Role.INPUT)[0].fmt
    fmt.check(u, "u")


@pytest.mark.parametrize(
    "fmt",
    [
        QFormat(3, 40),
        QFormat(1, 8, signed=False),
    ],
    ids=str,
)
def test_stimulus_of_several_formats(fmt: QFormat) -> None:
    program = copies(QFormat(1, 4), fmt)
    u = stimulus(program, 400, 2, seed=2)
    start = 0
    for v in program.with_role(Role.INPUT):
        part = u[:, :, start : start + v.length]
        v.fmt.check(part, v.name)
        assert (part.min(), part.max()) == (v.fmt.min, v.fmt.max)
        start += v.length


def test_stimulus_is_that_of_its_seed() -> None:
    u = stimulus(MIXED, 200, 2, seed=5)
    assert np.array_equal(stimulus(MIXED, 200, 2, seed=5), u)
    assert not np.array_equal(stimulus(MIXED, 200, 2, seed=6), u)
    assert not np.array_equal(u[:, 0], u[:, 1])


def longest_zero_run(u: np.ndarray) -> int:
    best = run = 0
    for quiet in (u == 0).all(axis=1):
        run = run + 1 if quiet else 0
        best = max(best, run)
    return best


@pytest.mark.parametrize("seed", range(3))
def test_stimulus_has_zero_runs_longer_than_the_window(seed: int) -> None:
    """A window too long for the gaps between impulses to fill it by chance.

    Streams draw their own pieces, and every one has it.
    """
    program = cascade_program(sections="r", window=200)
    u = stimulus(program, 6000, 4, seed)
    assert min(longest_zero_run(u[:, s]) for s in range(4)) > 200


@pytest.mark.parametrize("seed", range(3))
def test_stimulus_uses_the_whole_format(seed: int) -> None:
    u = stimulus(MIXED, 1000, 4, seed)
    for s in range(4):
        assert (u[:, s].min(), u[:, s].max()) == (-128, 127)
        assert len(np.unique(u[:, s])) > 48
        assert {-2, -1, 1, 2} <= set(u[:, s].ravel().tolist())  # small signals


def test_stimulus_without_a_memory() -> None:
    program = copies(QFormat(1, 7))
    assert stimulus(program, 50, 1, 0).any()
    assert stimulus(replace(program, title="none"), 0, 1, 0).shape == (0, 1, 1)
